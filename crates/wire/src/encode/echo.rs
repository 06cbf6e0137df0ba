//! What answers tell of an object's encryption.

use strongroom_model::encryption::{
    AppliedEncryption, BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, KmsApplied,
};

use crate::dialect::EncryptionWords;
use crate::encode::answer::Answer;
use crate::text::bytes::base64;

/// Which answer tells it; they do not all tell the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// To a write.
    Write,
    /// To a write of what is stored already.
    Copy,
    /// To a read.
    Read,
    /// To a read of metadata.
    Head,
    /// To the beginning of an upload.
    Beginning,
    /// To a part of an upload.
    Part,
    /// To the completion of an upload.
    Completion,
}

/// Tells an object's encryption.
pub(crate) fn object<'a>(answer: Answer<'a>, encryption: &AppliedEncryption, told: Told) -> Answer<'a> {
    let words = &answer.dialect().encryption;
    match encryption {
        AppliedEncryption::Plain => answer,
        AppliedEncryption::Customer { .. } if told == Told::Completion && !words.customer_key_of_completion => answer,
        AppliedEncryption::Managed(algorithm) => managed(answer, *algorithm, told),
        AppliedEncryption::Kms(applied) => kms(answer, applied, told),
        AppliedEncryption::Customer { key_md5 } => {
            let answer = answer.field("server-side-encryption-customer-algorithm", "AES256");
            match key_md5 {
                Some(md5) => answer.field("server-side-encryption-customer-key-md5", &base64(md5)),
                None => answer,
            }
        }
    }
}

/// Tells a new bucket's default encryption, if the dialect does so. A default key has no name yet.
pub(crate) fn bucket<'a>(answer: Answer<'a>, encryption: Option<&BucketEncryption>) -> Answer<'a> {
    let words = &answer.dialect().encryption;
    let (Some(managed), Some(encryption)) = (words.created, encryption) else { return answer };
    let cipher = |algorithm| words.cipher_word(algorithm).unwrap_or("AES256");
    match &encryption.method {
        DefaultMethod::Managed(algorithm) => {
            answer.field(words.method, managed).field(words.data_algorithm, cipher(*algorithm))
        }
        DefaultMethod::Kms { key, algorithm, project } => {
            let answer = answer
                .field(words.method, words.kms_word(*algorithm))
                .field(words.data_algorithm, cipher(*algorithm))
                .optional_field(words.key, key.as_ref().map(|key| key.text.as_str()));
            match words.project {
                Some(suffix) => answer.optional_field(suffix, project.as_deref()),
                None => answer,
            }
        }
    }
}

fn managed(answer: Answer<'_>, algorithm: DataAlgorithm, told: Told) -> Answer<'_> {
    let words = &answer.dialect().encryption;
    let (word, cipher) = words.managed_word(algorithm);
    answer.field(words.method, word).optional_field(words.data_algorithm, cipher.filter(|_| told.names_cipher(words)))
}

impl Told {
    fn names_cipher(self, words: &EncryptionWords) -> bool {
        match self {
            Self::Copy => words.copies_tell_cipher,
            Self::Beginning | Self::Part | Self::Completion => words.cipher_of_parts,
            Self::Write | Self::Read | Self::Head => true,
        }
    }
}

fn kms<'a>(answer: Answer<'a>, applied: &KmsApplied, told: Told) -> Answer<'a> {
    let words = &answer.dialect().encryption;
    let answer = answer
        .field(words.method, words.kms_word(applied.algorithm))
        .field(words.key, &(words.spell_key)(&applied.key))
        .optional_field(
            words.data_algorithm,
            words.cipher_word(applied.algorithm).filter(|_| told.names_cipher(words)),
        );
    let answer = match (words.bucket_key, applied.bucket_key) {
        (Some(suffix), true) => answer.field(suffix, "true"),
        _ => answer,
    };
    let answer = match (words.project, &applied.project) {
        (Some(suffix), Some(project)) if told != Told::Head && !applied.key.is_default => answer.field(suffix, project),
        _ => answer,
    };
    match words.context {
        Some(suffix) if matches!(told, Told::Write | Told::Copy | Told::Beginning) && !applied.context.is_empty() => {
            answer.field(suffix, &base64(json(&applied.context).as_bytes()))
        }
        _ => answer,
    }
}

/// A context as compact JSON.
fn json(context: &EncryptionContext) -> String {
    let map = context.iter().map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str()))).collect();
    serde_json::Value::Object(map).to_string()
}
