//! AWS KMS: JSON 1.1 over `POST /`, the operation in `X-Amz-Target`, signed by V4 for the service `kms`.

mod check;
mod failures;
mod manage;
mod seal;
mod write;

use http::HeaderValue;
use http::request::Parts;
use serde_json::{Map, Value};
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::key::KeyName;

use super::fields::Fields;
use super::{KeyDialect, KeyExchange, KeyRoute};
use crate::signature::v4;

/// AWS KMS.
pub static AWS: KeyDialect = KeyDialect {
    name: "aws-kms",
    schemes: &[&v4::AWS4_KMS],
    recognises: |parts| parts.headers.contains_key(TARGET),
    read,
    routes: ROUTES,
    token: |_| None,
    nonce: |_, _| None,
    xml_root: |_, _| None,
    failures: failures::ROWS,
    answer: |answer, document| {
        answer.content_type = CONTENT_TYPE;
        answer.headers.push((REQUEST_ID, request_id(answer.request_id.0)));
        answer.document = document;
    },
    failure: |answer, told| {
        answer.content_type = CONTENT_TYPE;
        answer.headers.push((REQUEST_ID, request_id(answer.request_id.0)));
        let mut document = Map::new();
        document.insert("__type".to_owned(), told.row.name.into());
        // The service leaves out a message that it does not have, and its clients tell that from an empty one.
        if !told.message.is_empty() {
            document.insert("message".to_owned(), told.message.clone().into());
        }
        answer.document = Some(Value::Object(document));
    },
    spell,
};

const TARGET: &str = "x-amz-target";
const SERVICE: &str = "TrentService.";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const REQUEST_ID: &str = "x-amzn-requestid";

