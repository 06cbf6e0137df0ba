//! `strongroom account|group|policy|access-key|token …`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;

use super::{
    Connection,
    administer::{NOTHING, ask, done, encoded, show},
    failure::CommandError,
};
use crate::{
    admin::identity::{KeySwitch, Language, NewGroup, NewSimulation, NewToken, PolicyText, Secret},
    files,
};

/// Accounts.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account; the only time its root's secret is shown
    Create {
        #[command(flatten)]
        to: Connection,
    },
    /// List all accounts
    List {
        #[command(flatten)]
        to: Connection,
    },
}

/// Groups.
#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// Make a group
    Create(Named),
    /// List all groups
    List {
        #[command(flatten)]
        to: Connection,
    },
    /// Delete a group without members
    Delete(Named),
    /// Put a user into a group
    Add(Member),
    /// Take a user out of a group
    Remove(Member),
}

/// Policies.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Make a policy, or replace it
    Put {
        /// The policy's name
        name: String,
        /// The document, in the language of OBS, OSS or AWS
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// Its language [default: guessed by its version]
        #[arg(long, value_enum)]
        language: Option<Language>,
        #[command(flatten)]
        to: Connection,
    },
    /// Show a policy
    Show(Named),
    /// List all policies
    List {
        #[command(flatten)]
        to: Connection,
    },
    /// Delete a policy that nobody holds
    Delete(Named),
    /// Attach a policy
    Attach(Held),
    /// Detach a policy
    Detach(Held),
    /// Ask what would be decided, and by which statement
    Simulate {
        /// root, user/NAME or anonymous
        #[arg(long)]
        principal: String,
        /// What it would do: s3:GetObject, oss:PutObject, obs:object:PutObject, kms:Decrypt
        #[arg(long)]
        action: String,
        /// To what: BUCKET, BUCKET/KEY, key/ID or *
        #[arg(long)]
        resource: String,
        /// A header of the request, as "name: value"; may be repeated
        #[arg(long = "header", value_name = "HEADER")]
        headers: Vec<String>,
        /// The address it would come from
        #[arg(long)]
        source: Option<std::net::IpAddr>,
        /// Whether it would come over plain HTTP
        #[arg(long)]
        plain_http: bool,
        #[command(flatten)]
        to: Connection,
    },
}

/// Access keys.
#[derive(Debug, Subcommand)]
pub(super) enum AccessKeyCommand {
    /// Make one more access key for a user; the only time its secret is shown
    Create(OfUser),
    /// List a user's access keys
    List(OfUser),
    /// Make a disabled access key good again
    Enable(OneAccessKey),
    /// Disable an access key
    Disable(OneAccessKey),
    /// Delete an access key
    Delete(OneAccessKey),
}

/// Temporary access keys.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Issue one to oneself
    Issue {
        /// How long it is good, in seconds: 900 to 129600
        #[arg(long, default_value_t = 3600)]
        duration: u32,
        /// What it may do at most
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        #[command(flatten)]
        to: Connection,
    },
}

/// Something with a name.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its name
    name: String,
    #[command(flatten)]
    to: Connection,
}

/// A user of a group.
#[derive(Debug, Args)]
pub(super) struct Member {
    /// The group
    group: String,
    /// The user
    user: String,
    #[command(flatten)]
    to: Connection,
}

/// A policy and its holder.
#[derive(Debug, Args)]
pub(super) struct Held {
    /// The policy
    policy: String,
    /// root, user/NAME or group/NAME
    holder: String,
    #[command(flatten)]
    to: Connection,
}

/// A user.
#[derive(Debug, Args)]
pub(super) struct OfUser {
    /// The user
    user: String,
    #[command(flatten)]
    to: Connection,
}

/// An access key of a user.
#[derive(Debug, Args)]
pub(super) struct OneAccessKey {
    /// The user
    user: String,
    /// The access key's id
    id: String,
    #[command(flatten)]
    to: Connection,
}

/// `strongroom account …`.
pub(super) async fn account(command: AccountCommand) -> Result<(), CommandError> {
    match command {
        AccountCommand::Create { to } => secret(&to, "/accounts", NOTHING).await,
        AccountCommand::List { to } => list(&to, "/accounts", "accounts").await,
    }
}

/// `strongroom group …`.
pub(super) async fn group(command: GroupCommand) -> Result<(), CommandError> {
    let member = |member: &Member| format!("/groups/{}/members/{}", encoded(&member.group), encoded(&member.user));
    match command {
        GroupCommand::Create(Named { name, to }) => done(&to, Method::POST, "/groups", Some(&NewGroup { name })).await,
        GroupCommand::List { to } => list(&to, "/groups", "groups").await,
        GroupCommand::Delete(Named { name, to }) => {
            done(&to, Method::DELETE, &format!("/groups/{}", encoded(&name)), NOTHING).await
        }
        GroupCommand::Add(one) => done(&one.to, Method::PUT, &member(&one), NOTHING).await,
        GroupCommand::Remove(one) => done(&one.to, Method::DELETE, &member(&one), NOTHING).await,
    }
}

