//! Accounts, groups, policies, access keys, temporary ones and the dry run, as the admin API has them.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use strongroom_iam::guess_language;
use strongroom_model::{
    account::{AccountId, UserName},
    action::Resource,
    failure::{Failure, FailureCode},
    key::KeyReference,
    name::{AccessKeyId, BucketName, ObjectKey},
    operation::{
        AdminOperation, IdentityOperation, Operation,
        identity::{Asker, Holder, Simulation},
    },
    outcome::identity::{IdentityOutcome, PolicyFacts},
    policy::{LocalName, PolicyDocument, PolicyLanguage},
};

use super::{
    answer::json,
    request::read,
    route::{invalid, no_such_path},
};

/// `PUT /v1/policies/{name}`, and the policy of a token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyText {
    /// Its language; none is guessed by its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
    /// The document, as a text.
    pub(crate) text: String,
}

/// The languages of policies, as the API spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the vendors' names")]
pub(crate) enum Language {
    Huawei,
    Alibaba,
    Amazon,
}

/// `POST /v1/groups`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGroup {
    /// Its name.
    pub(crate) name: String,
}

/// `PUT /v1/users/{user}/access-keys/{id}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeySwitch {
    /// Whether it is to be good.
    pub(crate) enabled: bool,
}

/// `POST /v1/tokens`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// How long it is to be good.
    pub(crate) seconds: u32,
    /// What it may do at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<PolicyText>,
}

/// `POST /v1/simulations`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewSimulation {
    /// `root`, `user/NAME` or `anonymous`.
    pub(crate) principal: String,
    /// In the words of any language: `s3:GetObject`.
    pub(crate) action: String,
    /// `*`, `BUCKET`, `BUCKET/KEY`, or a master key as `key/ID`.
    pub(crate) resource: String,
    /// Headers of the request, as `name: value`.
    pub(crate) headers: Vec<String>,
    /// The address it comes from.
    pub(crate) source: Option<std::net::IpAddr>,
    /// Whether it comes over plain HTTP.
    pub(crate) plain_http: bool,
}

/// A document with a secret in it, shown this once. Not `Debug`, so that no log can hold it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Secret {
    /// The account, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The access key's id.
    pub(crate) access_key: String,
    /// Its secret.
    pub(crate) secret_key: String,
    /// The security token of a temporary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// Until when that is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
}

/// The operation of an admin request about identities.
pub(super) fn operation(operation: IdentityOperation) -> Operation {
    Operation::Admin(AdminOperation::Identity(operation))
}

/// Reads a request below `/v1/{area}`.
pub(super) fn decode(
    method: &Method,
    area: &str,
    path: &[&str],
    document: &[u8],
) -> Result<IdentityOperation, Failure> {
    use IdentityOperation as Do;
    Ok(match (area, method, path) {
        ("accounts", &Method::GET, []) => Do::ListAccounts,
        ("accounts", &Method::POST, []) => Do::CreateAccount,
        ("accounts", _, ["root", "policies", policy]) => return held(method, Holder::Root, policy),
        ("policies", &Method::GET, []) => Do::ListPolicies,
        ("policies", &Method::GET, [name]) => Do::GetPolicy(local(name)?),
        ("policies", &Method::PUT, [name]) => {
            Do::PutPolicy { name: local(name)?, document: policy(read::<PolicyText>(document)?) }
        }
        ("policies", &Method::DELETE, [name]) => Do::DeletePolicy(local(name)?),
        ("groups", &Method::GET, []) => Do::ListGroups,
        ("groups", &Method::POST, []) => Do::CreateGroup(local(&read::<NewGroup>(document)?.name)?),
        ("groups", &Method::DELETE, [name]) => Do::DeleteGroup(local(name)?),
        ("groups", _, [name, "policies", policy]) => return held(method, Holder::Group(local(name)?), policy),
        ("groups", &Method::PUT, [name, "members", member]) => {
            Do::AddMember { group: local(name)?, user: user(member)? }
        }
        ("groups", &Method::DELETE, [name, "members", member]) => {
            Do::RemoveMember { group: local(name)?, user: user(member)? }
        }
        ("tokens", &Method::POST, []) => {
            let NewToken { seconds, policy: text } = read(document)?;
            Do::IssueToken { seconds, policy: text.map(policy) }
        }
        ("simulations", &Method::POST, []) => Do::Simulate(Box::new(simulation(read(document)?)?)),
        (_, _, [] | [_] | [_, "policies" | "members", _]) => return Err(FailureCode::MethodNotAllowed.into()),
        _ => return Err(no_such_path()),
    })
}

