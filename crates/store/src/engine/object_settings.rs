//! The documents of an object version: tags, access control list, retention, legal hold. What a write asks for is decided
//! here as well.

use strongroom_model::acl::AclDocument;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lock::ObjectLock;
use strongroom_model::name::VersionId;
use strongroom_model::operation::object::{ObjectTarget, PutObjectSetting};
use strongroom_model::outcome::ObjectOutcome;
use strongroom_model::setting::{ObjectSetting, ObjectSettingKind, ObjectSettings, ObjectSettingsWish, Versioning};
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;

use super::reading::{found, not_found};
use super::settings::of_owner;
use super::{Caller, Engine, public_access};
use crate::catalog::{
    buckets::Bucket,
    object_settings::{SettingsChange, SettingsChanged},
};

impl Engine {
    /// The documents that a new version is to get. What the bucket keeps it for, if its writer does not say, counts from when it is
    /// there: [`super::locks::locked_from`].
    ///
    /// # Errors
    /// `NoObjectLock` for retention or a hold in a bucket that cannot lock; `RetentionInPast`; `AccessDenied` for a
    /// public list where those are blocked.
    pub(super) fn settings_of_write(
        &self,
        bucket: &Bucket,
        wish: &ObjectSettingsWish,
    ) -> Result<ObjectSettings, Failure> {
        let now = self.now();
        if wish.lock.is_asked() && bucket.facts.lock.is_none() {
            return Err(FailureCode::NoObjectLock.into());
        }
        if wish.lock.retention.is_some_and(|retention| retention.until <= now) {
            return Err(FailureCode::RetentionInPast.into());
        }
        public_access::check_list(bucket, &wish.acl)?;
        Ok(ObjectSettings {
            tags: wish.tags.clone(),
            acl: wish.acl.resolve(bucket.facts.owner),
            lock: ObjectLock { retention: wish.lock.retention, legal_hold: wish.lock.legal_hold },
        })
    }

    /// Reads a document.
    pub(super) async fn object_setting(
        &self,
        caller: &Caller,
        target: &ObjectTarget,
        kind: ObjectSettingKind,
    ) -> Result<ObjectOutcome, Failure> {
        let bucket = self.bucket(caller, &target.bucket).await?;
        let sought = self.catalog.version(bucket.id, &target.key, target.version).await?;
        let version = found(caller, &self.leases, &bucket, &target.key, sought)?
            .map_err(|marker| not_found(caller, target.version, marker))?;
        let settings = &version.content.settings;
        let setting = match kind {
            ObjectSettingKind::Tagging => ObjectSetting::Tagging(settings.tags.clone()),
            ObjectSettingKind::Acl => ObjectSetting::Acl(AclDocument::of(bucket.facts.owner, &settings.acl)),
            ObjectSettingKind::Retention | ObjectSettingKind::LegalHold if bucket.facts.lock.is_none() => {
                return Err(FailureCode::NoObjectLock.into());
            }
            ObjectSettingKind::Retention => {
                let retention = settings.lock.retention.ok_or(FailureCode::NoRetention)?;
                ObjectSetting::Retention(Some(retention))
            }
            ObjectSettingKind::LegalHold => ObjectSetting::LegalHold(settings.lock.legal_hold),
        };
        Ok(ObjectOutcome::Setting { version: version.id, setting })
    }

    /// Replaces a document. The object's bytes, tag and time stay as they are.
    pub(super) async fn put_object_setting(
        &self,
        caller: &Caller,
        put: PutObjectSetting,
    ) -> Result<ObjectOutcome, Failure> {
        let bucket = self.bucket(caller, &put.target.bucket).await?;
        let now = self.now();
        let is_lock = matches!(put.setting, ObjectSetting::Retention(_) | ObjectSetting::LegalHold(_));
        if is_lock && bucket.facts.lock.is_none() {
            return Err(FailureCode::NoObjectLock.into());
        }
        if let ObjectSetting::Acl(document) = &put.setting {
            of_owner(document, bucket.facts.owner)?;
            public_access::check_list(&bucket, &document.list)?;
        }
        let change = |settings: &mut ObjectSettings| apply(&put, &bucket, now, settings);
        let version = self.change_settings(caller, &bucket, &put.target, &change).await?;
        Ok(ObjectOutcome::SettingPut { version })
    }

    /// Removes a document.
    pub(super) async fn delete_object_setting(
        &self,
        caller: &Caller,
        target: &ObjectTarget,
        kind: ObjectSettingKind,
    ) -> Result<ObjectOutcome, Failure> {
        if kind != ObjectSettingKind::Tagging {
            return Err(FailureCode::MethodNotAllowed.into());
        }
        let change = |settings: &mut ObjectSettings| {
            settings.tags = TagSet::default();
            Ok(())
        };
        let bucket = self.bucket(caller, &target.bucket).await?;
        let version = self.change_settings(caller, &bucket, target, &change).await?;
        Ok(ObjectOutcome::SettingDeleted { version })
    }

    /// Changes the documents of the version that `target` names, and answers its id where clients know it.
    async fn change_settings(
        &self,
        caller: &Caller,
        bucket: &Bucket,
        target: &ObjectTarget,
        change: &SettingsChange<'_>,
    ) -> Result<Option<VersionId>, Failure> {
        match self.catalog.change_object_settings(bucket.id, &target.key, target.version, change).await? {
            SettingsChanged::Changed(id) => Ok(Some(id).filter(|_| bucket.facts.versioning != Versioning::Never)),
            SettingsChanged::Marker(marker) => Err(not_found(caller, target.version, Some(marker))),
            SettingsChanged::Nothing => Err(not_found(caller, target.version, None)),
        }
    }
}

/// Puts one document in the place of another.
///
/// # Errors
/// `ObjectLocked` for a retention that holds, `RetentionInPast`.
fn apply(
    put: &PutObjectSetting,
    bucket: &Bucket,
    now: Timestamp,
    settings: &mut ObjectSettings,
) -> Result<(), Failure> {
    match &put.setting {
        ObjectSetting::Tagging(tags) => settings.tags = tags.clone(),
        ObjectSetting::Acl(document) => settings.acl = document.list.resolve(bucket.facts.owner),
        ObjectSetting::LegalHold(held) => settings.lock.legal_hold = *held,
        ObjectSetting::Retention(next) => {
            if next.is_some_and(|next| next.until <= now) {
                return Err(FailureCode::RetentionInPast.into());
            }
            let held = settings.lock.retention.is_some_and(|held| !held.permits(*next, now, put.bypass_governance));
            if held {
                return Err(FailureCode::ObjectLocked.into());
            }
            settings.lock.retention = *next;
        }
    }
    Ok(())
}
