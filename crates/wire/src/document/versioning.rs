//! The document that says whether a bucket keeps versions.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::setting::Versioning;

use super::writer::Writer;
use super::{malformed, reader};
use crate::dialect::Dialect;

/// Reads whether versions are to be kept.
///
/// # Errors
/// `MalformedXml` for any word but `Enabled` and `Suspended`, `NotImplemented` for deletions that need a second factor.
pub(crate) fn read(document: &[u8]) -> Result<Versioning, Failure> {
    let root = reader::read(document, "VersioningConfiguration")?;
    match root.child_word("MfaDelete")? {
        None | Some("Disabled") => {}
        Some("Enabled") => return Err(FailureCode::NotImplemented.into()),
        Some(other) => return Err(malformed(format!("MfaDelete is {other}"))),
    }
    match root.one("Status")?.word() {
        "Enabled" => Ok(Versioning::Enabled),
        "Suspended" => Ok(Versioning::Suspended),
        other => Err(malformed(format!("Status is {other}"))),
    }
}

/// Writes whether versions are kept; of a bucket that never kept any, nothing is said.
pub(crate) fn write(versioning: Versioning, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "VersioningConfiguration", documents.namespace, |writer| {
        writer.optional("Status", word(versioning));
    })
}

/// The word for it, if there is one.
pub(crate) fn word(versioning: Versioning) -> Option<&'static str> {
    match versioning {
        Versioning::Never => None,
        Versioning::Enabled => Some("Enabled"),
        Versioning::Suspended => Some("Suspended"),
    }
}
