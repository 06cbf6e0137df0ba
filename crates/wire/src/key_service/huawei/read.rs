//! Requests that manage keys.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::grant::{GrantAction, GrantTerms, GranteeKind};
use strongroom_model::key::{KeyOrigin, KeyReference, KeySpec, KeyTags};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{
    AliasBefore, CreateKey, GrantEnd, GrantsOf, ImportMaterial, ImportWrapping, ListGrants, ListKeys, Page,
    RotationChange, StateFilter, Switch,
};
use strongroom_model::time::Timestamp;

use super::super::fields::{Fields, text_map};
use super::super::words::CODE;
use crate::text::bytes::from_base64;

type Read = Result<KeyOperation, Failure>;

/// Longest name, and longest value, of a tag, in characters.
const TAG_MAX: (usize, usize) = (36, 43);

/// The field that a request's project is put into, which its path names.
pub(super) const PROJECT: &str = "project_id";

/// What can be granted, in the service's words.
pub(super) const GRANTABLE: &[(&str, GrantAction)] = &[
    ("create-datakey", GrantAction::GenerateDataKey),
    ("create-datakey-without-plaintext", GrantAction::GenerateDataKeyWithoutPlaintext),
    ("encrypt-datakey", GrantAction::EncryptDataKey),
    ("decrypt-datakey", GrantAction::DecryptDataKey),
    ("describe-key", GrantAction::Describe),
    ("create-grant", GrantAction::CreateGrant),
    ("retire-grant", GrantAction::RetireGrant),
    ("encrypt-data", GrantAction::Encrypt),
    ("decrypt-data", GrantAction::Decrypt),
];

/// Something that may not be, with the service's own code for it.
pub(super) fn invalid(code: &'static str, message: &'static str) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_detail(CODE, code).with_message(message)
}

/// A field that must be there.
pub(super) fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Failure> {
    fields.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| FailureCode::InvalidRequest.into())
}

/// The key that a request is about.
pub(super) fn key(fields: &Fields, name: &str) -> Result<KeyReference, Failure> {
    let text = required(fields, name)?;
    match text.len() {
        ..=KeyReference::LENGTH_MAX => Ok(KeyReference::parse(text)),
        _ => Err(FailureCode::KeyMalformed.into()),
    }
}

pub(super) fn create_key(fields: &Fields) -> Read {
    let spec = match fields.text("key_spec")? {
        None | Some("" | "AES_256") => KeySpec::Aes256,
        Some("SM4") => KeySpec::Sm4,
        Some(_) => return Err(FailureCode::KeyKindUnsupported.into()),
    };
    if !matches!(fields.text("key_usage")?, None | Some("" | "ENCRYPT_DECRYPT")) {
        return Err(FailureCode::KeyKindUnsupported.into());
    }
    let origin = match fields.text("origin")? {
        None | Some("" | "kms") => KeyOrigin::Service,
        Some("external") => KeyOrigin::External,
        Some(_) => return Err(FailureCode::InvalidArgument.into()),
    };
    let mut tags = KeyTags::new();
    for tag in fields.list("tags")? {
        let members = text_map(tag).ok_or(FailureCode::MalformedXml)?;
        let member = |name: &str| members.get(name).cloned().unwrap_or_default();
        tags.insert(member("key"), member("value"));
    }
    Ok(KeyOperation::Create(CreateKey {
        alias: Some(alias(fields, "key_alias")?),
        description: description(fields)?.unwrap_or_default(),
        origin,
        tags,
        project: fields.text(PROJECT)?.map(str::to_owned),
        ..CreateKey::new(spec)
    }))
}

pub(super) fn describe_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Describe(key(fields, "key_id")?))
}

pub(super) fn list_keys(fields: &Fields) -> Read {
    let state = match fields.text("key_state")? {
        None | Some("") => None,
        Some("2") => Some(StateFilter::Enabled),
        Some("3") => Some(StateFilter::Disabled),
        Some("4") => Some(StateFilter::PendingDeletion),
        Some("5") => Some(StateFilter::PendingImport),
        Some(_) => return Err(FailureCode::InvalidArgument.into()),
    };
    let spec = match fields.text("key_spec")? {
        None | Some("" | "AES_256") => Some(KeySpec::Aes256),
        Some("SM4") => Some(KeySpec::Sm4),
        Some("ALL") => None,
        Some(_) => return Err(FailureCode::InvalidArgument.into()),
    };
    Ok(KeyOperation::List(ListKeys { state, spec, page: page(fields)? }))
}

pub(super) fn enable_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Enable(Switch { key: key(fields, "key_id")?, repeatable: false }))
}

pub(super) fn disable_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Disable(Switch { key: key(fields, "key_id")?, repeatable: false }))
}

pub(super) fn schedule_deletion(fields: &Fields) -> Read {
    let days = fields.number("pending_days")?.ok_or(FailureCode::InvalidRequest)?;
    let days = u32::try_from(days).ok().filter(|days| (7..=1096).contains(days));
    let wrong = || invalid("KMS.1401", "Set the pending deletion period between 7 to 1096 days.");
    Ok(KeyOperation::ScheduleDeletion { key: key(fields, "key_id")?, days: days.ok_or_else(wrong)? })
}

