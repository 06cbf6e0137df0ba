//! `strongroom recover`: the catalog of a data folder that has lost it, rebuilt from its blobs and its ledger.

use std::sync::Arc;

use clap::Args;
use serde_json::json;
use strongroom_store::{Recover, Recovered, surroundings};

use super::{Settings, backup::bar, configuration, failure::CommandError, print};
use crate::{clock, entropy};

/// `strongroom recover`.
#[derive(Debug, Args)]
pub(super) struct RecoverCommand {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What no blob and no ledger tells of.
const NEVER: &str = "\
not rebuilt, since they were in the catalog alone: objects of up to 64 KiB, and the last bytes of appended ones; delete markers, so that
deleted objects of buckets that keep versions can be seen again; tags, access control lists, retention, legal holds and metadata that were
changed since their object was written; open uploads. Objects that were deleted or overwritten minutes ago, or whose write was refused or
broken off then, may be there; so may those since a backup began that keeps blobs.";

/// Rebuilds the catalog, and says what was not rebuilt.
pub(super) async fn recover(command: &RecoverCommand) -> Result<(), CommandError> {
    let config = configuration(command.settings.config.as_deref(), command.settings.data.clone())?;
    let asked = Recover { data: config.data.clone(), kv: config.kv.clone(), blobs: config.blobs.clone() };
    let entropy = surroundings::Entropy::new(|bytes| entropy::fill(bytes).map_err(surroundings::EntropyError::new));
    let bar = bar("{bar:30} {pos} of {len} blobs, {eta} to go");
    let found = strongroom_store::recover(&asked, Arc::new(clock::now), entropy, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    let found = found.await?;
    bar.finish_and_clear();
    print(&if command.json { document(&found) } else { told(&found) })
}

fn told(found: &Recovered) -> String {
    let mut text = format!(
        "{} object versions, from {} blobs; {} rows of keys, identities and buckets, from the ledger",
        found.versions, found.blobs, found.rows
    );
    for (count, what) in [
        (found.overwritten, "versions that later ones have overwritten"),
        (found.refused, "versions that were refused, since they would have overwritten what was kept"),
        (found.without_bucket, "versions in buckets that the ledger does not know"),
        (found.incomplete, "versions that lack a blob"),
        (found.unneeded_blobs, "blobs that none of these need; they are kept for 30 days"),
        (found.ledger_bytes_lost, "bytes at the ledger's end that tell nothing"),
    ] {
        if count > 0 {
            text += &format!("\n{count} {what}");
        }
    }
    for (bucket, key) in &found.incomplete_versions {
        text += &format!("\nlacks a blob: {key}, in the bucket of id {bucket}");
    }
    format!("{text}\n\n{NEVER}\n\nNext: start the server, then run `strongroom scrub`.")
}

fn document(found: &Recovered) -> String {
    let incomplete = found.incomplete_versions.iter();
    let incomplete = incomplete.map(|(bucket, key)| json!({ "bucket_id": bucket, "key": key }));
    let document = json!({
        "rows": found.rows,
        "blobs": found.blobs,
        "versions": found.versions,
        "overwritten": found.overwritten,
        "refused": found.refused,
        "without_bucket": found.without_bucket,
        "incomplete": found.incomplete,
        "incomplete_versions": incomplete.collect::<Vec<_>>(),
        "unneeded_blobs": found.unneeded_blobs,
        "ledger_bytes_lost": found.ledger_bytes_lost,
        "never_rebuilt": NEVER.replace('\n', " "),
    });
    format!("{document:#}")
}
