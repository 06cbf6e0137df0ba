//! What GET, HEAD and the description of an object share: finding the version, holding it against the conditions and
//! the key that came with the request, and telling what is known of it.

use std::ops::Range;

use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{BucketName, ObjectKey, PartNumber, UploadId, VersionId};
use strongroom_model::operation::object::{GetObject, Unsatisfiable};
use strongroom_model::operation::symlink::Links;
use strongroom_model::outcome::object::{ObjectFacts, ObjectRead, PartRead};
use strongroom_model::secret::CustomerKey;
use strongroom_seal::ContentKey;

use super::{Caller, Engine, customer, precondition};
use crate::catalog::{
    buckets::Bucket,
    objects::{Marker, PartSummary, Sought},
};
use crate::{leases::Leases, opening::Version};

impl Engine {
    /// The version that a read asks for, if the read's conditions hold; and the key to open it with, if that came with
    /// the request. Who has not the customer's key learns nothing of the object, not even that it has not changed.
    pub(super) async fn version_to_read(
        &self,
        caller: &Caller,
        get: &GetObject,
        links: Links,
    ) -> Result<(Version, Option<ContentKey>), Failure> {
        if get.customer_key.is_some() && !caller.transport.customer_keys {
            return Err(FailureCode::CustomerKeyNeedsTls.into());
        }
        let bucket = self.bucket(caller, &get.bucket).await?;
        let sought = self.catalog.version(bucket.id, &get.key, get.version).await?;
        let version = found(caller, &self.leases, &bucket, &get.key, sought)?
            .map_err(|marker| not_found(caller, get.version, marker))?;
        let version = match (version.content.link.clone(), links) {
            (Some(target), Links::Followed) => self.follow(caller, &bucket, version, &target).await?,
            _ => version,
        };
        let tells_content = get.show_checksums;
        self.hold_openable(caller, &version.content.encryption, &version.identity, tells_content).await?;
        let content = unlock_by_customer(&version, get.customer_key.as_ref())?;
        precondition::check_read(&get.conditions, &version.entry)?;
        Ok((version, content))
    }

    /// The answer to a read of `range`; of the current version, with the time when it goes.
    pub(super) async fn tell(
        &self,
        version: &Version,
        get: GetObject,
        range: Option<Range<u64>>,
    ) -> Result<ObjectRead, Failure> {
        let expiration = match get.version {
            None => self.expiration_of(version).await?,
            Some(_) => None,
        };
        let mut read = version.answer(get, range);
        read.facts.expiration = expiration;
        Ok(read)
    }

    /// The version of that id, or the latest; none if there is none, or if it is a delete marker.
    ///
    /// # Errors
    /// What the object's own access control list refuses, besides the catalog's trouble.
    pub(super) async fn version(
        &self,
        caller: &Caller,
        bucket: &BucketName,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Option<Version>, Failure> {
        let bucket = self.bucket(caller, bucket).await?;
        Ok(found(caller, &self.leases, &bucket, key, self.catalog.version(bucket.id, key, version).await?)?.ok())
    }
}

impl Version {
    /// What is known of the version. `customer_key` is the one the request brought, whose digest answers echo.
    pub(super) fn facts(&self, customer_key: Option<&CustomerKey>) -> ObjectFacts {
        let encryption = match (&self.content.encryption, customer_key) {
            (AppliedEncryption::Customer { .. }, Some(key)) => AppliedEncryption::Customer { key_md5: Some(key.md5()) },
            (applied, _) => applied.clone(),
        };
        ObjectFacts {
            size: self.entry.size,
            etag: self.entry.etag,
            md5: self.content.md5,
            last_modified: self.entry.last_modified,
            version: self.id,
            metadata: self.content.metadata.clone(),
            storage_class: self.entry.storage_class,
            encryption,
            checksums: self.content.checksums.clone(),
            kind: self.entry.kind,
            sealed: self.content.sealed,
            upload: self.content.parts.as_ref().map(|_| UploadId(self.entry.uid.0)),
            tag_count: self.content.settings.tags.as_slice().len(),
            lock: self.content.settings.lock,
            expiration: None,
        }
    }

