//! Symbolic links: objects without bytes, whose rows say which object of their bucket they stand for.

use bytes::Bytes;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ObjectKind;
use strongroom_model::name::ObjectKey;
use strongroom_model::operation::object::ObjectTarget;
use strongroom_model::operation::symlink::PutSymlink;
use strongroom_model::outcome::object::{ObjectWritten, SymlinkRead};

use super::put::Making;
use super::reading::{found, not_found};
use super::sealing::Trailer;
use super::{Body, Caller, Engine};
use crate::catalog::{buckets::Bucket, objects::Sought};
use crate::{opening::Version, stream::once};

impl Engine {
    /// Writes a link. Its target is looked at by who reads it.
    pub(super) async fn put_symlink(&self, caller: &Caller, put: PutSymlink) -> Result<ObjectWritten, Failure> {
        let nothing = Body { bytes: once(Bytes::new()), trailer: Trailer::default(), declared: Some(0) };
        Ok(Box::pin(self.write_object(caller, put.link, nothing, Making::Link(put.target))).await?.0)
    }

    /// Reads where a link leads.
    pub(super) async fn get_symlink(&self, caller: &Caller, asked: &ObjectTarget) -> Result<SymlinkRead, Failure> {
        let bucket = self.bucket(caller, &asked.bucket).await?;
        let sought = self.catalog.version(bucket.id, &asked.key, asked.version).await?;
        let version = found(caller, &self.leases, &bucket, &asked.key, sought)?
            .map_err(|marker| not_found(caller, asked.version, marker))?;
        let target = version.content.link.clone().ok_or(FailureCode::NotALink)?;
        Ok(SymlinkRead { target, facts: version.facts(None) })
    }

    /// What a link to `target` stands for. A caller who may not read it is refused; one who may not know whether it is
    /// there is refused as well.
    ///
    /// # Errors
    /// `LinkTargetMissing`, `LinkToLink`.
    pub(super) async fn follow(
        &self,
        caller: &Caller,
        bucket: &Bucket,
        link: Version,
        target: &ObjectKey,
    ) -> Result<Version, Failure> {
        let (entry, content) = match self.catalog.version(bucket.id, target, None).await? {
            Sought::Object(object) => *object,
            Sought::Marker(_) | Sought::Nothing if caller.may_list => return Err(FailureCode::LinkTargetMissing.into()),
            Sought::Marker(_) | Sought::Nothing => return Err(caller.rights.refusal().into()),
        };
        caller.rights.read_besides(&bucket.facts.name, target, &content.settings.acl)?;
        if content.link.is_some() {
            return Err(FailureCode::LinkToLink.into());
        }
        let target = Version::new(&self.leases, bucket, target, entry, content)?;
        Ok(target.through(link))
    }
}

impl Version {
    /// The same bytes, read through a link to them: size, tag and digests are theirs, the time is the later one, and all else
    /// that answers tell is the link's.
    fn through(mut self, link: Self) -> Self {
        self.entry.kind = ObjectKind::Symlink;
        self.entry.last_modified = self.entry.last_modified.max(link.entry.last_modified);
        self.entry.storage_class = link.entry.storage_class;
        self.content.metadata = link.content.metadata;
        self.content.settings = link.content.settings;
        self.id = link.id;
        // When the target goes is told of the target.
        self.ruled_by = None;
        self
    }
}