pub(super) fn cancel_deletion(fields: &Fields) -> Read {
    Ok(KeyOperation::CancelDeletion(key(fields, "key_id")?))
}

pub(super) fn update_alias(fields: &Fields) -> Read {
    Ok(KeyOperation::Rename { key: key(fields, "key_id")?, alias: alias(fields, "key_alias")? })
}

pub(super) fn update_description(fields: &Fields) -> Read {
    let description = description(fields)?.ok_or(FailureCode::InvalidRequest)?;
    Ok(KeyOperation::UpdateDescription { key: key(fields, "key_id")?, description })
}

pub(super) fn enable_rotation(fields: &Fields) -> Read {
    Ok(KeyOperation::SetRotation { key: key(fields, "key_id")?, change: RotationChange::On(None) })
}

pub(super) fn disable_rotation(fields: &Fields) -> Read {
    Ok(KeyOperation::SetRotation { key: key(fields, "key_id")?, change: RotationChange::Off })
}

pub(super) fn update_interval(fields: &Fields) -> Read {
    let days = fields.number("rotation_interval")?.ok_or(FailureCode::InvalidRequest)?;
    let days = u32::try_from(days).ok().filter(|days| (30..=365).contains(days));
    let change = RotationChange::Interval(days.ok_or(FailureCode::InvalidArgument)?);
    Ok(KeyOperation::SetRotation { key: key(fields, "key_id")?, change })
}

pub(super) fn get_rotation(fields: &Fields) -> Read {
    Ok(KeyOperation::GetRotation(key(fields, "key_id")?))
}

pub(super) fn rotate(fields: &Fields) -> Read {
    Ok(KeyOperation::Rotate { key: key(fields, "key_id")?, demands_max: None })
}

pub(super) fn create_grant(fields: &Fields) -> Read {
    let mut actions = Vec::new();
    for name in fields.texts("operations")? {
        let known = GRANTABLE.iter().find(|(word, _)| *word == name);
        actions.push(known.map(|(_, action)| *action).ok_or(FailureCode::InvalidArgument)?);
    }
    if actions.iter().all(|action| *action == GrantAction::CreateGrant) {
        return Err(invalid("KMS.2401", "Specify an operation in addition to create-grant."));
    }
    let text = |name| fields.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
    let grantee_kind = match fields.text("grantee_principal_type")? {
        None | Some("" | "user") => GranteeKind::User,
        Some("domain") => GranteeKind::Account,
        Some(_) => return Err(FailureCode::InvalidArgument.into()),
    };
    let grantee = required(fields, "grantee_principal")?.to_owned();
    if grantee.len() > 64 {
        return Err(invalid("KMS.2402", "Invalid user ID."));
    }
    let terms = GrantTerms {
        grantee,
        grantee_kind,
        retiring: text("retiring_principal")?,
        actions,
        name: text("name")?,
        constraint: None,
    };
    Ok(KeyOperation::CreateGrant { key: key(fields, "key_id")?, terms })
}

pub(super) fn list_grants(fields: &Fields) -> Read {
    let (of, page) = (GrantsOf::Key(key(fields, "key_id")?), page(fields)?);
    Ok(KeyOperation::ListGrants(ListGrants { of, id: None, grantee: None, page }))
}

pub(super) fn list_retirable_grants(fields: &Fields) -> Read {
    let of = GrantsOf::Retirable(None);
    Ok(KeyOperation::ListGrants(ListGrants { of, id: None, grantee: None, page: page(fields)? }))
}

pub(super) fn revoke_grant(fields: &Fields) -> Read {
    end_grant(fields, GrantEnd::Revoke)
}

pub(super) fn retire_grant(fields: &Fields) -> Read {
    end_grant(fields, GrantEnd::Retire)
}

fn end_grant(fields: &Fields, by: GrantEnd) -> Read {
    let grant = required(fields, "grant_id")?.to_owned();
    Ok(KeyOperation::EndGrant { key: key(fields, "key_id")?, grant, by })
}

pub(super) fn import_parameters(fields: &Fields) -> Read {
    match required(fields, "wrapping_algorithm")? {
        "RSAES_OAEP_SHA_256" => {
            let wrapping = ImportWrapping::RsaOaepSha256Of3072;
            Ok(KeyOperation::GetImportParameters { key: key(fields, "key_id")?, wrapping })
        }
        "SM2_ENCRYPT" | "RSAES_PKCS1_V1_5" | "RSAES_OAEP_SHA_1" => Err(FailureCode::KeyKindUnsupported.into()),
        _ => Err(FailureCode::InvalidArgument.into()),
    }
}

