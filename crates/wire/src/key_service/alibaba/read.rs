//! Requests.

use serde_json::Value;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::{KeyOrigin, KeyReference, KeySpec, KeyTags};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{
    AliasBefore, CreateKey, ImportMaterial, ImportWrapping, KeyUse, ListKeys, Page, Purpose, RotationChange, Switch,
};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::secret::Plaintext;
use strongroom_model::time::Timestamp;

use super::super::fields::{Fields, text_map};
use crate::text::bytes::from_base64;

type Read = Result<KeyOperation, Failure>;

/// Longest plaintext in bytes, and longest encryption context in characters.
const PLAINTEXT_MAX: usize = 6 * 1024;
const CONTEXT_MAX: usize = 8192;

/// A parameter that must be there.
pub(super) fn missing(name: &str) -> Failure {
    let message = format!("The parameter \"{name}\" is needed but not provided.");
    Failure::new(FailureCode::InvalidRequest).with_message(message)
}

fn invalid(name: &str) -> Failure {
    let message = format!("The specified parameter \"{name}\" is not valid.");
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

pub(super) fn create_key(fields: &Fields) -> Read {
    let spec = match fields.text("KeySpec")? {
        None | Some("Aliyun_AES_256") => KeySpec::Aes256,
        Some("Aliyun_SM4") => KeySpec::Sm4,
        Some(_) => return Err(FailureCode::KeyKindUnsupported.into()),
    };
    if !matches!(fields.text("KeyUsage")?, None | Some("ENCRYPT/DECRYPT"))
        || !matches!(fields.text("ProtectionLevel")?, None | Some("SOFTWARE"))
        || fields.value("DKMSInstanceId").is_some()
    {
        return Err(FailureCode::KeyKindUnsupported.into());
    }
    let origin = match fields.text("Origin")? {
        None | Some("Aliyun_KMS") => KeyOrigin::Service,
        Some("EXTERNAL") => KeyOrigin::External,
        Some(_) => return Err(invalid("Origin")),
    };
    let rotates = fields.flag("EnableAutomaticRotation")?.unwrap_or(false);
    Ok(KeyOperation::Create(CreateKey {
        description: fields.text("Description")?.unwrap_or_default().to_owned(),
        origin,
        tags: tags(fields)?,
        policy: fields.text("Policy")?.map(policy),
        rotation_days: if rotates { Some(interval(fields)?.ok_or_else(|| missing("RotationInterval"))?) } else { None },
        ..CreateKey::new(spec)
    }))
}

pub(super) fn describe_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Describe(key(fields, "KeyId")?))
}

pub(super) fn list_keys(fields: &Fields) -> Read {
    Ok(KeyOperation::List(ListKeys { page: page(fields)?, ..ListKeys::default() }))
}

pub(super) fn update_description(fields: &Fields) -> Read {
    let description = required(fields, "Description")?.to_owned();
    Ok(KeyOperation::UpdateDescription { key: key(fields, "KeyId")?, description })
}

pub(super) fn enable_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Enable(Switch::repeatable(key(fields, "KeyId")?)))
}

pub(super) fn disable_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Disable(Switch::repeatable(key(fields, "KeyId")?)))
}

pub(super) fn schedule_deletion(fields: &Fields) -> Read {
    let days = number(fields, "PendingWindowInDays", 7, 366)?.ok_or_else(|| missing("PendingWindowInDays"))?;
    Ok(KeyOperation::ScheduleDeletion { key: key(fields, "KeyId")?, days })
}

pub(super) fn cancel_deletion(fields: &Fields) -> Read {
    Ok(KeyOperation::CancelDeletion(key(fields, "KeyId")?))
}

pub(super) fn protect(fields: &Fields) -> Read {
    let key = key(fields, "ProtectedResourceArn")?;
    let protect = fields.flag("EnableDeletionProtection")?.ok_or_else(|| missing("EnableDeletionProtection"))?;
    let reason = fields.text("DeletionProtectionDescription")?.unwrap_or_default().to_owned();
    Ok(KeyOperation::Protect { key, reason: protect.then_some(reason) })
}

pub(super) fn update_rotation(fields: &Fields) -> Read {
    let rotates = fields.flag("EnableAutomaticRotation")?.ok_or_else(|| missing("EnableAutomaticRotation"))?;
    let change = match (rotates, interval(fields)?) {
        (false, _) => RotationChange::Off,
        (true, Some(days)) => RotationChange::On(Some(days)),
        (true, None) => return Err(missing("RotationInterval")),
    };
    Ok(KeyOperation::SetRotation { key: key(fields, "KeyId")?, change })
}

pub(super) fn create_version(fields: &Fields) -> Read {
    Ok(KeyOperation::Rotate { key: key(fields, "KeyId")?, demands_max: None })
}

pub(super) fn list_versions(fields: &Fields) -> Read {
    Ok(KeyOperation::ListVersions { key: key(fields, "KeyId")?, page: page(fields)? })
}

pub(super) fn describe_version(fields: &Fields) -> Read {
    required(fields, "KeyVersionId")?;
    Ok(KeyOperation::ListVersions { key: key(fields, "KeyId")?, page: Page::default() })
}

