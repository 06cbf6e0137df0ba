//! The key service's dialects: the requests of the three clouds' key-management clients to operations on keys, and back.
//!
//! As with the storage dialects, a dialect is a value, one `static` record a file. The requests are small documents, and most
//! are signed along with their body, so the body is read first; then the same line of functions as everywhere: recognise,
//! decode, authenticate, authorize, run, encode.

pub mod alibaba;
pub mod aws;
pub mod fields;
pub mod huawei;
mod words;
mod xml;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Response, StatusCode};
use serde_json::Value;
use strongroom_model::account::AccountId;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::RequestId;
use strongroom_model::operation::KeyOperation;
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::secret::SecretKey;

use crate::claim::Claim;
use crate::error::FailureRow;
use crate::exchange::Site;
use crate::signature::{Scheme, Target};

pub use alibaba::ALIBABA;
pub use aws::AWS;
use fields::Fields;
pub use huawei::HUAWEI;
pub use words::Told;

/// Every dialect of the key service, in the order in which they are asked whether a request is theirs. The last takes what
/// nobody claims.
pub static KEY_DIALECTS: [&KeyDialect; 3] = [&ALIBABA, &HUAWEI, &AWS];

/// Longest body of a request to the key service, in bytes: the longest is imported material with its token, or a policy.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// One way of speaking to the key service.
#[derive(Debug)]
pub struct KeyDialect {
    /// Its name in logs and metrics: `aws-kms`.
    pub name: &'static str,
    /// The signing schemes it understands.
    pub schemes: &'static [&'static Scheme],
    /// Whether a request with this head is spoken in it.
    pub recognises: fn(&Parts) -> bool,
    /// What a request asks for: the name of an operation, and its fields.
    pub(crate) read: ReadCall,
    /// Its operations.
    pub routes: &'static [KeyRoute],
    /// The token that a request may carry in place of a signature.
    pub(crate) token: fn(&Parts) -> Option<&str>,
    /// What makes a request unlike all others, in a dialect whose requests may be made once.
    pub(crate) nonce: fn(&Parts, &Fields) -> Option<String>,
    /// The root of an answer in XML, to an operation that succeeded or failed; none if the answer is JSON.
    pub(crate) xml_root: fn(&Fields, succeeded: bool) -> Option<&'static str>,
    /// Failures in its words; every one that the key service can answer is there.
    pub failures: &'static [FailureRow],
    /// What an answer's document looks like: the answer itself, with what every answer has.
    pub(crate) answer: fn(&mut Answer, Option<Value>),
    /// What a failure's document looks like.
    pub(crate) failure: fn(&mut Answer, &Told),
    /// What a failure is about, in the dialect's spelling.
    pub(crate) spell: fn(&strongroom_model::failure::Subject, FailureCode, &KeyExchange<'_>) -> String,
}

/// Reads the name of an operation, and its fields.
type ReadCall = fn(&Parts, &[u8]) -> Result<(String, Fields), Failure>;

/// One operation of a dialect.
#[derive(Debug)]
pub struct KeyRoute {
    /// The dialect's name for it: `CreateKey`, `create-key`.
    pub name: &'static str,
    /// How it is read and answered; none if it is not supported.
    pub(crate) built: Option<Built>,
    /// Failures that this operation words otherwise than the dialect does.
    pub(crate) failures: &'static [FailureRow],
}

/// How an operation is read and answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Built {
    pub(crate) read: fn(&Fields) -> Result<KeyOperation, Failure>,
    pub(crate) write: fn(&KeyOutcome, &Fields, &Site) -> Result<Value, Failure>,
}

/// What a request asks for.
#[derive(Debug)]
pub struct Call {
    /// The operation in the dialect.
    pub route: &'static KeyRoute,
    /// The request's fields, some of which answers repeat.
    fields: Fields,
}

/// A request, read once, believed by nobody yet.
#[derive(Debug)]
pub struct KeyIntent {
    /// Who the request says it is from.
    pub claim: KeyClaim,
    /// What it asks for.
    pub call: Call,
    /// What must not have come before from the same access key, if requests may be made only once.
    pub nonce: Option<String>,
    /// The same, understood; what is wrong with it is to be told only to who may ask.
    pub asked: Result<KeyOperation, Failure>,
}

/// Who a request to the key service says it is from.
#[derive(Debug)]
pub enum KeyClaim {
    /// The holder of an access key, or nobody.
    Access(Claim),
    /// The holder of a token that the identity service gave out.
    Token(SecretKey),
}

/// One request, as far as its answer depends on it.
#[derive(Debug, Clone, Copy)]
pub struct KeyExchange<'a> {
    /// The request's identity.
    pub request_id: RequestId,
    /// The caller's account, once it is known.
    pub account: Option<AccountId>,
    /// The server.
    pub site: &'a Site,
}

