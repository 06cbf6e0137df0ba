//! The documents of an object version, and the fields of writes that come to the same.

use strongroom_model::acl::{Acl, AclDocument, AclWish, Grant};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::{ObjectOperation, ObjectTarget, PutObjectSetting};
use strongroom_model::setting::{ObjectSetting, ObjectSettingKind, ObjectSettingsWish};

use crate::decode::digest::DocumentDigests;
use crate::decode::{lock, metadata, refuse_unbuilt, version};
use crate::dialect::AclStyle;
use crate::document::tagging::Tagged;
use crate::document::{SETTING_LIMIT, acl, tagging};
use crate::intent::{Asked, Draft};
use crate::request::Request;

/// `GET /bucket/key?<document>`.
pub(crate) fn get(request: &Request<'_>, kind: ObjectSettingKind) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(ObjectOperation::GetSetting(target(request)?, kind)))
}

/// `DELETE /bucket/key?<document>`.
pub(crate) fn delete(request: &Request<'_>, kind: ObjectSettingKind) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    Ok(complete(ObjectOperation::DeleteSetting(target(request)?, kind)))
}

/// `PUT /bucket/key?tagging`.
pub(crate) fn put_tagging(request: &Request<'_>) -> Result<Asked, Failure> {
    let dialect = request.dialect();
    documented(request, "PutObjectTagging", false, move |document| {
        tagging::read(document, Tagged::Object, dialect).map(ObjectSetting::Tagging)
    })
}

/// `PUT /bucket/key?acl`: in fields, or in a document.
pub(crate) fn put_acl(request: &Request<'_>) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let suffix = request.dialect().resources.object_acl;
    match acl_wish(request, suffix, CannedAcl::Private)? {
        AclWish::Unspecified(_) => {
            acl_document(request)?;
            let dialect = request.dialect();
            documented(request, "PutObjectAcl", false, move |document| {
                acl::read(document, dialect).map(ObjectSetting::Acl)
            })
        }
        list => {
            let setting = ObjectSetting::Acl(AclDocument { owner: None, list });
            let put = PutObjectSetting { target: target(request)?, setting, bypass_governance: false };
            Ok(complete(ObjectOperation::PutSetting(put)))
        }
    }
}

/// The documents that the fields of a write ask for: of a put, a copy, the beginning of an upload.
///
/// # Errors
/// Whatever is wrong with the fields.
pub(crate) fn of_write(request: &Request<'_>) -> Result<ObjectSettingsWish, Failure> {
    let dialect = request.dialect();
    let tags = request.field("tagging")?.map(|text| tagging::read_field(text, Tagged::Object, dialect)).transpose()?;
    Ok(ObjectSettingsWish {
        tags: tags.unwrap_or_default(),
        acl: acl_wish(request, dialect.resources.object_acl, dialect.settings.object_acl_default)?,
        lock: lock::of_write(request)?,
    })
}

/// The access control list that the head asks for: a ready-made one, or grants in fields of their own.
///
/// # Errors
/// `InvalidArgument` for an unknown one, `InvalidRequest` for both at once.
pub(crate) fn acl_wish(request: &Request<'_>, suffix: &str, default: CannedAcl) -> Result<AclWish, Failure> {
    let mut grants = Vec::new();
    for (field, permission, delivered) in request.dialect().settings.grants {
        let Some(text) = request.field(field)? else { continue };
        for grantee in acl::grantees(text)? {
            grants.push(Grant { grantee, permission: *permission, delivered: *delivered });
        }
    }
    if grants.len() > Acl::GRANTS_MAX {
        return Err(FailureCode::MalformedAcl.into());
    }
    match (metadata::canned_acl(request, suffix)?, grants.is_empty()) {
        (None, true) => Ok(AclWish::Unspecified(default)),
        (None, false) => Ok(AclWish::Granted(grants)),
        (Some(canned), true) => Ok(AclWish::Canned(canned)),
        (Some(_), false) => Err(Failure::new(FailureCode::InvalidRequest)
            .with_message("Specifying both Canned ACLs and Header Grants is not allowed")),
    }
}

/// An access control list that a document would have to bring, in a dialect that has none.
///
/// # Errors
/// `MissingBody` there.
pub(crate) fn acl_document(request: &Request<'_>) -> Result<(), Failure> {
    match request.dialect().settings.acl {
        AclStyle::Canned => Err(FailureCode::MissingBody.into()),
        AclStyle::Typed { .. } | AclStyle::Delivered { .. } => Ok(()),
    }
}

/// A document that follows the head, of which `bypass_governance` says whether it overrides what keeps the object.
pub(crate) fn documented(
    request: &Request<'_>,
    name: &'static str,
    bypass_governance: bool,
    read: impl FnOnce(&[u8]) -> Result<ObjectSetting, Failure> + Send + 'static,
) -> Result<Asked, Failure> {
    refuse_unbuilt(request)?;
    let target = target(request)?;
    let finish = move |document: &[u8]| {
        let put = PutObjectSetting { target, setting: read(document)?, bypass_governance };
        Ok(Operation::Object(ObjectOperation::PutSetting(put)))
    };
    let digests = DocumentDigests::read(request)?;
    Ok(Asked::Documented(Draft::new(name, SETTING_LIMIT, digests, Box::new(finish))))
}

/// The version that a request names.
pub(crate) fn target(request: &Request<'_>) -> Result<ObjectTarget, Failure> {
    Ok(ObjectTarget { bucket: request.bucket()?, key: request.key()?, version: version(request)? })
}

fn complete(operation: ObjectOperation) -> Asked {
    Asked::Complete(Operation::Object(operation))
}
