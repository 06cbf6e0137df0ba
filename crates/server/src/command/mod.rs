//! The command line: what a person types, and what a person reads.

mod administer;
mod audit;
mod backup;
mod check;
mod client;
mod failure;
mod identity;
mod inventory;
mod job;
mod lifecycle;
mod logging;
mod recover;
mod scrub;
mod sdk;
mod serve;
mod table;
mod welcome;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{admin::request::Spec, config::Config};
use failure::CommandError;

/// Object storage whose whole point is server-side encryption: OBS, OSS and S3 in one binary.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Settings),
    /// Customer master keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Users and their access keys
    #[command(subcommand)]
    User(UserCommand),
    /// Accounts; the first one's business
    #[command(subcommand)]
    Account(identity::AccountCommand),
    /// Groups of users
    #[command(subcommand)]
    Group(identity::GroupCommand),
    /// Policies: who may do what
    #[command(subcommand)]
    Policy(identity::PolicyCommand),
    /// Access keys of users
    #[command(subcommand)]
    AccessKey(identity::AccessKeyCommand),
    /// Temporary access keys
    #[command(subcommand)]
    Token(identity::TokenCommand),
    /// Buckets
    #[command(subcommand)]
    Bucket(BucketCommand),
    /// Objects
    #[command(subcommand)]
    Object(ObjectCommand),
    /// Follow the buckets' lifecycle rules, which happens once a day by itself
    #[command(subcommand)]
    Lifecycle(lifecycle::LifecycleCommand),
    /// Write the reports of buckets' inventories, which happens by itself when they are due
    #[command(subcommand)]
    Inventory(inventory::InventoryCommand),
    /// Look at everything that is stored, and say what is damaged
    Scrub(scrub::ScrubCommand),
    /// Take a backup of the whole store while it is served
    Backup(backup::BackupCommand),
    /// Restore a backup into an empty data folder
    Restore(backup::RestoreCommand),
    /// The audit trail: who used which key for what
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Rebuild a lost catalog from the blobs and the ledger, and say what could not be rebuilt
    Recover(recover::RecoverCommand),
    /// Show the effective configuration and prove that keys can be wrapped and unwrapped
    Check {
        #[command(flatten)]
        settings: Settings,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
struct Settings {
    /// Configuration file (TOML); STRONGROOM__SECTION__FIELD in the environment overrides it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, made on first start [default: ./strongroom-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key
    Create {
        /// Its cipher
        #[arg(long, value_enum, default_value_t)]
        spec: Spec,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// A first alias
        #[arg(long)]
        alias: Option<String>,
        #[command(flatten)]
        to: Connection,
    },
    /// List all keys
    List {
        #[command(flatten)]
        to: Connection,
    },
    /// Describe one key
    Describe(OneKey),
    /// Let a key seal and open
    Enable(OneKey),
    /// Stop a key from sealing and opening
    Disable(OneKey),
    /// Plan a key's destruction: what it sealed is lost then
    ScheduleDeletion {
        /// Days until then, 7 to 1096
        #[arg(long = "days", default_value_t = 30, value_name = "DAYS")]
        pending_days: u32,
        #[command(flatten)]
        key: OneKey,
    },
    /// Keep a key whose destruction was planned; it comes back disabled
    CancelDeletion(OneKey),
    /// Names for keys
    #[command(subcommand)]
    Alias(AliasCommand),
}

#[derive(Debug, Args)]
struct OneKey {
    /// Key id, alias/NAME, or an ARN
    key: String,
    #[command(flatten)]
    to: Connection,
}

#[derive(Debug, Subcommand)]
enum AliasCommand {
    /// Point an alias at a key
    Set {
        /// The alias
        alias: String,
        #[command(flatten)]
        key: OneKey,
    },
    /// Remove an alias
    Remove {
        /// The alias
        alias: String,
        #[command(flatten)]
        to: Connection,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a user with an access key; the only time its secret is shown
    Create(OneUser),
    /// List all users
    List {
        #[command(flatten)]
        to: Connection,
    },
    /// Delete a user and its access keys
    Delete(OneUser),
}

#[derive(Debug, Args)]
struct OneUser {
    /// The user's name
    name: String,
    #[command(flatten)]
    to: Connection,
}

#[derive(Debug, Subcommand)]
enum BucketCommand {
    /// List all buckets
    List {
        #[command(flatten)]
        to: Connection,
    },
}

#[derive(Debug, Subcommand)]
enum ObjectCommand {
    /// How an object is stored and sealed
    Describe {
        /// Its bucket
        bucket: String,
        /// Its key
        key: String,
        /// A version other than the current one
        #[arg(long)]
        version: Option<String>,
        #[command(flatten)]
        to: Connection,
    },
}

/// Which server to ask, and as whom.
#[derive(Debug, Args)]
struct Connection {
    /// Configuration file of the server on this host; its environment counts too
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's admin address [default: the configured listen.admin, http://127.0.0.1:9002]
    #[arg(long, env = "STRONGROOM_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Certificate of the authority to trust, for an https endpoint (PEM)
    #[arg(long, env = "STRONGROOM_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Data folder of the server on this host, where its admin token is [default: ./strongroom-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The admin token's file, if it is elsewhere
    #[arg(long, env = "STRONGROOM_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Sign with this access key instead; its secret is taken from STRONGROOM_SECRET_KEY
    #[arg(long, env = "STRONGROOM_ACCESS_KEY", value_name = "ID")]
    access_key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CommandLine {
    /// Does what was typed, and answers the exit code.
    pub(crate) async fn run(self) -> std::process::ExitCode {
        let done = match self.command {
            Command::Serve(settings) => serve::serve(&settings).await,
            Command::Check { settings, json } => check::check(&settings, json).await,
            Command::Scrub(command) => scrub::scrub(command).await,
            Command::Backup(command) => backup::back_up(&command).await,
            Command::Restore(command) => backup::restore(&command).await,
            Command::Lifecycle(command) => lifecycle::lifecycle(command).await,
            Command::Inventory(command) => inventory::inventory(command).await,
            Command::Audit(command) => audit::audit(command).await,
            Command::Recover(command) => recover::recover(&command).await,
            Command::Key(command) => administer::key(command).await,
            Command::User(command) => administer::user(command).await,
            Command::Account(command) => identity::account(command).await,
            Command::Group(command) => identity::group(command).await,
            Command::Policy(command) => identity::policy(command).await,
            Command::AccessKey(command) => identity::access_key(command).await,
            Command::Token(command) => identity::token(command).await,
            Command::Bucket(BucketCommand::List { to }) => administer::buckets(&to).await,
            Command::Object(ObjectCommand::Describe { bucket, key, version, to }) => {
                administer::object(&bucket, &key, version.as_deref(), &to).await
            }
        };
        match done {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(error) => failure::report(&error),
        }
    }
}

/// The configuration from a file, this process's environment, and the flag.
fn configuration(file: Option<&Path>, data: Option<PathBuf>) -> Result<Config, CommandError> {
    let environment =
        std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    Ok(Config::load(file, environment, data)?)
}

/// Writes a text to standard output. A reader that has left, as `head` does, is no failure.
fn print(text: &str) -> Result<(), CommandError> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CommandError::Output(error)),
        _ => Ok(()),
    }
}
