//! How a command fails: one line that says what happened and what to do, and an exit code that a script can test.

use std::{io, path::PathBuf, process::ExitCode};

use strongroom_model::failure::chain;

use crate::{
    admin::token::TokenError,
    config::ConfigError,
    listen::{BindError, tls::TlsError},
};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An argument or a variable makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The server cannot start.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The server cannot offer TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The admin token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(#[from] strongroom_store::OpenError),
    /// The key service did not prove itself.
    #[error("the configuration can be read, but keys cannot be wrapped and unwrapped: {0}")]
    Proof(String),
    /// No server answers.
    #[error("no server answers at {endpoint}: {reason}; start it with `strongroom serve`, or name it with --endpoint")]
    Unreachable { endpoint: String, reason: String },
    /// The server refused.
    #[error("{message} ({code}, request {request_id})")]
    Refused { code: String, message: String, request_id: String },
    /// The server answered something that we do not understand.
    #[error("{endpoint} does not answer as a Strongroom admin API: {reason}; its port is 9002 unless configured")]
    Foreign { endpoint: String, reason: String },
    /// The scrub has found damage.
    #[error("{found} things are not as they were acknowledged; the server's log has them all")]
    Damage { found: u64 },
    /// The server's answer ended early.
    #[error("{endpoint} broke off its answer: {reason}; its log says why")]
    BrokenOff { endpoint: String, reason: String },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Nothing, or not all, can be restored.
    #[error(transparent)]
    Restore(#[from] strongroom_store::RestoreError),
    /// Blobs are missing.
    #[error(
        "it is restored, but {missing} blobs are missing: put them into the folder of blobs, or delete their objects"
    )]
    Missing { missing: u64 },
    /// The audit trail is not as it was written.
    #[error("{found} things in the audit trail are not as they were written")]
    AuditChanged { found: u64 },
    /// The audit trail's keys cannot be used.
    #[error(transparent)]
    Audit(#[from] strongroom_store::audit::OpenError),
    /// What was to be shown cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// Something that this process needs from the system.
    #[error("{what}: {source}")]
    System { what: &'static str, source: io::Error },
}

/// Exit code: the server refused, or failed.
const REFUSED: u8 = 1;
/// Exit code: wrong usage or configuration; clap uses it too.
const USAGE: u8 = 2;
/// Exit code: no server can be reached.
const UNREACHABLE: u8 = 3;
/// Exit code: the server cannot start.
const NOT_STARTED: u8 = 4;

/// Writes the error's line to standard error, and answers the exit code.
pub(super) fn report(error: &CommandError) -> ExitCode {
    use std::io::Write as _;
    let line = chain(error).replace('\n', "; ");
    // Nobody is left to tell if standard error is closed; the exit code says it too.
    drop(writeln!(io::stderr(), "strongroom: {line}"));
    ExitCode::from(match error {
        CommandError::Config(_) | CommandError::Usage(_) | CommandError::File { .. } => USAGE,
        CommandError::Unreachable { .. } | CommandError::Foreign { .. } => UNREACHABLE,
        CommandError::Bind(_)
        | CommandError::Tls(_)
        | CommandError::Token(_)
        | CommandError::Open(_)
        | CommandError::System { .. } => NOT_STARTED,
        CommandError::Proof(_)
        | CommandError::Refused { .. }
        | CommandError::BrokenOff { .. }
        | CommandError::Restore(_)
        | CommandError::Missing { .. }
        | CommandError::Damage { .. }
        | CommandError::AuditChanged { .. }
        | CommandError::Audit(_)
        | CommandError::Output(_) => REFUSED,
    })
}
