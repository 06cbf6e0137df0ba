//! Signing schemes: what a client signs, and how. Verification and signing share every canonical form.
//!
//! A scheme is a value, one `static` record a file; a dialect lists the ones it understands. To verify, go through
//! [`crate::claim::Claim`]; to sign, see [`Scheme::sign`] and [`Scheme::presign`].

use http::request::Parts;
use strongroom_model::failure::Failure;
use strongroom_model::name::Region;
use strongroom_model::time::Timestamp;

use crate::claim::Signed;
use crate::form::Form;
use form::FormSignature;
use head::Head;
use payload::PayloadWord;
use sign::{Signer, UrlParameters};

pub mod acs3;
pub(crate) mod candidate;
pub mod chunk;
pub(crate) mod crypto;
pub mod date;
mod documents;
pub(crate) mod form;
pub(crate) mod head;
pub mod oss1;
pub mod oss2;
pub mod oss4;
pub mod payload;
pub mod rpc;
pub mod scope;
pub mod sdk;
pub mod sign;
pub mod signing_keys;
pub(crate) mod subresource;
pub mod v2;
pub mod v4;
pub(crate) mod validity;

/// One way of signing requests.
#[derive(Debug)]
pub struct Scheme {
    /// The word that opens its `Authorization` header.
    pub word: &'static str,
    /// The query parameters of which any says that a URL is signed by this scheme.
    pub url_marks: &'static [&'static str],
    /// Whether its keys are derived for a day, region and service: the fourth generation, whose URLs live a week at most.
    pub scoped: bool,
    /// Reads the rest of an `Authorization` header.
    pub(crate) read_header: fn(&Head<'_>, &str, Option<&Region>) -> Result<Signed, Failure>,
    /// Reads a signed URL.
    pub(crate) read_url: fn(&Head<'_>, Option<&Region>) -> Result<Signed, Failure>,
    /// The fields of a form of which any says that its policy is signed by this scheme, in lower case.
    pub form_marks: &'static [&'static str],
    /// Reads a form with such a field.
    pub(crate) read_form: fn(&Form, Option<&Region>) -> Result<FormSignature, Failure>,
    /// Puts in all that a header signature covers; answers `Authorization` up to the signature, which comes last.
    pub(crate) dress_header: fn(&mut Parts, &Signer<'_>, Timestamp, &PayloadWord) -> Result<String, http::Error>,
    /// The parameters of a URL signed at that time, for so many seconds.
    pub(crate) dress_url: fn(&Parts, &Signer<'_>, Timestamp, u32) -> UrlParameters,
}

/// How a dialect understood a request's host and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The bucket, as the client spelled it; a custom domain stands in the bucket's place.
    pub bucket: Option<&'a str>,
    /// Whether the bucket is named by the host, not by the path.
    pub virtual_hosted: bool,
}
