//! Requests that seal and open.

use strongroom_model::failure::Failure;
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{KeyUse, Purpose};
use strongroom_model::secret::Plaintext;

use super::super::fields::Fields;
use super::check::{context, key, number, optional_key, refused, required, unsupported, violation, word};

type Read = Result<KeyOperation, Failure>;

/// Longest plaintext and longest ciphertext, in bytes.
const PLAINTEXT_MAX: usize = 4096;
const CIPHERTEXT_MAX: usize = 6144;

const ALGORITHMS: [(&str, bool); 5] = [
    ("SYMMETRIC_DEFAULT", true),
    ("RSAES_OAEP_SHA_1", false),
    ("RSAES_OAEP_SHA_256", false),
    ("SM2PKE", false),
    ("RSAES_PKCS1_V1_5", false),
];

pub(super) fn generate_data_key(fields: &Fields) -> Read {
    data_key(fields, true)
}

pub(super) fn generate_hidden_data_key(fields: &Fields) -> Read {
    data_key(fields, false)
}

fn data_key(fields: &Fields, shown: bool) -> Read {
    if fields.value("Recipient").is_some() {
        return Err(unsupported());
    }
    let spec = word(fields, "KeySpec", &[("AES_256", 32), ("AES_128", 16)])?;
    let bytes = number(fields, "NumberOfBytes", 1, 1024)?.map(|bytes| bytes as usize);
    let length = match (spec, bytes) {
        (Some(length), None) | (None, Some(length)) => length,
        _ => return Err(refused("Please specify either number of bytes or key spec.")),
    };
    let (key, context) = (key(fields, "KeyId")?, context(fields, "EncryptionContext")?);
    Ok(KeyOperation::Use(KeyUse::GenerateDataKey { key, length, context, shown }))
}

pub(super) fn encrypt(fields: &Fields) -> Read {
    symmetric(fields, "EncryptionAlgorithm")?;
    let plaintext = zeroize::Zeroizing::new(required(fields.bytes("Plaintext")?, "Plaintext")?);
    sized(plaintext.len(), PLAINTEXT_MAX, "plaintext")?;
    Ok(KeyOperation::Use(KeyUse::Encrypt {
        key: key(fields, "KeyId")?,
        plaintext: Plaintext::new(plaintext),
        context: context(fields, "EncryptionContext")?,
        purpose: Purpose::Data,
    }))
}

pub(super) fn decrypt(fields: &Fields) -> Read {
    symmetric(fields, "EncryptionAlgorithm")?;
    if fields.value("Recipient").is_some() {
        return Err(unsupported());
    }
    Ok(KeyOperation::Use(KeyUse::Decrypt {
        key: optional_key(fields, "KeyId")?,
        ciphertext: ciphertext(fields)?,
        context: context(fields, "EncryptionContext")?,
        purpose: Purpose::Data,
    }))
}

pub(super) fn re_encrypt(fields: &Fields) -> Read {
    symmetric(fields, "SourceEncryptionAlgorithm")?;
    symmetric(fields, "DestinationEncryptionAlgorithm")?;
    Ok(KeyOperation::Use(KeyUse::ReEncrypt {
        source: optional_key(fields, "SourceKeyId")?,
        ciphertext: ciphertext(fields)?,
        source_context: context(fields, "SourceEncryptionContext")?,
        key: key(fields, "DestinationKeyId")?,
        context: context(fields, "DestinationEncryptionContext")?,
    }))
}

pub(super) fn generate_random(fields: &Fields) -> Read {
    if fields.value("CustomKeyStoreId").is_some() || fields.value("Recipient").is_some() {
        return Err(unsupported());
    }
    let length = required(number(fields, "NumberOfBytes", 1, 1024)?, "NumberOfBytes")?;
    Ok(KeyOperation::Use(KeyUse::Random { length: length as usize }))
}

fn ciphertext(fields: &Fields) -> Result<Vec<u8>, Failure> {
    let bytes = required(fields.bytes("CiphertextBlob")?, "CiphertextBlob")?;
    sized(bytes.len(), CIPHERTEXT_MAX, "ciphertextBlob")?;
    Ok(bytes)
}

fn sized(length: usize, most: usize, at: &str) -> Result<(), Failure> {
    match length {
        0 => Err(violation(None, at, "have length greater than or equal to 1")),
        length if length > most => Err(violation(None, at, &format!("have length less than or equal to {most}"))),
        _ => Ok(()),
    }
}

fn symmetric(fields: &Fields, name: &str) -> Result<(), Failure> {
    match word(fields, name, &ALGORITHMS)? {
        Some(false) => Err(unsupported()),
        _ => Ok(()),
    }
}
