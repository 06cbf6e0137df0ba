//! What a writer wants kept beside an object's bytes.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::{CannedAcl, ContentHeaders, ObjectMetadata, StorageClass};

use crate::request::{Request, argument, invalid_argument};

/// The standard headers to keep, and the user metadata.
///
/// # Errors
/// `MetadataTooLarge`.
pub(crate) fn of_object(request: &Request<'_>) -> Result<ObjectMetadata, Failure> {
    let kept = |name| Ok::<_, Failure>(request.header(name)?.map(str::to_owned));
    let content = ContentHeaders {
        content_type: kept("content-type")?,
        cache_control: kept("cache-control")?,
        content_disposition: kept("content-disposition")?,
        content_encoding: request.header("content-encoding")?.and_then(without_framing),
        content_language: kept("content-language")?,
        expires: kept("expires")?,
    };
    let user = request.fields_beginning("meta-")?;
    let bytes: usize = user.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > ObjectMetadata::USER_BYTES_MAX {
        return Err(FailureCode::MetadataTooLarge.into());
    }
    Ok(ObjectMetadata { content, user })
}

/// The ready-made access control list that the field of that name asks for.
///
/// # Errors
/// `InvalidArgument` for an unknown one.
pub(crate) fn canned_acl(request: &Request<'_>, suffix: &str) -> Result<Option<CannedAcl>, Failure> {
    let Some(word) = request.field(suffix)? else { return Ok(None) };
    let found = request.dialect().resources.acls.iter().find(|(known, _)| *known == word);
    found.map(|(_, acl)| Some(*acl)).ok_or_else(|| invalid_argument(&request.dialect().field(suffix), word))
}

/// The storage class of that name.
///
/// # Errors
/// `InvalidStorageClass` for an unknown one.
pub(crate) fn storage_class(request: &Request<'_>, word: &str) -> Result<StorageClass, Failure> {
    let found = request.dialect().resources.storage_classes.iter().find(|(known, _)| *known == word);
    found
        .map(|(_, class)| *class)
        .ok_or_else(|| argument(FailureCode::InvalidStorageClass, &request.dialect().field("storage-class"), word))
}

/// A content encoding without the transport's own.
fn without_framing(text: &str) -> Option<String> {
    let kept: Vec<_> =
        text.split(',').map(str::trim).filter(|word| !word.eq_ignore_ascii_case("aws-chunked")).collect();
    let kept = kept.join(",");
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transports_own_encoding_is_not_kept() {
        assert_eq!(without_framing("aws-chunked"), None);
        assert_eq!(without_framing("gzip,aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(without_framing("AWS-Chunked, gzip, br").as_deref(), Some("gzip,br"));
    }
}
