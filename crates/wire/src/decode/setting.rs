//! Documents that configure a bucket.

use strongroom_model::acl::{AclDocument, AclWish};
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::{BucketOperation, UsageReport};
use strongroom_model::policy::PolicyDocument;
use strongroom_model::setting::{Setting, SettingKind};

use crate::decode::bucket::starts_encrypted;
use crate::decode::digest::DocumentDigests;
use crate::decode::{object_setting, refuse_unbuilt};
use crate::dialect::{ClassDocument, Overlap};
use crate::document::tagging::Tagged;
use crate::document::{
    LIFECYCLE_LIMIT, SETTING_LIMIT, acl, cors, lifecycle, public_access, storage, tagging, versioning,
};
use crate::intent::{Asked, Draft};
use crate::request::Request;

/// `GET /bucket?<document>`.
pub(crate) fn get(request: &Request<'_>, kind: SettingKind) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::GetSetting(request.bucket()?, kind)))
}

/// `DELETE /bucket?<document>`.
pub(crate) fn delete(request: &Request<'_>, kind: SettingKind) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::DeleteSetting(request.bucket()?, kind)))
}

/// `PUT /bucket?encryption`.
pub(crate) fn put_encryption(request: &Request<'_>) -> Result<Asked, Failure> {
    let dialect = request.dialect();
    documented(request, "PutBucketEncryption", move |document| {
        (dialect.documents.read_encryption)(document, dialect).map(Setting::Encryption)
    })
}

/// `DELETE /bucket?encryption`. On AWS there is no bucket without a rule: what is deleted is set back to AES256.
pub(crate) fn delete_encryption(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let bucket = request.bucket()?;
    if !starts_encrypted(request) {
        return Ok(complete(BucketOperation::DeleteSetting(bucket, SettingKind::Encryption)));
    }
    let base = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Aes256), bucket_key: false };
    Ok(complete(BucketOperation::PutSetting(bucket, Setting::Encryption(base.into()))))
}

/// `PUT /bucket?versioning`.
pub(crate) fn put_versioning(request: &Request<'_>) -> Result<Asked, Failure> {
    documented(request, "PutBucketVersioning", |document| versioning::read(document).map(Setting::Versioning))
}

/// `PUT /bucket?tagging`.
pub(crate) fn put_tagging(request: &Request<'_>) -> Result<Asked, Failure> {
    let dialect = request.dialect();
    documented(request, "PutBucketTagging", move |document| {
        tagging::read(document, Tagged::Bucket, dialect).map(Setting::Tagging)
    })
}

/// `DELETE /bucket?tagging`, of all tags, or of those that the parameter names (OSS).
pub(crate) fn delete_tagging(request: &Request<'_>) -> Result<Asked, Failure> {
    let Some(names) = request.query().value("tagging") else { return delete(request, SettingKind::Tagging) };
    refuse_unbuilt(request)?;
    let names = names.split(',').map(str::to_owned).collect();
    Ok(complete(BucketOperation::RemoveTags(request.bucket()?, names)))
}

/// `PUT /bucket?storageClass` and `PUT /bucket?storagePolicy`.
pub(crate) fn put_class(request: &Request<'_>, form: ClassDocument) -> Result<Asked, Failure> {
    let dialect = request.dialect();
    documented(request, "PutBucketStorageClass", move |document| {
        storage::read_class(document, form, dialect).map(Setting::StorageClass)
    })
}

/// `PUT /bucket?quota`.
pub(crate) fn put_quota(request: &Request<'_>) -> Result<Asked, Failure> {
    documented(request, "PutBucketQuota", |document| storage::read_quota(document).map(Setting::Quota))
}

/// `PUT /bucket?cors`.
pub(crate) fn put_cors(request: &Request<'_>) -> Result<Asked, Failure> {
    let dialect = request.dialect();
    documented(request, "PutBucketCors", move |document| cors::read(document, dialect).map(Setting::Cors))
}

