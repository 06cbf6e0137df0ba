//! What is known of a request besides what it asks: the facts that policies may test.

use std::net::IpAddr;

use crate::name::RequestId;
use crate::time::Timestamp;

/// Where, when and how a request arrived, and what its head said on the side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The request's id; none for what is not a request's.
    pub request: Option<RequestId>,
    /// The peer's address.
    pub source: Option<IpAddr>,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// When the request arrived.
    pub now: Timestamp,
    /// What its head said.
    pub words: RequestWords,
}

impl Circumstances {
    /// Those of what this process asks of itself: nothing was on any network.
    pub fn inside(now: Timestamp) -> Self {
        Self { request: None, source: None, tls: true, now, words: RequestWords::default() }
    }
}

/// What a request's head said besides its operation, each exactly as given; none was not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestWords {
    /// `Referer`.
    pub referer: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The canned access control list.
    pub acl: Option<String>,
    /// The storage class.
    pub storage_class: Option<String>,
    /// The source of a copy.
    pub copy_source: Option<String>,
    /// Whether a copy keeps its source's metadata.
    pub metadata_directive: Option<String>,
    /// The `prefix` of a listing.
    pub prefix: Option<String>,
    /// The `delimiter` of a listing.
    pub delimiter: Option<String>,
    /// The `max-keys` of a listing.
    pub max_keys: Option<String>,
    /// The version named.
    pub version: Option<String>,
    /// The digest of the body that was signed.
    pub content_sha256: Option<String>,
    /// How the request was signed.
    pub signature: Option<SignatureWords>,
}

/// How a request was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureWords {
    /// The scheme's word, as `AWS4-HMAC-SHA256`.
    pub scheme: String,
    /// Where the signature was.
    pub place: SignaturePlace,
}

/// Where a signature may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignaturePlace {
    /// In a header.
    Header,
    /// In the URL, which somebody may have been handed.
    Url,
    /// In a form's fields.
    Form,
}
