//! Listing objects and versions.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::{BucketOperation, ListObjects, ListVersion, ListVersions};

use crate::decode::{parse_version, refuse_unbuilt};
use crate::intent::Asked;
use crate::request::{Request, invalid_argument};
use crate::text::bytes::from_token;

/// `GET /bucket`, in both versions.
pub(crate) fn list_objects(request: &Request<'_>) -> Result<Asked, Failure> {
    let bucket = request.bucket()?;
    refuse_unbuilt(request)?;
    let query = request.query();
    let text = |name| bounded(request, name).map(|text| text.map(str::to_owned));
    let version = if query.value("list-type") == Some("2") { ListVersion::V2 } else { ListVersion::V1 };
    let (marker, start_after, token) = match version {
        ListVersion::V1 => (text("marker")?, None, None),
        ListVersion::V2 => (None, text("start-after")?, query.value("continuation-token").map(str::to_owned)),
    };
    let continued = token.as_deref().map(|token| from_token(token).ok_or_else(|| wrong_token(token))).transpose()?;
    let list = ListObjects {
        bucket,
        prefix: text("prefix")?.unwrap_or_default(),
        delimiter: text("delimiter")?.unwrap_or_default(),
        after: continued.or_else(|| marker.clone()).or_else(|| start_after.clone()).unwrap_or_default(),
        marker,
        start_after,
        continuation_token: token,
        max_keys: max_keys(request)?,
        url_encoded: url_encoded(request)?,
        version,
        fetch_owner: query.value("fetch-owner").is_some_and(|word| word.eq_ignore_ascii_case("true")),
    };
    Ok(Asked::Complete(Operation::Bucket(BucketOperation::ListObjects(list))))
}

/// `GET /bucket?versions`.
pub(crate) fn list_versions(request: &Request<'_>) -> Result<Asked, Failure> {
    let bucket = request.bucket()?;
    refuse_unbuilt(request)?;
    let text = |name| Ok::<_, Failure>(bounded(request, name)?.unwrap_or_default().to_owned());
    let version_marker = request.query().value("version-id-marker").filter(|text| !text.is_empty());
    let list = ListVersions {
        bucket,
        prefix: text("prefix")?,
        delimiter: text("delimiter")?,
        key_marker: text("key-marker")?,
        version_marker: version_marker.map(parse_version).transpose()?,
        max_keys: max_keys(request)?,
        url_encoded: url_encoded(request)?,
    };
    if list.version_marker.is_some() && list.key_marker.is_empty() {
        return Err(invalid_argument("version-id-marker", version_marker.unwrap_or_default())
            .with_message("A version-id marker cannot be specified without a key marker."));
    }
    Ok(Asked::Complete(Operation::Bucket(BucketOperation::ListVersions(list))))
}

/// A parameter that says how many.
///
/// # Errors
/// `InvalidArgument` for what is no number from 0 to 2³¹ − 1, the greatest that AWS takes.
pub(crate) fn count(request: &Request<'_>, name: &str) -> Result<Option<u32>, Failure> {
    let Some(text) = request.query().value(name) else { return Ok(None) };
    let number = text.parse::<i32>().ok().and_then(|number| u32::try_from(number).ok());
    number.map(Some).ok_or_else(|| {
        invalid_argument(name, text)
            .with_message(format!("Argument {name} must be an integer between 0 and 2147483647"))
    })
}

/// Whether names in the answer are to be percent-encoded.
///
/// # Errors
/// `InvalidArgument` for an encoding that does not exist.
pub(crate) fn url_encoded(request: &Request<'_>) -> Result<bool, Failure> {
    match request.query().value("encoding-type") {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("url") => Ok(true),
        Some(word) => {
            Err(invalid_argument("encoding-type", word).with_message("Invalid Encoding Method specified in Request"))
        }
    }
}

fn max_keys(request: &Request<'_>) -> Result<u32, Failure> {
    let asked = count(request, "max-keys")?.unwrap_or(request.dialect().resources.list_default);
    Ok(asked.min(ListObjects::MAX_KEYS))
}

/// A parameter that is, or is part of, an object's key, and no longer than one.
pub(crate) fn bounded<'r>(request: &'r Request<'_>, name: &str) -> Result<Option<&'r str>, Failure> {
    match request.query().value(name) {
        Some(text) if text.len() > ObjectKey::LENGTH_MAX => {
            Err(Failure::new(FailureCode::InvalidArgument).with_detail("ArgumentName", name))
        }
        value => Ok(value),
    }
}

fn wrong_token(token: &str) -> Failure {
    invalid_argument("continuation-token", token).with_message("The continuation token provided is incorrect")
}