/// Its operations.
const ROUTES: &[KeyRoute] = &[
    KeyRoute::new("CreateKey", manage::create_key, write::key_metadata),
    KeyRoute::new("DescribeKey", manage::describe_key, write::key_metadata),
    KeyRoute::new("ListKeys", manage::list_keys, write::keys),
    KeyRoute::new("EnableKey", manage::enable_key, write::nothing),
    KeyRoute::new("DisableKey", manage::disable_key, write::nothing),
    KeyRoute::new("UpdateKeyDescription", manage::update_description, write::nothing),
    KeyRoute::new("ScheduleKeyDeletion", manage::schedule_deletion, write::deletion),
    KeyRoute::new("CancelKeyDeletion", manage::cancel_deletion, write::key_id),
    KeyRoute::new("CreateAlias", manage::create_alias, write::nothing),
    KeyRoute::new("UpdateAlias", manage::update_alias, write::nothing),
    KeyRoute::new("DeleteAlias", manage::delete_alias, write::nothing),
    KeyRoute::new("ListAliases", manage::list_aliases, write::aliases),
    KeyRoute::new("TagResource", manage::tag, write::nothing),
    KeyRoute::new("UntagResource", manage::untag, write::nothing),
    KeyRoute::new("ListResourceTags", manage::list_tags, write::tags),
    KeyRoute::new("EnableKeyRotation", manage::enable_rotation, write::nothing),
    KeyRoute::new("DisableKeyRotation", manage::disable_rotation, write::nothing),
    KeyRoute::new("GetKeyRotationStatus", manage::get_rotation, write::rotation),
    KeyRoute::new("RotateKeyOnDemand", manage::rotate, write::key_id),
    KeyRoute::new("ListKeyRotations", manage::list_rotations, write::rotations),
    KeyRoute::new("GetKeyPolicy", manage::get_policy, write::policy),
    KeyRoute::new("PutKeyPolicy", manage::put_policy, write::nothing),
    KeyRoute::new("ListKeyPolicies", manage::list_policies, write::policies),
    KeyRoute::new("CreateGrant", manage::create_grant, write::grant),
    KeyRoute::new("ListGrants", manage::list_grants, write::grants),
    KeyRoute::new("ListRetirableGrants", manage::list_retirable_grants, write::grants),
    KeyRoute::new("RevokeGrant", manage::revoke_grant, write::nothing),
    KeyRoute::new("RetireGrant", manage::retire_grant, write::nothing),
    KeyRoute::new("GetParametersForImport", manage::import_parameters, write::import_parameters)
        .failing(failures::OF_IMPORT),
    KeyRoute::new("ImportKeyMaterial", manage::import_material, write::material).failing(failures::OF_IMPORT),
    KeyRoute::new("DeleteImportedKeyMaterial", manage::delete_material, write::deleted_material)
        .failing(failures::OF_IMPORT),
    KeyRoute::new("GenerateDataKey", seal::generate_data_key, write::data_key),
    KeyRoute::new("GenerateDataKeyWithoutPlaintext", seal::generate_hidden_data_key, write::data_key),
    KeyRoute::new("Encrypt", seal::encrypt, write::encrypted),
    KeyRoute::new("Decrypt", seal::decrypt, write::decrypted),
    KeyRoute::new("ReEncrypt", seal::re_encrypt, write::re_encrypted),
    KeyRoute::new("GenerateRandom", seal::generate_random, write::random),
    KeyRoute::unsupported("ConnectCustomKeyStore"),
    KeyRoute::unsupported("CreateCustomKeyStore"),
    KeyRoute::unsupported("Decapsulate"),
    KeyRoute::unsupported("DeleteCustomKeyStore"),
    KeyRoute::unsupported("DeriveSharedSecret"),
    KeyRoute::unsupported("DescribeCustomKeyStores"),
    KeyRoute::unsupported("DisconnectCustomKeyStore"),
    KeyRoute::unsupported("Encapsulate"),
    KeyRoute::unsupported("GenerateDataKeyPair"),
    KeyRoute::unsupported("GenerateDataKeyPairWithoutPlaintext"),
    KeyRoute::unsupported("GenerateMac"),
    KeyRoute::unsupported("GetKeyLastUsage"),
    KeyRoute::unsupported("GetPublicKey"),
    KeyRoute::unsupported("ReplicateKey"),
    KeyRoute::unsupported("Sign"),
    KeyRoute::unsupported("UpdateCustomKeyStore"),
    KeyRoute::unsupported("UpdatePrimaryRegion"),
    KeyRoute::unsupported("Verify"),
    KeyRoute::unsupported("VerifyMac"),
];

fn read(parts: &Parts, document: &[u8]) -> Result<(String, Fields), Failure> {
    let target = parts.headers.get(TARGET).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default();
    let unknown = || Failure::new(FailureCode::InvalidUri).with_detail("Operation", target);
    if parts.method != http::Method::POST {
        return Err(unknown());
    }
    let name = target.strip_prefix(SERVICE).ok_or_else(unknown)?;
    Ok((name.to_owned(), Fields::from_json(document)?))
}

/// A request's identity in the form of a UUID, as the service has it.
fn request_id(bytes: [u8; 16]) -> String {
    let digits = hex::encode(bytes);
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// A key's ARN.
fn arn(name: &KeyName) -> String {
    format!("arn:aws:kms:{}:{}:key/{}", name.region, name.account.aws(), name.id)
}

fn spell(subject: &Subject, code: FailureCode, exchange: &KeyExchange<'_>) -> String {
    match subject {
        Subject::Key(name) => arn(name),
        Subject::Text(text) if code == FailureCode::KeyOfOtherRegion => {
            strongroom_model::key::KeyReference::parse(text).region.unwrap_or_else(|| text.clone())
        }
        Subject::Text(text) if matches!(code, FailureCode::AliasNotFound | FailureCode::KeyNameTaken) => {
            let alias = text.strip_prefix("alias/").unwrap_or(text);
            match exchange.account {
                Some(account) if !text.starts_with("arn:") => {
                    format!("arn:aws:kms:{}:{}:alias/{alias}", exchange.site.region, account.aws())
                }
                _ => text.clone(),
            }
        }
        Subject::Text(text) => text.clone(),
    }
}
