//! Admin requests to operations.

use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use strongroom_model::{
    failure::{Failure, FailureCode},
    key::KeyReference,
    name::{BucketName, ObjectKey, VersionId},
    operation::{
        AdminOperation, KeyOperation, Operation,
        identity::Holder,
        key::{AliasBefore, CreateKey, ListKeys, PENDING_DAYS, Switch},
    },
};

use super::{
    VERSION, audit, backup, identity,
    request::{AliasTarget, Deletion, NewKey, NewUser, read},
    scrubbing::NewScrub,
};

/// The operation that is asked for.
///
/// # Errors
/// `InvalidUri` for a path that is none, `MethodNotAllowed`, `InvalidArgument` for a name or document that is none.
pub(super) fn decode(method: &Method, uri: &Uri, document: &[u8]) -> Result<Operation, Failure> {
    let segments = segments(uri.path())?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [VERSION, "keys", rest @ ..] => keys(method, rest, document).map(Operation::Key),
        [VERSION, "aliases", alias] => aliases(method, alias, document).map(Operation::Key),
        [VERSION, "users", user, "access-keys", rest @ ..] => {
            identity::access_keys(method, user, rest, document).map(identity::operation)
        }
        [VERSION, "users", user, "policies", policy] => {
            identity::held(method, Holder::User(identity::user(user)?), policy).map(identity::operation)
        }
        [VERSION, "users", rest @ ..] => users(method, rest, document).map(Operation::Admin),
        [VERSION, area @ ("accounts" | "groups" | "policies" | "tokens" | "simulations"), rest @ ..] => {
            identity::decode(method, area, rest, document).map(identity::operation)
        }
        [VERSION, "buckets"] => only(method, &Method::GET, AdminOperation::ListBuckets),
        [VERSION, "objects"] => only(method, &Method::GET, describe(uri.query().unwrap_or_default())?),
        [VERSION, "check"] => only(method, &Method::POST, AdminOperation::ProveKeys),
        [VERSION, "backup"] => only(method, &Method::POST, AdminOperation::Backup(backup::asked(document)?)),
        [VERSION, "audit"] => only(method, &Method::GET, query_audit(uri.query().unwrap_or_default())?),
        [VERSION, "audit", "verification"] => only(method, &Method::POST, AdminOperation::VerifyAudit),
        [VERSION, "scrub"] => scrub(method, document).map(Operation::Admin),
        [VERSION, "lifecycle"] => lifecycle(method).map(Operation::Admin),
        _ => Err(no_such_path()),
    }
}

fn query_audit(query: &str) -> Result<AdminOperation, Failure> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((name.to_owned(), decoded(value)?))
    });
    let filter = audit::filter(pairs.collect::<Result<Vec<_>, Failure>>()?)?;
    Ok(AdminOperation::QueryAudit(Box::new(filter)))
}

fn scrub(method: &Method, document: &[u8]) -> Result<AdminOperation, Failure> {
    match *method {
        Method::GET => Ok(AdminOperation::DescribeScrub),
        Method::POST => Ok(AdminOperation::StartScrub(read::<NewScrub>(document)?.into())),
        Method::DELETE => Ok(AdminOperation::StopScrub),
        _ => Err(FailureCode::MethodNotAllowed.into()),
    }
}

fn lifecycle(method: &Method) -> Result<AdminOperation, Failure> {
    match *method {
        Method::GET => Ok(AdminOperation::DescribeLifecycle),
        Method::POST => Ok(AdminOperation::StartLifecycle),
        Method::DELETE => Ok(AdminOperation::StopLifecycle),
        _ => Err(FailureCode::MethodNotAllowed.into()),
    }
}

fn keys(method: &Method, path: &[&str], document: &[u8]) -> Result<KeyOperation, Failure> {
    match (method, path) {
        (&Method::GET, []) => Ok(KeyOperation::List(ListKeys::default())),
        (&Method::POST, []) => {
            let NewKey { spec, description, alias } = read(document)?;
            let alias = alias.map(|alias| bare_alias(&alias)).transpose()?;
            Ok(KeyOperation::Create(CreateKey { description, alias, ..CreateKey::new(spec.into()) }))
        }
        (_, [] | [_]) if method != Method::GET => Err(FailureCode::MethodNotAllowed.into()),
        (_, [key]) => Ok(KeyOperation::Describe(reference(key)?)),
        (&Method::POST, [key, verb]) => change_key(reference(key)?, verb, document),
        (_, [_, _]) => Err(FailureCode::MethodNotAllowed.into()),
        _ => Err(no_such_path()),
    }
}

fn change_key(key: KeyReference, verb: &str, document: &[u8]) -> Result<KeyOperation, Failure> {
    match verb {
        "enable" => Ok(KeyOperation::Enable(Switch::repeatable(key))),
        "disable" => Ok(KeyOperation::Disable(Switch::repeatable(key))),
        "rotate" => Ok(KeyOperation::Rotate { key, demands_max: None }),
        "cancel-deletion" => Ok(KeyOperation::CancelDeletion(key)),
        "schedule-deletion" => {
            let Deletion { pending_days } = read(document)?;
            if !PENDING_DAYS.contains(&pending_days) {
                return Err(invalid("pending_days must be 7 to 1096."));
            }
            Ok(KeyOperation::ScheduleDeletion { key, days: pending_days })
        }
        _ => Err(no_such_path()),
    }
}

