//! Conditions of requests, held against what there is.

use strongroom_model::condition::{Conditions, Verdict};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::setting::Versioning;

use crate::catalog::objects::Entry;

/// Whether a read of `entry` is wanted.
///
/// # Errors
/// `NotModified`, or `PreconditionFailed` with the header that failed.
pub(super) fn check_read(conditions: &Conditions, entry: &Entry) -> Result<(), Failure> {
    match conditions.judge_read(&entry.etag, entry.last_modified) {
        Verdict::Holds => Ok(()),
        Verdict::NotModified => Err(Failure::new(FailureCode::NotModified).with_detail("ETag", entry.etag.lower_hex())),
        Verdict::Failed(header) => Err(failed(header)),
        Verdict::Missing => Err(FailureCode::NoSuchKey.into()),
    }
}

/// Whether a write over `current` is wanted. The commit judges again: this spares the client the sending of its body.
///
/// # Errors
/// `PreconditionFailed` with the header that failed; `NoSuchKey` if it speaks of an object, and there is none.
pub(super) fn check_write(
    conditions: &Conditions,
    current: Option<&Entry>,
    versioning: Versioning,
) -> Result<(), Failure> {
    match conditions.judge_write(current.map(|entry| &entry.etag), versioning) {
        Verdict::Failed(header) => Err(failed(header)),
        Verdict::Missing => Err(FailureCode::NoSuchKey.into()),
        Verdict::Holds | Verdict::NotModified => Ok(()),
    }
}

/// The answer when the condition in `header` does not hold.
pub(super) fn failed(header: &'static str) -> Failure {
    Failure::new(FailureCode::PreconditionFailed).with_detail("Condition", header)
}
