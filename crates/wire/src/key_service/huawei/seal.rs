//! Requests that seal and open.

use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{KeyUse, Purpose};
use strongroom_model::secret::Plaintext;
use zeroize::Zeroizing;

use super::super::fields::Fields;
use super::read::{invalid, key, required};
use crate::text::bytes::from_base64;

type Read = Result<KeyOperation, Failure>;

/// Bytes of the digest behind a data key.
const DIGEST: usize = 32;

/// Longest data in bytes.
const DATA_MAX: usize = 4096;

/// Longest additional data in bytes.
const ADDITIONAL_MAX: usize = 128;

pub(super) fn create_datakey(fields: &Fields) -> Read {
    datakey(fields, true)
}

pub(super) fn create_hidden_datakey(fields: &Fields) -> Read {
    datakey(fields, false)
}

fn datakey(fields: &Fields, shown: bool) -> Read {
    let bits = bits(fields, "datakey_length", ["KMS.1901", "KMS.1903"])?;
    let length = match (bits, fields.text("key_spec")?) {
        (Some(bytes), _) => bytes,
        (None, None | Some("" | "AES_256")) => 32,
        (None, Some("AES_128" | "SM4")) => 16,
        (None, Some(_)) => return Err(invalid("KMS.1902", "Invalid key_spec.")),
    };
    let (key, context) = (key(fields, "key_id")?, context(fields, "additional_authenticated_data")?);
    Ok(KeyOperation::Use(KeyUse::GenerateDataKey { key, length, context, shown }))
}

/// `plain_text` is the data key and its digest.
pub(super) fn encrypt_datakey(fields: &Fields) -> Read {
    let wrong = || invalid("KMS.2101", "Invalid plain_text.");
    let mut bytes = Zeroizing::new(hex::decode(required(fields, "plain_text")?).map_err(|_| wrong())?);
    let length = bytes.len().checked_sub(DIGEST).filter(|length| *length > 0).ok_or_else(wrong)?;
    let digest = bytes[length..].try_into().expect("the digest is what is left");
    bytes.truncate(length);
    let said = fields.number("datakey_plain_length")?.ok_or(FailureCode::InvalidRequest)?;
    if usize::try_from(said) != Ok(length) || length > 1024 {
        return Err(invalid("KMS.2104", "Inconsistent DEK length."));
    }
    Ok(KeyOperation::Use(KeyUse::Encrypt {
        key: key(fields, "key_id")?,
        plaintext: Plaintext::new(bytes),
        context: context(fields, "additional_authenticated_data")?,
        purpose: Purpose::DataKey { digest: Some(digest) },
    }))
}

pub(super) fn decrypt_datakey(fields: &Fields) -> Read {
    let ciphertext = hex::decode(required(fields, "cipher_text")?).map_err(|_| FailureCode::CiphertextInvalid)?;
    fields.number("datakey_cipher_length")?.ok_or(FailureCode::InvalidRequest)?;
    Ok(KeyOperation::Use(KeyUse::Decrypt {
        key: Some(key(fields, "key_id")?),
        ciphertext,
        context: context(fields, "additional_authenticated_data")?,
        purpose: Purpose::DataKey { digest: None },
    }))
}

pub(super) fn encrypt_data(fields: &Fields) -> Read {
    symmetric(fields, "encryption_algorithm")?;
    let plaintext = required(fields, "plain_text")?.as_bytes().to_vec();
    if plaintext.len() > DATA_MAX {
        return Err(invalid("KMS.2101", "Invalid plain_text."));
    }
    Ok(KeyOperation::Use(KeyUse::Encrypt {
        key: key(fields, "key_id")?,
        plaintext: Plaintext::new(Zeroizing::new(plaintext)),
        context: context(fields, "additional_authenticated_data")?,
        purpose: Purpose::Data,
    }))
}

pub(super) fn decrypt_data(fields: &Fields) -> Read {
    symmetric(fields, "encryption_algorithm")?;
    let named = fields.text("key_id")?.filter(|text| !text.is_empty());
    Ok(KeyOperation::Use(KeyUse::Decrypt {
        key: named.map(|_| key(fields, "key_id")).transpose()?,
        ciphertext: from_base64(required(fields, "cipher_text")?).ok_or(FailureCode::CiphertextInvalid)?,
        context: context(fields, "additional_authenticated_data")?,
        purpose: Purpose::Data,
    }))
}

pub(super) fn re_encrypt(fields: &Fields) -> Read {
    symmetric(fields, "source_encryption_algorithm")?;
    symmetric(fields, "destination_encryption_algorithm")?;
    let named = fields.text("source_key_id")?.filter(|text| !text.is_empty());
    Ok(KeyOperation::Use(KeyUse::ReEncrypt {
        source: named.map(|_| key(fields, "source_key_id")).transpose()?,
        ciphertext: from_base64(required(fields, "cipher_text")?).ok_or(FailureCode::CiphertextInvalid)?,
        source_context: context(fields, "source_additional_authenticated_data")?,
        key: key(fields, "destination_key_id")?,
        context: context(fields, "destination_additional_authenticated_data")?,
    }))
}

pub(super) fn gen_random(fields: &Fields) -> Read {
    let length = bits(fields, "random_data_length", ["KMS.1801", "KMS.1802"])?;
    Ok(KeyOperation::Use(KeyUse::Random { length: length.unwrap_or(64) }))
}

/// Whole bytes, of a number of bits.
fn bits(fields: &Fields, name: &str, [range, multiple]: [&'static str; 2]) -> Result<Option<usize>, Failure> {
    if fields.text(name).is_ok_and(|text| text == Some("")) {
        return Ok(None);
    }
    let Some(bits) = fields.number(name)? else { return Ok(None) };
    match usize::try_from(bits) {
        Ok(bits @ 8..=8192) if bits % 8 == 0 => Ok(Some(bits / 8)),
        Ok(8..=8192) => Err(invalid(multiple, "The length must be a multiple of 8 bits.")),
        _ => Err(invalid(range, "The length must be 8 to 8192 bits.")),
    }
}

/// The additional data, or the encryption context that was before it. The additional data has no name.
fn context(fields: &Fields, name: &str) -> Result<EncryptionContext, Failure> {
    let mut context = fields.map("encryption_context").map_err(|_| FailureCode::InvalidEncryptionContext)?;
    match fields.text(name)? {
        Some(text) if text.len() > ADDITIONAL_MAX => Err(FailureCode::InvalidEncryptionContext.into()),
        Some(text) if !text.is_empty() => {
            context.insert(String::new(), text.to_owned());
            Ok(context)
        }
        _ => Ok(context),
    }
}

fn symmetric(fields: &Fields, name: &str) -> Result<(), Failure> {
    match fields.text(name)? {
        None | Some("" | "SYMMETRIC_DEFAULT") => Ok(()),
        Some(_) => Err(FailureCode::KeyKindUnsupported.into()),
    }
}
