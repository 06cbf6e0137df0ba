//! Encryption fields of a head to the one wish they come to.

use std::collections::BTreeMap;

use strongroom_model::encryption::{
    BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, EncryptionWish, KmsWish,
};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;

use crate::decode::customer::{self, Purpose};
use crate::dialect::{EncryptionWords, Stray};
use crate::request::{Request, argument, invalid_argument};
use crate::text::bytes::from_base64;

/// The encryption that a write asks for.
///
/// # Errors
/// A code of its own for each cell of the dialects' tables.
pub(crate) fn wish(request: &Request<'_>) -> Result<EncryptionWish, Failure> {
    let words = &request.dialect().encryption;
    let method = request.present_field(words.method)?;
    match method {
        Some(method) if customer::is_given(request) => {
            return Err(blame_method(request, FailureCode::ConflictingEncryption, method));
        }
        _ => {}
    }
    if let Some(key) = customer::key(request, Purpose::Write)? {
        return Ok(EncryptionWish::Customer(key));
    }
    let Some(method) = method else {
        refuse_stray(request, words)?;
        return Ok(EncryptionWish::Unspecified);
    };
    if let Some(algorithm) = words.kms_method(method) {
        return Ok(EncryptionWish::Kms(kms(request, words, algorithm)?));
    }
    if words.unbuilt.contains(&method) {
        return Err(blame_method(request, FailureCode::NotImplemented, method));
    }
    let found = words.managed.iter().find(|(word, _)| *word == method);
    let (_, algorithm) = found.ok_or_else(|| blame_method(request, FailureCode::UnknownEncryptionMethod, method))?;
    refuse_stray(request, words)?;
    Ok(EncryptionWish::Managed(*algorithm))
}

/// The default encryption that the head of a bucket's creation asks for.
///
/// # Errors
/// As [`wish`]; `EncryptionHeaderNotAllowed` for a customer's key, which cannot be a default.
pub(crate) fn bucket_default(request: &Request<'_>) -> Result<Option<BucketEncryption>, Failure> {
    let (method, bucket_key) = match wish(request)? {
        EncryptionWish::Unspecified => return Ok(None),
        EncryptionWish::Managed(algorithm) => (DefaultMethod::Managed(algorithm), false),
        EncryptionWish::Kms(KmsWish { key, algorithm, bucket_key, project, .. }) => {
            (DefaultMethod::Kms { key, algorithm, project }, bucket_key.unwrap_or(false))
        }
        EncryptionWish::Customer(_) => {
            return Err(FailureCode::EncryptionHeaderNotAllowed.into());
        }
    };
    Ok(Some(BucketEncryption { method, bucket_key }))
}

/// Refuses a read that carries the fields of a write.
///
/// # Errors
/// `EncryptionHeaderNotAllowed` for a method; `KeyWithoutKms` for a key alone, where the dialect minds.
pub(crate) fn refuse_on_read(request: &Request<'_>) -> Result<(), Failure> {
    let words = &request.dialect().encryption;
    match request.present_field(words.method)? {
        Some(method) => Err(blame_method(request, FailureCode::EncryptionHeaderNotAllowed, method)),
        None if words.stray == Stray::Refused && request.field(words.key)?.is_some() => {
            Err(FailureCode::KeyWithoutKms.into())
        }
        None => Ok(()),
    }
}

/// `method` is the cipher that the method's word means; another one may be asked for beside the usual one.
fn kms(request: &Request<'_>, words: &EncryptionWords, method: DataAlgorithm) -> Result<KmsWish, Failure> {
    let key = request.field(words.key)?;
    if let Some(long) = key.filter(|key| key.len() > KeyReference::LENGTH_MAX) {
        let shown: String = long.chars().take(32).collect();
        return Err(invalid_argument(&request.dialect().field(words.key), &shown));
    }
    let project = optional(request, words.project)?;
    if let (Some(project), None, Some(suffix)) = (project, key, words.project) {
        return Err(invalid_argument(&request.dialect().field(suffix), project));
    }
    let algorithm = match (method, cipher(request, words)?) {
        (DataAlgorithm::Aes256, algorithm) => algorithm,
        (method, DataAlgorithm::Aes256) => method,
        _ => return Err(unknown_cipher(request, request.field(words.data_algorithm)?.unwrap_or_default())),
    };
    Ok(KmsWish {
        key: key.map(KeyReference::parse),
        algorithm,
        context: context(request, words)?,
        bucket_key: flag(request, words.bucket_key)?,
        project: project.map(str::to_owned),
    })
}

fn cipher(request: &Request<'_>, words: &EncryptionWords) -> Result<DataAlgorithm, Failure> {
    let Some(word) = request.field(words.data_algorithm)? else { return Ok(DataAlgorithm::Aes256) };
    let found = words.ciphers.iter().find(|(known, _)| *known == word);
    found.map(|(_, algorithm)| *algorithm).ok_or_else(|| unknown_cipher(request, word))
}

/// The client's context: base64 of a JSON map of strings. The head's own limit bounds it.
fn context(request: &Request<'_>, words: &EncryptionWords) -> Result<EncryptionContext, Failure> {
    let Some(text) = optional(request, words.context)? else { return Ok(BTreeMap::new()) };
    let context = from_base64(text).and_then(|json| serde_json::from_slice(&json).ok());
    context.ok_or_else(|| FailureCode::InvalidEncryptionContext.into())
}

fn flag(request: &Request<'_>, suffix: Option<&'static str>) -> Result<Option<bool>, Failure> {
    let Some(text) = optional(request, suffix)? else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(invalid_argument(&request.dialect().field(suffix.unwrap_or_default()), text)),
    }
}

/// Fields that need SSE-KMS, in a request that does not ask for it.
fn refuse_stray(request: &Request<'_>, words: &EncryptionWords) -> Result<(), Failure> {
    if words.stray == Stray::Ignored {
        return Ok(());
    }
    for suffix in [Some(words.key), words.context, words.project].into_iter().flatten() {
        if request.field(suffix)?.is_some() {
            let name = request.dialect().field(words.method);
            return Err(Failure::new(FailureCode::KeyWithoutKms).with_detail("ArgumentName", name));
        }
    }
    match cipher(request, words)? {
        DataAlgorithm::Aes256 => Ok(()),
        DataAlgorithm::Sm4 | DataAlgorithm::Aes256Twice => {
            Err(unknown_cipher(request, request.field(words.data_algorithm)?.unwrap_or_default()))
        }
    }
}

/// What a data cipher gets that there is not, or that does not go with the method.
fn unknown_cipher(request: &Request<'_>, word: &str) -> Failure {
    let dialect = request.dialect();
    argument(FailureCode::UnknownDataAlgorithm, &dialect.field(dialect.encryption.data_algorithm), word)
}

fn optional<'r>(request: &'r Request<'_>, suffix: Option<&str>) -> Result<Option<&'r str>, Failure> {
    suffix.map_or(Ok(None), |suffix| request.field(suffix))
}

fn blame_method(request: &Request<'_>, code: FailureCode, method: &str) -> Failure {
    argument(code, &request.dialect().field(request.dialect().encryption.method), method)
}
