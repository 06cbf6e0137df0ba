//! Key material that customers bring: it comes wrapped under an RSA key made for it, which the token that goes with it carries,
//! sealed, so that nothing is kept here and any node takes it.

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
};
use strongroom_model::account::AccountId;
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{KeyDescription, KeyOrigin, KeyReference, MaterialId, VersionCause};
use strongroom_model::operation::key::{ImportMaterial, ImportWrapping};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::ImportParameters;
use strongroom_model::time::Timestamp;
use strongroom_seal::{AES_256_GCM, Ciphertext, KeyBinding, KeyBytes, fingerprint};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::{
    Embedded,
    lifecycle::{self, DAY_MS, Obstacle},
    manage::{Hindrance, material_id},
    suite_of,
};
use crate::{
    catalog::keys::{KeyVersion, MasterKey},
    kms::KmsError,
};

/// How long a token is good for: 24 hours, as at all three services.
const TOKEN_MS: i64 = DAY_MS;

/// RSA keys that are made at once: each takes a processor for up to seconds, and whoever may ask could ask a hundred times.
static MAKING: Semaphore = Semaphore::const_new(2);

/// Bytes of the token's own key, wrapped under the root key.
const WRAPPED_BYTES: usize = 98;

/// Bytes of the token's time, before the RSA key.
const TIME_BYTES: usize = 8;

impl Embedded {
    /// A fresh RSA key to wrap material for the key with, and the token that brings it back.
    pub(super) async fn import_parameters(
        &self,
        account: AccountId,
        reference: &KeyReference,
        wrapping: ImportWrapping,
    ) -> Result<KeyOutcome, KmsError> {
        let key = self.find(account, reference).await?.record;
        importable(&key).map_err(|obstacle| self.obstructed(&key, obstacle))?;
        let size = match wrapping {
            ImportWrapping::RsaOaepSha256Of2048 => KeySize::Rsa2048,
            ImportWrapping::RsaOaepSha256Of3072 => KeySize::Rsa3072,
            ImportWrapping::RsaOaepSha256Of4096 => KeySize::Rsa4096,
        };
        let place = MAKING.acquire().await.expect("the semaphore is never closed");
        let (private, public_key) = aside(move || {
            let _place = place;
            make(size)
        })
        .await??;
        let expires = (self.clock)().plus_millis(TOKEN_MS);
        let token = self.seal_token(&key, expires, &private)?;
        Ok(KeyOutcome::ImportParameters(ImportParameters { key: self.name(&key), token, public_key, expires }))
    }

    /// Puts the material that came with a token into the key.
    pub(super) async fn import(&self, account: AccountId, import: ImportMaterial) -> Result<KeyDescription, KmsError> {
        let now = (self.clock)();
        if import.expires.is_some_and(|expires| expires <= now) {
            return Err(KmsError::Invalid("the material's time must end in the future"));
        }
        let found = self.find(account, &import.key).await?.record;
        lifecycle::kept(&found)
            .and_then(|()| importable(&found))
            .map_err(|obstacle| self.obstructed(&found, obstacle))?;
        let (private, wrapped) = (self.open_token(&found, &import.token, now)?, import.wrapped);
        let material = aside(move || decrypt(&private, &wrapped)).await?.and_then(|bytes| {
            let fits = bytes.len() == suite_of(found.spec).key_len;
            KeyBytes::new(&bytes).ok().filter(|_| fits)
        });
        let refused = |code| KmsError::Refused { name: self.name(&found), code };
        let material = material.ok_or_else(|| refused(FailureCode::KeyMaterialInvalid))?;
        let named = fingerprint(&material);
        if import.material.is_some_and(|expected| expected != material_id(&named)) {
            return Err(refused(FailureCode::KeyMaterialMismatch));
        }
        let place = |key: &mut MasterKey| {
            let pending = key.upcoming.as_ref().map(|upcoming| material_id(&upcoming.fingerprint));
            let number = match (lifecycle::place_of(key, &named, import.for_rotation), pending) {
                (Err(Obstacle::Is(FailureCode::KeyMaterialPending)), Some(pending)) => {
                    let (name, material) = (self.name(key), material_id(&named));
                    return Err(KmsError::MaterialPending { name, material, pending }.into());
                }
                (place, _) => place?,
            };
            let cause = if number == 1 { VersionCause::Creation } else { VersionCause::Demand };
            let version = self.wrapped_version(key, number, cause, &material)?;
            let version = KeyVersion { expires: import.expires, ..version };
            Ok::<(), Hindrance>(lifecycle::import(key, number, version)?)
        };
        // An alias may point elsewhere by now; the token is for the key that was found.
        let described = self.change(account, &KeyReference::parse(&found.id), place).await?;
        Ok(KeyDescription { material: Some(material_id(&named)), ..described })
    }

