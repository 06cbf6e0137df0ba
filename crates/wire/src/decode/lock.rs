//! What keeps versions from being destroyed: the documents, and the fields that come to the same.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::LockWish;
use strongroom_model::setting::{ObjectSetting, Setting, SettingKind};

use crate::decode::digest::DocumentDigests;
use crate::decode::{object_setting, setting};
use crate::document::lock;
use crate::intent::Asked;
use crate::request::{Request, invalid_argument};

/// In the words of AWS.
const UNDIGESTED: &str =
    "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";

/// In the words of AWS.
const UNDIGESTED_DOCUMENT: &str = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";

/// `GET /bucket?object-lock`.
pub(crate) fn get_bucket(request: &Request<'_>) -> Result<Asked, Failure> {
    setting::get(request, SettingKind::ObjectLock)
}

/// `PUT /bucket?object-lock`.
pub(crate) fn put_bucket(request: &Request<'_>) -> Result<Asked, Failure> {
    let dialect = request.dialect();
    refuse_undigested_document(request)?;
    setting::documented(request, "PutBucketObjectLock", move |document| {
        lock::read_configuration(document, dialect).map(Setting::ObjectLock)
    })
}

/// `PUT /bucket/key?retention`.
pub(crate) fn put_retention(request: &Request<'_>) -> Result<Asked, Failure> {
    let (dialect, bypass) = (request.dialect(), bypass(request)?);
    refuse_undigested_document(request)?;
    object_setting::documented(request, "PutObjectRetention", bypass, move |document| {
        lock::read_retention(document, dialect).map(ObjectSetting::Retention)
    })
}

/// `PUT /bucket/key?legal-hold`.
pub(crate) fn put_legal_hold(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_undigested_document(request)?;
    object_setting::documented(request, "PutObjectLegalHold", false, |document| {
        lock::read_legal_hold(document).map(ObjectSetting::LegalHold)
    })
}

/// What the fields of a write ask for.
///
/// # Errors
/// `InvalidArgument` for a mode without its end, an end without its mode, and for words that mean nothing.
pub(crate) fn of_write(request: &Request<'_>) -> Result<LockWish, Failure> {
    let dialect = request.dialect();
    let words = &dialect.settings.lock;
    let retention = match (request.field(words.mode)?, request.field(words.until)?) {
        (None, None) => None,
        (Some(mode), Some(until)) => {
            let name = dialect.field(words.mode);
            let unknown = || invalid_argument(&name, mode).with_message("Unknown wormMode directive.");
            let mode = lock::mode(mode, dialect).ok_or_else(unknown)?;
            let name = dialect.field(words.until);
            let until = lock::moment(until, dialect).ok_or_else(|| {
                invalid_argument(&name, until).with_message("The retain until date must be provided in ISO 8601 format")
            })?;
            Some(strongroom_model::lock::Retention { mode, until })
        }
        _ => {
            let (until, mode) = (dialect.field(words.until), dialect.field(words.mode));
            let message = format!("{until} and {mode} must both be supplied");
            return Err(Failure::new(FailureCode::InvalidArgument).with_message(message));
        }
    };
    let held = words.legal_hold.map(|suffix| flag(request, suffix, ["ON", "OFF"])).transpose()?;
    Ok(LockWish { retention, legal_hold: held.unwrap_or_default() })
}

/// Refuses a write that asks for `wish` and is not `digested`, where that must be.
///
/// # Errors
/// `InvalidRequest`.
pub(crate) fn refuse_undigested(request: &Request<'_>, wish: &LockWish, digested: bool) -> Result<(), Failure> {
    let locks = wish.retention.is_some() || wish.legal_hold;
    refuse(request.dialect().settings.lock.digested && locks && !digested, UNDIGESTED)
}

/// The same of a document.
fn refuse_undigested_document(request: &Request<'_>) -> Result<(), Failure> {
    let digested = DocumentDigests::read(request)?.any();
    refuse(request.dialect().settings.lock.digested && !digested, UNDIGESTED_DOCUMENT)
}

fn refuse(refused: bool, message: &'static str) -> Result<(), Failure> {
    if refused { Err(Failure::new(FailureCode::InvalidRequest).with_message(message)) } else { Ok(()) }
}

/// Whether a retention that may be overridden is to be overridden.
///
/// # Errors
/// `InvalidArgument` for any word but `true` and `false`.
pub(crate) fn bypass(request: &Request<'_>) -> Result<bool, Failure> {
    let bypass = request.dialect().settings.lock.bypass;
    Ok(bypass.map(|suffix| flag(request, suffix, ["true", "false"])).transpose()?.unwrap_or_default())
}

/// Whether the versions of a new bucket can be locked.
///
/// # Errors
/// `InvalidArgument` for any word but `true` and `false`.
pub(crate) fn of_creation(request: &Request<'_>) -> Result<bool, Failure> {
    let creation = request.dialect().settings.lock.creation;
    Ok(creation.map(|suffix| flag(request, suffix, ["true", "false"])).transpose()?.unwrap_or_default())
}

/// A field that says one of two words; none says the second.
fn flag(request: &Request<'_>, suffix: &str, [yes, no]: [&str; 2]) -> Result<bool, Failure> {
    match request.field(suffix)? {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case(yes) => Ok(true),
        Some(word) if word.eq_ignore_ascii_case(no) => Ok(false),
        Some(word) => Err(invalid_argument(&request.dialect().field(suffix), word)
            .with_message(format!("The value must be either of '{yes}' or '{no}'"))),
    }
}
