//! Documents of what keeps versions from being destroyed.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::{BucketLock, DefaultRetention, Retention, RetentionMode, RetentionPeriod, Worm};
use strongroom_model::time::Timestamp;

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::Dialect;
use crate::encode::bucket::iso_seconds;
use crate::signature::date;

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

/// Reads `Retention`; none takes the one that is there away.
///
/// # Errors
/// `MalformedXml`.
pub(crate) fn read_retention(document: &[u8], dialect: &Dialect) -> Result<Option<Retention>, Failure> {
    let root = reader::read(document, "Retention")?;
    match (root.child_word("Mode")?, root.child_word("RetainUntilDate")?) {
        (None, None) => Ok(None),
        (Some(word), Some(text)) => {
            let mode = mode(word, dialect).ok_or_else(|| malformed(format!("Mode is {word}")))?;
            let until = moment(text, dialect).ok_or_else(|| malformed(format!("RetainUntilDate is {text}")))?;
            Ok(Some(Retention { mode, until }))
        }
        _ => Err(malformed("a mode or an end without the other")),
    }
}

/// Writes `LegalHold`.
pub(crate) fn write_legal_hold(held: bool, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "LegalHold", documents.namespace, |writer| {
        writer.leaf("Status", hold_word(held));
    })
}

/// Reads `LegalHold`.
///
/// # Errors
/// `MalformedXml` for any word but `ON` and `OFF`.
pub(crate) fn read_legal_hold(document: &[u8]) -> Result<bool, Failure> {
    let root = reader::read(document, "LegalHold")?;
    match root.one("Status")?.word() {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        other => Err(malformed(format!("Status is {other}"))),
    }
}

/// Writes how a bucket's versions are locked.
pub(crate) fn write_configuration(lock: &BucketLock, dialect: &Dialect) -> Writer {
    let (documents, words) = (&dialect.documents, &dialect.settings.lock);
    Writer::document(documents.declaration, words.root, documents.namespace, |writer| {
        writer.leaf(words.enabled, "Enabled");
        let Some(default) = lock.default else { return };
        writer.element("Rule", |writer| {
            writer.element("DefaultRetention", |writer| {
                writer.leaf("Mode", mode_word(default.mode));
                match default.period {
                    RetentionPeriod::Days(days) => writer.leaf("Days", days),
                    RetentionPeriod::Years(years) => writer.leaf("Years", years),
                }
            });
        });
    })
}

/// Reads how a bucket's versions are to be locked.
///
/// # Errors
/// `MalformedXml`; `InvalidArgument` for a period that may not be.
pub(crate) fn read_configuration(document: &[u8], dialect: &Dialect) -> Result<BucketLock, Failure> {
    let words = &dialect.settings.lock;
    let root = reader::read(document, words.root)?;
    match root.child_word(words.enabled)? {
        None | Some("Enabled") => {}
        Some(other) => return Err(malformed(format!("{} is {other}", words.enabled))),
    }
    let rule = root.at_most_one("Rule")?;
    let retention = rule.map(|rule| rule.at_most_one("DefaultRetention")).transpose()?.flatten();
    Ok(BucketLock { default: retention.map(|element| read_default(element, dialect)).transpose()? })
}

fn read_default(element: &Element, dialect: &Dialect) -> Result<DefaultRetention, Failure> {
    let word = element.one("Mode")?.word();
    let mode = mode(word, dialect).ok_or_else(|| malformed(format!("Mode is {word}")))?;
    let period = match (element.child_word("Days")?, element.child_word("Years")?) {
        (Some(days), None) => RetentionPeriod::Days(number(days)?),
        (None, Some(years)) => RetentionPeriod::Years(number(years)?),
        _ => return Err(malformed("not one of Days and Years")),
    };
    match period.is_valid() {
        true => Ok(DefaultRetention { mode, period }),
        false => Err(invalid_period()),
    }
}

/// Reads for how many days a policy keeps the objects of a bucket.
///
/// # Errors
/// `MalformedXml`, `InvalidArgument`.
pub(crate) fn read_worm(document: &[u8], root: &str) -> Result<u32, Failure> {
    number(reader::read(document, root)?.one("RetentionPeriodInDays")?.word())
}

/// Writes the policy that keeps the objects of a bucket.
pub(crate) fn write_worm(worm: &Worm, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "WormConfiguration", documents.namespace, |writer| {
        writer.leaf("WormId", worm_id(&worm.id));
        writer.leaf("State", if worm.locked { "Locked" } else { "InProgress" });
        writer.leaf("RetentionPeriodInDays", worm.days);
        writer.leaf("CreationDate", iso_seconds(worm.created));
    })
}

/// The id of a policy.
pub(crate) fn worm_id(id: &[u8; 16]) -> String {
    hex::encode_upper(id)
}