pub(super) fn create_alias(fields: &Fields) -> Read {
    let (alias, key) = (alias(fields)?, key(fields, "KeyId")?);
    Ok(KeyOperation::PointAlias { alias, key, before: AliasBefore::Free })
}

pub(super) fn update_alias(fields: &Fields) -> Read {
    let (alias, key) = (alias(fields)?, key(fields, "KeyId")?);
    Ok(KeyOperation::PointAlias { alias, key, before: AliasBefore::Taken })
}

pub(super) fn delete_alias(fields: &Fields) -> Read {
    Ok(KeyOperation::RemoveAlias(alias(fields)?))
}

pub(super) fn list_aliases(fields: &Fields) -> Read {
    Ok(KeyOperation::ListAliases { key: None, page: page(fields)? })
}

pub(super) fn list_aliases_of_key(fields: &Fields) -> Read {
    Ok(KeyOperation::ListAliases { key: Some(key(fields, "KeyId")?), page: page(fields)? })
}

pub(super) fn tag(fields: &Fields) -> Read {
    required(fields, "Tags")?;
    Ok(KeyOperation::Retag { key: key(fields, "KeyId")?, set: tags(fields)?, unset: Vec::new() })
}

pub(super) fn untag(fields: &Fields) -> Read {
    let names = serde_json::from_str(required(fields, "TagKeys")?).map_err(|_| invalid("TagKeys"))?;
    Ok(KeyOperation::Retag { key: key(fields, "KeyId")?, set: KeyTags::new(), unset: names })
}

pub(super) fn list_tags(fields: &Fields) -> Read {
    Ok(KeyOperation::ListTags(key(fields, "KeyId")?))
}

pub(super) fn get_policy(fields: &Fields) -> Read {
    Ok(KeyOperation::GetPolicy(key(fields, "KeyId")?))
}

pub(super) fn set_policy(fields: &Fields) -> Read {
    let policy = policy(required(fields, "Policy")?);
    Ok(KeyOperation::PutPolicy { key: key(fields, "KeyId")?, policy, locks_out: false })
}

fn policy(text: &str) -> PolicyDocument {
    PolicyDocument { language: PolicyLanguage::Alibaba, text: text.to_owned() }
}

pub(super) fn import_parameters(fields: &Fields) -> Read {
    let wrapping = match (required(fields, "WrappingAlgorithm")?, required(fields, "WrappingKeySpec")?) {
        ("RSAES_OAEP_SHA_256", "RSA_2048") => ImportWrapping::RsaOaepSha256Of2048,
        ("RSAES_OAEP_SHA_256", "RSA_3072") => ImportWrapping::RsaOaepSha256Of3072,
        ("RSAES_OAEP_SHA_256", "RSA_4096") => ImportWrapping::RsaOaepSha256Of4096,
        ("RSAES_PKCS1_V1_5" | "RSAES_OAEP_SHA_1" | "SM2PKE" | "RSAES_OAEP_SHA_256", _) => {
            return Err(FailureCode::KeyKindUnsupported.into());
        }
        _ => return Err(invalid("WrappingAlgorithm")),
    };
    Ok(KeyOperation::GetImportParameters { key: key(fields, "KeyId")?, wrapping })
}

pub(super) fn import_material(fields: &Fields) -> Read {
    let bytes = |name| from_base64(required(fields, name)?).ok_or_else(|| invalid(name));
    // Zero, or nothing, is material that stays.
    let ends = fields.number("KeyMaterialExpireUnix")?.filter(|seconds| *seconds != 0);
    Ok(KeyOperation::ImportMaterial(ImportMaterial {
        key: key(fields, "KeyId")?,
        token: bytes("ImportToken")?,
        wrapped: bytes("EncryptedKeyMaterial")?,
        expires: ends.map(Timestamp::from_seconds),
        for_rotation: false,
        material: None,
    }))
}

pub(super) fn delete_material(fields: &Fields) -> Read {
    Ok(KeyOperation::DeleteMaterial { key: key(fields, "KeyId")?, material: None })
}

pub(super) fn generate_data_key(fields: &Fields) -> Read {
    data_key(fields, true)
}

pub(super) fn generate_hidden_data_key(fields: &Fields) -> Read {
    data_key(fields, false)
}

fn data_key(fields: &Fields, shown: bool) -> Read {
    let bytes = number(fields, "NumberOfBytes", 1, 1024)?;
    let length = match (bytes, fields.text("KeySpec")?) {
        (Some(bytes), _) => bytes as usize,
        (None, None | Some("AES_256")) => 32,
        (None, Some("AES_128")) => 16,
        (None, Some(_)) => return Err(invalid("KeySpec")),
    };
    let (key, context) = (key(fields, "KeyId")?, context(fields, "EncryptionContext")?);
    Ok(KeyOperation::Use(KeyUse::GenerateDataKey { key, length, context, shown }))
}

