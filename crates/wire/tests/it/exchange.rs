//! Requests and a site to test with.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use strongroom_model::failure::Failure;
use strongroom_model::name::{Region, RequestId};
use strongroom_model::operation::Operation;
use strongroom_model::time::Timestamp;
use strongroom_wire::{Asked, Dialect, Exchange, Site, recognise};

/// A server as it is configured out of the box.
pub(crate) fn site() -> Site {
    let region = Region::parse("us-east-1").unwrap();
    Site { domains: vec!["localhost".to_owned()], region, strict_region: false, s3_always_on: true }
}

/// What an answer to `method` needs to know.
pub(crate) fn exchange<'a>(method: &'a Method, site: &'a Site) -> Exchange<'a> {
    let request_id = RequestId(*b"\x5c\x06\xa3\xb6\x7b\x8b\x5a\x3d\xa4\x22\x29\x9d\x01\x02\x03\x04");
    let now = Timestamp::from_millis(1_795_295_890_123);
    Exchange { request_id, method, host: "b1.localhost:9000", path: "/dir/a%20b", now, site, form: None }
}

/// A head as it is written: a request line, then headers.
pub(crate) fn head(text: &str) -> Parts {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (method, uri) = lines.next().and_then(|line| line.split_once(' ')).unwrap();
    let mut request = http::Request::builder().method(method).uri(uri);
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let name = HeaderName::from_bytes(name.trim().as_bytes()).unwrap();
        request = request.header(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    request.body(()).unwrap().into_parts().0
}

/// The operation that a head and its body ask for, in the dialect that it is recognised as.
pub(crate) fn operation(text: &str, body: &str) -> Result<Operation, Failure> {
    let parts = head(text);
    operation_in(recognise(&parts), &parts, body)
}

/// The same in a given dialect.
pub(crate) fn operation_in(dialect: &'static Dialect, parts: &Parts, body: &str) -> Result<Operation, Failure> {
    match dialect.decode(parts, &site())?.asked {
        Asked::Complete(operation) | Asked::Streamed(operation, _) => Ok(operation),
        Asked::Documented(draft) => draft.finish(body.as_bytes()),
        Asked::Form(_) => panic!("a form says what it asks for in its body"),
    }
}