/// The mode that a word of the dialect means.
pub(crate) fn mode(word: &str, dialect: &Dialect) -> Option<RetentionMode> {
    dialect.settings.lock.modes.iter().find(|(known, _)| *known == word).map(|(_, mode)| *mode)
}

/// The word for a mode, the same in all dialects.
pub(crate) fn mode_word(mode: RetentionMode) -> &'static str {
    match mode {
        RetentionMode::Governance => "GOVERNANCE",
        RetentionMode::Compliance => "COMPLIANCE",
    }
}

/// The word for whether a version is held.
pub(crate) fn hold_word(held: bool) -> &'static str {
    if held { "ON" } else { "OFF" }
}

/// The end of a retention: in ISO 8601, or in milliseconds where the dialect has those.
pub(crate) fn moment(text: &str, dialect: &Dialect) -> Option<Timestamp> {
    let millis = || text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match dialect.settings.lock.in_millis.then(millis).flatten() {
        Some(millis) => Some(Timestamp::from_millis(millis)),
        None => date::read_extended(text),
    }
}

/// # Errors
/// `MalformedXml` for what is no number, `InvalidArgument` for one that no period can be.
fn number(text: &str) -> Result<u32, Failure> {
    let number: i64 = text.parse().map_err(|_| malformed(format!("a period of {text}")))?;
    u32::try_from(number).map_err(|_| invalid_period())
}

fn invalid_period() -> Failure {
    Failure::new(FailureCode::InvalidArgument)
        .with_message("Default retention period must be a positive integer value, of at most 36500 days or 100 years.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{OBS, OSS, S3};

    fn retention(mode: RetentionMode, period: RetentionPeriod) -> BucketLock {
        BucketLock { default: Some(DefaultRetention { mode, period }) }
    }

    #[test]
    fn a_configuration_comes_back_as_it_was_put() {
        for lock in [
            BucketLock::default(),
            retention(RetentionMode::Compliance, RetentionPeriod::Days(36_500)),
            retention(RetentionMode::Compliance, RetentionPeriod::Years(1)),
        ] {
            for dialect in [&S3, &OBS, &OSS] {
                let written = write_configuration(&lock, dialect).into_bytes();
                assert_eq!(read_configuration(&written, dialect).unwrap(), lock, "{}", dialect.name);
            }
        }
    }

    #[test]
    fn configurations_that_may_not_be() {
        use FailureCode::{InvalidArgument, MalformedXml};
        let rule = |inner: &str| format!("<Rule><DefaultRetention>{inner}</DefaultRetention></Rule>");
        for (inner, code) in [
            ("<ObjectLockEnabled>Disabled</ObjectLockEnabled>".to_owned(), MalformedXml),
            (rule("<Mode>COMPLIANCE</Mode>"), MalformedXml),
            (rule("<Mode>COMPLIANCE</Mode><Days>1</Days><Years>1</Years>"), MalformedXml),
            (rule("<Mode>compliance</Mode><Days>1</Days>"), MalformedXml),
            (rule("<Days>1</Days>"), MalformedXml),
            (rule("<Mode>COMPLIANCE</Mode><Days>one</Days>"), MalformedXml),
            (rule("<Mode>COMPLIANCE</Mode><Days>0</Days>"), InvalidArgument),
            (rule("<Mode>COMPLIANCE</Mode><Days>-1</Days>"), InvalidArgument),
            (rule("<Mode>COMPLIANCE</Mode><Days>36501</Days>"), InvalidArgument),
            (rule("<Mode>COMPLIANCE</Mode><Years>101</Years>"), InvalidArgument),
        ] {
            let text = format!("<ObjectLockConfiguration>{inner}</ObjectLockConfiguration>");
            assert_eq!(read_configuration(text.as_bytes(), &S3).unwrap_err().code, code, "{text}");
        }
        let governance = write_configuration(&retention(RetentionMode::Governance, RetentionPeriod::Days(1)), &OBS);
        assert_eq!(read_configuration(&governance.into_bytes(), &OBS).unwrap_err().code, MalformedXml);
    }

    #[test]
    fn the_end_of_a_retention_has_two_spellings_in_one_dialect() {
        let when = Timestamp::from_seconds(1_795_295_890);
        let document = |until: &str| {
            format!("<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>")
        };
        let expected = Some(Retention { mode: RetentionMode::Compliance, until: when });
        for (dialect, text) in
            [(&S3, "2026-11-21T21:18:10Z"), (&OSS, "2026-11-21T21:18:10.000Z"), (&OBS, "1795295890000")]
        {
            assert_eq!(read_retention(document(text).as_bytes(), dialect).unwrap(), expected, "{text}");
        }
        assert_eq!(read_retention(b"<Retention/>", &S3).unwrap(), None);
        for text in ["1795295890000", "tomorrow"] {
            let refused = read_retention(document(text).as_bytes(), &S3).unwrap_err();
            assert_eq!(refused.code, FailureCode::MalformedXml, "{text}");
        }
    }
}
