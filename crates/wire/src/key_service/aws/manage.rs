//! Requests that manage keys.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::grant::{GrantAction, GrantConstraint, GrantTerms, GranteeKind};
use strongroom_model::key::{KeyOrigin, KeyReference, KeySpec, KeyTags, MaterialId};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{
    AliasBefore, CreateKey, GrantEnd, GrantsOf, ImportMaterial, ImportWrapping, ListGrants, ListKeys, RotationChange,
    Switch,
};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::time::Timestamp;

use super::super::fields::Fields;
use super::check::{
    alias, context, is_dry_run, key, length, number, optional_key, page, refused, required, tags, unsupported,
    violation, word,
};
use crate::text::bytes::from_token;

type Read = Result<KeyOperation, Failure>;

/// Rotations on demand that a key may have in its life.
const ROTATIONS_ON_DEMAND_MAX: u32 = 10;

/// Specs of keys that are no symmetric ones.
const OTHER_SPECS: [&str; 16] = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
];

/// What can be granted, in the service's words.
pub(super) const GRANTABLE: &[(&str, GrantAction)] = &[
    ("Decrypt", GrantAction::Decrypt),
    ("Encrypt", GrantAction::Encrypt),
    ("GenerateDataKey", GrantAction::GenerateDataKey),
    ("GenerateDataKeyWithoutPlaintext", GrantAction::GenerateDataKeyWithoutPlaintext),
    ("ReEncryptFrom", GrantAction::ReEncryptFrom),
    ("ReEncryptTo", GrantAction::ReEncryptTo),
    ("CreateGrant", GrantAction::CreateGrant),
    ("RetireGrant", GrantAction::RetireGrant),
    ("DescribeKey", GrantAction::Describe),
];

pub(super) fn create_key(fields: &Fields) -> Read {
    let spec = fields.text("KeySpec")?.or(fields.text("CustomerMasterKeySpec")?);
    if spec.is_some_and(|spec| OTHER_SPECS.contains(&spec)) || fields.flag("MultiRegion")?.unwrap_or(false) {
        return Err(unsupported());
    }
    if spec.is_some_and(|spec| spec != "SYMMETRIC_DEFAULT") {
        word(fields, "KeySpec", &[("SYMMETRIC_DEFAULT", ())])?;
    }
    let usages =
        [("ENCRYPT_DECRYPT", true), ("SIGN_VERIFY", false), ("GENERATE_VERIFY_MAC", false), ("KEY_AGREEMENT", false)];
    if !word(fields, "KeyUsage", &usages)?.unwrap_or(true) {
        return Err(unsupported());
    }
    let origins = [
        ("AWS_KMS", Some(KeyOrigin::Service)),
        ("EXTERNAL", Some(KeyOrigin::External)),
        ("AWS_CLOUDHSM", None),
        ("EXTERNAL_KEY_STORE", None),
    ];
    let origin = word(fields, "Origin", &origins)?.unwrap_or(Some(KeyOrigin::Service)).ok_or_else(unsupported)?;
    Ok(KeyOperation::Create(CreateKey {
        description: description(fields)?.unwrap_or_default(),
        origin,
        tags: tags(fields)?,
        policy: policy(fields)?,
        locks_out: locks_out(fields)?,
        ..CreateKey::new(KeySpec::Aes256)
    }))
}

pub(super) fn describe_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Describe(key(fields, "KeyId")?))
}

pub(super) fn list_keys(fields: &Fields) -> Read {
    Ok(KeyOperation::List(ListKeys { page: page(fields, 100, 1000)?, ..ListKeys::default() }))
}

pub(super) fn enable_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Enable(Switch::repeatable(key(fields, "KeyId")?)))
}

pub(super) fn disable_key(fields: &Fields) -> Read {
    Ok(KeyOperation::Disable(Switch::repeatable(key(fields, "KeyId")?)))
}

pub(super) fn update_description(fields: &Fields) -> Read {
    let description = required(description(fields)?, "Description")?;
    Ok(KeyOperation::UpdateDescription { key: key(fields, "KeyId")?, description })
}

pub(super) fn schedule_deletion(fields: &Fields) -> Read {
    let days = number(fields, "PendingWindowInDays", 7, 30)?.unwrap_or(30);
    Ok(KeyOperation::ScheduleDeletion { key: key(fields, "KeyId")?, days })
}

pub(super) fn cancel_deletion(fields: &Fields) -> Read {
    Ok(KeyOperation::CancelDeletion(key(fields, "KeyId")?))
}

pub(super) fn create_alias(fields: &Fields) -> Read {
    point(fields, AliasBefore::Free)
}

pub(super) fn update_alias(fields: &Fields) -> Read {
    point(fields, AliasBefore::Taken)
}

fn point(fields: &Fields, before: AliasBefore) -> Read {
    Ok(KeyOperation::PointAlias { alias: alias(fields)?, key: key(fields, "TargetKeyId")?, before })
}

pub(super) fn delete_alias(fields: &Fields) -> Read {
    Ok(KeyOperation::RemoveAlias(alias(fields)?))
}