pub(super) fn import_material(fields: &Fields) -> Read {
    let bytes = |name| from_base64(required(fields, name)?).ok_or_else(|| Failure::new(FailureCode::InvalidArgument));
    let ends = fields.number("expiration_time")?.filter(|seconds| *seconds != 0);
    Ok(KeyOperation::ImportMaterial(ImportMaterial {
        key: key(fields, "key_id")?,
        token: bytes("import_token")?,
        wrapped: bytes("encrypted_key_material")?,
        expires: ends.map(Timestamp::from_seconds),
        for_rotation: false,
        material: None,
    }))
}

pub(super) fn delete_material(fields: &Fields) -> Read {
    Ok(KeyOperation::DeleteMaterial { key: key(fields, "key_id")?, material: None })
}

/// What needs nothing but a caller's account.
pub(super) fn quotas(_: &Fields) -> Read {
    Ok(KeyOperation::GetQuotas)
}

/// What is chosen from all keys when the answer is written.
pub(super) fn all_keys(_: &Fields) -> Read {
    Ok(KeyOperation::List(ListKeys::default()))
}

pub(super) fn create_tag(fields: &Fields) -> Read {
    let tag = fields.inner("tag")?.ok_or(FailureCode::InvalidRequest)?;
    let (name, value) = (required(&tag, "key")?.to_owned(), tag.text("value")?.unwrap_or_default().to_owned());
    retag(fields, KeyTags::from([(name, value)]), Vec::new())
}

pub(super) fn change_tags(fields: &Fields) -> Read {
    let mut tags = KeyTags::new();
    for tag in fields.list("tags")? {
        let members = text_map(tag).ok_or(FailureCode::MalformedXml)?;
        let name = members.get("key").cloned().ok_or(FailureCode::InvalidRequest)?;
        tags.insert(name, members.get("value").cloned().unwrap_or_default());
    }
    match required(fields, "action")? {
        "create" => retag(fields, tags, Vec::new()),
        "delete" => retag(fields, KeyTags::new(), tags.into_keys().collect()),
        _ => Err(FailureCode::InvalidArgument.into()),
    }
}

pub(super) fn delete_tag(fields: &Fields) -> Read {
    retag(fields, KeyTags::new(), vec![required(fields, "key")?.to_owned()])
}

pub(super) fn list_tags(fields: &Fields) -> Read {
    Ok(KeyOperation::ListTags(key(fields, "key_id")?))
}

fn retag(fields: &Fields, set: KeyTags, unset: Vec<String>) -> Read {
    let fits = |(name, value): (&String, &String)| {
        (1..=TAG_MAX.0).contains(&name.chars().count()) && value.chars().count() <= TAG_MAX.1
    };
    if !set.iter().all(fits) {
        return Err(invalid("KMS.0401", "Invalid tag."));
    }
    Ok(KeyOperation::Retag { key: key(fields, "key_id")?, set, unset })
}

pub(super) fn create_alias(fields: &Fields) -> Read {
    let (alias, key) = (alias(fields, "alias")?, key(fields, "key_id")?);
    Ok(KeyOperation::PointAlias { alias, key, before: AliasBefore::Free })
}

pub(super) fn associate_alias(fields: &Fields) -> Read {
    let (alias, key) = (alias(fields, "alias")?, key(fields, "target_key_id")?);
    Ok(KeyOperation::PointAlias { alias, key, before: AliasBefore::Taken })
}

/// One alias at a time: more could not go in one commit.
pub(super) fn delete_alias(fields: &Fields) -> Read {
    match fields.texts("aliases")?.as_slice() {
        [alias] => Ok(KeyOperation::RemoveAlias(alias.strip_prefix("alias/").unwrap_or(alias).to_owned())),
        _ => Err(FailureCode::InvalidArgument.into()),
    }
}

pub(super) fn list_aliases(fields: &Fields) -> Read {
    let key = fields.text("key_id")?.filter(|text| !text.is_empty()).map(KeyReference::parse);
    Ok(KeyOperation::ListAliases { key, page: page(fields)? })
}

fn alias(fields: &Fields, name: &str) -> Result<String, Failure> {
    let text = required(fields, name)?;
    let bare = text.strip_prefix("alias/").unwrap_or(text);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    match (1..=255).contains(&bare.len()) && bare.bytes().all(allowed) && !bare.ends_with("/default") {
        true => Ok(bare.to_owned()),
        false => Err(FailureCode::KeyNameInvalid.into()),
    }
}

fn description(fields: &Fields) -> Result<Option<String>, Failure> {
    match fields.text("key_description")? {
        Some(text) if text.chars().count() > 255 => Err(invalid("KMS.1103", "Invalid key_description.")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn page(fields: &Fields) -> Result<Page, Failure> {
    let text = |name| Ok::<_, Failure>(fields.text(name)?.filter(|text| !text.is_empty()));
    let wrong_limit = || invalid("KMS.1601", "Invalid limit.");
    let limit = match text("limit")? {
        None => 10,
        Some(text) => text.parse().ok().filter(|limit| (1..=1000).contains(limit)).ok_or_else(wrong_limit)?,
    };
    let offset = match text("marker")? {
        None => 0,
        Some(text) => text.parse().map_err(|_| invalid("KMS.1602", "Invalid marker."))?,
    };
    Ok(Page { offset, limit })
}
