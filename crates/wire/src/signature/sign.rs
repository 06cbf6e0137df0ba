//! Signing, for clients: a request is dressed, claimed with an empty signature, and the signature filled in.
//!
//! So whatever is signed here is by construction what verification looks at.

use http::header::{
    AUTHORIZATION, CONNECTION, EXPECT, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, USER_AGENT,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use strongroom_model::failure::Failure;
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;

use super::chunk::ChunkSeed;
use super::head::{Head, encoded};
use super::payload::PayloadWord;
use super::{Scheme, Target};
use crate::claim::{PayloadProof, Signed};

/// Who signs, and for which region.
pub struct Signer<'a> {
    /// The access key.
    pub access_key: &'a AccessKeyId,
    /// Its secret.
    pub secret: &'a SecretKey,
    /// The security token that goes with a temporary access key.
    pub token: Option<&'a str>,
    /// The region of the scope, in scoped schemes.
    pub region: &'a Region,
}

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsignable {
    /// A name or token does not fit into a header or a URL.
    #[error("the request cannot carry its signature")]
    Carrier(#[from] http::Error),
    /// The dressed request makes no claim that we could read ourselves.
    #[error("the request cannot be signed: {0}")]
    Claim(Failure),
}

/// The parameters that a signed URL gets.
pub(crate) struct UrlParameters {
    /// Those that are there when the signature is made.
    pub(crate) signed: Vec<(&'static str, String)>,
    /// The name of the parameter that holds the signature.
    pub(crate) signature: &'static str,
}

impl Scheme {
    /// Signs a request in its headers, `now`. Puts in the date, the host, the token and `Authorization`.
    ///
    /// Whatever is to be signed must be in the head before. Answers the seed of the chunk chain for a body that `payload`
    /// says is signed in chunks; schemes that do not sign bodies ignore `payload`.
    ///
    /// # Errors
    /// See [`Unsignable`]. The head may then be half dressed.
    pub fn sign(
        &self,
        parts: &mut Parts,
        target: &Target<'_>,
        signer: &Signer<'_>,
        now: Timestamp,
        payload: &PayloadWord,
    ) -> Result<Option<ChunkSeed>, Unsignable> {
        put_host(parts)?;
        let opening = (self.dress_header)(parts, signer, now, payload)?;
        let (_, rest) = opening.split_once(' ').unwrap_or_default();
        let mut claim = (self.read_header)(&Head::new(parts, target), rest, None).map_err(Unsignable::Claim)?;
        claim.fill_in(signer.secret);
        put(parts, AUTHORIZATION, &format!("{opening}{}", claim.presented))?;
        let proof = claim.payload_proof(claim.key.key(signer.secret));
        Ok(if let PayloadProof::Chunked(seed) = proof { Some(seed) } else { None })
    }

    /// Signs a request in its URL, good for `seconds` from `now`. The headers that are signed must be sent along.
    ///
    /// # Errors
    /// See [`Unsignable`].
    pub fn presign(
        &self,
        parts: &mut Parts,
        target: &Target<'_>,
        signer: &Signer<'_>,
        now: Timestamp,
        seconds: u32,
    ) -> Result<(), Unsignable> {
        put_host(parts)?;
        let parameters = (self.dress_url)(parts, signer, now, seconds);
        for (name, value) in &parameters.signed {
            append(parts, name, value)?;
        }
        let unsigned = parts.uri.clone();
        append(parts, parameters.signature, "")?;
        let mut claim = (self.read_url)(&Head::new(parts, target), None).map_err(Unsignable::Claim)?;
        claim.fill_in(signer.secret);
        parts.uri = unsigned;
        append(parts, parameters.signature, &claim.presented)?;
        Ok(())
    }
}

impl Signed {
    /// Puts the right signature in the place of the one presented.
    fn fill_in(&mut self, secret: &SecretKey) {
        let text = self.candidates.first().expect("every scheme makes at least the documented string to sign");
        self.presented = self.key.show(&self.key.key(secret).sign(&text.string_to_sign()));
    }
}

/// Puts a header in, in the place of any of its name.
pub(crate) fn put(parts: &mut Parts, name: HeaderName, value: &str) -> Result<(), http::Error> {
    parts.headers.insert(name, HeaderValue::from_str(value)?);
    Ok(())
}

/// Puts in the headers that a scheme signs of its own: the time, what is said of the body, and the token if there is one.
pub(crate) fn put_own(
    parts: &mut Parts,
    signer: &Signer<'_>,
    time: &str,
    payload: &PayloadWord,
    [when, word, token]: [&'static str; 3],
) -> Result<(), http::Error> {
    put(parts, HeaderName::from_static(when), time)?;
    put(parts, HeaderName::from_static(word), &payload.text())?;
    match signer.token {
        Some(text) => put(parts, HeaderName::from_static(token), text),
        None => Ok(()),
    }
}

/// What a proxy or a client's HTTP library may still change, so that it had better not be signed.
const UNSIGNED_HEADERS: [HeaderName; 6] = [AUTHORIZATION, CONNECTION, EXPECT, TE, TRANSFER_ENCODING, USER_AGENT];

/// The names of the headers to sign, sorted, with semicolons between them.
pub(crate) fn signed_names(parts: &Parts) -> String {
    let mut names: Vec<_> = parts.headers.keys().filter(|name| !UNSIGNED_HEADERS.contains(name)).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    names.into_iter().map(HeaderName::as_str).collect::<Vec<_>>().join(";")
}

/// Names the host, as an HTTP/1.1 client will.
fn put_host(parts: &mut Parts) -> Result<(), http::Error> {
    match parts.uri.authority().map(|authority| authority.as_str().to_owned()) {
        Some(authority) if !parts.headers.contains_key(HOST) => put(parts, HOST, &authority),
        _ => Ok(()),
    }
}

/// Puts a parameter at the end of the query.
fn append(parts: &mut Parts, name: &str, value: &str) -> Result<(), http::Error> {
    let joint = match parts.uri.query() {
        Some("") => "",
        Some(_) => "&",
        None => "?",
    };
    let before = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let after = format!("{before}{joint}{name}={}", encoded(value.as_bytes()));
    let mut pieces = parts.uri.clone().into_parts();
    pieces.path_and_query = Some(PathAndQuery::try_from(after)?);
    parts.uri = http::Uri::from_parts(pieces)?;
    Ok(())
}
