//! Who a request says it is from, and the proof that it is so.
//!
//! A [`Claim`] is read from the head alone and believed by nobody: it names an access key. [`Signed::verify`] holds it
//! against that key's secret and the time, and answers a [`Proof`], which is the only way to read a signed body.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;

use crate::form::Form;
use crate::form::policy::Policy;
use crate::signature::candidate::Candidate;
use crate::signature::chunk::ChunkSeed;
use crate::signature::crypto::{Mac, MacKey};
use crate::signature::form::FormSignature;
use crate::signature::head::Head;
use crate::signature::payload::PayloadWord;
use crate::signature::scope::{Scope, malformed};
use crate::signature::signing_keys::SigningKeys;
use crate::signature::validity::Validity;
use crate::signature::{Scheme, Target};

/// Who a request says it is from.
#[derive(Debug)]
pub enum Claim {
    /// It does not say.
    Anonymous,
    /// The holder of an access key.
    Signed(Signed),
}

/// A signed request's claim: all that is needed to verify it once the secret is known.
pub struct Signed {
    /// The access key whose secret is said to have signed.
    pub access_key: AccessKeyId,
    /// The security token sent along, for temporary access keys.
    pub token: Option<String>,
    pub(crate) scheme: &'static Scheme,
    pub(crate) by_url: bool,
    pub(crate) validity: Validity,
    pub(crate) key: KeyRule,
    /// What the client may have signed; SDKs differ in corners. The first is what the documents say.
    pub(crate) candidates: Vec<Candidate>,
    /// The signature as the client spelled it.
    pub(crate) presented: String,
    pub(crate) payload: PayloadWord,
}

/// How the key that signs is made from the secret.
#[derive(Debug)]
pub(crate) enum KeyRule {
    /// It is the secret; signatures are spelled in base64.
    Secret(Mac),
    /// It is the secret and an ampersand; signatures are spelled in base64.
    SecretAndAmpersand(Mac),
    /// It is the secret; signatures are spelled in hex.
    SecretInHex(Mac),
    /// It is derived for a scope; signatures are spelled in hex.
    Scoped {
        /// The scope.
        scope: Scope,
        /// The request's time as it is signed.
        time: String,
    },
}

/// That a signature was right, and what it says of the body. Only [`Signed::verify`] makes one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Proof {
    /// What the signature says of the body.
    pub payload: PayloadProof,
}

/// What a signature says of the body that follows.
#[derive(Debug)]
pub enum PayloadProof {
    /// Nothing.
    Unsigned,
    /// The body's SHA-256.
    Sha256([u8; 32]),
    /// The body comes in chunks, each signed in a chain that begins here.
    Chunked(ChunkSeed),
}

