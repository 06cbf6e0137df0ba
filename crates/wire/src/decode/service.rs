//! Operations on the service as a whole.

use strongroom_model::failure::Failure;
use strongroom_model::operation::service::ListBuckets;
use strongroom_model::operation::{Operation, ServiceOperation};

use crate::decode::listing;
use crate::intent::Asked;
use crate::request::{Request, invalid_argument};
use crate::text::bytes::from_token;

/// `GET /`.
pub(crate) fn list_buckets(request: &Request<'_>) -> Result<Asked, Failure> {
    let query = request.query();
    let marker = match query.value("continuation-token") {
        Some(token) => from_token(token).ok_or_else(|| invalid_argument("continuation-token", token))?,
        None => query.value("marker").unwrap_or_default().to_owned(),
    };
    let prefix = query.value("prefix").unwrap_or_default().to_owned();
    let max_keys = match listing::count(request, "max-buckets")? {
        None => listing::count(request, "max-keys")?,
        max_buckets => max_buckets,
    };
    let list = ListBuckets { prefix, marker, max_keys };
    Ok(Asked::Complete(Operation::Service(ServiceOperation::ListBuckets(list))))
}

/// `HEAD /?apiversion`, unsigned.
pub(crate) fn probe(_: &Request<'_>) -> Result<Asked, Failure> {
    Ok(Asked::Complete(Operation::Service(ServiceOperation::Probe)))
}
