//! Sealing and opening for clients of the key service: their data, and data keys (FORMAT.md §17).

use std::sync::Arc;

use ring::digest::{SHA256, digest};
use strongroom_model::account::AccountId;
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{KeyReference, KeySpec};
use strongroom_model::operation::key::{KeyUse, Purpose};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::UsedKey;
use strongroom_model::secret::Plaintext;
use strongroom_seal::{Ciphertext, ClientBinding, Error, KeyTag, MAX_CLIENT_DATA, MAX_CONTEXT};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Embedded,
    lookup::{Known, is_visible},
    manage::material_id,
    suite_of,
};
use crate::kms::{KeySelector, KmsError};

impl Embedded {
    /// Seals or opens something for a client.
    pub(super) async fn use_key(&self, account: AccountId, operation: KeyUse) -> Result<KeyOutcome, KmsError> {
        match operation {
            KeyUse::GenerateDataKey { key, length, context, shown } => {
                let known = self.sealing_key(account, &key).await?;
                let drawn = self.random(length)?;
                let (key, ciphertext) = self.seal_data(&known, &context, drawn.expose())?;
                Ok(KeyOutcome::DataKey { key, ciphertext, plaintext: shown.then_some(drawn) })
            }
            KeyUse::Encrypt { key, plaintext, context, purpose } => {
                let known = self.sealing_key(account, &key).await?;
                if let Purpose::DataKey { digest: Some(claimed) } = purpose
                    && claimed != data_key_digest(known.key.spec, plaintext.expose())
                {
                    return Err(KmsError::Failed(FailureCode::DataKeyDigestMismatch));
                }
                let (key, ciphertext) = self.seal_data(&known, &context, plaintext.expose())?;
                Ok(KeyOutcome::Encrypted { key, ciphertext })
            }
            KeyUse::Decrypt { key, ciphertext, context, purpose } => {
                let (key, plaintext) = self.open_data(account, key.as_ref(), &ciphertext, &context).await?;
                let digest = match purpose {
                    Purpose::Data => None,
                    Purpose::DataKey { .. } => Some(data_key_digest(key.spec, plaintext.expose())),
                };
                Ok(KeyOutcome::Decrypted { key, plaintext, digest })
            }
            KeyUse::ReEncrypt { source, ciphertext, source_context, key, context } => {
                let (source, plaintext) =
                    self.open_data(account, source.as_ref(), &ciphertext, &source_context).await?;
                let known = self.sealing_key(account, &key).await?;
                let (key, ciphertext) = self.seal_data(&known, &context, plaintext.expose())?;
                Ok(KeyOutcome::ReEncrypted { source, key, ciphertext })
            }
            KeyUse::Random { length } => Ok(KeyOutcome::Random(self.random(length)?)),
        }
    }

    fn random(&self, length: usize) -> Result<Plaintext, KmsError> {
        if length > MAX_CLIENT_DATA {
            return Err(KmsError::Invalid("at most 8,192 random bytes are drawn at once"));
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.entropy.fill(&mut bytes)?;
        Ok(Plaintext::new(bytes))
    }

    /// The key to seal with, which may be used.
    async fn sealing_key(&self, account: AccountId, key: &KeyReference) -> Result<Arc<Known>, KmsError> {
        let known = self.select(account, KeySelector::Reference(key)).await?;
        self.check_usable(&known.key)?;
        Ok(known)
    }

    fn seal_data(
        &self,
        known: &Known,
        context: &EncryptionContext,
        data: &[u8],
    ) -> Result<(UsedKey, Vec<u8>), KmsError> {
        check_context(context)?;
        let number = known.key.current();
        let master = self.material(known, number)?.expect("a key in use has the material of its current version");
        let account = known.key.account.aws();
        let place = ClientBinding { account: &account, key_id: &known.key.id, key_version: number, context };
        let named = (tag_of(&known.key.id)?, number);
        let sealed =
            Ciphertext::seal(master, suite_of(known.key.spec), &self.entropy.array()?, named, &place.encode(), data);
        let sealed = sealed.map_err(|error| match error {
            Error::TooLarge(_) => KmsError::Invalid("at most 8,192 bytes are sealed at once"),
            other => KmsError::Damaged(other.into()),
        })?;
        Ok((self.used(known, number), sealed.encode()))
    }

    /// What is in a ciphertext. Whatever is wrong with it, the answer is the same, but for a key that exists and cannot be
    /// used, or is not the one that was named.
    async fn open_data(
        &self,
        account: AccountId,
        key: Option<&KeyReference>,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> Result<(UsedKey, Plaintext), KmsError> {
        let invalid = || KmsError::Failed(FailureCode::CiphertextInvalid);
        let named = match key {
            Some(key) => Some(self.select(account, KeySelector::Reference(key)).await?),
            None => None,
        };
        let sealed = Ciphertext::decode(ciphertext).map_err(|_| invalid())?;
        let id = Uuid::from_bytes(sealed.key).to_string();
        let own = named.as_ref().map_or(account, |named| named.key.account);
        let known = match self.known_version(Some(own), &id, sealed.key_version).await {
            Ok(known) if is_visible(&known.key, own) => known,
            Ok(_) | Err(KmsError::NotFound(_)) => return Err(invalid()),
            Err(other) => return Err(other),
        };
        if let Some(named) = named.filter(|named| named.key.id != id) {
            return Err(KmsError::Refused { name: self.name(&named.key), code: FailureCode::CiphertextOfOtherKey });
        }
        self.check_usable(&known.key)?;
        let master = self.material(&known, sealed.key_version)?.ok_or_else(invalid)?;
        let owner = known.key.account.aws();
        let place = ClientBinding { account: &owner, key_id: &id, key_version: sealed.key_version, context };
        let data = sealed.open(master, &place.encode()).map_err(|_| invalid())?;
        Ok((self.used(&known, sealed.key_version), Plaintext::new(data)))
    }

    fn used(&self, known: &Known, number: u32) -> UsedKey {
        let version = known.key.version(number).expect("the version has just been used");
        UsedKey {
            name: self.name(&known.key),
            version: number,
            material: material_id(&version.fingerprint),
            spec: known.key.spec,
        }
    }
}

/// The digest by which Huawei's data keys are checked: of the family of the master key.
fn data_key_digest(spec: KeySpec, data_key: &[u8]) -> [u8; 32] {
    use sm3::Digest as _;
    match spec {
        KeySpec::Aes256 => digest(&SHA256, data_key).as_ref().try_into().expect("SHA-256 has 32 bytes"),
        KeySpec::Sm4 => sm3::Sm3::digest(data_key).into(),
    }
}

/// A context that a ciphertext can be bound to, as long as those of objects.
pub(super) fn check_context(context: &EncryptionContext) -> Result<(), KmsError> {
    let bytes: usize = context.iter().map(|(name, value)| 4 + name.len() + value.len()).sum();
    if bytes > MAX_CONTEXT {
        return Err(KmsError::Invalid("the encryption context is too long"));
    }
    Ok(())
}

fn tag_of(id: &str) -> Result<KeyTag, KmsError> {
    Uuid::parse_str(id).map(Uuid::into_bytes).map_err(|error| KmsError::Damaged(error.into()))
}