impl Claim {
    /// Reads who a request with this head says it is from, by the `schemes` that the dialect knows.
    ///
    /// `target` tells how the dialect understood host and path; the signature covers that. When `region` is given, scoped
    /// signatures for any other region are refused; else any well-formed one will do.
    ///
    /// # Errors
    /// `TwoAuthorizations`, `MalformedAuthorization`, `MissingDate`, `WrongSigningRegion`, `InvalidArgument` (an unknown
    /// scheme, a payload word or lifetime that may not be), `AccessDenied` (headers that had to be signed).
    pub fn read(
        parts: &Parts,
        target: &Target<'_>,
        schemes: &[&'static Scheme],
        region: Option<&Region>,
    ) -> Result<Self, Failure> {
        Self::read_head(&Head::new(parts, target), schemes, region)
    }

    /// Reads the claim of a request whose body, `document`, was read ahead of it.
    ///
    /// The requests of the key services have small bodies, and sign them: most without stating a hash. `document` is then
    /// what the signature is held against, and a hash that the head does state has to be its own.
    ///
    /// # Errors
    /// As [`Claim::read`]; `ContentSha256Mismatch`.
    pub fn read_with_document(
        parts: &Parts,
        target: &Target<'_>,
        schemes: &[&'static Scheme],
        region: Option<&Region>,
        document: &[u8],
    ) -> Result<Self, Failure> {
        let head = Head::with_document(parts, target, document);
        Self::read_head(&head, schemes, region)
    }

    /// Reads who a form says it is from, and the policy that it says was signed.
    ///
    /// # Errors
    /// `InvalidArgument` for a part of the signature that is missing, `MalformedAuthorization`, `WrongSigningRegion`,
    /// `InvalidPolicyDocument`.
    pub(crate) fn read_form(
        form: &Form,
        schemes: &[&'static Scheme],
        region: Option<&Region>,
    ) -> Result<(Self, Option<Policy>), Failure> {
        let is_marked = |scheme: &&&Scheme| scheme.form_marks.iter().any(|mark| form.field(mark).is_some());
        let Some(scheme) = schemes.iter().find(is_marked) else {
            let stray = ["policy", "signature"].into_iter().find(|name| form.field(name).is_some());
            return stray.map_or(Ok((Self::Anonymous, None)), |name| Err(whose(name)));
        };
        let FormSignature { access_key, token, key, policy: encoded, presented } = (scheme.read_form)(form, region)?;
        let compact: String = encoded.split_ascii_whitespace().collect();
        let policy = Policy::parse(&BASE64_STANDARD.decode(compact).unwrap_or_default())?;
        let signed = Signed {
            access_key,
            token,
            scheme,
            by_url: false,
            validity: Validity::Policy(policy.expiration),
            key,
            candidates: vec![Candidate::plain(encoded.into_bytes())],
            presented,
            payload: PayloadWord::Unsigned,
        };
        Ok((Self::Signed(signed), Some(policy)))
    }

    fn read_head(head: &Head<'_>, schemes: &[&'static Scheme], region: Option<&Region>) -> Result<Self, Failure> {
        let in_url = schemes.iter().find(|scheme| scheme.url_marks.iter().any(|mark| head.parameter(mark).is_some()));
        let mut headers = head.parts.headers.get_all(AUTHORIZATION).iter();
        let signed = match (headers.next(), in_url) {
            (None, None) => return Ok(Self::Anonymous),
            (Some(_), Some(_)) => return Err(FailureCode::TwoAuthorizations.into()),
            (Some(_), None) if headers.next().is_some() => return Err(FailureCode::TwoAuthorizations.into()),
            (None, Some(scheme)) => (scheme.read_url)(head, region)?,
            (Some(value), None) => {
                let text = value.to_str().map_err(|_| malformed("The Authorization header is not ASCII text."))?;
                let (word, rest) = text.trim().split_once(' ').unwrap_or((text, ""));
                let scheme = schemes.iter().find(|scheme| scheme.word == word).ok_or_else(|| unsupported(text))?;
                (scheme.read_header)(head, rest.trim(), region)?
            }
        };
        Ok(Self::Signed(signed))
    }
}

impl Signed {
    /// The scheme by which the request is signed.
    pub fn scheme(&self) -> &'static Scheme {
        self.scheme
    }

    /// Whether the signature is in the URL, which somebody may have been handed.
    pub fn by_url(&self) -> bool {
        self.by_url
    }

    /// Holds the claim against the access key's secret and the time.
    ///
    /// Time is checked first, as the services do; the comparison takes as long for a near miss as for a far one.
    ///
    /// # Errors
    /// `RequestTimeTooSkewed`, `RequestExpired`, or `SignatureDoesNotMatch` with what we would have signed
    /// (`AccessKeyId`, `StringToSign`, `SignatureProvided` and, for scoped schemes, `CanonicalRequest`).
    pub fn verify(&self, secret: &SecretKey, now: Timestamp) -> Result<Proof, Failure> {
        self.verify_by(|| self.key.key(secret), now)
    }

    /// The same, with the keys that were derived for requests before this one.
    ///
    /// # Errors
    /// As [`Signed::verify`].
    pub fn verify_with(&self, keys: &SigningKeys, secret: &SecretKey, now: Timestamp) -> Result<Proof, Failure> {
        self.verify_by(|| keys.key(&self.access_key, &self.key, secret), now)
    }

    fn verify_by(&self, key: impl FnOnce() -> MacKey, now: Timestamp) -> Result<Proof, Failure> {
        self.validity.check(now)?;
        let key = key();
        let presented = self.key.read(&self.presented).unwrap_or_default();
        if !self.candidates.iter().any(|candidate| key.verify(&candidate.string_to_sign(), &presented)) {
            return Err(self.mismatch());
        }
        Ok(Proof { payload: self.payload_proof(key) })
    }

    /// What the claim, if it is right, says of the body.
    pub(crate) fn payload_proof(&self, key: MacKey) -> PayloadProof {
        match (&self.payload, &self.key) {
            (PayloadWord::Sha256(digest), _) => PayloadProof::Sha256(*digest),
            (PayloadWord::SignedChunks { trailer }, KeyRule::Scoped { scope, time }) => {
                let seed = ChunkSeed::new(key, scope, time, self.presented.to_ascii_lowercase(), *trailer);
                PayloadProof::Chunked(seed)
            }
            _ => PayloadProof::Unsigned,
        }
    }

    fn mismatch(&self) -> Failure {
        let failure = Failure::new(FailureCode::SignatureDoesNotMatch)
            .with_detail("AccessKeyId", self.access_key.as_str())
            .with_detail("SignatureProvided", self.presented.as_str());
        match self.candidates.first() {
            Some(expected) => expected.describe(failure),
            None => failure,
        }
    }
}

impl KeyRule {
    /// The key that signs.
    pub(crate) fn key(&self, secret: &SecretKey) -> MacKey {
        match self {
            Self::Secret(mac) | Self::SecretInHex(mac) => MacKey::new(*mac, secret.expose().as_bytes()),
            Self::SecretAndAmpersand(mac) => {
                let key = zeroize::Zeroizing::new(format!("{}&", secret.expose()));
                MacKey::new(*mac, key.as_bytes())
            }
            Self::Scoped { scope, .. } => scope.signing_key(secret),
        }
    }

