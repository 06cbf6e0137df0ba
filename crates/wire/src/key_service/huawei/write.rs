//! Answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::grant::{Grant, GranteeKind};
use strongroom_model::key::{AliasFacts, KeyDescription, KeyOrigin, KeySpec, KeyState};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::Listed;
use strongroom_model::time::Timestamp;

use super::super::fields::{Fields, text_map};
use super::read::GRANTABLE;
use crate::exchange::Site;
use crate::text::bytes::base64;

type Written = Result<Value, Failure>;

const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

pub(super) fn nothing(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({}))
}

pub(super) fn created(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    Ok(json!({ "key_info": { "key_id": key.name.id, "domain_id": key.name.account.obs_domain() } }))
}

pub(super) fn described(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "key_info": details(one(outcome)?) }))
}

pub(super) fn keys(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Keys(keys) = outcome else { return Err(other(outcome)) };
    let mut answer = listed(keys);
    answer["keys"] = keys.entries.iter().map(|key| Value::from(key.name.id.clone())).collect();
    answer["key_details"] = keys.entries.iter().map(details).collect();
    Ok(answer)
}

pub(super) fn state_in_info(outcome: &KeyOutcome, fields: &Fields, site: &Site) -> Written {
    Ok(json!({ "key_info": state(outcome, fields, site)? }))
}

pub(super) fn state(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    Ok(json!({ "key_id": key.name.id, "key_state": state_of(key.state) }))
}

pub(super) fn key_id(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "key_id": one(outcome)?.name.id }))
}

pub(super) fn alias(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    Ok(json!({ "key_info": { "key_id": key.name.id, "key_alias": fields.text("key_alias")? } }))
}

pub(super) fn description(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    Ok(json!({ "key_info": { "key_id": key.name.id, "key_description": key.description } }))
}

pub(super) fn rotation(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    if key.origin == KeyOrigin::External {
        return Err(FailureCode::KeyOriginUnsupported.into());
    }
    Ok(json!({
        "key_rotation_enabled": key.rotation.next.is_some(),
        "rotation_interval": key.rotation.days,
        "last_rotation_time": key.rotation.last.map(millis).unwrap_or_default(),
        "number_of_rotations": key.rotation.count,
    }))
}

pub(super) fn grant_id(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Granted(grant) = outcome else { return Err(other(outcome)) };
    Ok(json!({ "grant_id": grant.id }))
}

pub(super) fn grants(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Grants(grants) = outcome else { return Err(other(outcome)) };
    let mut answer = listed(grants);
    answer["grants"] = grants.entries.iter().map(granted).collect();
    Ok(answer)
}

pub(super) fn import_parameters(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::ImportParameters(parameters) = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "key_id": parameters.key.id,
        "import_token": base64(&parameters.token),
        "expiration_time": parameters.expires.seconds(),
        "public_key": base64(&parameters.public_key),
    }))
}

pub(super) fn datakey(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::DataKey { key, ciphertext, plaintext } = outcome else { return Err(other(outcome)) };
    let mut answer = json!({ "key_id": key.name.id, "cipher_text": hex::encode(ciphertext) });
    if let Some(plaintext) = plaintext {
        answer["plain_text"] = hex::encode(plaintext.expose()).into();
    }
    Ok(answer)
}

pub(super) fn sealed_datakey(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Encrypted { key, ciphertext } = outcome else { return Err(other(outcome)) };
    let length = fields.number("datakey_plain_length")?.unwrap_or_default().to_string();
    Ok(json!({ "key_id": key.name.id, "cipher_text": hex::encode(ciphertext), "datakey_length": length }))
}

pub(super) fn opened_datakey(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Decrypted { plaintext, digest, .. } = outcome else { return Err(other(outcome)) };
    let (bytes, said) = (plaintext.expose(), fields.number("datakey_cipher_length")?.unwrap_or_default());
    if usize::try_from(said) != Ok(bytes.len()) {
        return Err(FailureCode::InvalidArgument.into());
    }
    Ok(json!({
        "data_key": hex::encode(bytes),
        "datakey_length": bytes.len().to_string(),
        "datakey_dgst": digest.map(hex::encode),
    }))
}

pub(super) fn sealed_data(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Encrypted { key, ciphertext } = outcome else { return Err(other(outcome)) };
    Ok(json!({ "key_id": key.name.id, "cipher_text": base64(ciphertext) }))
}

