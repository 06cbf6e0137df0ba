//! The document of a bucket's creation.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::Region;
use strongroom_model::operation::bucket::CreateBucket;

use super::tagging::{self, Tagged};
use super::{Element, malformed, reader};
use crate::dialect::Dialect;
use crate::exchange::Site;

/// Completes what the head of a creation says with its document, which need not be there.
///
/// # Errors
/// `MalformedXml`, `InvalidLocation`, `InvalidStorageClass`, `NotImplemented` for a directory bucket,
/// `InvalidBucketTag`, `TooManyTags`.
pub(crate) fn complete(
    head: CreateBucket,
    document: &[u8],
    dialect: &Dialect,
    site: &Site,
) -> Result<CreateBucket, Failure> {
    if document.trim_ascii().is_empty() {
        return Ok(head);
    }
    let root = reader::read(document, "CreateBucketConfiguration")?;
    if root.children().iter().any(|child| child.name() == "Bucket") {
        return Err(FailureCode::NotImplemented.into());
    }
    let mut create = CreateBucket { location: location(&root, site)?, ..head };
    if let Some(tags) = root.at_most_one("Tags")? {
        create.tags = tagging::set(tags, Tagged::Bucket, dialect)?;
    }
    if let Some(word) = root.child_word("StorageClass")? {
        let found = dialect.resources.storage_classes.iter().find(|(known, _)| *known == word);
        create.storage_class = found.ok_or(FailureCode::InvalidStorageClass)?.1;
    }
    Ok(create)
}

/// `LocationConstraint` (S3, OSS) or `Location` (OBS). OSS puts its own name before the region's.
fn location(root: &Element, site: &Site) -> Result<Option<Region>, Failure> {
    let element = match root.at_most_one("LocationConstraint")? {
        None => root.at_most_one("Location")?,
        found => found,
    };
    let Some(element) = element.filter(|element| !element.word().is_empty()) else { return Ok(None) };
    if !element.children().is_empty() {
        return Err(malformed("a location of several parts"));
    }
    let word = element.word();
    let region = Region::parse(word.strip_prefix("oss-").unwrap_or(word)).ok();
    let accepted = region.filter(|region| !site.strict_region || *region == site.region);
    accepted.map(Some).ok_or_else(|| Failure::new(FailureCode::InvalidLocation).with_detail("LocationConstraint", word))
}