fn aliases(method: &Method, alias: &str, document: &[u8]) -> Result<KeyOperation, Failure> {
    let alias = bare_alias(alias)?;
    match *method {
        Method::PUT => {
            let AliasTarget { key } = read(document)?;
            Ok(KeyOperation::PointAlias { alias, key: reference(&key)?, before: AliasBefore::Any })
        }
        Method::DELETE => Ok(KeyOperation::RemoveAlias(alias)),
        _ => Err(FailureCode::MethodNotAllowed.into()),
    }
}

fn users(method: &Method, path: &[&str], document: &[u8]) -> Result<AdminOperation, Failure> {
    let name = identity::user;
    match (method, path) {
        (&Method::GET, []) => Ok(AdminOperation::ListUsers),
        (&Method::POST, []) => {
            let user: NewUser = read(document)?;
            Ok(AdminOperation::CreateUser(name(&user.name)?))
        }
        (&Method::DELETE, [user]) => Ok(AdminOperation::DeleteUser(name(user)?)),
        (_, [] | [_]) => Err(FailureCode::MethodNotAllowed.into()),
        _ => Err(no_such_path()),
    }
}

fn describe(query: &str) -> Result<AdminOperation, Failure> {
    let (mut bucket, mut key, mut version) = (None, None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match name {
            "bucket" => &mut bucket,
            "key" => &mut key,
            "version" => &mut version,
            _ => return Err(invalid("The query takes bucket, key and version.")),
        };
        *slot = Some(decoded(value)?);
    }
    let bucket = bucket.ok_or_else(|| invalid("The query lacks bucket."))?;
    let key = key.ok_or_else(|| invalid("The query lacks key."))?;
    Ok(AdminOperation::DescribeObject {
        bucket: BucketName::parse(&bucket).map_err(|_| FailureCode::InvalidBucketName)?,
        key: ObjectKey::parse(&key).map_err(|_| FailureCode::InvalidObjectKey)?,
        version: version.as_deref().map(read_version).transpose()?,
    })
}

fn read_version(text: &str) -> Result<VersionId, Failure> {
    if text == "null" {
        return Ok(VersionId::Null);
    }
    let mut id = [0; 16];
    match hex::decode_to_slice(text, &mut id) {
        Ok(()) => Ok(VersionId::Id(id)),
        Err(_) => Err(invalid("A version is 32 hex digits, or null.")),
    }
}

pub(super) fn reference(text: &str) -> Result<KeyReference, Failure> {
    if text.is_empty() || text.len() > KeyReference::LENGTH_MAX {
        return Err(invalid("A key is named by 1 to 2048 bytes."));
    }
    Ok(KeyReference::parse(text))
}

/// An alias without `alias/`, in the characters that AWS and Huawei allow.
fn bare_alias(text: &str) -> Result<String, Failure> {
    const LENGTH_MAX: usize = 256;
    let bare = text.strip_prefix("alias/").unwrap_or(text);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    match bare.len() {
        1..=LENGTH_MAX if bare.bytes().all(allowed) => Ok(bare.to_owned()),
        _ => Err(invalid("An alias is 1 to 256 letters, digits or any of / _ -.")),
    }
}

/// The path's segments, each decoded after the splitting, so that an encoded slash is part of a name.
fn segments(path: &str) -> Result<Vec<String>, Failure> {
    path.trim_start_matches('/').split('/').map(decoded).collect()
}

fn decoded(text: &str) -> Result<String, Failure> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(error) => Err(Failure::new(FailureCode::InvalidUri).caused_by(error)),
    }
}

fn only(method: &Method, expected: &Method, operation: AdminOperation) -> Result<Operation, Failure> {
    if method == expected { Ok(Operation::Admin(operation)) } else { Err(FailureCode::MethodNotAllowed.into()) }
}

