//! Multipart uploads.

use strongroom_model::checksum::{Checksum, ChecksumAlgorithm, ChecksumScope};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{PartNumber, UploadId};
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::ExpectedDigests;
use strongroom_model::operation::upload::{
    CompleteUpload, InitiateUpload, ListParts, ListUploads, NamedParts, UploadChecksum, UploadName, UploadOperation,
    WritePart,
};

use crate::decode::customer::{self, Purpose};
use crate::decode::digest::{self, DocumentDigests};
use crate::decode::{checksum, condition, encryption, listing, metadata, object_setting, put, refuse_unbuilt};
use crate::dialect::ChecksumsShown;
use crate::document::{COMPLETION_LIMIT, completion};
use crate::intent::{Asked, Draft};
use crate::request::{Request, invalid_argument};

/// `POST /bucket/key?uploads`.
pub(crate) fn initiate(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    let class = request.field("storage-class")?;
    let initiate = InitiateUpload {
        bucket,
        key,
        metadata: metadata::of_object(request)?,
        storage_class: class.map(|word| metadata::storage_class(request, word)).transpose()?,
        settings: object_setting::of_write(request)?,
        encryption: encryption::wish(request)?,
        conditions: condition::of_write(request)?,
        checksum: checksum_to_keep(request)?,
        url_encoded: listing::url_encoded(request)?,
    };
    complete_now(UploadOperation::Initiate(initiate))
}

/// `PUT /bucket/key?partNumber&uploadId`.
pub(crate) fn write_part(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let part = part(request)?;
    let plan = put::plan(request)?;
    let expected = ExpectedDigests { md5: digest::content_md5(request)?, checksums: checksum::declared(request)? };
    let keep = put::sent(request, &expected, plan.framing)?;
    let write = WritePart { expected, keep, ..part };
    Ok(Asked::Streamed(Operation::Upload(UploadOperation::WritePart(write)), plan))
}

/// The part that a request writes, wherever its bytes come from.
pub(crate) fn part(request: &Request<'_>) -> Result<WritePart, Failure> {
    let upload = name(request)?;
    refuse_method(request)?;
    Ok(WritePart {
        upload,
        number: part_number(request)?.ok_or_else(|| invalid_part_number(""))?,
        customer_key: customer::key(request, Purpose::Write)?,
        expected: ExpectedDigests::default(),
        keep: Vec::new(),
        tag: request.dialect().resources.tag,
        holders: request.dialect().resources.upload_holders,
    })
}

/// `POST /bucket/key?uploadId`.
pub(crate) fn complete(request: &Request<'_>) -> Result<Asked, Failure> {
    let upload = name(request)?;
    refuse_unbuilt(request)?;
    refuse_method(request)?;
    let dialect = request.dialect();
    let words = &dialect.resources;
    let all = match words.complete_all {
        Some(suffix) => request.field(suffix)?.is_some_and(|word| word.eq_ignore_ascii_case("yes")),
        None => false,
    };
    let head = CompleteUpload {
        upload,
        parts: NamedParts::All,
        holders: words.upload_holders,
        least_part: words.least_part,
        conditions: condition::of_write(request)?,
        customer_key: customer::key(request, Purpose::Write)?,
        size: put::length("mp-object-size", request.field("mp-object-size")?)?,
        expected: checksum::declared_of_object(request)?,
        scope: scope(request)?,
        url_encoded: listing::url_encoded(request)?,
    };
    let finish = move |document: &[u8]| {
        let parts = completion::read(document, all, dialect)?;
        Ok(Operation::Upload(UploadOperation::Complete(CompleteUpload { parts, ..head })))
    };
    let digests = DocumentDigests::of_md5(request)?;
    Ok(Asked::Documented(Draft::new("CompleteMultipartUpload", COMPLETION_LIMIT, digests, Box::new(finish))))
}

/// `DELETE /bucket/key?uploadId`.
pub(crate) fn abort(request: &Request<'_>) -> Result<Asked, Failure> {
    let upload = name(request)?;
    refuse_unbuilt(request)?;
    complete_now(UploadOperation::Abort(upload))
}

/// `GET /bucket/key?uploadId`.
pub(crate) fn list_parts(request: &Request<'_>) -> Result<Asked, Failure> {
    let upload = name(request)?;
    refuse_unbuilt(request)?;
    let list = ListParts {
        upload,
        after: listing::count(request, "part-number-marker")?.unwrap_or(0),
        max_parts: listing::count(request, "max-parts")?.unwrap_or(ListParts::PARTS_MAX).min(ListParts::PARTS_MAX),
        url_encoded: listing::url_encoded(request)?,
    };
    complete_now(UploadOperation::ListParts(list))
}