/// `strongroom policy …`.
pub(super) async fn policy(command: PolicyCommand) -> Result<(), CommandError> {
    let at = |name: &str| format!("/policies/{}", encoded(name));
    match command {
        PolicyCommand::Put { name, file, language, to } => {
            done(&to, Method::PUT, &at(&name), Some(&PolicyText { language, text: text(&file)? })).await
        }
        PolicyCommand::Show(Named { name, to }) => {
            let policy: Value = ask(&to, Method::GET, &at(&name), NOTHING).await?;
            show(&to, &policy, || policy["text"].as_str().unwrap_or_default().to_owned())
        }
        PolicyCommand::List { to } => list(&to, "/policies", "policies").await,
        PolicyCommand::Delete(Named { name, to }) => done(&to, Method::DELETE, &at(&name), NOTHING).await,
        PolicyCommand::Attach(held) => done(&held.to, Method::PUT, &held.path()?, NOTHING).await,
        PolicyCommand::Detach(held) => done(&held.to, Method::DELETE, &held.path()?, NOTHING).await,
        PolicyCommand::Simulate { principal, action, resource, headers, source, plain_http, to } => {
            let document = NewSimulation { principal, action, resource, headers, source, plain_http };
            let answer: Value = ask(&to, Method::POST, "/simulations", Some(&document)).await?;
            show(&to, &answer, || answer["decision"].as_str().unwrap_or_default().to_owned())
        }
    }
}

/// `strongroom access-key …`.
pub(super) async fn access_key(command: AccessKeyCommand) -> Result<(), CommandError> {
    let all = |user: &str| format!("/users/{}/access-keys", encoded(user));
    let at = |one: &OneAccessKey| format!("{}/{}", all(&one.user), encoded(&one.id));
    match command {
        AccessKeyCommand::Create(OfUser { user, to }) => secret(&to, &all(&user), NOTHING).await,
        AccessKeyCommand::List(OfUser { user, to }) => list(&to, &all(&user), "access_keys").await,
        AccessKeyCommand::Enable(one) => {
            done(&one.to, Method::PUT, &at(&one), Some(&KeySwitch { enabled: true })).await
        }
        AccessKeyCommand::Disable(one) => {
            done(&one.to, Method::PUT, &at(&one), Some(&KeySwitch { enabled: false })).await
        }
        AccessKeyCommand::Delete(one) => done(&one.to, Method::DELETE, &at(&one), NOTHING).await,
    }
}

/// `strongroom token …`.
pub(super) async fn token(command: TokenCommand) -> Result<(), CommandError> {
    let TokenCommand::Issue { duration, policy, to } = command;
    let policy = policy.map(|file| text(&file)).transpose()?.map(|text| PolicyText { language: None, text });
    secret(&to, "/tokens", Some(&NewToken { seconds: duration, policy })).await
}

impl Held {
    fn path(&self) -> Result<String, CommandError> {
        let policy = encoded(&self.policy);
        match self.holder.split_once('/') {
            None if self.holder == "root" => Ok(format!("/accounts/root/policies/{policy}")),
            Some(("user", name)) => Ok(format!("/users/{}/policies/{policy}", encoded(name))),
            Some(("group", name)) => Ok(format!("/groups/{}/policies/{policy}", encoded(name))),
            _ => Err(CommandError::Usage("a holder is root, user/NAME or group/NAME".to_owned())),
        }
    }
}

fn text(file: &Path) -> Result<String, CommandError> {
    files::read_text(file).map_err(|error| CommandError::Usage(format!("cannot read {}: {error}", file.display())))
}

/// Asks for something with a secret in it, and shows it once.
async fn secret(to: &Connection, path: &str, document: Option<&impl serde::Serialize>) -> Result<(), CommandError> {
    let made: Secret = ask(to, Method::POST, path, document).await?;
    show(to, &made, || {
        let lines = [
            ("account     ", made.account.as_deref()),
            ("access key  ", Some(made.access_key.as_str())),
            ("secret key  ", Some(made.secret_key.as_str())),
            ("token       ", made.token.as_deref()),
            ("expires     ", made.expires.as_deref()),
        ];
        let lines = lines.iter().filter_map(|(title, value)| value.map(|value| format!("{title}{value}\n")));
        lines.collect::<String>() + "\nThe secret is shown this once; keep it."
    })
}

/// Lists what stands under `name` in the answer, one a line.
async fn list(to: &Connection, path: &str, name: &str) -> Result<(), CommandError> {
    let answer: Value = ask(to, Method::GET, path, NOTHING).await?;
    show(to, &answer, || {
        let rows = answer[name].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// One thing: its name or id first, then the rest; texts of policies are left to `policy show`.
fn line(row: &Value) -> String {
    let spell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    match row.as_object() {
        None => spell(row),
        Some(fields) => {
            let first = fields.get("name").or(fields.get("id")).map(spell).unwrap_or_default();
            let rest = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "name" | "id" | "text"));
            rest.fold(first, |line, (name, value)| format!("{line}  {name}={}", spell(value)))
        }
    }
}