/// Reads a request about who holds a policy.
pub(super) fn held(method: &Method, holder: Holder, policy: &str) -> Result<IdentityOperation, Failure> {
    let policy = local(policy)?;
    match *method {
        Method::PUT => Ok(IdentityOperation::AttachPolicy { policy, holder }),
        Method::DELETE => Ok(IdentityOperation::DetachPolicy { policy, holder }),
        _ => Err(FailureCode::MethodNotAllowed.into()),
    }
}

/// Reads a request about a user's access keys.
pub(super) fn access_keys(
    method: &Method,
    name: &str,
    path: &[&str],
    document: &[u8],
) -> Result<IdentityOperation, Failure> {
    let (user, id) =
        (user(name)?, |text: &str| AccessKeyId::parse(text).map_err(|_| invalid("Not an access key's id.")));
    Ok(match (method, path) {
        (&Method::GET, []) => IdentityOperation::ListAccessKeys(user),
        (&Method::POST, []) => IdentityOperation::CreateAccessKey(user),
        (&Method::PUT, [key]) => {
            IdentityOperation::SetAccessKey { user, id: id(key)?, enabled: read::<KeySwitch>(document)?.enabled }
        }
        (&Method::DELETE, [key]) => IdentityOperation::DeleteAccessKey { user, id: id(key)? },
        (_, [] | [_]) => return Err(FailureCode::MethodNotAllowed.into()),
        _ => return Err(no_such_path()),
    })
}

/// A user's name.
pub(super) fn user(text: &str) -> Result<UserName, Failure> {
    UserName::parse(text).map_err(|_| invalid("A user's name is 1 to 64 letters, digits or any of + = , . @ - _."))
}

/// The answer to an operation on identities.
pub(super) fn answer(outcome: IdentityOutcome) -> Response<Full<Bytes>> {
    use serde_json::json as document;
    let done = |value: serde_json::Value| json(StatusCode::OK, &value);
    match outcome {
        IdentityOutcome::Done => done(document!({})),
        IdentityOutcome::AccountCreated { account, access_key, secret } => {
            let (account, secret_key) = (Some(account.aws()), secret.expose().to_owned());
            let access_key = access_key.as_str().to_owned();
            json(StatusCode::CREATED, &Secret { account, access_key, secret_key, token: None, expires: None })
        }
        IdentityOutcome::Accounts(accounts) => {
            done(document!({ "accounts": accounts.into_iter().map(AccountId::aws).collect::<Vec<_>>() }))
        }
        IdentityOutcome::Policy(facts) => done(show(&facts)),
        IdentityOutcome::Policies(all) => done(document!({ "policies": all.iter().map(show).collect::<Vec<_>>() })),
        IdentityOutcome::Groups(groups) => {
            let show = |group: &strongroom_model::outcome::identity::GroupFacts| document!({ "name": group.name.as_str(), "policies": group.policies, "created": group.created.to_string() });
            done(document!({ "groups": groups.iter().map(show).collect::<Vec<_>>() }))
        }
        IdentityOutcome::AccessKeyCreated { id, secret } => {
            let (access_key, secret_key) = (id.as_str().to_owned(), secret.expose().to_owned());
            json(StatusCode::CREATED, &Secret { account: None, access_key, secret_key, token: None, expires: None })
        }
        IdentityOutcome::AccessKeys(keys) => {
            let show = |key: &strongroom_model::outcome::identity::AccessKeyFacts| document!({ "id": key.id.as_str(), "enabled": key.enabled, "created": key.created.to_string() });
            done(document!({ "access_keys": keys.iter().map(show).collect::<Vec<_>>() }))
        }
        IdentityOutcome::Token(issued) => {
            let access_key = issued.access_key.as_str().to_owned();
            let (secret_key, token) = (issued.secret.expose().to_owned(), Some(issued.token.expose().to_owned()));
            let expires = Some(issued.expires.to_string());
            json(StatusCode::CREATED, &Secret { account: None, access_key, secret_key, token, expires })
        }
        IdentityOutcome::Simulated { allowed, decision } => {
            done(document!({ "allowed": allowed, "decision": decision }))
        }
    }
}

fn show(facts: &PolicyFacts) -> serde_json::Value {
    let language = match facts.document.language {
        PolicyLanguage::Huawei => Language::Huawei,
        PolicyLanguage::Alibaba => Language::Alibaba,
        PolicyLanguage::Amazon => Language::Amazon,
    };
    let written = facts.written.to_string();
    serde_json::json!({ "name": facts.name.as_str(), "language": language, "written": written, "text": facts.document.text })
}