/// Data that is no text has no spelling as one.
pub(super) fn opened_data(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Decrypted { key, plaintext, .. } = outcome else { return Err(other(outcome)) };
    let text = std::str::from_utf8(plaintext.expose()).unwrap_or_default();
    Ok(json!({ "key_id": key.name.id, "plain_text": text, "plain_text_base64": base64(plaintext.expose()) }))
}

pub(super) fn re_encrypted(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::ReEncrypted { source, key, ciphertext } = outcome else { return Err(other(outcome)) };
    Ok(json!({
        "key_id": key.name.id,
        "source_key_id": source.name.id,
        "source_encryption_algorithm": ALGORITHM,
        "destination_encryption_algorithm": ALGORITHM,
        "cipher_text": base64(ciphertext),
    }))
}

pub(super) fn random(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Random(bytes) = outcome else { return Err(other(outcome)) };
    Ok(json!({ "random_data": hex::encode(bytes.expose()) }))
}

pub(super) fn instances(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Quotas(quotas) = outcome else { return Err(other(outcome)) };
    Ok(json!({ "instance_num": quotas.custom }))
}

pub(super) fn quotas(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Quotas(quotas) = outcome else { return Err(other(outcome)) };
    let keys = json!({ "type": "CMK", "used": quotas.custom, "quota": quotas.keys_max });
    let grants = json!({ "type": "grant_per_CMK", "used": 0, "quota": quotas.grants_per_key });
    Ok(json!({ "quotas": { "resources": [keys, grants] } }))
}

pub(super) fn tags(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    Ok(json!({ "tags": tags_of(key), "existTagsNum": key.tags.len() }))
}

pub(super) fn project_tags(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Keys(keys) = outcome else { return Err(other(outcome)) };
    let mut all: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (name, value) in keys.entries.iter().flat_map(|key| &key.tags) {
        all.entry(name).or_default().insert(value);
    }
    let tags = all.into_iter().map(|(name, values)| json!({ "key": name, "values": values }));
    Ok(json!({ "tags": tags.collect::<Vec<_>>() }))
}

/// The keys that have one of the values of each tag that was asked for.
pub(super) fn tagged_keys(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let KeyOutcome::Keys(keys) = outcome else { return Err(other(outcome)) };
    let wanted = fields.list("tags")?;
    let fits = |key: &KeyDescription, tag: &Value| {
        let value = tag["key"].as_str().and_then(|name| key.tags.get(name));
        let values = tag["values"].as_array().map(Vec::as_slice).unwrap_or_default();
        value.is_some_and(|value| values.is_empty() || values.iter().any(|one| one.as_str() == Some(value)))
    };
    let mut matched = Vec::new();
    for matching in fields.list("matches")? {
        let members = text_map(matching).ok_or(FailureCode::MalformedXml)?;
        matched.extend(members.get("value").cloned());
    }
    let is_named =
        |key: &KeyDescription| matched.iter().all(|name| key.aliases.iter().any(|alias| alias.contains(name)));
    let found: Vec<_> =
        keys.entries.iter().filter(|key| wanted.iter().all(|tag| fits(key, tag)) && is_named(key)).collect();
    let mut answer = json!({ "total_count": found.len() });
    if fields.text("action")? != Some("count") {
        let (offset, limit) = (fields.number("offset")?.unwrap_or(0), fields.number("limit")?.unwrap_or(1000));
        let (offset, limit) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(0));
        let resource = |key: &&KeyDescription| {
            json!({
                "resource_id": key.name.id,
                "resource_name": shown_alias(key),
                "resource_detail": details(key),
                "tags": tags_of(key),
            })
        };
        answer["resources"] = found.iter().skip(offset).take(limit).map(resource).collect();
    }
    Ok(answer)
}

pub(super) fn alias_entity(outcome: &KeyOutcome, fields: &Fields, _: &Site) -> Written {
    let key = one(outcome)?;
    let alias = fields.text("alias")?.unwrap_or_default();
    let alias = alias.strip_prefix("alias/").unwrap_or(alias).to_owned();
    Ok(entity(&AliasFacts { alias, key: key.name.clone(), created: key.created }))
}

pub(super) fn aliases(outcome: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    let KeyOutcome::Aliases(aliases) = outcome else { return Err(other(outcome)) };
    let page = json!({ "current_count": aliases.entries.len(), "next_marker": next(aliases) });
    let entries: Vec<Value> = aliases.entries.iter().map(entity).collect();
    Ok(json!([{ "aliases": entries, "page_info": page }]))
}

pub(super) fn versions(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "versions": [version_details()] }))
}

