//! `strongroom audit`: finding records of the audit trail, and proving that it is whole; asked of the server, or of a folder.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::Method;
use strongroom_store::audit;

use super::{
    Connection,
    administer::{NOTHING, ask, encoded, show},
    failure::CommandError,
    table,
};
use crate::admin::audit::{Lines, Verification, filter, spell};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Find records
    Query {
        #[command(flatten)]
        wanted: Wanted,
        /// Read the trail in this folder, without a server
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        to: Connection,
    },
    /// Prove that nothing was changed, removed, added, moved or cut off
    Verify {
        /// Read the trail in this folder, without a server
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// The server's root key file, which says whose trail it must be
        #[arg(long, value_name = "FILE", requires = "folder", conflicts_with = "public_key")]
        root_key: Option<PathBuf>,
        /// The trail's public key, noted from an earlier verification: 64 hex digits
        #[arg(long, value_name = "HEX", requires = "folder")]
        public_key: Option<String>,
        #[command(flatten)]
        to: Connection,
    },
}

/// Which records.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// From this time on: 2026-11-22T08:00:00Z, or a day
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// ACCOUNT:root, ACCOUNT:user/NAME, or without the account
    #[arg(long)]
    principal: Option<String>,
    /// A master key's id
    #[arg(long)]
    key: Option<String>,
    /// A bucket
    #[arg(long)]
    bucket: Option<String>,
    /// An object's key
    #[arg(long)]
    object: Option<String>,
    /// A request's id, or as much of it as its answer showed
    #[arg(long)]
    request: Option<String>,
    /// An operation, as GetObject
    #[arg(long)]
    operation: Option<String>,
    /// done, denied or failed
    #[arg(long)]
    outcome: Option<String>,
    /// Only lines after this one
    #[arg(long, value_name = "LINE")]
    after: Option<u64>,
    /// How many at most, up to 10000 [default: 1000]
    #[arg(long)]
    limit: Option<usize>,
}

impl Wanted {
    fn pairs(self) -> Vec<(String, String)> {
        let named = [
            ("from", self.from),
            ("until", self.until),
            ("principal", self.principal),
            ("key", self.key),
            ("bucket", self.bucket),
            ("object", self.object),
            ("request", self.request),
            ("operation", self.operation),
            ("outcome", self.outcome),
            ("after", self.after.map(|after| after.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Does what was typed. A trail that was changed is a failure.
pub(super) async fn audit(command: AuditCommand) -> Result<(), CommandError> {
    match command {
        AuditCommand::Query { wanted, folder, to } => {
            let lines = match folder {
                Some(folder) => read(&folder, wanted)?,
                None => {
                    let pairs = wanted.pairs();
                    let query = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
                    let path = format!("/audit?{}", query.collect::<Vec<_>>().join("&"));
                    ask(&to, Method::GET, &path, NOTHING).await?
                }
            };
            show(&to, &lines, || table::audit(&lines.records))
        }
        AuditCommand::Verify { folder, root_key, public_key, to } => {
            let found = match &folder {
                Some(folder) => verify(folder, root_key.as_deref(), public_key.as_deref())?,
                None => ask(&to, Method::POST, "/audit/verification", NOTHING).await?,
            };
            show(&to, &found, || table::verification(&found))?;
            match found.problem_count {
                0 => Ok(()),
                found => Err(CommandError::AuditChanged { found }),
            }
        }
    }
}

fn read(folder: &Path, wanted: Wanted) -> Result<Lines, CommandError> {
    let filter = filter(wanted.pairs()).map_err(|failure| CommandError::Usage(failure.to_string()))?;
    let lines = audit::query(folder, &filter).map_err(unreadable)?;
    serde_json::from_str(&spell(&lines)).map_err(|error| CommandError::Usage(error.to_string()))
}

fn verify(folder: &Path, root: Option<&Path>, public: Option<&str>) -> Result<Verification, CommandError> {
    let no_key = || CommandError::Usage("a public key is 64 hex digits".to_owned());
    let key = match (public, root) {
        (Some(text), _) => audit::PublicKey::parse(text).ok_or_else(no_key)?,
        (None, Some(root)) => audit::public_key(folder, root)?,
        (None, None) => audit::claimed_key(folder)?,
    };
    let found = Verification::from(audit::verify(folder, &key).map_err(unreadable)?);
    Ok(Verification { proven: root.is_some() || public.is_some(), ..found })
}

fn unreadable(source: std::io::Error) -> CommandError {
    CommandError::System { what: "cannot read the audit trail", source }
}