fn local(text: &str) -> Result<LocalName, Failure> {
    LocalName::parse(text).map_err(|_| invalid("A name is 1 to 128 letters, digits or any of + = , . @ - _."))
}

fn policy(given: PolicyText) -> PolicyDocument {
    let language = match given.language {
        Some(Language::Huawei) => PolicyLanguage::Huawei,
        Some(Language::Alibaba) => PolicyLanguage::Alibaba,
        Some(Language::Amazon) => PolicyLanguage::Amazon,
        None => guess_language(&given.text),
    };
    PolicyDocument { language, text: given.text }
}

fn simulation(given: NewSimulation) -> Result<Simulation, Failure> {
    let mut asked = Simulation {
        asker: asker(&given.principal)?,
        action: given.action,
        resource: resource(&given.resource)?,
        encryption: None,
        encryption_key: None,
        customer_algorithm: None,
        acl: None,
        referer: None,
        user_agent: None,
        source: given.source,
        tls: !given.plain_http,
    };
    for header in &given.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| invalid("A header is \"name: value\"."))?;
        let name = name.trim().to_ascii_lowercase();
        let bare = ["x-amz-", "x-obs-", "x-oss-"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name);
        let slot = match bare {
            "server-side-encryption" => &mut asked.encryption,
            "server-side-encryption-aws-kms-key-id"
            | "server-side-encryption-kms-key-id"
            | "server-side-encryption-key-id" => &mut asked.encryption_key,
            "server-side-encryption-customer-algorithm" => &mut asked.customer_algorithm,
            "acl" | "object-acl" => &mut asked.acl,
            "referer" => &mut asked.referer,
            "user-agent" => &mut asked.user_agent,
            _ => return Err(invalid("No policy can test that header here.")),
        };
        *slot = Some(value.trim().to_owned());
    }
    Ok(asked)
}

fn asker(text: &str) -> Result<Asker, Failure> {
    match text.split_once('/') {
        None if text == "anonymous" => Ok(Asker::Nobody),
        None if text == "root" => Ok(Asker::Root),
        Some(("user", name)) => Ok(Asker::User(user(name)?)),
        _ => Err(invalid("A principal is root, user/NAME or anonymous.")),
    }
}

