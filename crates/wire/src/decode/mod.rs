//! Heads and documents to operations, a function for each operation.

pub(crate) mod amend;
pub(crate) mod append;
pub(crate) mod batch;
pub(crate) mod bucket;
pub(crate) mod checksum;
pub(crate) mod condition;
pub(crate) mod copy;
pub(crate) mod cors;
pub(crate) mod customer;
pub(crate) mod digest;
pub(crate) mod encryption;
pub(crate) mod form;
pub(crate) mod inventory;
pub(crate) mod listing;
pub(crate) mod lock;
pub(crate) mod metadata;
pub(crate) mod object;
pub(crate) mod object_setting;
pub(crate) mod put;
pub(crate) mod service;
pub(crate) mod setting;
pub(crate) mod symlink;
pub(crate) mod upload;
pub(crate) mod words;
pub(crate) mod worm;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::VersionId;

use crate::request::{Request, invalid_argument};

/// Refuses a request that asks, in a field, for what is not built: less than was asked for is never done.
pub(crate) fn refuse_unbuilt(request: &Request<'_>) -> Result<(), Failure> {
    for suffix in request.dialect().unbuilt_fields {
        let asked = match suffix.strip_suffix('-') {
            Some(_) => request.fields_beginning(suffix)?.iter().any(|(_, value)| !value.is_empty()),
            None => request.field(suffix)?.is_some(),
        };
        if asked {
            let name = request.dialect().field(suffix);
            return Err(Failure::new(FailureCode::NotImplemented).with_detail("Header", name));
        }
    }
    Ok(())
}

/// The version that a request names. An empty name is refused: it must not stand for the object as it is now.
pub(crate) fn version(request: &Request<'_>) -> Result<Option<VersionId>, Failure> {
    match request.query().value("versionId") {
        Some(text) => parse_version(text).map(Some),
        None if request.query().has("versionId") => {
            Err(invalid_argument("versionId", "").with_message("Version id cannot be the empty string"))
        }
        None => Ok(None),
    }
}

/// Reads a version: `null` or 32 hex digits.
pub(crate) fn parse_version(text: &str) -> Result<VersionId, Failure> {
    if text == "null" {
        return Ok(VersionId::Null);
    }
    let digits = hex::decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    digits
        .map(VersionId::Id)
        .ok_or_else(|| invalid_argument("versionId", text).with_message("Invalid version id specified"))
}
