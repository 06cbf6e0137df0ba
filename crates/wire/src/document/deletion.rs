//! The document of a batch deletion.

use strongroom_model::condition::Conditions;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::operation::object::{DeleteEntry, DeleteObjects};

use super::{Element, malformed, reader};
use crate::decode::condition::tag_list;
use crate::decode::parse_version;
use crate::dialect::Dialect;
use crate::target::parse_key;
use crate::text::percent;

/// Children of an entry that make its deletion depend on what only directory buckets look at.
const UNBUILT: [&str; 2] = ["LastModifiedTime", "Size"];

/// Reads which objects to delete; of the two flags, the first percent-encodes keys in the answer, and the second overrides
/// retentions that may be overridden.
///
/// # Errors
/// `MalformedXml` for a document of no entries or of too many, `KeyTooLong`, `InvalidObjectKey`, `InvalidArgument` for what is no
/// version, `NotImplemented` for conditions that the dialect does not have.
pub(crate) fn read(
    document: &[u8],
    bucket: BucketName,
    (url_encoded, bypass): (bool, bool),
    dialect: &Dialect,
) -> Result<DeleteObjects, Failure> {
    let root = reader::read(document, "Delete")?;
    let encoded = root.child_word("EncodingType")?.is_some_and(|word| word.eq_ignore_ascii_case("url"));
    let decodes = encoded && dialect.resources.decodes_batch_keys;
    let entry = |object| entry(object, decodes, bypass, dialect);
    let entries = root.all("Object").map(entry).collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() || entries.len() > DeleteObjects::KEYS_MAX {
        return Err(malformed(format!("{} entries", entries.len())));
    }
    Ok(DeleteObjects { bucket, quiet: root.flag("Quiet")?, url_encoded: url_encoded || encoded, entries })
}

fn entry(object: &Element, decodes: bool, bypass: bool, dialect: &Dialect) -> Result<DeleteEntry, Failure> {
    let tag = object.child_word("ETag")?;
    let unbuilt = UNBUILT.iter().any(|name| object.all(name).next().is_some());
    if unbuilt || (tag.is_some() && !dialect.resources.conditional_delete) {
        return Err(FailureCode::NotImplemented.into());
    }
    let text = object.one("Key")?.text();
    let key = if decodes { parse_key(&percent::decode_form(text)?)? } else { parse_key(text)? };
    let version = object.child_word("VersionId")?.map(parse_version).transpose()?;
    let conditions = Conditions { if_match: tag.map(tag_list), ..Conditions::default() };
    Ok(DeleteEntry { key, version, conditions, bypass_governance: bypass })
}