/// `PUT /bucket?publicAccessBlock`.
pub(crate) fn put_public_access_block(request: &Request<'_>) -> Result<Asked, Failure> {
    let form = request.dialect().settings.public_access;
    documented(request, "PutPublicAccessBlock", move |document| {
        public_access::read(document, form).map(|block| Setting::PublicAccessBlock(Some(block)))
    })
}

/// `GET /bucket?storageinfo` and `GET /bucket?stat`.
pub(crate) fn usage(request: &Request<'_>, report: UsageReport) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::Usage(request.bucket()?, report)))
}

/// `PUT /bucket?acl`: in fields, or in a document.
pub(crate) fn put_acl(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    match object_setting::acl_wish(request, "acl", CannedAcl::Private)? {
        AclWish::Unspecified(_) => {
            object_setting::acl_document(request)?;
            let dialect = request.dialect();
            documented(request, "PutBucketAcl", move |document| acl::read(document, dialect).map(Setting::Acl))
        }
        list => {
            let setting = Setting::Acl(AclDocument { owner: None, list });
            Ok(complete(BucketOperation::PutSetting(request.bucket()?, setting)))
        }
    }
}

/// `PUT /bucket?lifecycle`.
pub(crate) fn put_lifecycle(request: &Request<'_>) -> Result<Asked, Failure> {
    let (dialect, words) = (request.dialect(), &request.dialect().settings.lifecycle);
    let allowed = words.overlap_allowed.map(|field| request.field(field)).transpose()?.flatten();
    let overlap = match allowed {
        Some(word) if word.eq_ignore_ascii_case("true") => Overlap::Allowed,
        _ => words.overlap,
    };
    documented_within(request, "PutBucketLifecycle", LIFECYCLE_LIMIT, move |document| {
        lifecycle::read(document, dialect, overlap).map(Setting::Lifecycle)
    })
}

/// A document that follows the head.
pub(crate) fn documented(
    request: &Request<'_>,
    name: &'static str,
    read: impl FnOnce(&[u8]) -> Result<Setting, Failure> + Send + 'static,
) -> Result<Asked, Failure> {
    documented_within(request, name, SETTING_LIMIT, read)
}

fn documented_within(
    request: &Request<'_>,
    name: &'static str,
    limit: usize,
    read: impl FnOnce(&[u8]) -> Result<Setting, Failure> + Send + 'static,
) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let bucket = request.bucket()?;
    let finish = move |document: &[u8]| {
        let setting = read(document)?;
        Ok(Operation::Bucket(BucketOperation::PutSetting(bucket, setting)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new(name, limit, digests, Box::new(finish))))
}

/// `GET /bucket?policy`.
pub(crate) fn get_policy(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::GetSetting(request.bucket()?, SettingKind::Policy)))
}

/// `PUT /bucket?policy`. What the text says is not looked at here.
pub(crate) fn put_policy(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let (bucket, language) = (request.bucket()?, request.dialect().documents.policies);
    let finish = move |document: &[u8]| {
        if document.is_empty() {
            return Err(FailureCode::MissingBody.into());
        }
        let text = String::from_utf8(document.to_vec()).map_err(|error| {
            Failure::new(FailureCode::MalformedPolicy)
                .with_message("Policies must be valid JSON and the first byte must be '{'")
                .caused_by(error)
        })?;
        let setting = Setting::Policy(PolicyDocument { language, text });
        Ok(Operation::Bucket(BucketOperation::PutSetting(bucket, setting)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("PutBucketPolicy", SETTING_LIMIT, digests, Box::new(finish))))
}

/// `DELETE /bucket?policy`.
pub(crate) fn delete_policy(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::DeleteSetting(request.bucket()?, SettingKind::Policy)))
}

/// `GET /bucket?policyStatus`.
pub(crate) fn policy_status(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::PolicyStatus(request.bucket()?)))
}

fn complete(operation: BucketOperation) -> Asked {
    Asked::Complete(Operation::Bucket(operation))
}
