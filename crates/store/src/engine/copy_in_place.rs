//! A copy of an object onto itself that changes nothing of its bytes, nor how they are sealed: the version's rows are written
//! anew, and no data is moved.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ObjectKind;
use strongroom_model::operation::object::PutObject;
use strongroom_model::outcome::object::{ObjectCopied, ObjectWritten};
use strongroom_model::setting::Versioning;

use super::copy::keeps;
use super::encryption::Choice;
use super::{Caller, Engine, precondition};
use crate::catalog::{
    amend::{Amendment, Touch},
    buckets::Bucket,
    objects::{Content, Entry},
};
use crate::opening::Version;

/// Whether `put`, the write that a copy of `version` onto itself comes to, may leave the bytes where they are: the encryption chosen is
/// the one that the version has, with no master key to be used anew; the checksums are those there are; the bucket never
/// kept versions, of which a copy makes one more, and without which nothing is locked; and a copy would be no object of another
/// kind.
pub(super) fn leaves_the_bytes(put: &PutObject, choice: &Choice<'_>, bucket: &Bucket, version: &Version) -> bool {
    let (entry, content) = (&version.entry, &version.content);
    let kept = content.checksums.iter().map(|checksum| checksum.algorithm);
    entry.kind == ObjectKind::Normal
        && bucket.facts.versioning == Versioning::Never
        && keeps(choice, &content.encryption)
        && put.keep.len() == content.checksums.len()
        && kept.into_iter().all(|algorithm| put.keep.contains(&algorithm))
}

impl Engine {
    /// Changes what is told of the version to what `put` says.
    ///
    /// # Errors
    /// `Conflict` if the object is another one by now, or versions of it are kept; `ObjectLocked`.
    pub(super) async fn copy_in_place(
        &self,
        caller: &Caller,
        put: PutObject,
        bucket: &Bucket,
        version: &Version,
    ) -> Result<ObjectCopied, Failure> {
        precondition::check_write(&put.conditions, Some(&version.entry), bucket.facts.versioning)?;
        let settings = self.settings_of_write(bucket, &put.settings)?;
        let now = self.now();
        let amendment = |entry: &mut Entry, content: &mut Content| {
            if entry.uid != version.entry.uid || entry.revision != version.entry.revision {
                return Err(FailureCode::Conflict.into());
            }
            entry.last_modified = now;
            entry.storage_class = put.storage_class.unwrap_or(bucket.facts.storage_class);
            content.metadata = put.metadata.clone();
            content.settings = settings.clone();
            Ok(())
        };
        let change = (Touch::Overwrite(now), &amendment as &Amendment<'_>);
        let version = self.amend(caller, bucket, (&put.key, None), change).await?;
        let (expiration, facts) = (self.expiration_of(&version).await?, version.facts(None));
        let written = ObjectWritten {
            etag: facts.etag,
            md5: facts.md5,
            version: facts.version,
            encryption: facts.encryption,
            checksums: facts.checksums,
            storage_class: facts.storage_class,
            last_modified: facts.last_modified,
            expiration,
        };
        Ok(ObjectCopied { written, source_version: None })
    }
}