pub(super) fn list_aliases(fields: &Fields) -> Read {
    Ok(KeyOperation::ListAliases { key: optional_key(fields, "KeyId")?, page: page(fields, 50, 100)? })
}

pub(super) fn tag(fields: &Fields) -> Read {
    Ok(KeyOperation::Retag { key: key(fields, "KeyId")?, set: tags(fields)?, unset: Vec::new() })
}

pub(super) fn untag(fields: &Fields) -> Read {
    Ok(KeyOperation::Retag { key: key(fields, "KeyId")?, set: KeyTags::new(), unset: fields.texts("TagKeys")? })
}

pub(super) fn list_tags(fields: &Fields) -> Read {
    page(fields, 50, 50)?;
    Ok(KeyOperation::ListTags(key(fields, "KeyId")?))
}

pub(super) fn enable_rotation(fields: &Fields) -> Read {
    let days = number(fields, "RotationPeriodInDays", 90, 2560)?;
    Ok(KeyOperation::SetRotation { key: key(fields, "KeyId")?, change: RotationChange::On(days) })
}

pub(super) fn disable_rotation(fields: &Fields) -> Read {
    Ok(KeyOperation::SetRotation { key: key(fields, "KeyId")?, change: RotationChange::Off })
}

pub(super) fn get_rotation(fields: &Fields) -> Read {
    Ok(KeyOperation::GetRotation(key(fields, "KeyId")?))
}

pub(super) fn rotate(fields: &Fields) -> Read {
    Ok(KeyOperation::Rotate { key: key(fields, "KeyId")?, demands_max: Some(ROTATIONS_ON_DEMAND_MAX) })
}

pub(super) fn list_rotations(fields: &Fields) -> Read {
    word(fields, "IncludeKeyMaterial", &[("ALL_KEY_MATERIAL", ()), ("ROTATIONS_ONLY", ())])?;
    Ok(KeyOperation::ListVersions { key: key(fields, "KeyId")?, page: page(fields, 100, 1000)? })
}

pub(super) fn get_policy(fields: &Fields) -> Read {
    policy_name(fields)?;
    Ok(KeyOperation::GetPolicy(key(fields, "KeyId")?))
}

pub(super) fn list_policies(fields: &Fields) -> Read {
    page(fields, 100, 1000)?;
    Ok(KeyOperation::GetPolicy(key(fields, "KeyId")?))
}

pub(super) fn put_policy(fields: &Fields) -> Read {
    policy_name(fields)?;
    let policy = required(policy(fields)?, "Policy")?;
    Ok(KeyOperation::PutPolicy { key: key(fields, "KeyId")?, policy, locks_out: locks_out(fields)? })
}

pub(super) fn create_grant(fields: &Fields) -> Read {
    let key = key(fields, "KeyId")?;
    let text = |name: &str| fields.text(name).map(|text| text.map(str::to_owned));
    let grantee = required(text("GranteePrincipal")?, "GranteePrincipal")?;
    let mut actions = Vec::new();
    for name in fields.texts("Operations")? {
        let known = GRANTABLE.iter().find(|(word, _)| *word == name);
        actions.push(known.map(|(_, action)| *action).ok_or_else(unsupported)?);
    }
    if actions.is_empty() {
        return Err(violation(None, "operations", "not be null"));
    }
    let constraint = match fields.inner("Constraints")? {
        None => None,
        Some(inner) => {
            let (equals, subset) = ("EncryptionContextEquals", "EncryptionContextSubset");
            match (inner.value(equals).is_some(), inner.value(subset).is_some()) {
                (true, _) => Some(GrantConstraint::Equals(context(&inner, equals)?)),
                (_, true) => Some(GrantConstraint::Subset(context(&inner, subset)?)),
                _ => None,
            }
        }
    };
    if is_dry_run(fields)? {
        return Ok(KeyOperation::Describe(key));
    }
    let terms = GrantTerms {
        grantee,
        grantee_kind: GranteeKind::User,
        retiring: text("RetiringPrincipal")?,
        actions,
        name: text("Name")?,
        constraint,
    };
    Ok(KeyOperation::CreateGrant { key, terms })
}

pub(super) fn list_grants(fields: &Fields) -> Read {
    let text = |name: &str| fields.text(name).map(|text| text.map(str::to_owned));
    Ok(KeyOperation::ListGrants(ListGrants {
        of: GrantsOf::Key(key(fields, "KeyId")?),
        id: text("GrantId")?,
        grantee: text("GranteePrincipal")?,
        page: page(fields, 50, 100)?,
    }))
}

pub(super) fn list_retirable_grants(fields: &Fields) -> Read {
    let who = required(fields.text("RetiringPrincipal")?, "RetiringPrincipal")?.to_owned();
    let (of, page) = (GrantsOf::Retirable(Some(who)), page(fields, 50, 100)?);
    Ok(KeyOperation::ListGrants(ListGrants { of, id: None, grantee: None, page }))
}

