//! Answers.

use serde_json::{Map, Value, json};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::{KeyDescription, KeyName, KeyOrigin, KeySpec, KeyState, KeyVersionFacts, MaterialId};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::Listed;
use strongroom_model::time::Timestamp;

use super::super::fields::Fields;
use super::{put, uuid};
use crate::exchange::Site;
use crate::text::bytes::base64;

type Written = Result<Value, Failure>;

pub(super) fn nothing(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({}))
}

pub(super) fn metadata(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    let (state, deletion) = match key.state {
        KeyState::Enabled => ("Enabled", None),
        KeyState::Disabled => ("Disabled", None),
        KeyState::PendingDeletion { deletion } => ("PendingDeletion", Some(deletion)),
        KeyState::PendingImport => ("PendingImport", None),
    };
    let uid = key.name.account.oss_uid();
    let rotates = key.rotation.next.is_some();
    let mut metadata = json!({
        "KeyId": key.name.id,
        "Arn": arn(&key.name),
        "KeySpec": match key.spec { KeySpec::Aes256 => "Aliyun_AES_256", KeySpec::Sm4 => "Aliyun_SM4" },
        "KeyState": state,
        "KeyUsage": "ENCRYPT/DECRYPT",
        "Creator": if key.name.is_default { "Oss".to_owned() } else { uid },
        "CreationDate": time(key.created),
        "DeleteDate": deletion.map(time).unwrap_or_default(),
        "Description": key.description,
        "Origin": match key.origin { KeyOrigin::Service => "Aliyun_KMS", KeyOrigin::External => "EXTERNAL" },
        "ProtectionLevel": "SOFTWARE",
        "LastRotationDate": time(key.rotation.last.unwrap_or(key.created)),
        "AutomaticRotation": match (rotates, state) {
            (true, "Enabled") => "Enabled",
            (true, _) => "Suspended",
            (false, _) => "Disabled",
        },
        "DeletionProtection": if key.protection.is_some() { "Enabled" } else { "Disabled" },
        "DeletionProtectionDescription": key.protection.clone().unwrap_or_default(),
        "MaterialExpireTime": key.expires.map(time).unwrap_or_default(),
    });
    put(&mut metadata, "PrimaryKeyVersion", key.material.as_ref().map(version_id));
    if let Some(next) = key.rotation.next {
        metadata["NextRotationDate"] = time(next).into();
        metadata["RotationInterval"] = format!("{}s", u64::from(key.rotation.days) * 86_400).into();
    }
    Ok(json!({ "KeyMetadata": metadata }))
}

pub(super) fn keys(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Keys(keys) = outcome else { return Err(other(outcome)) };
    let entry = |key: &KeyDescription| json!({ "KeyId": key.name.id, "KeyArn": arn(&key.name) });
    list(("Keys", "Key"), keys, fields, entry)
}

pub(super) fn version(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    let made = key.rotation.last.unwrap_or(key.created);
    Ok(json!({ "KeyVersion": {
        "KeyId": key.name.id,
        "KeyVersionId": key.material.as_ref().map(version_id),
        "CreationDate": time(made),
    }}))
}

pub(super) fn versions(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Versions(name, versions) = outcome else { return Err(other(outcome)) };
    list(("KeyVersions", "KeyVersion"), versions, fields, |version| one_version(name, version))
}

pub(super) fn described_version(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Versions(name, versions) = outcome else { return Err(other(outcome)) };
    let wanted = fields.text("KeyVersionId")?.unwrap_or_default();
    let found = versions.entries.iter().find(|version| version_id(&version.material) == wanted);
    let version = found.ok_or_else(|| Failure::new(FailureCode::KeyVersionNotFound))?;
    Ok(json!({ "KeyVersion": one_version(name, version) }))
}

fn one_version(name: &KeyName, version: &KeyVersionFacts) -> Value {
    json!({
        "KeyId": name.id,
        "KeyVersionId": version_id(&version.material),
        "CreationDate": time(version.created),
    })
}

pub(super) fn aliases(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Aliases(aliases) = outcome else { return Err(other(outcome)) };
    list(("Aliases", "Alias"), aliases, fields, |alias| {
        let (key, name) = (&alias.key, format!("alias/{}", alias.alias));
        let arn = format!("acs:kms:{}:{}:{name}", key.region, key.account.oss_uid());
        json!({ "KeyId": key.id, "AliasName": name, "AliasArn": arn })
    })
}

