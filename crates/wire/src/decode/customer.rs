//! Keys that customers give with the request (SSE-C).

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::secret::CustomerKey;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::decode::digest;
use crate::request::{Request, argument};
use crate::text::bytes::from_base64;

/// The fields of the cipher, the key and the key's MD5.
const OWN: [&str; 3] = [
    "server-side-encryption-customer-algorithm",
    "server-side-encryption-customer-key",
    "server-side-encryption-customer-key-md5",
];
/// The same of a copy's source.
const SOURCES: [&str; 3] = [
    "copy-source-server-side-encryption-customer-algorithm",
    "copy-source-server-side-encryption-customer-key",
    "copy-source-server-side-encryption-customer-key-md5",
];
/// The only cipher that customers' keys are for.
const AES256: &str = "AES256";

/// What a customer's key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To write an object.
    Write,
    /// To read one.
    Read,
    /// To read the source of a copy.
    Source,
}

impl Purpose {
    fn fields(self) -> [&'static str; 3] {
        match self {
            Self::Write | Self::Read => OWN,
            Self::Source => SOURCES,
        }
    }
}

/// The customer's key, if the head has one or a part of one.
///
/// The order of checks is that of AWS's recorded answers: the cipher, the key's presence, the digest, the length.
///
/// # Errors
/// A code of its own for each way in which the three fields can be wrong.
pub(crate) fn key(request: &Request<'_>, purpose: Purpose) -> Result<Option<CustomerKey>, Failure> {
    let fields = purpose.fields();
    if !has_any(request, fields) {
        return Ok(None);
    }
    let [algorithm, key, md5] = fields.map(|name| request.field(name));
    let (algorithm, key, md5) = (algorithm?, key?, md5?);
    match algorithm {
        None => return Err(refused(request, FailureCode::CustomerAlgorithmMissing, None)),
        Some(AES256) => {}
        Some(other) => return Err(refused(request, FailureCode::CustomerAlgorithmInvalid, Some(other))),
    }
    let key = key.ok_or_else(|| refused(request, FailureCode::CustomerKeyMissing, None))?;
    let key = Zeroizing::new(from_base64(key).unwrap_or_default());
    let declared = md5.ok_or_else(|| digest_missing(request, purpose))?;
    let md5 = digest::md5_of(&key);
    let digests_match = from_base64(declared).is_some_and(|declared| bool::from(declared.ct_eq(&md5)));
    if !digests_match {
        return Err(refused(request, FailureCode::CustomerKeyDigestMismatch, None));
    }
    let bytes: [u8; 32] =
        key.as_slice().try_into().map_err(|_| refused(request, FailureCode::CustomerKeyInvalid, None))?;
    Ok(Some(CustomerKey::new(Zeroizing::new(bytes), md5)))
}

/// Whether the head has any part of a customer's key, other than for the source of a copy.
pub(crate) fn is_given(request: &Request<'_>) -> bool {
    has_any(request, OWN)
}

fn has_any(request: &Request<'_>, fields: [&str; 3]) -> bool {
    fields.iter().any(|suffix| request.has_field(suffix))
}

fn digest_missing(request: &Request<'_>, purpose: Purpose) -> Failure {
    match (purpose, request.dialect().encryption.digest_missing_on_read) {
        (Purpose::Read | Purpose::Source, FailureCode::CustomerKeyWrong) => FailureCode::CustomerKeyWrong.into(),
        (Purpose::Read | Purpose::Source, code) => refused(request, code, None),
        (Purpose::Write, _) => refused(request, FailureCode::CustomerKeyInvalid, None),
    }
}

/// AWS names the method's field whichever field is wrong, and a value only if it has one to blame.
fn refused(request: &Request<'_>, code: FailureCode, value: Option<&str>) -> Failure {
    let name = request.dialect().field(request.dialect().encryption.method);
    match value {
        Some(value) => argument(code, &name, value),
        None => Failure::new(code).with_detail("ArgumentName", name),
    }
}
