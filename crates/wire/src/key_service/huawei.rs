//! Huawei Cloud KMS (DEW): REST `v1.0`. The operation is the path's last segment; AK/SK signatures of the gateway, or a token
//! of the identity service.

mod failures;
mod read;
mod seal;
mod write;

use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::json;
use strongroom_model::failure::{Failure, FailureCode, Subject};

use super::fields::Fields;
use super::{KeyDialect, KeyRoute};
use crate::signature::sdk;
use crate::text::percent::{decode, decode_form};

/// Huawei Cloud KMS.
pub static HUAWEI: KeyDialect = KeyDialect {
    name: "huawei-kms",
    schemes: &[&sdk::SDK],
    recognises,
    read: read_call,
    routes: ROUTES,
    token: |parts| parts.headers.get(TOKEN).and_then(|value| value.to_str().ok()),
    nonce: |_, _| None,
    xml_root: |_, _| None,
    failures: failures::ROWS,
    answer: |answer, document| {
        answer.headers.push((REQUEST_ID, hex::encode(answer.request_id.0)));
        answer.document = document;
    },
    failure: |answer, told| {
        answer.headers.push((REQUEST_ID, hex::encode(answer.request_id.0)));
        answer.document = Some(json!({ "error": { "error_code": told.code, "error_msg": told.message } }));
    },
    spell: |subject, _, _| match subject {
        Subject::Key(name) => name.id.clone(),
        Subject::Text(text) => text.clone(),
    },
};

const TOKEN: &str = "x-auth-token";
const REQUEST_ID: &str = "x-request-id";

/// Its operations.
const ROUTES: &[KeyRoute] = &[
    KeyRoute::new("create-key", read::create_key, write::created),
    KeyRoute::new("describe-key", read::describe_key, write::described),
    KeyRoute::new("list-keys", read::list_keys, write::keys),
    KeyRoute::new("enable-key", read::enable_key, write::state_in_info).failing(failures::OF_ENABLING),
    KeyRoute::new("disable-key", read::disable_key, write::state_in_info).failing(failures::OF_DISABLING),
    KeyRoute::new("schedule-key-deletion", read::schedule_deletion, write::state).failing(failures::OF_DELETION),
    KeyRoute::new("cancel-key-deletion", read::cancel_deletion, write::state).failing(failures::OF_CANCELLING),
    KeyRoute::new("update-key-alias", read::update_alias, write::alias),
    KeyRoute::new("update-key-description", read::update_description, write::description),
    KeyRoute::new("enable-key-rotation", read::enable_rotation, write::nothing).failing(failures::OF_ROTATION),
    KeyRoute::new("disable-key-rotation", read::disable_rotation, write::nothing).failing(failures::OF_ROTATION),
    KeyRoute::new("update-key-rotation-interval", read::update_interval, write::nothing).failing(failures::OF_ROTATION),
    KeyRoute::new("get-key-rotation-status", read::get_rotation, write::rotation).failing(failures::OF_ROTATION),
    KeyRoute::new("rotate-on-demand", read::rotate, write::key_id).failing(failures::OF_ROTATION),
    KeyRoute::new("create-grant", read::create_grant, write::grant_id),
    KeyRoute::new("list-grants", read::list_grants, write::grants),
    KeyRoute::new("list-retirable-grants", read::list_retirable_grants, write::grants),
    KeyRoute::new("revoke-grant", read::revoke_grant, write::nothing),
    KeyRoute::new("retire-grant", read::retire_grant, write::nothing),
    KeyRoute::new("get-parameters-for-import", read::import_parameters, write::import_parameters),
    KeyRoute::new("import-key-material", read::import_material, write::nothing),
    KeyRoute::new("delete-imported-key-material", read::delete_material, write::nothing),
    KeyRoute::new("create-datakey", seal::create_datakey, write::datakey),
    KeyRoute::new("create-datakey-without-plaintext", seal::create_hidden_datakey, write::datakey),
    KeyRoute::new("encrypt-datakey", seal::encrypt_datakey, write::sealed_datakey),
    KeyRoute::new("decrypt-datakey", seal::decrypt_datakey, write::opened_datakey).failing(failures::OF_DATAKEYS),
    KeyRoute::new("encrypt-data", seal::encrypt_data, write::sealed_data),
    KeyRoute::new("decrypt-data", seal::decrypt_data, write::opened_data),
    KeyRoute::new("re-encrypt", seal::re_encrypt, write::re_encrypted),
    KeyRoute::new("gen-random", seal::gen_random, write::random),
    KeyRoute::new("user-instances", read::quotas, write::instances),
    KeyRoute::new("user-quotas", read::quotas, write::quotas),
    KeyRoute::new("POST tags", read::create_tag, write::nothing),
    KeyRoute::new("POST tags/action", read::change_tags, write::nothing),
    KeyRoute::new("GET tags", read::list_tags, write::tags),
    KeyRoute::new("DELETE tags", read::delete_tag, write::nothing),
    KeyRoute::new("GET project tags", read::all_keys, write::project_tags),
    KeyRoute::new("resource_instances/action", read::all_keys, write::tagged_keys),
    KeyRoute::new("POST aliases", read::create_alias, write::alias_entity),
    KeyRoute::new("GET aliases", read::list_aliases, write::aliases),
    KeyRoute::new("DELETE aliases", read::delete_alias, write::nothing),
    KeyRoute::new("alias/associate", read::associate_alias, write::alias_entity),
    KeyRoute::new("GET versions", read::quotas, write::versions),
    KeyRoute::new("GET version", read::quotas, write::version),
    KeyRoute::unsupported("create-ec-datakey-pair"),
    KeyRoute::unsupported("create-pin"),
    KeyRoute::unsupported("create-rsa-datakey-pair"),
    KeyRoute::unsupported("derive-shared-secret"),
    KeyRoute::unsupported("generate-mac"),
    KeyRoute::unsupported("get-publickey"),
    KeyRoute::unsupported("sign"),
    KeyRoute::unsupported("verify"),
    KeyRoute::unsupported("verify-mac"),
];