pub(super) fn tags(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    let tag = |(name, value)| json!({ "KeyId": key.name.id, "TagKey": name, "TagValue": value });
    Ok(json!({ "Tags": { "Tag": key.tags.iter().map(tag).collect::<Vec<_>>() } }))
}

pub(super) fn policy(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Policy(name, policy) = outcome else { return Err(other(outcome)) };
    let usual = || {
        let root = format!("acs:ram::{}:*", name.account.oss_uid());
        let allow = json!({
            "Sid": "kms default key policy",
            "Effect": "Allow",
            "Principal": { "RAM": [root] },
            "Action": ["kms:*"],
            "Resource": ["*"],
        });
        json!({ "Version": "1", "Statement": [allow] }).to_string()
    };
    Ok(json!({ "Policy": policy.as_ref().map_or_else(usual, |policy| policy.text.clone()) }))
}

pub(super) fn import_parameters(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::ImportParameters(parameters) = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": parameters.key.id,
        "ImportToken": base64(&parameters.token),
        "PublicKey": base64(&parameters.public_key),
        "TokenExpireTime": time(parameters.expires),
    }))
}

pub(super) fn data_key(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::DataKey { key, ciphertext, plaintext } = outcome else { return Err(other(outcome)) };
    let mut answer = json!({
        "KeyId": key.name.id,
        "KeyVersionId": version_id(&key.material),
        "CiphertextBlob": base64(ciphertext),
    });
    put(&mut answer, "Plaintext", plaintext.as_ref().map(|plaintext| base64(plaintext.expose())));
    Ok(answer)
}

pub(super) fn encrypted(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Encrypted { key, ciphertext } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": key.name.id,
        "KeyVersionId": version_id(&key.material),
        "CiphertextBlob": base64(ciphertext),
    }))
}

pub(super) fn decrypted(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Decrypted { key, plaintext, .. } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": key.name.id,
        "KeyVersionId": version_id(&key.material),
        "Plaintext": base64(plaintext.expose()),
    }))
}

pub(super) fn re_encrypted(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::ReEncrypted { key, ciphertext, .. } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": key.name.id,
        "KeyVersionId": version_id(&key.material),
        "CiphertextBlob": base64(ciphertext),
    }))
}

pub(super) fn regions(_: &KeyOutcome, _: &Fields, site: &Site) -> Written {
    Ok(json!({ "Regions": { "Region": [{ "RegionId": site.region.as_str() }] } }))
}

pub(super) fn account_status(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "AccountStatus": "Enabled" }))
}

fn list<T>((outer, inner): (&str, &str), listed: &Listed<T>, fields: &Fields, entry: impl Fn(&T) -> Value) -> Written {
    let mut entries = Map::new();
    entries.insert(inner.to_owned(), listed.entries.iter().map(entry).collect());
    let mut answer = json!({
        "TotalCount": listed.total,
        "PageNumber": fields.number("PageNumber")?.unwrap_or(1),
        "PageSize": fields.number("PageSize")?.unwrap_or(10),
    });
    answer[outer] = Value::Object(entries);
    Ok(answer)
}

fn arn(name: &KeyName) -> String {
    format!("acs:kms:{}:{}:key/{}", name.region, name.account.oss_uid(), name.id)
}

/// A version is called by its material, in the form of a UUID.
fn version_id(material: &MaterialId) -> String {
    uuid(&material.0)
}

/// ISO 8601 in UTC, to the second.
fn time(time: Timestamp) -> String {
    let text = Timestamp::from_seconds(time.seconds()).to_string();
    text.replace(".000Z", "Z")
}

fn described(outcome: &KeyOutcome) -> Result<&KeyDescription, Failure> {
    match outcome {
        KeyOutcome::Key(key) => Ok(key),
        other_one => Err(other(other_one)),
    }
}

/// The engine answered something that was not asked.
fn other(outcome: &KeyOutcome) -> Failure {
    Failure::new(FailureCode::Internal).caused_by(format!("an unexpected answer: {outcome:?}"))
}
