//! Backups in the admin API: what is asked, and what is said in the head of the answer whose body is the backup.

use std::io;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde::{Deserialize, Serialize};
use strongroom_model::{
    failure::{Failure, chain},
    operation::admin::Backup,
    outcome::backup::BackupFacts,
};
use strongroom_store::stream::ByteStream;

use super::{AdminBody, request::read, route::invalid};

/// The header that says what the backup holds, as JSON.
pub(crate) const FACTS_HEADER: &str = "strongroom-backup";

/// `POST /v1/backup`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewBackup {
    /// Whether the blobs go along.
    pub(crate) with_blobs: bool,
    /// Minutes after its end for which no blob that it names is removed.
    pub(crate) keep_minutes: u32,
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The moment that it shows.
    pub(crate) created: String,
    /// The number of the last commit that it shows.
    pub(crate) sequence: u64,
    /// Rows of the catalog.
    pub(crate) rows: u64,
    /// Blobs in it.
    pub(crate) blobs: u64,
    /// Blobs that are needed and were not there.
    pub(crate) missing_blobs: u64,
    /// Its length in bytes.
    pub(crate) length: u64,
}

/// Reads what is asked.
pub(super) fn asked(document: &[u8]) -> Result<Backup, Failure> {
    let NewBackup { with_blobs, keep_minutes } = read(document)?;
    if keep_minutes > Backup::KEEP_MINUTES_MAX {
        return Err(invalid("Blobs are kept for 10080 minutes at most, which is a week."));
    }
    Ok(Backup { with_blobs, keep_minutes })
}

/// The answer that is a backup. It ends cleanly only when all of it was sent.
pub(super) fn answer(facts: BackupFacts, bytes: ByteStream) -> Response<AdminBody> {
    let length = facts.length;
    let facts = serde_json::to_string(&Facts::from(facts)).expect("numbers and a time are JSON");
    let bytes = bytes.inspect_err(|error| tracing::error!(error = %chain(error), "a backup had to be broken off"));
    let body = StreamBody::new(bytes.map_ok(Frame::data));
    let mut response = Response::new(body.boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(FACTS_HEADER, HeaderValue::from_str(&facts).expect("numbers and a time are printable"));
    response
}

/// A body that is there as a whole.
pub(super) fn whole(response: Response<http_body_util::Full<Bytes>>) -> Response<AdminBody> {
    response.map(|body| body.map_err(|never| -> io::Error { match never {} }).boxed_unsync())
}

impl From<BackupFacts> for Facts {
    fn from(facts: BackupFacts) -> Self {
        let BackupFacts { created, sequence, rows, blobs, missing_blobs, length } = facts;
        Self { created: created.to_string(), sequence, rows, blobs, missing_blobs, length }
    }
}