/// An answer in the making.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) document: Option<Value>,
    /// The root of the document, if it is to be XML.
    pub(crate) xml_root: Option<&'static str>,
    pub(crate) request_id: RequestId,
}

/// The dialect of a request; what nobody claims is that of AWS.
pub fn recognise(parts: &Parts) -> &'static KeyDialect {
    KEY_DIALECTS.into_iter().find(|dialect| (dialect.recognises)(parts)).unwrap_or(&AWS)
}

impl KeyDialect {
    /// Reads a request whose body is `document`.
    ///
    /// # Errors
    /// What is wrong with the request or with its claim, to be answered by [`KeyDialect::encode_failure`].
    pub fn decode(&'static self, parts: &Parts, document: &[u8], site: &Site) -> Result<KeyIntent, Failure> {
        let (name, fields) = (self.read)(parts, document)?;
        let unknown = || Failure::new(FailureCode::InvalidUri).with_detail("Operation", name.clone());
        let route = self.routes.iter().find(|route| route.name == name).ok_or_else(unknown)?;
        let claim = self.claim(parts, document, site)?;
        let asked = match route.built {
            Some(built) => (built.read)(&fields),
            None => Err(FailureCode::KeyKindUnsupported.into()),
        };
        let nonce = (self.nonce)(parts, &fields);
        Ok(KeyIntent { claim, call: Call { route, fields }, nonce, asked })
    }

    /// Reads who a request whose body is `document` says it is from.
    ///
    /// # Errors
    /// What is wrong with the claim.
    pub fn claim(&self, parts: &Parts, document: &[u8], site: &Site) -> Result<KeyClaim, Failure> {
        if let Some(token) = (self.token)(parts) {
            return Ok(KeyClaim::Token(SecretKey::new(token.to_owned())));
        }
        let target = Target { bucket: None, virtual_hosted: false };
        let region = site.strict_region.then_some(&site.region);
        Ok(KeyClaim::Access(Claim::read_with_document(parts, &target, self.schemes, region, document)?))
    }

    /// Writes the answer to an operation that succeeded. A dry run is answered by the failure that says so.
    pub fn encode(&self, call: &Call, outcome: &KeyOutcome, exchange: &KeyExchange<'_>) -> Response<Bytes> {
        let written = match call.route.built {
            Some(built) => (built.write)(outcome, &call.fields, exchange.site),
            None => Err(FailureCode::KeyKindUnsupported.into()),
        };
        match written {
            Ok(value) => {
                let mut answer = Answer::new(exchange.request_id);
                answer.xml_root = (self.xml_root)(&call.fields, true);
                (self.answer)(&mut answer, Some(value));
                answer.finish()
            }
            Err(failure) => self.encode_failure(Some(call), &failure, exchange),
        }
    }

    /// Writes the answer to a request that failed.
    pub fn encode_failure(
        &self,
        call: Option<&Call>,
        failure: &Failure,
        exchange: &KeyExchange<'_>,
    ) -> Response<Bytes> {
        let told = Told::new(self, call, failure, exchange);
        let mut answer = Answer::new(exchange.request_id);
        answer.status = told.row.status;
        answer.xml_root = call.and_then(|call| (self.xml_root)(&call.fields, false));
        (self.failure)(&mut answer, &told);
        answer.finish()
    }
}

impl KeyRoute {
    /// Whether the operation is built; one that is not answers that its kind of key is not supported.
    pub fn is_built(&self) -> bool {
        self.built.is_some()
    }

    /// An operation that is read and answered so.
    pub(crate) const fn new(
        name: &'static str,
        read: fn(&Fields) -> Result<KeyOperation, Failure>,
        write: fn(&KeyOutcome, &Fields, &Site) -> Result<Value, Failure>,
    ) -> Self {
        Self { name, built: Some(Built { read, write }), failures: &[] }
    }

    /// An operation that is not supported.
    pub(crate) const fn unsupported(name: &'static str) -> Self {
        Self { name, built: None, failures: &[] }
    }

    /// The same with failures in words of its own.
    pub(crate) const fn failing(self, failures: &'static [FailureRow]) -> Self {
        Self { failures, ..self }
    }
}

impl Call {
    /// The operation's name in the dialect.
    pub fn name(&self) -> &'static str {
        self.route.name
    }
}

impl Answer {
    fn new(request_id: RequestId) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            content_type: "application/json",
            document: None,
            xml_root: None,
            request_id,
        }
    }

    fn finish(self) -> Response<Bytes> {
        let document = match (&self.document, self.xml_root) {
            (Some(document), Some(root)) => xml::document(root, document),
            (Some(document), None) => Bytes::from(document.to_string()),
            (None, _) => Bytes::new(),
        };
        let mut response = Response::new(document);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // Answers may hold keys.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            // Our own headers are ASCII; what is not is left out rather than answered otherwise than it is.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
