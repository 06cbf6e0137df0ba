//! Symbolic links, in OSS.

use strongroom_model::encryption::EncryptionWish;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::Failure;
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::{ExpectedDigests, ObjectOperation, PutObject};
use strongroom_model::operation::symlink::PutSymlink;

use crate::decode::object_setting::target;
use crate::decode::{condition, metadata, object_setting, refuse_unbuilt};
use crate::intent::Asked;
use crate::request::{Request, invalid_argument};
use crate::target::parse_key;
use crate::text::percent;

/// The field that says where a link leads.
pub(crate) const TARGET: &str = "symlink-target";

/// `PUT /bucket/key?symlink`.
///
/// # Errors
/// `InvalidArgument` without a target, `InvalidObjectKey` for one that no object could have.
pub(crate) fn put(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    let field = || request.dialect().field(TARGET);
    let told = request.field(TARGET)?.filter(|text| !text.is_empty()).ok_or_else(|| invalid_argument(&field(), ""))?;
    let class = request.field("storage-class")?;
    let link = PutObject {
        bucket,
        key,
        metadata: metadata::of_object(request)?,
        storage_class: class.map(|word| metadata::storage_class(request, word)).transpose()?,
        settings: object_setting::of_write(request)?,
        encryption: EncryptionWish::Unspecified,
        conditions: condition::of_write(request)?,
        expected: ExpectedDigests::default(),
        keep: Vec::new(),
        tag: TagPromise::Never,
    };
    let put = PutSymlink { link, target: parse_key(&percent::decode(told)?)? };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::PutSymlink(put))))
}

/// `GET /bucket/key?symlink`.
pub(crate) fn get(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(Asked::Complete(Operation::Object(ObjectOperation::GetSymlink(target(request)?))))
}
