//! Answers.

use serde_json::{Map, Value, json};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::grant::{Grant, GrantConstraint};
use strongroom_model::key::{KeyDescription, KeyOrigin, KeyState, KeyVersionFacts, MaterialId, VersionCause};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::Listed;
use strongroom_model::time::Timestamp;

use super::super::fields::Fields;
use super::arn;
use super::check::{is_dry_run, marker};
use super::manage::GRANTABLE;
use crate::exchange::Site;
use crate::text::bytes::{base64, token};

type Written = Result<Value, Failure>;

const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

pub(super) fn nothing(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({}))
}

pub(super) fn key_metadata(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    dry(fields)?;
    Ok(json!({ "KeyMetadata": metadata(key) }))
}

pub(super) fn keys(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Keys(keys) = outcome else { return Err(other(outcome)) };
    let entry = |key: &KeyDescription| json!({ "KeyId": key.name.id, "KeyArn": arn(&key.name) });
    Ok(list("Keys", keys, entry))
}

pub(super) fn key_id(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "KeyId": arn(&described(outcome)?.name) }))
}

pub(super) fn deletion(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    let KeyState::PendingDeletion { deletion } = key.state else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": arn(&key.name),
        "DeletionDate": seconds(deletion),
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": fields.number("PendingWindowInDays")?.unwrap_or(30),
    }))
}

pub(super) fn aliases(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Aliases(aliases) = outcome else { return Err(other(outcome)) };
    Ok(list("Aliases", aliases, |alias| {
        let (name, key) = (format!("alias/{}", alias.alias), &alias.key);
        json!({
            "AliasName": name,
            "AliasArn": format!("arn:aws:kms:{}:{}:{name}", key.region, key.account.aws()),
            "TargetKeyId": key.id,
            "CreationDate": seconds(alias.created),
            "LastUpdatedDate": seconds(alias.created),
        })
    }))
}

pub(super) fn tags(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let tags = described(outcome)?.tags.iter();
    let tags: Vec<Value> = tags.map(|(name, value)| json!({ "TagKey": name, "TagValue": value })).collect();
    Ok(json!({ "Tags": tags, "Truncated": false }))
}

pub(super) fn rotation(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    let mut answer = json!({ "KeyId": arn(&key.name), "KeyRotationEnabled": key.rotation.next.is_some() });
    if let Some(next) = key.rotation.next {
        answer["NextRotationDate"] = seconds(next);
        answer["RotationPeriodInDays"] = key.rotation.days.into();
    }
    Ok(answer)
}

pub(super) fn rotations(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Versions(name, versions) = outcome else { return Err(other(outcome)) };
    let all = fields.text("IncludeKeyMaterial")? == Some("ALL_KEY_MATERIAL");
    let entry = |version: &KeyVersionFacts| {
        let mut entry = json!({ "KeyId": arn(name), "KeyMaterialId": material_id(&version.material) });
        if version.cause != VersionCause::Creation {
            entry["RotationDate"] = seconds(version.created);
            entry["RotationType"] =
                if version.cause == VersionCause::Demand { "ON_DEMAND".into() } else { "AUTOMATIC".into() };
        }
        entry
    };
    let mut answer = list("Rotations", versions, entry);
    if let (false, Some(entries)) = (all, answer["Rotations"].as_array_mut()) {
        entries.retain(|entry| entry.get("RotationType").is_some());
    }
    Ok(answer)
}

pub(super) fn policy(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Policy(name, policy) = outcome else { return Err(other(outcome)) };
    let usual = || {
        let account = format!("arn:aws:iam::{}:root", name.account.aws());
        let allow = json!({
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": account },
            "Action": "kms:*",
            "Resource": "*",
        });
        json!({ "Version": "2012-10-17", "Id": "key-default-1", "Statement": [allow] }).to_string()
    };
    Ok(json!({ "Policy": policy.as_ref().map_or_else(usual, |policy| policy.text.clone()), "PolicyName": "default" }))
}

pub(super) fn policies(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "PolicyNames": ["default"], "Truncated": false }))
}

pub(super) fn grant(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    dry(fields)?;
    let KeyOutcome::Granted(grant) = outcome else { return Err(other(outcome)) };
    Ok(json!({ "GrantId": grant.id, "GrantToken": token(&format!("{} {}", arn(&grant.key), grant.id)) }))
}

pub(super) fn grants(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Grants(grants) = outcome else { return Err(other(outcome)) };
    Ok(list("Grants", grants, granted))
}

pub(super) fn import_parameters(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::ImportParameters(parameters) = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": arn(&parameters.key),
        "ImportToken": base64(&parameters.token),
        "PublicKey": base64(&parameters.public_key),
        "ParametersValidTo": seconds(parameters.expires),
    }))
}

pub(super) fn material(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = described(outcome)?;
    let id = key.material.as_ref().map(material_id);
    Ok(json!({ "KeyId": arn(&key.name), "KeyMaterialId": id }))
}

pub(super) fn deleted_material(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let mut answer = json!({ "KeyId": arn(&described(outcome)?.name) });
    if let Some(id) = fields.text("KeyMaterialId")? {
        answer["KeyMaterialId"] = id.into();
    }
    Ok(answer)
}

pub(super) fn data_key(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    dry(fields)?;
    let KeyOutcome::DataKey { key, ciphertext, plaintext } = outcome else { return Err(other(outcome)) };
    let mut answer = json!({
        "KeyId": arn(&key.name),
        "CiphertextBlob": base64(ciphertext),
        "KeyMaterialId": material_id(&key.material),
    });
    if let Some(plaintext) = plaintext {
        answer["Plaintext"] = base64(plaintext.expose()).into();
    }
    Ok(answer)
}

