//! `strongroom backup` and `strongroom restore`: the whole store into one file, and back.

use std::{io::IsTerminal as _, path::PathBuf};

use clap::Args;
use http::Method;
use http_body_util::BodyExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use strongroom_store::{MissingBlob, Progress, Restore, Restored, Stage, surroundings};

use super::{
    Connection, Settings, administer::show, client::Client, configuration, failure::CommandError, print, serve,
};
use crate::{
    admin::backup::{FACTS_HEADER, Facts, NewBackup},
    entropy,
    files::Draft,
};

/// `strongroom backup FILE`.
#[derive(Debug, Args)]
pub(super) struct BackupCommand {
    /// The file to write; there must be none of that name
    file: PathBuf,
    /// Take the blobs along, too: all sealed objects above 64 KiB
    #[arg(long)]
    with_blobs: bool,
    /// Minutes after the end for which the server removes no blob that the backup names, so that they can be copied
    #[arg(long, value_name = "MINUTES", default_value_t = 0, conflicts_with = "with_blobs")]
    keep_blobs: u32,
    #[command(flatten)]
    to: Connection,
}

/// `strongroom restore FILE`.
#[derive(Debug, Args)]
pub(super) struct RestoreCommand {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Takes a backup.
pub(super) async fn back_up(command: &BackupCommand) -> Result<(), CommandError> {
    let failed = |source| CommandError::File { path: command.file.clone(), source };
    let mut draft = Draft::begin(&command.file).map_err(failed)?;
    let client = Client::new(&command.to)?;
    let asked = NewBackup { with_blobs: command.with_blobs, keep_minutes: command.keep_blobs };
    let asked = serde_json::to_vec(&asked).map_err(|error| CommandError::Usage(error.to_string()))?;
    let mut response = client.fetch(Method::POST, "/backup", &asked).await?;
    let facts = response.headers().get(FACTS_HEADER).and_then(|facts| facts.to_str().ok());
    let facts = facts.ok_or_else(|| client.foreign("the answer is no backup"))?;
    let facts: Facts = serde_json::from_str(facts).map_err(|error| client.foreign(error))?;

    let bar = bar("{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go");
    bar.set_length(facts.length);
    let mut length = 0;
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|error| client.broken_off(error))?;
        let piece = frame.into_data().unwrap_or_default();
        length += piece.len() as u64;
        draft.write(&piece).map_err(failed)?;
        bar.set_position(length);
    }
    bar.finish_and_clear();
    if length != facts.length {
        return Err(client.broken_off("it ends too early"));
    }
    draft.finish().map_err(failed)?;
    show(&command.to, &facts, || {
        let missing = match facts.missing_blobs {
            0 => String::new(),
            missing => format!("; {missing} blobs that it names are missing: run `strongroom scrub`"),
        };
        format!(
            "{}: the store as of {}, {} rows, {} blobs{missing}",
            command.file.display(),
            facts.created,
            facts.rows,
            facts.blobs
        )
    })
}

/// Restores one.
pub(super) async fn restore(command: &RestoreCommand) -> Result<(), CommandError> {
    let config = configuration(command.settings.config.as_deref(), command.settings.data.clone())?;
    let asked = Restore {
        file: command.file.clone(),
        data: config.data.clone(),
        kv: config.kv.clone(),
        blobs: config.blobs.clone(),
        kms: serve::kms_config(&config),
    };
    let entropy = surroundings::Entropy::new(|bytes| entropy::fill(bytes).map_err(surroundings::EntropyError::new));
    let bar = bar("{msg} {bar:30} {percent}%, {eta} to go");
    let restored = strongroom_store::restore(&asked, entropy, |progress| advance(&bar, progress)).await?;
    bar.finish_and_clear();
    print(&if command.json { document(&restored) } else { told(command, &restored) })?;
    match restored.missing {
        0 => Ok(()),
        missing => Err(CommandError::Missing { missing }),
    }
}

fn told(command: &RestoreCommand, restored: &Restored) -> String {
    let Restored { created, rows, blobs, missing_blobs, .. } = restored;
    let mut text = format!("{}: the store as of {created}: {rows} rows, {blobs} blobs", command.file.display());
    for MissingBlob { blob, object } in missing_blobs {
        text += &match object {
            Some((bucket, key)) => format!("\nmissing blob {blob} of {bucket}/{key}"),
            None => format!("\nmissing blob {blob} of an open upload"),
        };
    }
    text
}

fn document(restored: &Restored) -> String {
    let missing = restored.missing_blobs.iter().map(|missing| {
        let object = missing.object.as_ref().map(|(bucket, key)| json!({ "bucket": bucket, "key": key }));
        json!({ "blob": missing.blob.to_string(), "object": object })
    });
    let document = json!({
        "created": restored.created.to_string(),
        "sequence": restored.sequence,
        "rows": restored.rows,
        "blobs": restored.blobs,
        "missing": restored.missing,
        "missing_blobs": missing.collect::<Vec<_>>(),
    });
    format!("{document:#}")
}

fn advance(bar: &ProgressBar, progress: Progress) {
    bar.set_message(match progress.stage {
        Stage::Verifying => "verifying",
        Stage::Writing => "writing",
        Stage::Blobs => "blobs",
    });
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

/// Silent where nobody watches.
pub(super) fn bar(template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::new(0).with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}