pub(super) fn version(_: &KeyOutcome, _: &Fields, _: &Site) -> Written {
    Ok(json!({ "version": version_details() }))
}

fn version_details() -> Value {
    json!({
        "id": "v1.0",
        "links": [{ "href": "/v1.0/", "rel": "self" }],
        "version": "",
        "status": "CURRENT",
        "updated": "2016-10-29T00:00:00Z",
        "min_version": "",
    })
}

fn details(key: &KeyDescription) -> Value {
    let deletion = match key.state {
        KeyState::PendingDeletion { deletion } => millis(deletion),
        KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => String::new(),
    };
    json!({
        "key_id": key.name.id,
        "domain_id": key.name.account.obs_domain(),
        "key_alias": shown_alias(key),
        "realm": key.name.region.as_str(),
        "key_description": key.description,
        "creation_date": millis(key.created),
        "scheduled_deletion_date": deletion,
        "key_spec": match key.spec { KeySpec::Aes256 => "AES_256", KeySpec::Sm4 => "SM4" },
        "key_usage": "ENCRYPT_DECRYPT",
        "key_state": state_of(key.state),
        "default_key_flag": if key.name.is_default { "1" } else { "0" },
        "key_type": "1",
        "expiration_time": key.expires.map(|time| time.seconds().to_string()).unwrap_or_default(),
        "origin": match key.origin { KeyOrigin::Service => "kms", KeyOrigin::External => "external" },
        "key_rotation_enabled": key.rotation.next.is_some().to_string(),
        "sys_enterprise_project_id": "0",
        "keystore_id": "0",
    })
}

fn granted(grant: &Grant) -> Value {
    let words =
        grant.terms.actions.iter().filter_map(|action| {
            GRANTABLE.iter().find(|(_, known)| known == action).map(|(word, _)| Value::from(*word))
        });
    let kind = match grant.terms.grantee_kind {
        GranteeKind::User => "user",
        GranteeKind::Account => "domain",
    };
    json!({
        "key_id": grant.key.id,
        "grant_id": grant.id,
        "grantee_principal": grant.terms.grantee,
        "grantee_principal_type": kind,
        "operations": words.collect::<Vec<_>>(),
        "issuing_principal": grant.issuer,
        "creation_date": millis(grant.created),
        "name": grant.terms.name.clone().unwrap_or_default(),
        "retiring_principal": grant.terms.retiring.clone().unwrap_or_default(),
    })
}

fn entity(alias: &AliasFacts) -> Value {
    let (key, name) = (&alias.key, format!("alias/{}", alias.alias));
    json!({
        "domain_id": key.account.obs_domain(),
        "key_id": key.id,
        "alias": name,
        "alias_urn": format!("kms:{}:{}:{name}", key.region, key.account.obs_domain()),
        "create_time": millis(alias.created),
        "update_time": millis(alias.created),
    })
}

fn tags_of(key: &KeyDescription) -> Vec<Value> {
    key.tags.iter().map(|(name, value)| json!({ "key": name, "value": value })).collect()
}

/// The alias that a key is shown with: the service knows one to a key.
fn shown_alias(key: &KeyDescription) -> String {
    match key.aliases.first() {
        Some(alias) => alias.clone(),
        None if key.name.is_default => "obs/default".to_owned(),
        None => String::new(),
    }
}

fn state_of(state: KeyState) -> &'static str {
    match state {
        KeyState::Enabled => "2",
        KeyState::Disabled => "3",
        KeyState::PendingDeletion { .. } => "4",
        KeyState::PendingImport => "5",
    }
}

fn listed<T>(listed: &Listed<T>) -> Value {
    let truncated = listed.next().is_some().to_string();
    json!({ "next_marker": next(listed), "truncated": truncated, "total": listed.total })
}

fn next<T>(listed: &Listed<T>) -> String {
    listed.next().map(|next| next.to_string()).unwrap_or_default()
}

/// Milliseconds since 1970, as text.
fn millis(time: Timestamp) -> String {
    time.millis().to_string()
}

fn one(outcome: &KeyOutcome) -> Result<&KeyDescription, Failure> {
    match outcome {
        KeyOutcome::Key(key) => Ok(key),
        other_one => Err(other(other_one)),
    }
}

/// The engine answered something that was not asked.
fn other(outcome: &KeyOutcome) -> Failure {
    Failure::new(FailureCode::Internal).caused_by(format!("an unexpected answer: {outcome:?}"))
}
