//! SSE-C: the data key wrapped under a key that only the client has. Nothing is kept that a guess of the key could be held
//! against but the wrap itself, whose fingerprint is salted.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::secret::CustomerKey;
use strongroom_seal::{AES_256_GCM, ContentKey, Envelope, Error, Identity, KeyBytes, unwrap, wrap};

use crate::failure;
use crate::surroundings::Entropy;

/// A fresh data key, and the envelope that only `key` opens.
pub(super) fn protect(
    entropy: &Entropy,
    identity: &Identity,
    key: &CustomerKey,
) -> Result<(ContentKey, Envelope), Failure> {
    let suite = &AES_256_GCM;
    let data_key = entropy.key(suite.key_len)?;
    let salt = entropy.array()?;
    let none = Default::default();
    let wrapped = wrap(&bytes(key)?, suite, &salt, &identity.binding(&none).encode(), &data_key);
    let wrapped = wrapped.map_err(failure::of_sealing)?;
    let content = ContentKey::fresh(suite, data_key).map_err(failure::of_sealing)?;
    let envelope = Envelope::sealed(&content, String::new(), 0, none, wrapped).map_err(failure::of_sealing)?;
    Ok((content, envelope))
}

/// The key to read with.
///
/// # Errors
/// `CustomerKeyWrong` if another key sealed the object; the comparison takes the same time for every wrong key.
pub(super) fn unlock(envelope: &Envelope, identity: &Identity, key: &CustomerKey) -> Result<ContentKey, Failure> {
    let wrapped = envelope.key().ok_or(FailureCode::CustomerKeyNotApplicable)?;
    let binding = identity.binding(&wrapped.context).encode();
    let data_key = unwrap(&bytes(key)?, &wrapped.wrapped, &binding).map_err(|error| match error {
        Error::WrongKey => FailureCode::CustomerKeyWrong.into(),
        other => failure::of_stored(other),
    })?;
    envelope.unlock(Some(data_key)).map_err(failure::of_stored)
}

fn bytes(key: &CustomerKey) -> Result<KeyBytes, Failure> {
    KeyBytes::new(key.expose()).map_err(failure::of_sealing)
}