fn recognises(parts: &Parts) -> bool {
    let signed = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let path = parts.uri.path();
    signed.is_some_and(|text| text.starts_with("SDK-"))
        || parts.headers.contains_key(TOKEN)
        || path == "/v1.0"
        || path.starts_with("/v1.0/")
}

/// Understands the path: `/v1.0/{project}/kms/…`.
fn read_call(parts: &Parts, document: &[u8]) -> Result<(String, Fields), Failure> {
    let segments: Vec<String> = parts.uri.path().split('/').skip(1).map(decode).collect::<Result<_, _>>()?;
    let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    // The signature's canonical path ends in a slash, and some clients send it so.
    if segments.len() > 1 && segments.last() == Some(&"") {
        segments.pop();
    }
    let method = parts.method.as_str();
    let fields = || Fields::from_json(document);
    match (method, segments.as_slice()) {
        ("GET", [""]) => Ok(("GET versions".to_owned(), from_query(parts)?)),
        ("GET", ["v1.0"]) => Ok(("GET version".to_owned(), from_query(parts)?)),
        ("POST", ["v1.0", _, "kms", "aliases"]) => Ok(("POST aliases".to_owned(), fields()?)),
        ("DELETE", ["v1.0", _, "kms", "aliases"]) => Ok(("DELETE aliases".to_owned(), fields()?)),
        ("GET", ["v1.0", _, "kms", "aliases"]) => Ok(("GET aliases".to_owned(), from_query(parts)?)),
        ("GET", ["v1.0", _, "kms", "tags"]) => Ok(("GET project tags".to_owned(), from_query(parts)?)),
        ("GET", ["v1.0", _, "kms", name @ ("user-instances" | "user-quotas")]) => {
            Ok(((*name).to_owned(), from_query(parts)?))
        }
        ("POST", ["v1.0", _, "kms", "alias", "associate"]) => Ok(("alias/associate".to_owned(), fields()?)),
        ("POST", ["v1.0", _, "kms", "resource_instances", "action"]) => {
            Ok(("resource_instances/action".to_owned(), fields()?))
        }
        ("POST", ["v1.0", _, "kms", key, "tags"]) => Ok(("POST tags".to_owned(), fields()?.with("key_id", key))),
        ("POST", ["v1.0", _, "kms", key, "tags", "action"]) => {
            Ok(("POST tags/action".to_owned(), fields()?.with("key_id", key)))
        }
        ("GET", ["v1.0", _, "kms", key, "tags"]) => Ok(("GET tags".to_owned(), from_query(parts)?.with("key_id", key))),
        ("DELETE", ["v1.0", _, "kms", key, "tags", tag]) => {
            Ok(("DELETE tags".to_owned(), from_query(parts)?.with("key_id", key).with("key", tag)))
        }
        ("POST", ["v1.0", project, "kms", name]) => Ok(((*name).to_owned(), fields()?.with(read::PROJECT, project))),
        (_, ["v1.0", _, "kms", ..]) => Err(FailureCode::MethodNotAllowed.into()),
        _ => Err(FailureCode::InvalidUri.into()),
    }
}

fn from_query(parts: &Parts) -> Result<Fields, Failure> {
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode_form(name)?, decode_form(value)?))
    });
    Ok(Fields::from_pairs(pairs.collect::<Result<Vec<_>, Failure>>()?))
}
