//! Objects written in parts, each in a request of its own. What the object will be is settled when its upload begins: its id, which
//! the data key is bound to, its encryption and its metadata. A part is a blob; completing seals the list of them and copies nothing.

mod complete;
mod initiate;
mod list;
mod part;

use std::sync::Arc;

use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{ObjectKey, UploadId};
use strongroom_model::operation::UploadOperation;
use strongroom_model::operation::upload::{UploadHolders, UploadName};
use strongroom_model::outcome::UploadOutcome;
use strongroom_model::secret::CustomerKey;
use strongroom_seal::{ContentKey, Envelope, Identity};

use super::{Body, Caller, Engine, customer};
pub(super) use part::NewPart;

use crate::catalog::{
    buckets::Bucket,
    objects::VersionUid,
    uploads::{Upload, UploadPlace},
};
use crate::{failure, opening};

/// An upload that is open.
pub(super) struct OpenUpload {
    /// Its bucket.
    pub(super) bucket: Arc<Bucket>,
    /// Its key.
    pub(super) key: ObjectKey,
    /// Its id.
    pub(super) id: UploadId,
    /// What was settled when it began.
    pub(super) upload: Upload,
    /// The version of its row.
    pub(super) row: u64,
    /// The place of the object to be, to which its keys are bound.
    pub(super) identity: Identity,
    /// How the object's data key is kept.
    pub(super) envelope: Envelope,
}

impl Engine {
    /// Does an operation on an upload.
    pub(super) async fn upload_operation(
        &self,
        caller: &Caller,
        operation: UploadOperation,
        body: Option<Body>,
    ) -> Result<UploadOutcome, Failure> {
        Ok(match operation {
            UploadOperation::Initiate(initiate) => {
                UploadOutcome::Initiated(self.initiate_upload(caller, initiate).await?)
            }
            UploadOperation::WritePart(write) => {
                let body = body.ok_or(FailureCode::IncompleteBody)?;
                UploadOutcome::PartWritten(self.write_part(caller, write, body).await?)
            }
            UploadOperation::CopyPart(copy) => {
                UploadOutcome::PartCopied(Box::pin(self.copy_part(caller, *copy)).await?)
            }
            UploadOperation::Complete(complete) => {
                UploadOutcome::Completed(Box::pin(self.complete_upload(caller, complete)).await?)
            }
            UploadOperation::Abort(name) => {
                self.abort_upload(caller, &name).await?;
                UploadOutcome::Aborted
            }
            UploadOperation::ListParts(list) => UploadOutcome::Parts(self.list_parts(caller, list).await?),
            UploadOperation::List(list) => UploadOutcome::Uploads(self.list_uploads(caller, list).await?),
        })
    }

    /// The upload of that name, if it is open, and the caller's.
    pub(super) async fn find_upload(
        &self,
        caller: &Caller,
        name: &UploadName,
        holders: UploadHolders,
    ) -> Result<Option<OpenUpload>, Failure> {
        let bucket = self.bucket(caller, &name.bucket).await?;
        let place = UploadPlace { bucket: bucket.id, key: &name.key, id: name.id };
        let Some((upload, row)) = self.catalog.upload(place).await? else { return Ok(None) };
        let account = caller.rights.principal().account();
        let owner_holds = holders == UploadHolders::InitiatorAndOwner && account == Some(bucket.facts.owner);
        if account != upload.initiator.account() && !owner_holds {
            return Err(caller.rights.refusal().into());
        }
        let identity = opening::identity(&bucket, &name.key, VersionUid(name.id.0));
        let envelope = Envelope::decode(&upload.envelope).map_err(failure::of_stored)?;
        Ok(Some(OpenUpload { bucket, key: name.key.clone(), id: name.id, upload, row, identity, envelope }))
    }

    /// The upload of that name, which must be open.
    pub(super) async fn open_upload(
        &self,
        caller: &Caller,
        name: &UploadName,
        holders: UploadHolders,
    ) -> Result<OpenUpload, Failure> {
        self.find_upload(caller, name, holders).await?.ok_or_else(|| FailureCode::NoSuchUpload.into())
    }

    /// The key that seals the upload's parts: a customer's as it came with the request, which must be the upload's; else one
    /// call to the key service at most.
    pub(super) async fn unlock_upload(
        &self,
        caller: &Caller,
        open: &OpenUpload,
        key: Option<&CustomerKey>,
    ) -> Result<ContentKey, Failure> {
        match (&open.upload.encryption, key) {
            (AppliedEncryption::Customer { .. }, Some(key)) => open.unlock_by_customer(caller, key),
            (AppliedEncryption::Customer { .. }, None) | (_, Some(_)) => Err(FailureCode::UploadKeyRequired.into()),
            (AppliedEncryption::Kms(_), None) if !caller.transport.kms => Err(FailureCode::KmsNeedsTls.into()),
            (applied, None) => {
                self.hold_openable(caller, applied, &open.identity, true).await?;
                caller.keys.unwrap(&open.envelope, &open.identity).await
            }
        }
    }

    /// Gives an upload up: its parts are the reaper's from then on.
    async fn abort_upload(&self, caller: &Caller, name: &UploadName) -> Result<(), Failure> {
        let bucket = self.bucket(caller, &name.bucket).await?;
        let place = UploadPlace { bucket: bucket.id, key: &name.key, id: name.id };
        if !self.catalog.abort_upload(place).await? {
            return Err(FailureCode::NoSuchUpload.into());
        }
        self.sweep_upload(name.id).await;
        Ok(())
    }

    /// Clears away what is left of an upload that has ended. What cannot be cleared now, the reaper finds.
    async fn sweep_upload(&self, id: UploadId) {
        if let Err(error) = self.catalog.sweep_upload(id, self.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an ended upload could not be swept at once");
        }
    }
}

impl OpenUpload {
    /// Where its rows are.
    pub(super) fn place(&self) -> UploadPlace<'_> {
        UploadPlace { bucket: self.bucket.id, key: &self.key, id: self.id }
    }

    /// The encryption as the answer to a request with that key tells it.
    pub(super) fn applied(&self, key: Option<&CustomerKey>) -> AppliedEncryption {
        match (&self.upload.encryption, key) {
            (AppliedEncryption::Customer { .. }, Some(key)) => AppliedEncryption::Customer { key_md5: Some(key.md5()) },
            (applied, _) => applied.clone(),
        }
    }

    fn unlock_by_customer(&self, caller: &Caller, key: &CustomerKey) -> Result<ContentKey, Failure> {
        if !caller.transport.customer_keys {
            return Err(FailureCode::CustomerKeyNeedsTls.into());
        }
        customer::unlock(&self.envelope, &self.identity, key).map_err(|failure| match failure.code {
            FailureCode::CustomerKeyWrong => FailureCode::UploadKeyWrong.into(),
            _ => failure,
        })
    }
}
