//! The questions of browsers.

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use strongroom_model::cors::{CorsMethod, CrossOrigin};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::BucketOperation;

use crate::intent::Asked;
use crate::request::Request;
use crate::target::Level;

/// `OPTIONS`, of a bucket and of an object; the service itself has no rules. What a signed URL has signed is the request that is to follow.
pub(crate) fn preflight(request: &Request<'_>) -> Result<Asked, Failure> {
    let origin = request.header(ORIGIN.as_str())?;
    let origin = origin.ok_or_else(|| incomplete("Insufficient information. Origin request header needed."))?;
    let method = request.header(ACCESS_CONTROL_REQUEST_METHOD.as_str())?;
    let method = method
        .and_then(CorsMethod::parse)
        .ok_or_else(|| incomplete(format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null"))))?;
    let announced = request.header(ACCESS_CONTROL_REQUEST_HEADERS.as_str())?.unwrap_or_default();
    let headers = announced.split(',').map(str::trim).filter(|name| !name.is_empty());
    let headers: Vec<String> = headers.map(str::to_ascii_lowercase).collect();
    if headers.len() > CrossOrigin::HEADERS_MAX {
        return Err(incomplete("Access-Control-Request-Headers names too many headers."));
    }
    if request.target().level() == Level::Service {
        return Err(FailureCode::CorsNotEnabled.into());
    }
    let of_object = request.target().level() == Level::Object;
    let asked = CrossOrigin { origin: origin.to_owned(), method, headers, of_object };
    Ok(Asked::Complete(Operation::Bucket(BucketOperation::CrossOrigin(request.bucket()?, asked))))
}

fn incomplete(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(FailureCode::PreflightIncomplete).with_message(message)
}