pub(super) fn encrypt(fields: &Fields) -> Read {
    let plaintext = from_base64(required(fields, "Plaintext")?).ok_or_else(|| invalid("Plaintext"))?;
    let plaintext = zeroize::Zeroizing::new(plaintext);
    if plaintext.is_empty() || plaintext.len() > PLAINTEXT_MAX {
        return Err(invalid("Plaintext"));
    }
    Ok(KeyOperation::Use(KeyUse::Encrypt {
        key: key(fields, "KeyId")?,
        plaintext: Plaintext::new(plaintext),
        context: context(fields, "EncryptionContext")?,
        purpose: Purpose::Data,
    }))
}

pub(super) fn decrypt(fields: &Fields) -> Read {
    let (ciphertext, context) = (ciphertext(fields)?, context(fields, "EncryptionContext")?);
    Ok(KeyOperation::Use(KeyUse::Decrypt { key: None, ciphertext, context, purpose: Purpose::Data }))
}

pub(super) fn re_encrypt(fields: &Fields) -> Read {
    if fields.text("SourceEncryptionAlgorithm")?.is_some_and(|algorithm| !algorithm.is_empty()) {
        return Err(FailureCode::KeyKindUnsupported.into());
    }
    let source = fields.text("SourceKeyId")?.map(|text| reference(text, "SourceKeyId")).transpose()?;
    Ok(KeyOperation::Use(KeyUse::ReEncrypt {
        source,
        ciphertext: ciphertext(fields)?,
        source_context: context(fields, "SourceEncryptionContext")?,
        key: key(fields, "DestinationKeyId")?,
        context: context(fields, "DestinationEncryptionContext")?,
    }))
}

/// What needs nothing but a caller's account.
pub(super) fn quotas(_: &Fields) -> Read {
    Ok(KeyOperation::GetQuotas)
}

fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Failure> {
    fields.text(name)?.ok_or_else(|| missing(name))
}

fn key(fields: &Fields, name: &str) -> Result<KeyReference, Failure> {
    reference(required(fields, name)?, name)
}

fn reference(text: &str, name: &str) -> Result<KeyReference, Failure> {
    match text.len() {
        1..=KeyReference::LENGTH_MAX => Ok(KeyReference::parse(text)),
        _ => Err(invalid(name)),
    }
}

fn alias(fields: &Fields) -> Result<String, Failure> {
    let text = required(fields, "AliasName")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    match text.strip_prefix("alias/") {
        Some(name) if (1..=255).contains(&name.len()) && name.bytes().all(allowed) => Ok(name.to_owned()),
        _ => Err(FailureCode::KeyNameInvalid.into()),
    }
}

fn ciphertext(fields: &Fields) -> Result<Vec<u8>, Failure> {
    from_base64(required(fields, "CiphertextBlob")?).ok_or_else(|| FailureCode::CiphertextInvalid.into())
}

fn context(fields: &Fields, name: &str) -> Result<strongroom_model::encryption::EncryptionContext, Failure> {
    if fields.text(name)?.is_some_and(|text| text.chars().count() > CONTEXT_MAX) {
        return Err(invalid(name));
    }
    fields.spelled_map(name).map_err(|_| invalid(name))
}

fn number(fields: &Fields, name: &str, least: i64, most: i64) -> Result<Option<u32>, Failure> {
    let Some(value) = fields.number(name).map_err(|_| invalid(name))? else { return Ok(None) };
    if value < least || value > most {
        return Err(invalid(name));
    }
    u32::try_from(value).map(Some).map_err(|_| invalid(name))
}

fn page(fields: &Fields) -> Result<Page, Failure> {
    let size = number(fields, "PageSize", 1, 100)?.unwrap_or(10) as usize;
    let page = number(fields, "PageNumber", 1, 1_000_000)?.unwrap_or(1) as usize;
    Ok(Page { offset: (page - 1) * size, limit: size })
}

/// Days, of an interval in days or seconds: `365d`, `604800s`.
fn interval(fields: &Fields) -> Result<Option<u32>, Failure> {
    let Some(text) = fields.text("RotationInterval")? else { return Ok(None) };
    let days = match (text.strip_suffix('d'), text.strip_suffix('s')) {
        (Some(days), _) => days.parse().ok(),
        (_, Some(seconds)) => seconds.parse::<u32>().ok().filter(|seconds| seconds % 86_400 == 0).map(|s| s / 86_400),
        _ => None,
    };
    match days {
        Some(days @ 7..=730) => Ok(Some(days)),
        _ => Err(invalid("RotationInterval")),
    }
}

/// `[{"TagKey":…,"TagValue":…}]` in a text.
fn tags(fields: &Fields) -> Result<KeyTags, Failure> {
    let Some(text) = fields.text("Tags")? else { return Ok(KeyTags::new()) };
    let list: Vec<Value> = serde_json::from_str(text).map_err(|_| invalid("Tags"))?;
    let tag = |value: &Value| {
        let members = text_map(value)?;
        Some((members.get("TagKey")?.clone(), members.get("TagValue")?.clone()))
    };
    list.iter().map(|value| tag(value).ok_or_else(|| invalid("Tags"))).collect()
}
