//! Changing an object without touching its bytes: its metadata, or the master key over its data key.

use strongroom_model::encryption::{AppliedEncryption, DataAlgorithm, KmsApplied};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{ObjectKey, VersionId};
use strongroom_model::operation::amend::{SetMetadata, UpdateEncryption};
use strongroom_model::outcome::object::ObjectFacts;
use strongroom_seal::Envelope;

use super::reading::{found, not_found};
use super::{Caller, Engine};
use crate::catalog::{
    amend::{Amended, Amendment, Touch},
    buckets::Bucket,
    objects::{Content, Entry},
};
use crate::key_user::ObjectPlace;
use crate::kms::KeySelector;
use crate::opening::{Version, open_manifest};

impl Engine {
    /// Changes an object's metadata. Its tag stays, as its bytes do.
    pub(super) async fn set_metadata(&self, caller: &Caller, set: SetMetadata) -> Result<ObjectFacts, Failure> {
        let bucket = self.bucket(caller, &set.bucket).await?;
        let now = self.now();
        let amendment = |entry: &mut Entry, content: &mut Content| {
            entry.last_modified = now;
            entry.storage_class = set.storage_class.unwrap_or(entry.storage_class);
            content.metadata = set.applied_to(&content.metadata);
            Ok(())
        };
        let change = (Touch::Description(now), &amendment as &Amendment<'_>);
        Ok(self.amend(caller, &bucket, (&set.key, set.version), change).await?.facts(None))
    }

    /// Wraps an object's data key under another master key, in one commit: neither the bytes are touched, nor the tag, nor
    /// the time. Two calls to the key service.
    ///
    /// The manifest is sealed under the data key, which stays, and is bound to the same place; only the client's context,
    /// which the new wrapping has none of, makes it be sealed anew.
    pub(super) async fn update_encryption(
        &self,
        caller: &Caller,
        update: UpdateEncryption,
    ) -> Result<Option<VersionId>, Failure> {
        if !caller.transport.kms {
            return Err(FailureCode::KmsNeedsTls.into());
        }
        let bucket = self.bucket(caller, &update.bucket).await?;
        let place = (&update.key, update.version);
        let sought = self.catalog.version(bucket.id, &update.key, update.version).await?;
        let sought = found(caller, &self.leases, &bucket, &update.key, sought)?;
        let version = sought.map_err(|marker| not_found(caller, update.version, marker))?;
        let rewrapped = self.rewrap(caller, &version, &update).await?;
        let amendment = |entry: &mut Entry, content: &mut Content| {
            // What was sealed or wrapped anew since then is not what was rewrapped.
            let same = entry.uid == version.entry.uid
                && content.envelope == version.content.envelope
                && content.manifest == version.content.manifest;
            if !same {
                return Err(FailureCode::Conflict.into());
            }
            content.envelope = rewrapped.envelope.encode().into();
            content.manifest = rewrapped.manifest.clone().into();
            content.encryption = AppliedEncryption::Kms(rewrapped.applied.clone());
            Ok(())
        };
        Ok(self.amend(caller, &bucket, place, (Touch::Wrapping, &amendment)).await?.id)
    }

    /// # Errors
    /// `EncryptionNotChangeable` for an object in the clear or under a customer's key.
    async fn rewrap(
        &self,
        caller: &Caller,
        version: &Version,
        update: &UpdateEncryption,
    ) -> Result<Rewrapped, Failure> {
        let algorithm = match &version.content.encryption {
            AppliedEncryption::Managed(algorithm) => *algorithm,
            // Two layers are two keys, and one wrapping would be of both: AWS does not change them in place either.
            AppliedEncryption::Kms(kms) if kms.algorithm != DataAlgorithm::Aes256Twice => kms.algorithm,
            AppliedEncryption::Kms(_) | AppliedEncryption::Plain | AppliedEncryption::Customer { .. } => {
                return Err(FailureCode::EncryptionNotChangeable.into());
            }
        };
        self.hold_openable(caller, &version.content.encryption, &version.identity, true).await?;
        let old = version.envelope.key().ok_or(FailureCode::EncryptionNotChangeable)?;
        let content = self.unlock(caller, version).await?;
        let manifest = open_manifest(version, &content).inspect_err(|failure| self.counters.note(failure))?;
        let none = Default::default();
        let binding = version.identity.binding(&none);
        let place = ObjectPlace { identity: &version.identity, context: &none, by_bucket_key: update.bucket_key };
        let key = self.key_to_seal(caller, Some(&update.master_key), None, place).await?;
        let wrapped = caller.keys.wrap(caller.account()?, KeySelector::Reference(&key), &content, place).await?;
        let manifest = match old.context.is_empty() {
            true => version.content.manifest.to_vec(),
            false => manifest.seal(&content, &self.entropy.array()?, &binding.encode()),
        };
        let applied = KmsApplied {
            key: wrapped.name,
            algorithm,
            bucket_key: update.bucket_key,
            project: None,
            context: Default::default(),
        };
        Ok(Rewrapped { envelope: wrapped.envelope, manifest, applied })
    }

    /// Changes the version of that key and id.
    pub(super) async fn amend(
        &self,
        caller: &Caller,
        bucket: &Bucket,
        (key, id): (&ObjectKey, Option<VersionId>),
        change: (Touch, &Amendment<'_>),
    ) -> Result<Version, Failure> {
        match self.catalog.amend(bucket.id, key, id, &[], change).await? {
            Amended::Rows(rows) => Version::new(&self.leases, bucket, key, rows.0, rows.1),
            Amended::Marker(marker) => Err(not_found(caller, id, Some(marker))),
            Amended::Nothing => Err(not_found(caller, id, None)),
            Amended::BlobsGivenUp => Err(FailureCode::RequestTimeout.into()),
            Amended::Locked => Err(FailureCode::ObjectLocked.into()),
        }
    }
}

/// An object's data key under another master key.
struct Rewrapped {
    envelope: Envelope,
    manifest: Vec<u8>,
    applied: KmsApplied,
}