fn resource(text: &str) -> Result<Resource, Failure> {
    if text == "*" {
        return Ok(Resource::Service);
    }
    if text.starts_with("key/") || text.starts_with("alias/") || text.contains(":key/") {
        return Ok(Resource::Key(KeyReference::parse(text)));
    }
    let (bucket, key) = text.split_once('/').map_or((text, None), |(bucket, key)| (bucket, Some(key)));
    let bucket = BucketName::parse(bucket).map_err(|_| FailureCode::InvalidBucketName)?;
    Ok(match key {
        None => Resource::Bucket(bucket),
        Some(key) => Resource::Object(bucket, ObjectKey::parse(key).map_err(|_| FailureCode::InvalidObjectKey)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(method: Method, path: &str, document: &str) -> Result<IdentityOperation, FailureCode> {
        let parts: Vec<&str> = path.split('/').collect();
        decode(&method, parts[0], &parts[1..], document.as_bytes()).map_err(|failure| failure.code)
    }

    /// Every path is one operation, by its name, and no other method of it is anything.
    #[test]
    fn paths_and_methods_are_operations() {
        let policy = r#"{"text":"{}"}"#;
        for (method, path, document, expected) in [
            (Method::GET, "accounts", "", "ListAccounts"),
            (Method::POST, "accounts", "", "CreateAccount"),
            (Method::PUT, "accounts/root/policies/p", "", "AttachPolicy"),
            (Method::DELETE, "accounts/root/policies/p", "", "DetachPolicy"),
            (Method::GET, "policies", "", "ListPolicies"),
            (Method::GET, "policies/p", "", "GetPolicy"),
            (Method::PUT, "policies/p", policy, "PutPolicy"),
            (Method::DELETE, "policies/p", "", "DeletePolicy"),
            (Method::GET, "groups", "", "ListGroups"),
            (Method::POST, "groups", r#"{"name":"g"}"#, "CreateGroup"),
            (Method::DELETE, "groups/g", "", "DeleteGroup"),
            (Method::PUT, "groups/g/policies/p", "", "AttachPolicy"),
            (Method::PUT, "groups/g/members/ann", "", "AddMember"),
            (Method::DELETE, "groups/g/members/ann", "", "RemoveMember"),
            (Method::POST, "tokens", r#"{"seconds":900}"#, "IssueToken"),
            (
                Method::POST,
                "simulations",
                r#"{"principal":"root","resource":"*","action":"s3:GetObject"}"#,
                "SimulatePolicy",
            ),
        ] {
            let name = decoded(method.clone(), path, document).map(|operation| operation.name());
            assert_eq!(name, Ok(expected), "{method} {path}");
            assert_eq!(decoded(Method::PATCH, path, document).err(), Some(FailureCode::MethodNotAllowed), "{path}");
        }
    }

    #[test]
    fn what_is_no_name_and_no_document_is_refused() {
        let long = "x".repeat(129);
        for (method, path, document) in [
            (Method::GET, format!("policies/{long}"), ""),
            (Method::GET, "policies/a b".to_owned(), ""),
            (Method::PUT, "groups/g/members/a:b".to_owned(), ""),
            (Method::PUT, "policies/p".to_owned(), r#"{"text":"{}","more":1}"#),
            (Method::PUT, "policies/p".to_owned(), r#"{"text":"{}","language":"latin"}"#),
            (Method::POST, "groups".to_owned(), "{}"),
            (Method::POST, "tokens".to_owned(), r#"{"seconds":-1}"#),
            (Method::POST, "simulations".to_owned(), r#"{"principal":"group/g","resource":"*"}"#),
            (Method::POST, "simulations".to_owned(), r#"{"principal":"root","resource":"*","headers":["nothing"]}"#),
            (Method::POST, "simulations".to_owned(), r#"{"principal":"root","resource":"*","headers":["range: 1"]}"#),
        ] {
            assert!(decoded(method, &path, document).is_err(), "{path} {document}");
        }
    }

    #[test]
    fn a_policys_language_is_told_or_guessed() {
        let language = |document: &str| match decoded(Method::PUT, "policies/p", document) {
            Ok(IdentityOperation::PutPolicy { document, .. }) => document.language,
            other => panic!("{other:?}"),
        };
        assert_eq!(language(r#"{"text":"{\"Version\":\"2012-10-17\"}"}"#), PolicyLanguage::Amazon);
        assert_eq!(language(r#"{"text":"{\"Version\":\"1\"}"}"#), PolicyLanguage::Alibaba);
        assert_eq!(language(r#"{"text":"{\"Version\":\"1.1\"}"}"#), PolicyLanguage::Huawei);
        assert_eq!(language(r#"{"text":"{\"Version\":\"1\"}","language":"amazon"}"#), PolicyLanguage::Amazon);
    }

    #[test]
    fn headers_of_any_dialect_are_what_is_imagined() {
        let document = r#"{"principal":"user/ann","action":"s3:PutObject","resource":"bucket/a/b","plain_http":true,
            "headers":["x-amz-server-side-encryption: aws:kms","X-OBS-server-side-encryption-kms-key-id: k",
            "x-oss-object-acl: private","Referer: http://a"]}"#;
        let Ok(IdentityOperation::Simulate(asked)) = decoded(Method::POST, "simulations", document) else { panic!() };
        assert_eq!(asked.encryption.as_deref(), Some("aws:kms"));
        assert_eq!(asked.encryption_key.as_deref(), Some("k"));
        assert_eq!((asked.acl.as_deref(), asked.referer.as_deref()), (Some("private"), Some("http://a")));
        assert!(!asked.tls && matches!(asked.asker, Asker::User(name) if name.as_str() == "ann"));
        let of = |text: &str| resource(text).unwrap();
        assert!(
            matches!(&asked.resource, Resource::Object(bucket, key) if bucket.as_str() == "bucket" && key.as_str() == "a/b")
        );
        assert!(matches!(of("bucket"), Resource::Bucket(_)) && of("*") == Resource::Service);
        for key in ["key/1", "alias/a", "arn:aws:kms:r:000000000001:key/1"] {
            assert!(matches!(of(key), Resource::Key(_)), "{key}");
        }
    }

    /// A secret is in the answer that shows it, and the answer says that it was made.
    #[test]
    fn what_is_made_is_shown_once_with_its_secret() {
        use http_body_util::BodyExt as _;
        use strongroom_model::secret::SecretKey;
        let id = AccessKeyId::parse("AK").unwrap();
        let made = IdentityOutcome::AccessKeyCreated { id, secret: SecretKey::new("S3CRET".to_owned()) };
        let answered = answer(made);
        assert_eq!(answered.status(), StatusCode::CREATED);
        let frame = futures_util::FutureExt::now_or_never(answered.into_body().collect()).unwrap().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&frame.to_bytes()).unwrap();
        assert_eq!(document, serde_json::json!({ "access_key": "AK", "secret_key": "S3CRET" }));
        assert_eq!(answer(IdentityOutcome::Done).status(), StatusCode::OK);
    }
}