pub(super) fn invalid(message: &'static str) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

pub(super) fn no_such_path() -> Failure {
    Failure::new(FailureCode::InvalidUri).with_message("The admin API has no such path; docs/OPERATING.md lists them.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_text(method: &str, target: &str, document: &str) -> Result<Operation, FailureCode> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        decode(&method, &target.parse().unwrap(), document.as_bytes()).map_err(|failure| failure.code)
    }

    #[test]
    fn every_operation_has_its_path() {
        let id = "522d6070-5ad3-4765-9737-9312ddc72cdb";
        for (method, target, document, name) in [
            ("POST", "/v1/keys", "{}", "CreateKey"),
            ("POST", "/v1/keys", r#"{"spec":"SM4","description":"d","alias":"alias/x/y"}"#, "CreateKey"),
            ("GET", "/v1/keys", "", "ListKeys"),
            ("GET", &format!("/v1/keys/{id}"), "", "DescribeKey"),
            ("POST", &format!("/v1/keys/{id}/enable"), "", "EnableKey"),
            ("POST", "/v1/keys/alias%2Fx/disable", "", "DisableKey"),
            ("POST", "/v1/keys/x/schedule-deletion", r#"{"pending_days":7}"#, "ScheduleKeyDeletion"),
            ("POST", "/v1/keys/x/rotate", "", "RotateKey"),
            ("POST", "/v1/keys/x/cancel-deletion", "", "CancelKeyDeletion"),
            ("PUT", "/v1/aliases/x%2Fy", r#"{"key":"z"}"#, "PointAlias"),
            ("DELETE", "/v1/aliases/x", "", "RemoveAlias"),
            ("POST", "/v1/users", r#"{"name":"ann"}"#, "CreateUser"),
            ("GET", "/v1/users", "", "ListUsers"),
            ("DELETE", "/v1/users/ann", "", "DeleteUser"),
            ("GET", "/v1/buckets", "", "AdminListBuckets"),
            ("GET", "/v1/objects?bucket=abc&key=a%2Fb%20c", "", "DescribeObject"),
            ("POST", "/v1/check", "", "ProveKeys"),
            ("POST", "/v1/scrub", r#"{"mib_per_second":8,"anew":true}"#, "StartScrub"),
            ("GET", "/v1/scrub", "", "DescribeScrub"),
            ("POST", "/v1/backup", r#"{"with_blobs":true,"keep_minutes":60}"#, "Backup"),
            ("DELETE", "/v1/scrub", "", "StopScrub"),
            ("POST", "/v1/lifecycle", "", "StartLifecycle"),
            ("GET", "/v1/lifecycle", "", "DescribeLifecycle"),
            ("DELETE", "/v1/lifecycle", "", "StopLifecycle"),
            ("GET", "/v1/audit?bucket=b&from=2026-11-22", "", "QueryAudit"),
            ("POST", "/v1/audit/verification", "", "VerifyAudit"),
        ] {
            assert_eq!(decode_text(method, target, document).map(|op| op.name()), Ok(name), "{method} {target}");
        }
    }

    #[test]
    fn names_come_out_decoded() {
        let Ok(Operation::Admin(found)) = decode_text("GET", "/v1/objects?bucket=abc&key=a%2Fb%20c&version=null", "")
        else {
            panic!("it describes an object")
        };
        let expected = AdminOperation::DescribeObject {
            bucket: BucketName::parse("abc").unwrap(),
            key: ObjectKey::parse("a/b c").unwrap(),
            version: Some(VersionId::Null),
        };
        assert_eq!(found, expected);
        let Ok(Operation::Key(KeyOperation::PointAlias { alias, key, before })) =
            decode_text("PUT", "/v1/aliases/alias%2Fx%2Fy", r#"{"key":"z"}"#)
        else {
            panic!("it points an alias")
        };
        assert_eq!((alias.as_str(), key, before), ("x/y", KeyReference::parse("z"), AliasBefore::Any));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (method, target, document, code) in [
            ("GET", "/", "", FailureCode::InvalidUri),
            ("GET", "/v2/keys", "", FailureCode::InvalidUri),
            ("GET", "/v1/keys/%ff", "", FailureCode::InvalidUri),
            ("POST", "/v1/keys/x/melt", "", FailureCode::InvalidUri),
            ("PATCH", "/v1/keys", "", FailureCode::MethodNotAllowed),
            ("POST", "/v1/keys/x", "", FailureCode::MethodNotAllowed),
            ("GET", "/v1/check", "", FailureCode::MethodNotAllowed),
            ("GET", "/v1/audit/verification", "", FailureCode::MethodNotAllowed),
            ("GET", "/v1/audit?colour=red", "", FailureCode::InvalidArgument),
            ("GET", "/v1/aliases/x", "", FailureCode::MethodNotAllowed),
            ("POST", "/v1/keys", "[", FailureCode::InvalidArgument),
            ("POST", "/v1/keys", r#"{"colour":"red"}"#, FailureCode::InvalidArgument),
            ("POST", "/v1/keys/x/schedule-deletion", r#"{"pending_days":6}"#, FailureCode::InvalidArgument),
            ("POST", "/v1/keys/x/schedule-deletion", "", FailureCode::InvalidArgument),
            ("PUT", "/v1/aliases/a%20b", r#"{"key":"z"}"#, FailureCode::InvalidArgument),
            ("POST", "/v1/users", r#"{"name":"a b"}"#, FailureCode::InvalidArgument),
            ("POST", "/v1/backup", r#"{"keep_minutes":10081}"#, FailureCode::InvalidArgument),
            ("GET", "/v1/objects?bucket=abc", "", FailureCode::InvalidArgument),
            ("GET", "/v1/objects?bucket=AB&key=k", "", FailureCode::InvalidBucketName),
            ("GET", "/v1/objects?bucket=abc&key=..", "", FailureCode::InvalidObjectKey),
            ("GET", "/v1/objects?bucket=abc&key=k&version=1", "", FailureCode::InvalidArgument),
        ] {
            assert_eq!(decode_text(method, target, document).err(), Some(code), "{method} {target} {document}");
        }
    }
}
