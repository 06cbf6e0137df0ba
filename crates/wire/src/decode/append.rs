//! AppendObject, in OBS and OSS, and its end, in OSS.

use strongroom_model::checksum::ChecksumAlgorithm;
use strongroom_model::condition::Conditions;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::Failure;
use strongroom_model::operation::Operation;
use strongroom_model::operation::append::{AppendObject, SealAppend};
use strongroom_model::operation::object::{ObjectOperation, PutObject};

use crate::decode::{put, refuse_unbuilt};
use crate::intent::Asked;
use crate::request::{Request, invalid_argument};

/// `POST /bucket/key?append&position=…`.
pub(crate) fn append_object(request: &Request<'_>) -> Result<Asked, Failure> {
    let (put, plan) = put::asked(request, put::plan)?;
    let words = &request.dialect().resources;
    // Of the checksums, only the CRCs of two pieces make that of both, and this one the dialects that append have.
    let put = PutObject {
        keep: vec![ChecksumAlgorithm::Crc64Ecma],
        conditions: Conditions::default(),
        tag: if words.tag == TagPromise::Always { TagPromise::Never } else { words.tag },
        ..put
    };
    let append = AppendObject { put, position: position(request)?, later: words.later_encryption };
    Ok(Asked::Streamed(Operation::Object(ObjectOperation::Append(Box::new(append))), plan))
}

/// `POST /bucket/key?seal&position=…`.
pub(crate) fn seal(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let seal = SealAppend { bucket: request.bucket()?, key: request.key()?, position: position(request)? };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::SealAppend(seal))))
}

/// # Errors
/// `InvalidArgument` for what is no length, or none.
fn position(request: &Request<'_>) -> Result<u64, Failure> {
    let text = request.query().value("position").unwrap_or_default();
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.ok_or_else(|| invalid_argument("position", text).with_message("The position of an append must be a length."))
}
