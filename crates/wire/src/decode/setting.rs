//! Documents that configure a bucket.

use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::Operation;
use strongroom_model::operation::bucket::BucketOperation;
use strongroom_model::policy::PolicyDocument;
use strongroom_model::setting::{Setting, SettingKind};

use crate::decode::bucket::starts_encrypted;
use crate::decode::digest::DocumentDigests;
use crate::decode::refuse_unbuilt;
use crate::document::{SETTING_LIMIT, versioning};
use crate::intent::{Asked, Draft};
use crate::request::Request;

/// `GET /bucket?encryption`.
pub(crate) fn get_encryption(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::GetSetting(request.bucket()?, SettingKind::Encryption)))
}

/// `PUT /bucket?encryption`.
pub(crate) fn put_encryption(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let (bucket, dialect) = (request.bucket()?, request.dialect());
    let finish = move |document: &[u8]| {
        let setting = Setting::Encryption((dialect.documents.read_encryption)(document, dialect)?);
        Ok(Operation::Bucket(BucketOperation::PutSetting(bucket, setting)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("PutBucketEncryption", SETTING_LIMIT, digests, Box::new(finish))))
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

/// `GET /bucket?versioning`.
pub(crate) fn get_versioning(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(BucketOperation::GetSetting(request.bucket()?, SettingKind::Versioning)))
}

/// `PUT /bucket?versioning`.
pub(crate) fn put_versioning(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let bucket = request.bucket()?;
    let finish = move |document: &[u8]| {
        let setting = Setting::Versioning(versioning::read(document)?);
        Ok(Operation::Bucket(BucketOperation::PutSetting(bucket, setting)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new("PutBucketVersioning", SETTING_LIMIT, digests, Box::new(finish))))
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