    /// A signature's bytes, of the client's spelling.
    fn read(&self, presented: &str) -> Option<Vec<u8>> {
        match self {
            // A plus sign that the client forgot to encode in a URL has become a blank.
            Self::Secret(_) | Self::SecretAndAmpersand(_) => BASE64_STANDARD.decode(presented.replace(' ', "+")).ok(),
            Self::SecretInHex(_) | Self::Scoped { .. } => hex::decode(presented).ok(),
        }
    }

    /// A signature as this kind of key spells it.
    pub(crate) fn show(&self, signature: &[u8]) -> String {
        match self {
            Self::Secret(_) | Self::SecretAndAmpersand(_) => BASE64_STANDARD.encode(signature),
            Self::SecretInHex(_) | Self::Scoped { .. } => hex::encode(signature),
        }
    }
}

/// Shows neither the strings to sign, which hold headers that may be secret, nor the signature.
impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({} by {})", self.access_key.as_str(), self.scheme.word)
    }
}

/// A form with a part of a signature that nobody is said to have made.
fn whose(field: &str) -> Failure {
    Failure::new(FailureCode::InvalidArgument)
        .with_message("A form with a policy or a signature must name an access key.")
        .with_detail("ArgumentName", field)
}

/// The words are those that the OBS SDKs look for when they try another dialect.
fn unsupported(header: &str) -> Failure {
    let word = header.split_ascii_whitespace().next().unwrap_or_default();
    Failure::new(FailureCode::InvalidArgument)
        .with_message("Unsupported Authorization Type")
        .with_detail("ArgumentName", "Authorization")
        .with_detail("ArgumentValue", word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::oss4;

    const OBS_POLICY: &str = "eyJleHBpcmF0aW9uIjoiMjAyNi0xMS0yMVQyMjoxODoxMFoiLCAiY29uZGl0aW9ucyI6W3sieC1vYnMtc2VydmVyLXNpZGUtZW5jcnlwdGlvbiI6ImttcyJ9LHsiY29udGVudC10eXBlIjoidGV4dC9wbGFpbiJ9LHsiYnVja2V0IjoiYjEifSx7ImtleSI6ImsifV19";
    const OSS_POLICY: &str = "eyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQxMjowMDowMC4wMDBaIiwiY29uZGl0aW9ucyI6W1siY29udGVudC1sZW5ndGgtcmFuZ2UiLDAsMTA0ODU3Nl0seyJidWNrZXQiOiJidWNrZXQifV19";

    fn signed(rule: &KeyRule, secret: &str, text: &str) -> String {
        rule.show(&rule.key(&SecretKey::new(secret.to_owned())).sign(text.as_bytes()))
    }

    fn oss_scope() -> KeyRule {
        let (_, scope) = Scope::read("ak/20231216/cn-hangzhou/oss/aliyun_v4_request", &oss4::WORDS, None).unwrap();
        KeyRule::Scoped { scope, time: String::new() }
    }

    #[test]
    fn policies_of_forms_are_signed_as_the_sdks_do() {
        let secret = KeyRule::Secret(Mac::Sha1);
        assert_eq!(signed(&secret, "SKTEST", OBS_POLICY), "6Ld8J0bKlYnbNbKgPRwDYn0JTio=");
        assert_eq!(signed(&secret, "sk", OSS_POLICY), "5gcv0IsxFLRQwAq88zP4w+D7vuo=");
        let expected = "e1f29d2bcf76514c264d00abf4bef3e0fbaaf079207d0c5c79cf12d4018b4063";
        assert_eq!(signed(&oss_scope(), "sk", OSS_POLICY), expected);
    }

    #[test]
    fn a_scope_derives_the_documented_key() {
        let documented = hex::decode("b412a03b134ebddd720f5167b5de6db66620ebb3b01cff4d49e3ccb09f8de97f").unwrap();
        let derived = oss_scope().key(&SecretKey::new("sk".to_owned()));
        assert!(derived.verify(b"message", &MacKey::new(Mac::Sha256, &documented).sign(b"message")));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let request = http::Request::builder().uri("/b/k").header("date", "Sat, 21 Nov 2026 21:18:10 GMT");
        let request = request.header("x-obs-security-token", "TOKEN").header(AUTHORIZATION, "OBS AK:c2lnbmF0dXJl");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let target = Target { bucket: Some("b"), virtual_hosted: false };
        let claim = Claim::read(&parts, &target, &[&crate::signature::v2::OBS], None).unwrap();
        assert_eq!(format!("{claim:?}"), "Signed(Signed(AK by OBS))");
    }
}