pub(super) fn revoke_grant(fields: &Fields) -> Read {
    let grant = required(fields.text("GrantId")?, "GrantId")?.to_owned();
    Ok(KeyOperation::EndGrant { key: key(fields, "KeyId")?, grant, by: GrantEnd::Revoke })
}

pub(super) fn retire_grant(fields: &Fields) -> Read {
    let by = GrantEnd::Retire;
    if let Some(token) = fields.text("GrantToken")? {
        let text = from_token(token);
        let parts = text.as_deref().and_then(|text| text.split_once(' '));
        let (key, grant) = parts
            .ok_or_else(|| Failure::new(FailureCode::InvalidToken).with_message("The grant token is not valid."))?;
        return Ok(KeyOperation::EndGrant { key: KeyReference::parse(key), grant: grant.to_owned(), by });
    }
    let grant = required(fields.text("GrantId")?, "GrantId")?.to_owned();
    Ok(KeyOperation::EndGrant { key: key(fields, "KeyId")?, grant, by })
}

pub(super) fn import_parameters(fields: &Fields) -> Read {
    let algorithms = [
        ("RSAES_OAEP_SHA_256", true),
        ("RSAES_OAEP_SHA_1", false),
        ("RSAES_PKCS1_V1_5", false),
        ("RSA_AES_KEY_WRAP_SHA_1", false),
        ("RSA_AES_KEY_WRAP_SHA_256", false),
        ("SM2PKE", false),
    ];
    let sizes = [
        ("RSA_2048", Some(ImportWrapping::RsaOaepSha256Of2048)),
        ("RSA_3072", Some(ImportWrapping::RsaOaepSha256Of3072)),
        ("RSA_4096", Some(ImportWrapping::RsaOaepSha256Of4096)),
        ("SM2", None),
    ];
    let supported = required(word(fields, "WrappingAlgorithm", &algorithms)?, "WrappingAlgorithm")?;
    let wrapping = required(word(fields, "WrappingKeySpec", &sizes)?, "WrappingKeySpec")?;
    let wrapping = wrapping.filter(|_| supported).ok_or_else(unsupported)?;
    Ok(KeyOperation::GetImportParameters { key: key(fields, "KeyId")?, wrapping })
}

pub(super) fn import_material(fields: &Fields) -> Read {
    let models = [("KEY_MATERIAL_EXPIRES", true), ("KEY_MATERIAL_DOES_NOT_EXPIRE", false)];
    let ends = word(fields, "ExpirationModel", &models)?.unwrap_or(true);
    // Times are seconds with a fraction; milliseconds are what is kept of them.
    let time = fields.seconds("ValidTo")?.map(|seconds| Timestamp::from_millis((seconds * 1000.0) as i64));
    if ends && time.is_none() {
        return Err(refused("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"));
    }
    let types = [("NEW_KEY_MATERIAL", true), ("EXISTING_KEY_MATERIAL", false)];
    Ok(KeyOperation::ImportMaterial(ImportMaterial {
        key: key(fields, "KeyId")?,
        token: required(fields.bytes("ImportToken")?, "ImportToken")?,
        wrapped: required(fields.bytes("EncryptedKeyMaterial")?, "EncryptedKeyMaterial")?,
        expires: time.filter(|_| ends),
        for_rotation: word(fields, "ImportType", &types)?.unwrap_or(false),
        material: material(fields)?,
    }))
}

pub(super) fn delete_material(fields: &Fields) -> Read {
    Ok(KeyOperation::DeleteMaterial { key: key(fields, "KeyId")?, material: material(fields)? })
}

fn material(fields: &Fields) -> Result<Option<MaterialId>, Failure> {
    let Some(text) = fields.text("KeyMaterialId")? else { return Ok(None) };
    let mut id = [0; 32];
    match hex::decode_to_slice(text, &mut id) {
        Ok(()) => Ok(Some(MaterialId(id))),
        Err(_) => Err(FailureCode::KeyVersionNotFound.into()),
    }
}

fn description(fields: &Fields) -> Result<Option<String>, Failure> {
    let Some(text) = fields.text("Description")? else { return Ok(None) };
    length(text, 0, 8192, "description")?;
    Ok(Some(text.to_owned()))
}

fn policy(fields: &Fields) -> Result<Option<PolicyDocument>, Failure> {
    let Some(text) = fields.text("Policy")? else { return Ok(None) };
    length(text, 1, 131_072, "policy")?;
    Ok(Some(PolicyDocument { language: PolicyLanguage::Amazon, text: text.to_owned() }))
}

/// Whether the caller does not mind to be locked out by a policy.
fn locks_out(fields: &Fields) -> Result<bool, Failure> {
    Ok(fields.flag("BypassPolicyLockoutSafetyCheck")?.unwrap_or(false))
}

fn policy_name(fields: &Fields) -> Result<(), Failure> {
    match fields.text("PolicyName")? {
        None | Some("default") => Ok(()),
        Some(_) => Err(Failure::new(FailureCode::KeyNotFound).with_message("No such policy exists")),
    }
}