/// `GET /bucket?uploads`.
pub(crate) fn list_uploads(request: &Request<'_>) -> Result<Asked, Failure> {
    let bucket = request.bucket()?;
    refuse_unbuilt(request)?;
    let text = |name| Ok::<_, Failure>(listing::bounded(request, name)?.unwrap_or_default().to_owned());
    let max_uploads = listing::count(request, "max-uploads")?.unwrap_or(ListUploads::UPLOADS_MAX);
    let marker = request.query().value("upload-id-marker").filter(|text| !text.is_empty());
    let list = ListUploads {
        bucket,
        prefix: text("prefix")?,
        delimiter: text("delimiter")?,
        key_marker: text("key-marker")?,
        upload_marker: marker
            .map(|text| parse_upload(text).ok_or_else(|| invalid_argument("upload-id-marker", text)))
            .transpose()?,
        max_uploads: max_uploads.min(ListUploads::UPLOADS_MAX),
        url_encoded: listing::url_encoded(request)?,
    };
    complete_now(UploadOperation::List(list))
}

/// The part that a request names.
///
/// # Errors
/// `InvalidArgument` for a number that no part has.
pub(crate) fn part_number(request: &Request<'_>) -> Result<Option<PartNumber>, Failure> {
    let Some(text) = request.query().value("partNumber") else { return Ok(None) };
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.and_then(PartNumber::new).map(Some).ok_or_else(|| invalid_part_number(text))
}

/// The checksum that the head asks to keep, else the dialect's own.
fn checksum_to_keep(request: &Request<'_>) -> Result<Option<UploadChecksum>, Failure> {
    let words = &request.dialect().resources;
    let scope = scope(request)?;
    let Some(word) = request.field("checksum-algorithm")? else {
        if scope.is_some() {
            let message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(Failure::new(FailureCode::InvalidRequest).with_message(message));
        }
        let asked = words.checksums_shown == ChecksumsShown::Always;
        let keep = |algorithm| UploadChecksum { algorithm, scope: ChecksumScope::Whole, asked };
        return Ok(words.kept_checksum.map(keep));
    };
    let field = words.checksums.iter().find(|field| field.algorithm.name().eq_ignore_ascii_case(word));
    let algorithm = field.ok_or_else(|| unknown_algorithm(request, word))?.algorithm;
    let usual = match algorithm {
        ChecksumAlgorithm::Crc64Nvme | ChecksumAlgorithm::Crc64Ecma => ChecksumScope::Whole,
        _ => ChecksumScope::Composite,
    };
    let scope = scope.unwrap_or(usual);
    let possible = match scope {
        ChecksumScope::Whole => algorithm.combines(),
        ChecksumScope::Composite => usual == ChecksumScope::Composite,
    };
    if !possible {
        return Err(Failure::new(FailureCode::InvalidRequest).with_message(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            scope_word(scope),
            algorithm.name()
        )));
    }
    Ok(Some(UploadChecksum { algorithm, scope, asked: true }))
}

/// Over what the head says that the object's checksum is.
fn scope(request: &Request<'_>) -> Result<Option<ChecksumScope>, Failure> {
    let Some(word) = request.field("checksum-type")? else { return Ok(None) };
    let found = [ChecksumScope::Whole, ChecksumScope::Composite].into_iter().find(|scope| scope_word(*scope) == word);
    found.map(Some).ok_or_else(|| invalid_argument(&request.dialect().field("checksum-type"), word))
}

/// The word for what a checksum is over.
pub(crate) fn scope_word(scope: ChecksumScope) -> &'static str {
    match scope {
        ChecksumScope::Whole => "FULL_OBJECT",
        ChecksumScope::Composite => "COMPOSITE",
    }
}

/// Refuses the fields of a beginning in what follows it, where the dialect does.
fn refuse_method(request: &Request<'_>) -> Result<(), Failure> {
    if request.dialect().encryption.refused_on_parts { encryption::refuse_on_read(request) } else { Ok(()) }
}

fn name(request: &Request<'_>) -> Result<UploadName, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    let id = request.query().value("uploadId").and_then(parse_upload).ok_or(FailureCode::NoSuchUpload)?;
    Ok(UploadName { bucket, key, id })
}

fn parse_upload(text: &str) -> Option<UploadId> {
    hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).map(UploadId)
}

fn invalid_part_number(text: &str) -> Failure {
    invalid_argument("partNumber", text).with_message("Part number must be an integer between 1 and 10000, inclusive")
}

fn unknown_algorithm(request: &Request<'_>, word: &str) -> Failure {
    invalid_argument(&request.dialect().field("checksum-algorithm"), word)
        .with_message("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

fn complete_now(operation: UploadOperation) -> Result<Asked, Failure> {
    Ok(Asked::Complete(Operation::Upload(operation)))
}

/// A checksum that a document or a head declares of an object or a part.
pub(crate) fn read_checksum(field: &crate::dialect::ChecksumField, text: &str) -> Option<Checksum> {
    let (text, parts) = match text.rsplit_once('-') {
        Some((value, count)) => (value, Some(count.parse().ok()?)),
        None => (text, None),
    };
    Some(Checksum { algorithm: field.algorithm, value: field.spelling.read(text, field.algorithm)?, parts })
}
