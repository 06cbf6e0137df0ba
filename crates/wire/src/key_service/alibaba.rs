//! Alibaba Cloud KMS: RPC style, version 2016-01-20. The operation and its fields are parameters of the query or of a form.

mod failures;
mod read;
mod write;

use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::{Value, json};
use strongroom_model::failure::{Failure, FailureCode, Subject};

use super::fields::Fields;
use super::{Answer, KeyDialect, KeyRoute};
use crate::signature::head::is_form;
use crate::signature::{acs3, rpc};
use crate::text::percent::decode_form;

/// Alibaba Cloud KMS.
pub static ALIBABA: KeyDialect = KeyDialect {
    name: "alibaba-kms",
    schemes: &[&rpc::RPC, &acs3::ACS3],
    recognises,
    read: read_call,
    routes: ROUTES,
    token: |_| None,
    nonce,
    xml_root: |fields, succeeded| is_xml(fields).then_some(if succeeded { "KMS" } else { "Error" }),
    failures: failures::ROWS,
    answer: |answer, document| {
        let id = request_id(answer.request_id.0);
        answer.content_type = content_type(answer);
        answer.document = document.map(|mut document| {
            document["RequestId"] = id.into();
            document
        });
    },
    failure: |answer, told| {
        answer.content_type = content_type(answer);
        answer.document = Some(json!({
            "RequestId": request_id(answer.request_id.0),
            "HttpStatus": told.row.status,
            "HostId": "kms",
            "Code": told.row.name,
            "Message": told.message,
        }));
    },
    spell: |subject, _, _| match subject {
        Subject::Key(name) => name.id.clone(),
        Subject::Text(text) => text.clone(),
    },
};

/// The header that names the operation where the signature is one of the newer kind.
const ACTION: &str = "x-acs-action";

/// The nonce of such a request.
const NONCE: &str = "x-acs-signature-nonce";

/// Its operations.
const ROUTES: &[KeyRoute] = &[
    KeyRoute::new("CreateKey", read::create_key, write::metadata),
    KeyRoute::new("DescribeKey", read::describe_key, write::metadata),
    KeyRoute::new("ListKeys", read::list_keys, write::keys),
    KeyRoute::new("UpdateKeyDescription", read::update_description, write::nothing),
    KeyRoute::new("EnableKey", read::enable_key, write::nothing),
    KeyRoute::new("DisableKey", read::disable_key, write::nothing),
    KeyRoute::new("ScheduleKeyDeletion", read::schedule_deletion, write::nothing),
    KeyRoute::new("CancelKeyDeletion", read::cancel_deletion, write::nothing),
    KeyRoute::new("SetDeletionProtection", read::protect, write::nothing),
    KeyRoute::new("UpdateRotationPolicy", read::update_rotation, write::nothing),
    KeyRoute::new("CreateKeyVersion", read::create_version, write::version),
    KeyRoute::new("ListKeyVersions", read::list_versions, write::versions),
    KeyRoute::new("DescribeKeyVersion", read::describe_version, write::described_version),
    KeyRoute::new("CreateAlias", read::create_alias, write::nothing),
    KeyRoute::new("UpdateAlias", read::update_alias, write::nothing).failing(failures::OF_ALIAS_UPDATES),
    KeyRoute::new("DeleteAlias", read::delete_alias, write::nothing),
    KeyRoute::new("ListAliases", read::list_aliases, write::aliases),
    KeyRoute::new("ListAliasesByKeyId", read::list_aliases_of_key, write::aliases),
    KeyRoute::new("TagResource", read::tag, write::nothing),
    KeyRoute::new("UntagResource", read::untag, write::nothing),
    KeyRoute::new("ListResourceTags", read::list_tags, write::tags),
    KeyRoute::new("GetKeyPolicy", read::get_policy, write::policy),
    KeyRoute::new("SetKeyPolicy", read::set_policy, write::nothing),
    KeyRoute::new("GetParametersForImport", read::import_parameters, write::import_parameters),
    KeyRoute::new("ImportKeyMaterial", read::import_material, write::nothing),
    KeyRoute::new("DeleteKeyMaterial", read::delete_material, write::nothing),
    KeyRoute::new("GenerateDataKey", read::generate_data_key, write::data_key),
    KeyRoute::new("GenerateDataKeyWithoutPlaintext", read::generate_hidden_data_key, write::data_key),
    KeyRoute::new("Encrypt", read::encrypt, write::encrypted),
    KeyRoute::new("Decrypt", read::decrypt, write::decrypted),
    KeyRoute::new("ReEncrypt", read::re_encrypt, write::re_encrypted),
    KeyRoute::new("DescribeRegions", read::quotas, write::regions),
    KeyRoute::new("DescribeAccountKmsStatus", read::quotas, write::account_status),
    KeyRoute::new("OpenKmsService", read::quotas, write::nothing),
    KeyRoute::unsupported("AsymmetricDecrypt"),
    KeyRoute::unsupported("AsymmetricEncrypt"),
    KeyRoute::unsupported("AsymmetricSign"),
    KeyRoute::unsupported("AsymmetricVerify"),
    KeyRoute::unsupported("ExportDataKey"),
    KeyRoute::unsupported("GenerateAndExportDataKey"),
    KeyRoute::unsupported("GetPublicKey"),
];

/// Its requests have parameters in the query or a form, where those of the others have none.
fn recognises(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    is_form(parts)
        || parts.headers.contains_key(ACTION)
        || query.split('&').any(|pair| pair.starts_with("Action=") || pair.starts_with("AccessKeyId="))
}

fn read_call(parts: &Parts, document: &[u8]) -> Result<(String, Fields), Failure> {
    let query = parts.uri.query().unwrap_or_default();
    let form = if is_form(parts) { std::str::from_utf8(document).map_err(|_| FailureCode::MalformedXml)? } else { "" };
    let pairs = query.split('&').chain(form.split('&')).filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode_form(name)?, decode_form(value)?))
    });
    let fields = Fields::from_pairs(pairs.collect::<Result<Vec<_>, Failure>>()?);
    let named = parts.headers.get(ACTION).and_then(|value| value.to_str().ok());
    let action = match named {
        Some(action) => action,
        None => fields.text("Action")?.ok_or_else(|| read::missing("Action"))?,
    };
    let action = action.to_owned();
    Ok((action, fields))
}

/// A request without a nonce of its own is like no other but by its signature.
fn nonce(parts: &Parts, fields: &Fields) -> Option<String> {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let field = |name| fields.text(name).ok().flatten().map(str::to_owned);
    let own = header(NONCE).or_else(|| field("SignatureNonce"));
    own.or_else(|| header(AUTHORIZATION.as_str())).or_else(|| field("Signature"))
}

fn is_xml(fields: &Fields) -> bool {
    matches!(fields.text("Format"), Ok(Some(format)) if format.eq_ignore_ascii_case("XML"))
}

fn content_type(answer: &Answer) -> &'static str {
    match answer.xml_root {
        Some(_) => "text/xml;charset=utf-8",
        None => "application/json;charset=utf-8",
    }
}

/// A request's identity in the form of a UUID in upper case, as the service has it.
fn request_id(bytes: [u8; 16]) -> String {
    uuid(&bytes).to_ascii_uppercase()
}

/// Sixteen bytes in the form of a UUID.
fn uuid(bytes: &[u8]) -> String {
    let digits = hex::encode(&bytes[..16]);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// A value that is not there when it is none.
fn put(answer: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        answer[name] = value.into();
    }
}
