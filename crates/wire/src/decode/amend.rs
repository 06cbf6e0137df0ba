//! Changes of an object that leave its bytes where they are.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyReference;
use strongroom_model::operation::Operation;
use strongroom_model::operation::amend::{SetMetadata, Unnamed, UpdateEncryption};
use strongroom_model::operation::object::ObjectOperation;

use crate::decode::digest::DocumentDigests;
use crate::decode::{metadata, refuse_unbuilt, version};
use crate::document::{SETTING_LIMIT, malformed, reader};
use crate::intent::{Asked, Draft};
use crate::request::{Request, invalid_argument};

/// `PUT /bucket/key?metadata`.
pub(crate) fn set_metadata(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    let unnamed = match request.field("metadata-directive")? {
        None | Some("REPLACE_NEW") => Unnamed::Kept,
        Some("REPLACE") => Unnamed::Removed,
        Some(word) => return Err(invalid_argument(&request.dialect().field("metadata-directive"), word)),
    };
    let class = request.field("storage-class")?;
    let set = SetMetadata {
        bucket,
        key,
        version: version(request)?,
        metadata: metadata::of_object(request)?,
        storage_class: class.map(|word| metadata::storage_class(request, word)).transpose()?,
        unnamed,
    };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::SetMetadata(set))))
}

/// The words of AWS for a signature other than V4.
const SCOPED_ONLY: &str = "Requests that modify an object encryption configuration require AWS Signature Version 4. \
                           Modify the request to use AWS Signature Version 4, and then try again.";

/// `PUT /bucket/key?encryption` (S3).
///
/// # Errors
/// `InvalidRequest` for another signature than V4.
pub(crate) fn update_encryption(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, key, version) = (request.bucket()?, request.key()?, version(request)?);
    refuse_unbuilt(request)?;
    let scoped = request.is_signed_by_scope();
    let finish = move |document: &[u8]| {
        let root = reader::read(document, "ObjectEncryption")?;
        if !scoped {
            return Err(Failure::new(FailureCode::InvalidRequest).with_message(SCOPED_ONLY));
        }
        let kms = root.one("SSE-KMS")?;
        let arn = kms.child_word("KMSKeyArn")?.ok_or_else(|| malformed("no KMSKeyArn"))?;
        if !is_key_arn(arn) {
            return Err(invalid_argument("KMSKeyArn", &arn.chars().take(64).collect::<String>()));
        }
        let update = UpdateEncryption {
            bucket,
            key,
            version,
            master_key: KeyReference::parse(arn),
            bucket_key: kms.flag("BucketKeyEnabled")?,
        };
        Ok(Operation::Object(ObjectOperation::UpdateEncryption(update)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("UpdateObjectEncryption", SETTING_LIMIT, digests, Box::new(finish))))
}

/// The full name of a key, and no alias: `arn:aws:kms:<region>:<account>:key/<id>`.
fn is_key_arn(text: &str) -> bool {
    let fields: Vec<_> = text.split(':').collect();
    text.len() <= KeyReference::LENGTH_MAX
        && matches!(fields[..], ["arn", partition, "kms", _, _, resource]
            if partition.starts_with("aws") && resource.strip_prefix("key/").is_some_and(|id| !id.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_full_name_of_a_key_will_do() {
        assert!(is_key_arn("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"));
        for other in ["1234abcd", "alias/a", "arn:aws:kms:us-east-1:111122223333:alias/a", "arn:aws:kms:r:1:key/", ""] {
            assert!(!is_key_arn(other), "{other}");
        }
    }
}
