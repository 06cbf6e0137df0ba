//! The policy that keeps all objects of a bucket (OSS).

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::{BucketOperation, WormOperation};

use crate::decode::digest::DocumentDigests;
use crate::decode::refuse_unbuilt;
use crate::document::{SETTING_LIMIT, lock};
use crate::intent::{Asked, Draft};
use crate::request::Request;

/// `POST /bucket?worm`.
pub(crate) fn initiate(request: &Request<'_>) -> Result<Asked, Failure> {
    documented(request, "InitiateBucketWorm", |document| {
        let days = lock::read_worm(document, "InitiateWormConfiguration")?;
        Ok(WormOperation::Initiate { days })
    })
}

/// `GET /bucket?worm`.
pub(crate) fn get(request: &Request<'_>) -> Result<Asked, Failure> {
    complete_with(request, WormOperation::Get)
}

/// `DELETE /bucket?worm`.
pub(crate) fn abort(request: &Request<'_>) -> Result<Asked, Failure> {
    complete_with(request, WormOperation::Abort)
}

/// `POST /bucket?wormId=…`.
pub(crate) fn complete(request: &Request<'_>) -> Result<Asked, Failure> {
    complete_with(request, WormOperation::Complete { id: id(request)? })
}

/// `POST /bucket?wormId=…&wormExtend`.
pub(crate) fn extend(request: &Request<'_>) -> Result<Asked, Failure> {
    let id = id(request)?;
    documented(request, "ExtendBucketWorm", move |document| {
        let days = lock::read_worm(document, "ExtendWormConfiguration")?;
        Ok(WormOperation::Extend { id, days })
    })
}

/// # Errors
/// `NoWorm` for what can be the id of none.
fn id(request: &Request<'_>) -> Result<[u8; 16], Failure> {
    let text = request.query().value("wormId").unwrap_or_default();
    let id = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    id.ok_or_else(|| FailureCode::NoWorm.into())
}

fn complete_with(request: &Request<'_>, operation: WormOperation) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(Asked::Complete(Operation::Bucket(BucketOperation::Worm(request.bucket()?, operation))))
}

fn documented(
    request: &Request<'_>,
    name: &'static str,
    read: impl FnOnce(&[u8]) -> Result<WormOperation, Failure> + Send + 'static,
) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let bucket = request.bucket()?;
    let finish = move |document: &[u8]| Ok(Operation::Bucket(BucketOperation::Worm(bucket, read(document)?)));
    Ok(Asked::Documented(Draft::new(name, SETTING_LIMIT, DocumentDigests::read(request)?, Box::new(finish))))
}