    /// The answer to a read of `range`.
    pub(super) fn answer(&self, get: GetObject, range: Option<Range<u64>>) -> ObjectRead {
        let facts = self.facts(get.customer_key.as_ref());
        let part = get.part.map(|number| PartRead {
            count: self.entry.etag.parts,
            checksums: self.part(number).and_then(|(part, _)| part.checksum.clone()).into_iter().collect(),
        });
        ObjectRead { facts, range, part, overrides: get.overrides, show_checksums: get.show_checksums }
    }

    /// The part of that number, and where its bytes are in the object.
    fn part(&self, number: PartNumber) -> Option<(&PartSummary, Range<u64>)> {
        let mut offset = 0;
        self.content.parts.iter().flat_map(|parts| &parts.parts).find_map(|part| {
            let start = offset;
            offset += part.size;
            (part.number == number).then_some((part, start..offset))
        })
    }

    /// The bytes that a read asks for; none if it asks for all.
    pub(super) fn range(&self, get: &GetObject) -> Result<Option<Range<u64>>, Failure> {
        if let Some(number) = get.part {
            return self.range_of_part(number);
        }
        let Some(spec) = get.range else { return Ok(None) };
        match (spec.resolve(self.entry.size), get.unsatisfiable) {
            (Some(range), _) => Ok(Some(range)),
            (None, Unsatisfiable::Whole) => Ok(None),
            (None, Unsatisfiable::Refused) => {
                Err(Failure::new(FailureCode::InvalidRange)
                    .with_detail("ActualObjectSize", self.entry.size.to_string()))
            }
        }
    }
}

impl Version {
    /// The bytes of a part. An object that was not made of parts has one, of number 1. An empty object's are all of it, and
    /// an empty part beside others has none that could be told of.
    fn range_of_part(&self, number: PartNumber) -> Result<Option<Range<u64>>, Failure> {
        let whole = || (self.content.parts.is_none() && number.get() == 1).then_some(0..self.entry.size);
        let range = self.part(number).map(|(_, range)| range).or_else(whole).ok_or(FailureCode::InvalidPartNumber)?;
        match (range.is_empty(), self.entry.size) {
            (false, _) => Ok(Some(range)),
            (true, 0) => Ok(None),
            (true, _) => Err(FailureCode::InvalidRange.into()),
        }
    }
}

/// What was found, if it is an object, and one whose own access control list does not refuse the caller; else the delete marker
/// that was found, if any.
pub(super) fn found(
    caller: &Caller,
    leases: &Leases,
    bucket: &Bucket,
    key: &ObjectKey,
    sought: Sought,
) -> Result<Result<Version, Option<Marker>>, Failure> {
    let (entry, content) = match sought {
        Sought::Object(object) => *object,
        Sought::Marker(marker) => return Ok(Err(Some(marker))),
        Sought::Nothing => return Ok(Err(None)),
    };
    caller.rights.admit(&bucket.facts.name, key, &content.settings.acl)?;
    Version::new(leases, bucket, key, entry, content).map(Ok)
}

/// Whoever may not list the bucket may not learn what is not in it. A delete marker says itself that it is one: in the place
/// of an object that is gone, and asked for by its own id, which has no such method.
pub(super) fn not_found(caller: &Caller, version: Option<VersionId>, marker: Option<Marker>) -> Failure {
    let failure = match (caller.may_list, version, &marker) {
        (false, _, _) => return caller.rights.refusal().into(),
        (true, Some(_), Some(_)) => FailureCode::MethodNotAllowed,
        (true, Some(_), None) => FailureCode::NoSuchVersion,
        (true, None, _) => FailureCode::NoSuchKey,
    };
    match marker {
        Some(marker) => Failure::new(failure).at_marker(marker.id()),
        None => failure.into(),
    }
}

/// The key to open the version with, if it is a customer's.
pub(super) fn unlock_by_customer(version: &Version, key: Option<&CustomerKey>) -> Result<Option<ContentKey>, Failure> {
    match (&version.content.encryption, key) {
        (AppliedEncryption::Customer { .. }, None) => Err(FailureCode::CustomerKeyRequired.into()),
        (AppliedEncryption::Customer { .. }, Some(key)) => {
            customer::unlock(&version.envelope, &version.identity, key).map(Some)
        }
        (_, Some(_)) => Err(FailureCode::CustomerKeyNotApplicable.into()),
        (_, None) => Ok(None),
    }
}
