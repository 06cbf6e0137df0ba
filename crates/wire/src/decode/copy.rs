//! CopyObject, and the source of whatever copies.

use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::condition::Conditions;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ContentHeaders;
use strongroom_model::name::{BucketName, ObjectKey, VersionId};
use strongroom_model::operation::copy::{CopiedChecksums, CopyObject, CopyPart, MetadataFrom};
use strongroom_model::operation::object::{ExpectedDigests, GetObject, ObjectOperation, PutObject, Unsatisfiable};
use strongroom_model::operation::{Operation, UploadOperation};
use strongroom_model::range::RangeSpec;

use crate::decode::customer::{self, Purpose};
use crate::decode::{condition, encryption, metadata, object_setting, parse_version, refuse_unbuilt, upload};
use crate::intent::Asked;
use crate::request::{Request, argument, invalid_argument};
use crate::target::parse_key;
use crate::text::percent;

/// The field that names the source.
const SOURCE: &str = "copy-source";
/// The field that says which bytes of it.
const SOURCE_RANGE: &str = "copy-source-range";
/// The field that says where the metadata come from.
const METADATA_DIRECTIVE: &str = "metadata-directive";
/// The field that says where the tags come from.
const TAGGING_DIRECTIVE: &str = "tagging-directive";

/// `PUT /bucket/key` with a source.
pub(crate) fn copy_object(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    let words = &request.dialect().resources;
    let class = request.field("storage-class")?;
    let target = PutObject {
        bucket,
        key,
        metadata: metadata::of_object(request)?,
        storage_class: class.map(|word| metadata::storage_class(request, word)).transpose()?,
        settings: object_setting::of_write(request)?,
        encryption: encryption::wish(request)?,
        conditions: condition::of_write(request)?,
        expected: ExpectedDigests::default(),
        keep: Vec::new(),
        tag: words.tag,
    };
    let copy = CopyObject {
        source: source(request)?,
        target,
        metadata_from: from(request, METADATA_DIRECTIVE)?.unwrap_or(MetadataFrom::Source),
        tags_from: from(request, TAGGING_DIRECTIVE)?.unwrap_or(request.dialect().settings.copied_tags),
        checksums: checksums(request)?,
        onto_itself: words.copy.onto_itself,
        unchanged: words.copy.unchanged,
        links: words.copy.links,
    };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::Copy(Box::new(copy)))))
}

/// `PUT /bucket/key?partNumber&uploadId` with a source.
pub(crate) fn copy_part(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let part = upload::part(request)?;
    let words = &request.dialect().resources;
    let source = GetObject { range: range(request)?, unsatisfiable: words.unsatisfiable, ..source(request)? };
    let copy = CopyPart { source, part, unchanged: words.copy.unchanged };
    Ok(Asked::Complete(Operation::Upload(UploadOperation::CopyPart(Box::new(copy)))))
}

/// Which bytes of its source a part is made of; none is all of them.
///
/// # Errors
/// `InvalidCopyRange` for what is not of the one form that a source's range has, where the dialect minds.
fn range(request: &Request<'_>) -> Result<Option<RangeSpec>, Failure> {
    let Some(text) = request.field(SOURCE_RANGE)? else { return Ok(None) };
    match (RangeSpec::parse(text), request.dialect().resources.unsatisfiable) {
        (Some(range @ RangeSpec::Between { .. }), _) => Ok(Some(range)),
        (range, Unsatisfiable::Whole) => Ok(range),
        (_, Unsatisfiable::Refused) => {
            Err(argument(FailureCode::InvalidCopyRange, &request.dialect().field(SOURCE_RANGE), text))
        }
    }
}

/// What is to be read: the whole of an object.
///
/// # Errors
/// `InvalidCopySource`, `InvalidBucketName`, or whatever is wrong with the source's version, conditions or customer key.
pub(crate) fn source(request: &Request<'_>) -> Result<GetObject, Failure> {
    let (bucket, key, version) = place(request)?;
    Ok(GetObject {
        bucket,
        key,
        version,
        range: None,
        part: None,
        unsatisfiable: Unsatisfiable::Refused,
        conditions: conditions(request)?,
        customer_key: customer::key(request, Purpose::Source)?,
        overrides: ContentHeaders::default(),
        show_checksums: false,
    })
}

/// `/bucket/key?versionId=…`, percent-encoded whole or in parts, with or without the slash before it. A plus sign means a
/// blank, as the clients that write one mean it; all encode the sign itself.
fn place(request: &Request<'_>) -> Result<(BucketName, ObjectKey, Option<VersionId>), Failure> {
    let text = request.field(SOURCE)?.unwrap_or_default();
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    };
    let path = percent::decode_form(path)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let (bucket, key) = path.split_once('/').ok_or_else(|| blame(request, text))?;
    let bucket = BucketName::parse(bucket).map_err(|cause| blame(request, text).caused_by(cause))?;
    let version = version.filter(|version| !version.is_empty()).map(parse_version).transpose()?;
    Ok((bucket, parse_key(key).map_err(|_| blame(request, text))?, version))
}

fn blame(request: &Request<'_>, text: &str) -> Failure {
    argument(FailureCode::InvalidCopySource, &request.dialect().field(SOURCE), text)
}

fn conditions(request: &Request<'_>) -> Result<Conditions, Failure> {
    condition::of_fields(|name| request.field(&["copy-source-", name].concat()))
}

/// # Errors
/// `InvalidArgument` for another word than the two.
fn from(request: &Request<'_>, directive: &str) -> Result<Option<MetadataFrom>, Failure> {
    match request.field(directive)? {
        None => Ok(None),
        Some(word) if word.eq_ignore_ascii_case("COPY") => Ok(Some(MetadataFrom::Source)),
        Some(word) if word.eq_ignore_ascii_case("REPLACE") => Ok(Some(MetadataFrom::Request)),
        Some(word) => {
            Err(invalid_argument(&request.dialect().field(directive), word).with_message("Unknown directive."))
        }
    }
}

/// The checksum that the request asks for by name (S3), else those of the source.
///
/// # Errors
/// `InvalidRequest` for one that the dialect does not have.
fn checksums(request: &Request<'_>) -> Result<CopiedChecksums, Failure> {
    let words = &request.dialect().resources;
    let Some(asked) = request.field("checksum-algorithm")? else {
        return Ok(CopiedChecksums::OfSource { otherwise: words.kept_checksum });
    };
    let field = words.checksums.iter().find(|field| {
        field.name.strip_prefix("checksum-").is_some_and(|algorithm| algorithm.eq_ignore_ascii_case(asked))
    });
    let algorithm: Option<ChecksumAlgorithm> = field.map(|field| field.algorithm);
    algorithm.map(CopiedChecksums::Only).ok_or_else(|| {
        Failure::new(FailureCode::InvalidRequest)
            .with_message("Checksum algorithm provided is unsupported. Please try again with any of the valid types.")
    })
}
