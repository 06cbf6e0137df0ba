//! What master keys are for: sealing and opening.

use crate::action::{Action, KeyAction, Required, Resource};
use crate::encryption::EncryptionContext;
use crate::key::KeyReference;
use crate::secret::Plaintext;

/// Seal or open something.
#[derive(Debug)]
pub enum KeyUse {
    /// Make a data key.
    GenerateDataKey {
        /// Under which key.
        key: KeyReference,
        /// Its length in bytes.
        length: usize,
        /// What it is bound to.
        context: EncryptionContext,
        /// Whether it is shown.
        shown: bool,
    },
    /// Seal bytes.
    Encrypt {
        /// Under which key.
        key: KeyReference,
        /// The bytes.
        plaintext: Plaintext,
        /// What they are bound to.
        context: EncryptionContext,
        /// What they are.
        purpose: Purpose,
    },
    /// Open a ciphertext.
    Decrypt {
        /// The key that must have sealed it; none takes the ciphertext's word.
        key: Option<KeyReference>,
        /// The ciphertext.
        ciphertext: Vec<u8>,
        /// What it is bound to.
        context: EncryptionContext,
        /// What is in it.
        purpose: Purpose,
    },
    /// Open a ciphertext, and seal what was in it under another key.
    ReEncrypt {
        /// The key that must have sealed it; none takes the ciphertext's word.
        source: Option<KeyReference>,
        /// The ciphertext.
        ciphertext: Vec<u8>,
        /// What it is bound to.
        source_context: EncryptionContext,
        /// Under which key to seal.
        key: KeyReference,
        /// What to bind it to.
        context: EncryptionContext,
    },
    /// Draw random bytes.
    Random {
        /// How many.
        length: usize,
    },
}

/// What a client seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Data.
    Data,
    /// A data key of the client's own. Its digest came with it, and was found to be right if it is SHA-256.
    DataKey {
        /// SHA-256 of the data key, or SM3 under an SM4 key.
        digest: Option<[u8; 32]>,
    },
}

impl KeyUse {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::GenerateDataKey { shown: true, .. } => "GenerateDataKey",
            Self::GenerateDataKey { shown: false, .. } => "GenerateDataKeyWithoutPlaintext",
            Self::Encrypt { .. } => "Encrypt",
            Self::Decrypt { .. } => "Decrypt",
            Self::ReEncrypt { .. } => "ReEncrypt",
            Self::Random { .. } => "GenerateRandom",
        }
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut KeyReference> {
        match self {
            Self::GenerateDataKey { key, .. } | Self::Encrypt { key, .. } => vec![key],
            Self::Decrypt { key, .. } => key.iter_mut().collect(),
            Self::ReEncrypt { source, key, .. } => source.iter_mut().chain([key]).collect(),
            Self::Random { .. } => Vec::new(),
        }
    }

    /// Names the key of a ciphertext that none was named for.
    pub fn name_source(&mut self, found: KeyReference) {
        if let Self::Decrypt { key: source @ None, .. } | Self::ReEncrypt { source: source @ None, .. } = self {
            *source = Some(found);
        }
    }

    /// The encryption context of one of the actions that it requires.
    pub fn context(&self, action: KeyAction) -> Option<&EncryptionContext> {
        match self {
            Self::GenerateDataKey { context, .. } | Self::Encrypt { context, .. } | Self::Decrypt { context, .. } => {
                Some(context)
            }
            Self::ReEncrypt { source_context, .. } if action == KeyAction::ReEncryptFrom => Some(source_context),
            Self::ReEncrypt { context, .. } => Some(context),
            Self::Random { .. } => None,
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let on = |key: Option<&KeyReference>, action| {
            let resource = key.map_or(Resource::Keys, |key| Resource::Key(key.clone()));
            Required::new(Action::Key(action), resource)
        };
        match self {
            Self::GenerateDataKey { key, shown: true, .. } => vec![on(Some(key), KeyAction::GenerateDataKey)],
            Self::GenerateDataKey { key, .. } => vec![on(Some(key), KeyAction::GenerateDataKeyWithoutPlaintext)],
            Self::Encrypt { key, purpose: Purpose::Data, .. } => vec![on(Some(key), KeyAction::Encrypt)],
            Self::Encrypt { key, .. } => vec![on(Some(key), KeyAction::EncryptDataKey)],
            Self::Decrypt { key, purpose: Purpose::Data, .. } => vec![on(key.as_ref(), KeyAction::Decrypt)],
            Self::Decrypt { key, .. } => vec![on(key.as_ref(), KeyAction::DecryptDataKey)],
            Self::ReEncrypt { source, key, .. } => {
                vec![on(source.as_ref(), KeyAction::ReEncryptFrom), on(Some(key), KeyAction::ReEncryptTo)]
            }
            Self::Random { .. } => vec![on(None, KeyAction::GenerateRandom)],
        }
    }
}
