//! Beginning an upload: all that the object will be but its bytes.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::UploadId;
use strongroom_model::operation::upload::{InitiateUpload, UploadName};
use strongroom_model::outcome::upload::UploadInitiated;
use strongroom_seal::ManifestKey;

use super::super::encryption::Choice;
use super::super::{Caller, Engine, precondition};
use crate::{
    catalog::{
        objects::VersionUid,
        uploads::{Beginning, Upload, UploadPlace},
    },
    opening::identity,
};

impl Engine {
    /// Begins an upload: the one call to the key service that a data key takes.
    pub(super) async fn initiate_upload(
        &self,
        caller: &Caller,
        initiate: InitiateUpload,
    ) -> Result<UploadInitiated, Failure> {
        let bucket = self.bucket(caller, &initiate.bucket).await?;
        let choice = self.choose(caller, &initiate.encryption, &bucket)?;
        if initiate.conditions != Default::default() {
            let current = self.catalog.entry(bucket.id, &initiate.key).await?;
            precondition::check_write(&initiate.conditions, current.as_ref(), bucket.facts.versioning)?;
        }
        let id = self.upload_id()?;
        let by_customer = matches!(choice, Choice::Customer(_));
        let identity = identity(&bucket, &initiate.key, VersionUid(id.0));
        let protection = self.protect(caller, choice, bucket.facts.owner, &identity).await?;
        let manifest_key = match by_customer {
            true => Some(ManifestKey::derive(&protection.content, self.entropy.array()?).expose()),
            false => None,
        };
        let upload = Upload {
            initiated: self.now(),
            initiator: caller.rights.principal().clone(),
            metadata: initiate.metadata,
            settings: self.settings_of_write(&bucket, &initiate.settings)?,
            storage_class: initiate.storage_class.unwrap_or(bucket.facts.storage_class),
            encryption: protection.applied.clone(),
            envelope: protection.envelope.encode().into(),
            manifest_key,
            // Under a customer's key nothing is kept that nobody asked for.
            checksum: initiate.checksum.filter(|checksum| checksum.asked || !by_customer),
        };
        let place = UploadPlace { bucket: bucket.id, key: &initiate.key, id };
        match self.catalog.begin_upload(place, &upload).await? {
            Beginning::Begun => Ok(UploadInitiated {
                upload: UploadName { bucket: initiate.bucket, key: initiate.key, id },
                encryption: protection.applied,
                checksum: upload.checksum,
                url_encoded: initiate.url_encoded,
            }),
            Beginning::BucketGone => Err(FailureCode::NoSuchBucket.into()),
            Beginning::BucketDeleting => Err(FailureCode::Conflict.into()),
        }
    }

    /// Begins with the time, 6 bytes of milliseconds, so that uploads of one key list as they began; 80 random bits follow.
    fn upload_id(&self) -> Result<UploadId, Failure> {
        let mut id: [u8; 16] = self.entropy.array()?;
        id[..6].copy_from_slice(&self.now().millis().to_be_bytes()[2..]);
        Ok(UploadId(id))
    }
}
