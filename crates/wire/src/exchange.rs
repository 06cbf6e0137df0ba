//! What an answer needs to know of its request and of the server.

use bytes::Bytes;
use strongroom_model::name::{Region, RequestId};
use strongroom_model::time::Timestamp;

use crate::form::FormReply;

/// The server as its clients know it.
#[derive(Debug, Clone)]
pub struct Site {
    /// Host names of the service, in lower case, without ports. A host `bucket.<domain>` names a bucket.
    pub domains: Vec<String>,
    /// The server's region.
    pub region: Region,
    /// Whether locations and signing scopes of other regions are refused.
    pub strict_region: bool,
    /// Whether buckets made by V4-signed S3 requests start with the rule AES256, as on AWS.
    pub s3_always_on: bool,
}

/// One request, as far as its answer depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The request's identity.
    pub request_id: RequestId,
    /// Its method: an answer to HEAD has no body.
    pub method: &'a http::Method,
    /// Its host as sent, with the port.
    pub host: &'a str,
    /// Its path as sent, percent-encoded.
    pub path: &'a str,
    /// The time of the answer.
    pub now: Timestamp,
    /// The server.
    pub site: &'a Site,
    /// How it wants to be answered, if it was a form.
    pub form: Option<&'a FormReply>,
}

/// An answer's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// None.
    Empty,
    /// A document.
    Document(Bytes),
    /// An object's data, which the server attaches.
    Object {
        /// Its length in bytes.
        length: u64,
    },
}