    /// Deletes imported material.
    pub(super) async fn delete_material(
        &self,
        account: AccountId,
        reference: &KeyReference,
        material: Option<MaterialId>,
    ) -> Result<KeyDescription, KmsError> {
        let delete = |key: &mut MasterKey| {
            let versions = key.versions.iter().chain(&key.upcoming);
            let mut named = versions.map(|version| version.fingerprint);
            let chosen = match material {
                Some(wanted) => {
                    let found = named.find(|fingerprint| material_id(fingerprint) == wanted);
                    Some(found.ok_or(Obstacle::Is(FailureCode::KeyVersionNotFound))?)
                }
                None => None,
            };
            Ok(lifecycle::delete_material(key, chosen)?)
        };
        self.change(account, reference, delete).await
    }

    fn seal_token(&self, key: &MasterKey, expires: Timestamp, private: &[u8]) -> Result<Vec<u8>, KmsError> {
        let (account, id) = (key.account.aws(), token_id(key));
        let place = KeyBinding { account: &account, key_id: &id, key_version: 0 };
        let once = self.entropy.key(AES_256_GCM.key_len)?;
        let content = Zeroizing::new([&expires.millis().to_be_bytes()[..], private].concat());
        let sealed =
            Ciphertext::seal(&once, &AES_256_GCM, &self.entropy.array()?, ([0; 16], 0), &place.encode(), &content);
        let sealed = sealed.expect("an RSA key has fewer bytes than a ciphertext may hold");
        Ok([self.root.wrap(&place, &once)?, sealed.encode()].concat())
    }

    fn open_token(&self, key: &MasterKey, token: &[u8], now: Timestamp) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let refused = |code| KmsError::Refused { name: self.name(key), code };
        let invalid = || refused(FailureCode::ImportTokenInvalid);
        let (account, id) = (key.account.aws(), token_id(key));
        let place = KeyBinding { account: &account, key_id: &id, key_version: 0 };
        let (wrapped, sealed) = token.split_at_checked(WRAPPED_BYTES).ok_or_else(invalid)?;
        let once = self.root.unwrap(&place, wrapped).map_err(|_| invalid())?;
        let sealed = Ciphertext::decode(sealed).map_err(|_| invalid())?;
        let content = sealed.open(&once, &place.encode()).map_err(|_| invalid())?;
        let (time, private) = content.split_first_chunk::<TIME_BYTES>().ok_or_else(invalid)?;
        if Timestamp::from_millis(i64::from_be_bytes(*time)) <= now {
            return Err(refused(FailureCode::ImportTokenExpired));
        }
        Ok(Zeroizing::new(private.to_vec()))
    }
}

fn importable(key: &MasterKey) -> Result<(), Obstacle> {
    match key.origin {
        KeyOrigin::External => Ok(()),
        KeyOrigin::Service => Err(Obstacle::Is(FailureCode::KeyOriginUnsupported)),
    }
}

/// The token's place differs from that of every version of the key.
fn token_id(key: &MasterKey) -> String {
    format!("import/{}", key.id)
}

/// Runs what takes the processor for long where no other request waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, KmsError> {
    tokio::task::spawn_blocking(work).await.map_err(|panicked| KmsError::Unavailable(panicked.into()))
}

/// A fresh RSA key: the private half in PKCS #8, the public one as a SubjectPublicKeyInfo.
fn make(size: KeySize) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), KmsError> {
    let failed = |_| KmsError::Failed(FailureCode::Internal);
    let private = PrivateDecryptingKey::generate(size).map_err(failed)?;
    let public = private.public_key().as_der().map(|der: PublicKeyX509Der<'_>| der.as_ref().to_vec());
    let encoded = private.as_der().map(|der: Pkcs8V1Der<'_>| Zeroizing::new(der.as_ref().to_vec()));
    Ok((encoded.map_err(failed)?, public.map_err(failed)?))
}

fn decrypt(private: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(private).ok()?).ok()?;
    let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut room, None).ok()?;
    Some(Zeroizing::new(plain.to_vec()))
}
