//! Documents of retention and legal hold.

use strongroom_model::lock::{Retention, RetentionMode};

use super::writer::Writer;
use crate::dialect::Dialect;

/// Words for the modes of retention, the same in all dialects.
const MODES: [(&str, RetentionMode); 2] =
    [("GOVERNANCE", RetentionMode::Governance), ("COMPLIANCE", RetentionMode::Compliance)];

/// Writes `Retention`.
pub(crate) fn write_retention(retention: Option<Retention>, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "Retention", documents.namespace, |writer| {
        if let Some(Retention { mode, until }) = retention {
            writer.leaf("Mode", mode_word(mode));
            writer.leaf("RetainUntilDate", until);
        }
    })
}

/// Writes `LegalHold`.
pub(crate) fn write_legal_hold(held: bool, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "LegalHold", documents.namespace, |writer| {
        writer.leaf("Status", if held { "ON" } else { "OFF" });
    })
}

/// The word for a mode.
pub(crate) fn mode_word(mode: RetentionMode) -> &'static str {
    MODES.iter().find(|(_, known)| *known == mode).map(|(word, _)| *word).unwrap_or_default()
}