pub(super) fn encrypted(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    dry(fields)?;
    let KeyOutcome::Encrypted { key, ciphertext } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": arn(&key.name),
        "CiphertextBlob": base64(ciphertext),
        "EncryptionAlgorithm": ALGORITHM,
    }))
}

pub(super) fn decrypted(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    dry(fields)?;
    let KeyOutcome::Decrypted { key, plaintext, .. } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "KeyId": arn(&key.name),
        "Plaintext": base64(plaintext.expose()),
        "EncryptionAlgorithm": ALGORITHM,
        "KeyMaterialId": material_id(&key.material),
    }))
}

pub(super) fn re_encrypted(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    dry(fields)?;
    let KeyOutcome::ReEncrypted { source, key, ciphertext } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "CiphertextBlob": base64(ciphertext),
        "SourceKeyId": arn(&source.name),
        "KeyId": arn(&key.name),
        "SourceEncryptionAlgorithm": ALGORITHM,
        "DestinationEncryptionAlgorithm": ALGORITHM,
        "SourceKeyMaterialId": material_id(&source.material),
        "DestinationKeyMaterialId": material_id(&key.material),
    }))
}

pub(super) fn random(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Random(bytes) = outcome else { return Err(other(outcome)) };
    Ok(json!({ "Plaintext": base64(bytes.expose()) }))
}

fn metadata(key: &KeyDescription) -> Value {
    let (state, deletion) = match key.state {
        KeyState::Enabled => ("Enabled", None),
        KeyState::Disabled => ("Disabled", None),
        KeyState::PendingDeletion { deletion } => ("PendingDeletion", Some(deletion)),
        KeyState::PendingImport => ("PendingImport", None),
    };
    let is_imported = key.origin == KeyOrigin::External;
    let mut metadata = json!({
        "AWSAccountId": key.name.account.aws(),
        "KeyId": key.name.id,
        "Arn": arn(&key.name),
        "CreationDate": seconds(key.created),
        "Enabled": key.state == KeyState::Enabled,
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": state,
        "Origin": if is_imported { "EXTERNAL" } else { "AWS_KMS" },
        "KeyManager": if key.name.is_default { "AWS" } else { "CUSTOMER" },
        "CustomerMasterKeySpec": ALGORITHM,
        "KeySpec": ALGORITHM,
        "EncryptionAlgorithms": [ALGORITHM],
        "MultiRegion": false,
    });
    if let Some(deletion) = deletion {
        metadata["DeletionDate"] = seconds(deletion);
    }
    if let Some(material) = &key.material {
        metadata["CurrentKeyMaterialId"] = material_id(material).into();
        if is_imported {
            let ends = key.expires.is_some();
            metadata["ExpirationModel"] =
                if ends { "KEY_MATERIAL_EXPIRES".into() } else { "KEY_MATERIAL_DOES_NOT_EXPIRE".into() };
        }
    }
    if let Some(expires) = key.expires {
        metadata["ValidTo"] = seconds(expires);
    }
    metadata
}

fn granted(grant: &Grant) -> Value {
    let words =
        grant.terms.actions.iter().filter_map(|action| {
            GRANTABLE.iter().find(|(_, known)| known == action).map(|(word, _)| Value::from(*word))
        });
    let mut entry = json!({
        "KeyId": arn(&grant.key),
        "GrantId": grant.id,
        "GranteePrincipal": grant.terms.grantee,
        "IssuingAccount": format!("arn:aws:iam::{}:root", grant.key.account.aws()),
        "CreationDate": seconds(grant.created),
        "Operations": words.collect::<Vec<_>>(),
    });
    if let Some(name) = &grant.terms.name {
        entry["Name"] = name.clone().into();
    }
    if let Some(retiring) = &grant.terms.retiring {
        entry["RetiringPrincipal"] = retiring.clone().into();
    }
    match &grant.terms.constraint {
        Some(GrantConstraint::Equals(context)) => entry["Constraints"] = json!({ "EncryptionContextEquals": context }),
        Some(GrantConstraint::Subset(context)) => entry["Constraints"] = json!({ "EncryptionContextSubset": context }),
        None => {}
    }
    entry
}

fn list<T>(name: &str, listed: &Listed<T>, entry: impl Fn(&T) -> Value) -> Value {
    let mut answer = Map::new();
    answer.insert(name.to_owned(), listed.entries.iter().map(entry).collect());
    answer.insert("Truncated".to_owned(), listed.next().is_some().into());
    if let Some(next) = listed.next() {
        answer.insert("NextMarker".to_owned(), marker(next).into());
    }
    Value::Object(answer)
}

/// Seconds since 1970 with their milliseconds, as the service has them.
fn seconds(time: Timestamp) -> Value {
    (time.millis() as f64 / 1000.0).into()
}

fn material_id(id: &MaterialId) -> String {
    hex::encode(id.0)
}

fn described(outcome: &KeyOutcome) -> Result<&KeyDescription, Failure> {
    match outcome {
        KeyOutcome::Key(key) => Ok(key),
        other_one => Err(other(other_one)),
    }
}

fn dry(fields: &Fields) -> Result<(), Failure> {
    if is_dry_run(fields)? { Err(FailureCode::DryRun.into()) } else { Ok(()) }
}

/// The engine answered something that was not asked.
fn other(outcome: &KeyOutcome) -> Failure {
    Failure::new(FailureCode::Internal).caused_by(format!("an unexpected answer: {outcome:?}"))
}
