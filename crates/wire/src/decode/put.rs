//! PutObject.

use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::{ExpectedDigests, ObjectOperation, PutObject};

use crate::decode::{checksum, condition, digest, encryption, lock, metadata, object_setting, refuse_unbuilt};
use crate::intent::{Asked, Framing, StreamPlan};
use crate::request::{Request, invalid_argument};

/// The greatest object that one request may write: 5 GiB, as all three services state it.
pub(crate) const OBJECT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// `PUT /bucket/key`.
pub(crate) fn put_object(request: &Request<'_>) -> Result<Asked, Failure> {
    written(request, plan)
}

/// The same, of a body that arrives as `plan` finds out.
pub(crate) fn written(
    request: &Request<'_>,
    plan: impl FnOnce(&Request<'_>) -> Result<StreamPlan, Failure>,
) -> Result<Asked, Failure> {
    let (put, plan) = asked(request, plan)?;
    Ok(Asked::Streamed(Operation::Object(ObjectOperation::Put(put)), plan))
}

/// What a head asks to be written.
pub(crate) fn asked(
    request: &Request<'_>,
    plan: impl FnOnce(&Request<'_>) -> Result<StreamPlan, Failure>,
) -> Result<(PutObject, StreamPlan), Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    let words = &request.dialect().resources;
    let encryption = encryption::wish(request)?;
    let plan = plan(request)?;
    let expected = ExpectedDigests { md5: digest::content_md5(request)?, checksums: checksum::declared(request)? };
    let sent = sent(request, &expected, plan.framing)?;
    let settings = object_setting::of_write(request)?;
    // The file of a form has no digest: a page knows of none.
    let digested = expected.md5.is_some() || !sent.is_empty() || matches!(plan.framing, Framing::File { .. });
    lock::refuse_undigested(request, &settings.lock, digested)?;
    let class = request.field("storage-class")?;
    let put = PutObject {
        bucket,
        key,
        metadata: metadata::of_object(request)?,
        storage_class: class.map(|word| metadata::storage_class(request, word)).transpose()?,
        settings,
        encryption,
        conditions: condition::of_write(request)?,
        keep: kept(request, sent),
        expected,
        tag: words.tag,
    };
    Ok((put, plan))
}

/// How the body arrives.
pub(crate) fn plan(request: &Request<'_>) -> Result<StreamPlan, Failure> {
    let framing = framing(request)?;
    let on_the_wire = length("content-length", request.header("content-length")?)?;
    let declared = match framing {
        Framing::Plain | Framing::File { .. } => on_the_wire,
        Framing::AwsChunked { .. } => {
            let name = request.dialect().field("decoded-content-length");
            length(&name, request.field("decoded-content-length")?)?
        }
    };
    let length_is_known = declared.is_some() || (request.is_chunked() && framing == Framing::Plain);
    if !length_is_known {
        return Err(FailureCode::MissingContentLength.into());
    }
    if declared.is_some_and(|length| length > OBJECT_BYTES_MAX) {
        return Err(FailureCode::EntityTooLarge.into());
    }
    Ok(StreamPlan { length: declared, framing })
}

/// Whether the body is chunked inside the HTTP body, as the payload word or the content encoding says.
fn framing(request: &Request<'_>) -> Result<Framing, Failure> {
    let word = request.field("content-sha256")?.unwrap_or_default();
    let encoding = request.header("content-encoding")?.unwrap_or_default();
    let encoded = encoding.split(',').any(|word| word.trim().eq_ignore_ascii_case("aws-chunked"))
        && request.has_field("decoded-content-length");
    let (signed, trailed) = match word {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => (true, false),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => (true, true),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => (false, true),
        other if other.starts_with("STREAMING-") => return Err(FailureCode::NotImplemented.into()),
        word if encoded && !word.is_empty() && word != "UNSIGNED-PAYLOAD" => {
            return Err(Failure::new(FailureCode::InvalidRequest)
                .with_message("A body in the aws-chunked encoding cannot be signed by its hash."));
        }
        _ if encoded => (false, true),
        _ => return no_trailer(request).map(|()| Framing::Plain),
    };
    let trailer = if trailed { checksum::trailing(request)? } else { no_trailer(request).map(|()| None)? };
    Ok(Framing::AwsChunked { signed, trailer })
}

/// Refuses a head that announces what its framing has no room for.
fn no_trailer(request: &Request<'_>) -> Result<(), Failure> {
    match request.field("trailer")? {
        None => Ok(()),
        Some(_) => Err(Failure::new(FailureCode::InvalidRequest)
            .with_message("A trailer needs a body in chunks, and a payload word that announces it.")),
    }
}

/// A length in bytes, in decimal digits.
pub(crate) fn length(name: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.map(Some).ok_or_else(|| invalid_argument(name, text))
}

/// The checksums to keep: those sent, else the dialect's own.
fn kept(request: &Request<'_>, mut sent: Vec<ChecksumAlgorithm>) -> Vec<ChecksumAlgorithm> {
    if sent.is_empty() {
        sent.extend(request.dialect().resources.kept_checksum);
    }
    sent
}

/// The checksums that stand in the head or follow the body, each once.
///
/// # Errors
/// As [`checksum::refuse_unfulfilled`].
pub(crate) fn sent(
    request: &Request<'_>,
    expected: &ExpectedDigests,
    framing: Framing,
) -> Result<Vec<ChecksumAlgorithm>, Failure> {
    let trailer = match framing {
        Framing::AwsChunked { trailer, .. } => trailer,
        Framing::Plain | Framing::File { .. } => None,
    };
    let mut sent: Vec<_> = expected.checksums.iter().map(|checksum| checksum.algorithm).chain(trailer).collect();
    checksum::refuse_unfulfilled(request, !sent.is_empty())?;
    sent.sort_unstable();
    sent.dedup();
    Ok(sent)
}
