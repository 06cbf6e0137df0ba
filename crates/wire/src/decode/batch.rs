//! DeleteObjects.

use strongroom_model::failure::Failure;
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::ObjectOperation;

use crate::decode::digest::DocumentDigests;
use crate::decode::{listing, lock, refuse_unbuilt};
use crate::document::{DELETION_LIMIT, deletion};
use crate::intent::{Asked, Draft};
use crate::request::Request;

/// `POST /bucket?delete`.
pub(crate) fn delete_objects(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, dialect) = (request.bucket()?, request.dialect());
    refuse_unbuilt(request)?;
    let (url_encoded, bypass) = (listing::url_encoded(request)?, lock::bypass(request)?);
    let finish = move |document: &[u8]| {
        let delete = deletion::read(document, bucket, (url_encoded, bypass), dialect)?;
        Ok(Operation::Object(ObjectOperation::DeleteMany(delete)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("DeleteObjects", DELETION_LIMIT, digests, Box::new(finish))))
}
