//! Inventories of a bucket.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::inventory::InventoryId;
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::{BucketOperation, ListInventories};

use crate::decode::digest::DocumentDigests;
use crate::decode::refuse_unbuilt;
use crate::document::{SETTING_LIMIT, inventory};
use crate::intent::{Asked, Draft};
use crate::request::{Request, argument};

/// `GET /bucket?inventory` with the name of one.
pub(crate) fn get(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::GetInventory(request.bucket()?, named(request)?)))
}

/// `DELETE /bucket?inventory` with the name of one.
pub(crate) fn delete(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::DeleteInventory(request.bucket()?, named(request)?)))
}

/// `GET /bucket?inventory`.
pub(crate) fn list(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let token = request.query().value("continuation-token").filter(|token| !token.is_empty());
    let wrong = |text| argument(FailureCode::InvalidArgument, "continuation-token", text);
    let after = token.map(|text| InventoryId::parse(text).map_err(|_| wrong(text))).transpose()?;
    let after = after.map(|id| id.as_str().to_owned());
    Ok(complete(BucketOperation::ListInventories(ListInventories { bucket: request.bucket()?, after })))
}

/// `PUT /bucket?inventory` with the name of one, which its document repeats.
pub(crate) fn put(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let (bucket, id, dialect) = (request.bucket()?, named(request)?, request.dialect());
    let finish = move |document: &[u8]| {
        let inventory = inventory::read(document, dialect)?;
        if inventory.id != id {
            return Err(argument(FailureCode::InvalidArgument, dialect.settings.inventory.id, id.as_str()));
        }
        Ok(Operation::Bucket(BucketOperation::PutInventory(bucket, Box::new(inventory))))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("PutBucketInventory", SETTING_LIMIT, digests, Box::new(finish))))
}

fn named(request: &Request<'_>) -> Result<InventoryId, Failure> {
    let parameter = request.dialect().settings.inventory.id;
    let text = request.query().value(parameter).unwrap_or_default();
    InventoryId::parse(text).map_err(|_| argument(FailureCode::InvalidArgument, parameter, text))
}

fn complete(operation: BucketOperation) -> Asked {
    Asked::Complete(Operation::Bucket(operation))
}
