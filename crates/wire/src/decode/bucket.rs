//! Operations on one bucket.

use strongroom_model::failure::Failure;
use strongroom_model::metadata::CannedAcl;
use strongroom_model::name::BucketName;
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::{BucketOperation, CreateBucket};
use strongroom_model::tag::TagSet;

use crate::decode::digest::DocumentDigests;
use crate::decode::{encryption, lock, metadata, object_setting, refuse_unbuilt};
use crate::document::tagging::{self, Tagged};
use crate::document::{SETTING_LIMIT, creation};
use crate::intent::{Asked, Draft};
use crate::request::Request;

/// `PUT /bucket`.
pub(crate) fn create(request: &Request<'_>) -> Result<Asked, Failure> {
    let bucket = request.bucket()?;
    refuse_unbuilt(request)?;
    let dialect = request.dialect();
    let site = request.site().clone();
    let word = dialect.resources.bucket_class_headers.iter().find_map(|name| request.header(name).transpose());
    let storage_class = word.transpose()?.map(|word| metadata::storage_class(request, word)).transpose()?;
    let head = CreateBucket {
        bucket,
        location: None,
        acl: object_setting::acl_wish(request, "acl", CannedAcl::Private)?,
        tags: tags(request)?,
        storage_class: storage_class.unwrap_or_default(),
        encryption: encryption::bucket_default(request)?,
        always_encrypted: starts_encrypted(request),
        lock: lock::of_creation(request)?,
    };
    let finish = move |document: &[u8]| {
        let create = creation::complete(head, document, dialect, &site)?;
        Ok(Operation::Bucket(BucketOperation::Create(create)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("CreateBucket", SETTING_LIMIT, digests, Box::new(finish))))
}

/// `DELETE /bucket`.
pub(crate) fn delete(request: &Request<'_>) -> Result<Asked, Failure> {
    complete(request, BucketOperation::Delete)
}

/// `HEAD /bucket`.
pub(crate) fn head(request: &Request<'_>) -> Result<Asked, Failure> {
    complete(request, BucketOperation::Head)
}

/// `HEAD /bucket?apiversion`, unsigned.
pub(crate) fn probe(request: &Request<'_>) -> Result<Asked, Failure> {
    complete(request, BucketOperation::Probe)
}

/// `GET /bucket?location`.
pub(crate) fn location(request: &Request<'_>) -> Result<Asked, Failure> {
    complete(request, BucketOperation::Location)
}

/// `GET /bucket?bucketInfo`.
pub(crate) fn info(request: &Request<'_>) -> Result<Asked, Failure> {
    complete(request, BucketOperation::Info)
}

/// Whether the request is one of those whose buckets AWS starts with the rule AES256. The V2-signed fallback of the OBS
/// clients is not.
pub(crate) fn starts_encrypted(request: &Request<'_>) -> bool {
    request.dialect().starts_encrypted && request.site().s3_always_on && request.is_signed_by_scope()
}

/// The tags of a new bucket, where a field may carry them.
fn tags(request: &Request<'_>) -> Result<TagSet, Failure> {
    let dialect = request.dialect();
    let Some(suffix) = dialect.settings.creation_tags else { return Ok(TagSet::default()) };
    let tags = request.field(suffix)?.map(|text| tagging::read_field(text, Tagged::Bucket, dialect)).transpose()?;
    Ok(tags.unwrap_or_default())
}

fn complete(request: &Request<'_>, operation: impl FnOnce(BucketName) -> BucketOperation) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(Asked::Complete(Operation::Bucket(operation(request.bucket()?))))
}
