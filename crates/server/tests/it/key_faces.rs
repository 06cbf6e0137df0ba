//! Every operation of the key service's three faces, by their tables, asked by those who may not.

use base64::Engine as _;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use strongroom_wire::{
    key_service::{KEY_DIALECTS, KeyDialect},
    signature::{Scheme, acs3::ACS3, payload::PayloadWord, sdk::SDK, v4::AWS4_KMS},
};

use crate::{
    administer::command,
    client::{Answer, Ask},
    process::{ACCESS_KEY, SECRET_KEY, Server, Site},
    without_key::OBJECTS_ALONE,
};

/// Who asks, and may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    Unsigned,
    /// With the root user's access key, and not its secret.
    Guessing,
    /// A user to whom no policy is attached.
    WithoutRights,
    /// A user who may do everything with buckets and objects.
    ObjectsAlone,
}

const STRANGERS: [Stranger; 4] =
    [Stranger::Unsigned, Stranger::Guessing, Stranger::WithoutRights, Stranger::ObjectsAlone];

#[test]
fn no_face_lets_a_stranger_in() {
    let server = Site::new().start();
    let made = command(&server, &["key", "create", "--alias", "walk"]);
    let key = made["id"].as_str().unwrap();
    let users = ["no-rights", "objects-alone"].map(|name| user(&server, name));
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), OBJECTS_ALONE).unwrap();
    command(&server, &["policy", "put", "objects", "--file", policy.path().to_str().unwrap()]);
    command(&server, &["policy", "attach", "objects", "user/objects-alone"]);
    let before = command(&server, &["key", "list"]);
    let (mut walked, mut wrong) = (0, Vec::new());
    for dialect in KEY_DIALECTS {
        for route in dialect.routes {
            for stranger in STRANGERS {
                let signer = match stranger {
                    Stranger::Unsigned => None,
                    Stranger::Guessing => Some((ACCESS_KEY, "not the secret")),
                    Stranger::WithoutRights => Some((users[0].0.as_str(), users[0].1.as_str())),
                    Stranger::ObjectsAlone => Some((users[1].0.as_str(), users[1].1.as_str())),
                };
                let call = Call::of(dialect, route.name, key, walked);
                let answer = call.send(&server, signer);
                walked += 1;
                let expected = expected(dialect, route.name, route.is_built(), stranger);
                let found = (answer.status, code(&answer));
                if found != (expected.0, expected.1.to_owned()) {
                    wrong.push(format!("{} {} {stranger:?}: {found:?} {}", dialect.name, route.name, answer.text()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {walked}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(command(&server, &["key", "list"]), before, "nothing was changed");
    server.stop();
}

#[test]
fn the_identity_service_tells_a_stranger_nothing() {
    let server = Site::new().start();
    for target in ["/v3/projects", "/v3/auth/domains"] {
        let call = |signer| {
            let asked = Call {
                method: "GET",
                target: target.to_owned(),
                headers: Vec::new(),
                body: String::new(),
                scheme: &SDK,
            };
            asked.send(&server, signer)
        };
        for signer in [None, Some((ACCESS_KEY, "not the secret")), Some(("AKNOBODY000000000001", SECRET_KEY))] {
            let answer = call(signer);
            assert_eq!(answer.status, 401, "{target}: {}", answer.text());
            assert!(!answer.text().contains("\"id\""), "{target}: {}", answer.text());
        }
        assert_eq!(call(Some((ACCESS_KEY, SECRET_KEY))).status, 200, "{target}");
    }
    let guessed =
        format!(r#"{{"auth":{{"identity":{{"password":{{"user":{{"name":"{ACCESS_KEY}","password":"x"}}}}}}}}}}"#);
    let answer = Ask::s3("POST", "/v3/auth/tokens").unsigned().send(server.kms, guessed.as_bytes()).unwrap();
    assert_eq!((answer.status, answer.header("x-subject-token")), (401, None), "{}", answer.text());
    server.stop();
}

fn user(server: &Server, name: &str) -> (String, String) {
    let made = command(server, &["user", "create", name]);
    ["access_key", "secret_key"].map(|name| made[name].as_str().unwrap().to_owned()).into()
}

/// The refusal, by the three services' own tables of common errors.
fn expected(dialect: &KeyDialect, name: &str, is_built: bool, stranger: Stranger) -> (u16, &'static str) {
    use Stranger::{Guessing, ObjectsAlone, Unsigned, WithoutRights};
    match (dialect.name, stranger) {
        // Nothing but a signature or a token tells that this is Huawei's.
        ("huawei-kms", Unsigned) if name == "GET versions" => (400, "UnknownOperationException"),
        ("aws-kms", Unsigned) => (403, "MissingAuthenticationTokenException"),
        ("aws-kms", Guessing) => (400, "InvalidSignatureException"),
        ("aws-kms", WithoutRights | ObjectsAlone) if !is_built => (400, "UnsupportedOperationException"),
        ("aws-kms", WithoutRights | ObjectsAlone) => (400, "AccessDeniedException"),
        ("huawei-kms", Unsigned) => (403, "KMS.0301"),
        ("huawei-kms", Guessing) => (401, "APIGW.0301"),
        ("huawei-kms", WithoutRights | ObjectsAlone) if !is_built => (400, "KMS.0331"),
        ("huawei-kms", WithoutRights | ObjectsAlone) => (403, "KMS.0306"),
        (_, Unsigned) => (400, "IncompleteSignature"),
        (_, Guessing) => (400, "SignatureDoesNotMatch"),
        (_, WithoutRights | ObjectsAlone) if !is_built => (400, "UnsupportedOperation"),
        (_, WithoutRights | ObjectsAlone) => (403, "Forbidden.NoPermission"),
    }
}

/// The code of a refusal, wherever the face has it.
fn code(answer: &Answer) -> String {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let told = [&document["__type"], &document["error"]["error_code"], &document["Code"]];
    told.into_iter().find_map(Value::as_str).unwrap_or("none").to_owned()
}

/// A request.
struct Call {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    scheme: &'static Scheme,
}

impl Call {
    /// One of that operation, with fields for all of them. `number` makes it unlike others.
    fn of(dialect: &KeyDialect, name: &str, key: &str, number: usize) -> Self {
        match dialect.name {
            "aws-kms" => Self {
                method: "POST",
                target: "/".to_owned(),
                headers: vec![("x-amz-target", format!("TrentService.{name}"))],
                body: aws_fields(key).to_string(),
                scheme: &AWS4_KMS,
            },
            "huawei-kms" => Self::huawei(name, key),
            _ => {
                let fields = alibaba_fields(key);
                let query: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
                let nonce = format!("nonce-{number}");
                Self {
                    method: "POST",
                    target: format!("/?{}", query.join("&")),
                    headers: vec![("x-acs-action", name.to_owned()), ("x-acs-signature-nonce", nonce)],
                    body: String::new(),
                    scheme: &ACS3,
                }
            }
        }
    }

    fn huawei(name: &str, key: &str) -> Self {
        let project = "0".repeat(32);
        let within = |path: &str| format!("/v1.0/{project}/kms/{path}");
        let (method, target) = match name {
            "GET versions" => ("GET", "/".to_owned()),
            "GET version" => ("GET", "/v1.0".to_owned()),
            "GET project tags" => ("GET", within("tags")),
            "GET tags" => ("GET", within(&format!("{key}/tags"))),
            "POST tags" => ("POST", within(&format!("{key}/tags"))),
            "POST tags/action" => ("POST", within(&format!("{key}/tags/action"))),
            "DELETE tags" => ("DELETE", within(&format!("{key}/tags/a"))),
            "GET aliases" => ("GET", within("aliases")),
            "POST aliases" => ("POST", within("aliases")),
            "DELETE aliases" => ("DELETE", within("aliases")),
            "user-instances" | "user-quotas" => ("GET", within(name)),
            _ => ("POST", within(name)),
        };
        let body = if method == "GET" { String::new() } else { huawei_fields(key).to_string() };
        Self { method, target, headers: Vec::new(), body, scheme: &SDK }
    }

    fn send(&self, server: &Server, signer: Option<(&str, &str)>) -> Answer {
        let hash = digest(&SHA256, self.body.as_bytes()).as_ref().try_into().unwrap();
        let ask = Ask { scheme: self.scheme, ..Ask::s3(self.method, &self.target) }.payload(PayloadWord::Sha256(hash));
        let ask = self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        let ask = match signer {
            Some((access_key, secret)) => ask.by(access_key, secret),
            None => ask.unsigned(),
        };
        ask.send(server.kms, self.body.as_bytes()).unwrap()
    }
}

/// Bytes in base64, which are hexadecimal digits as well.
fn bytes() -> String {
    "00".repeat(64)
}

fn policy() -> String {
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#
        .to_owned()
}

fn aws_fields(key: &str) -> Value {
    json!({
        "KeyId": key, "TargetKeyId": key, "DestinationKeyId": key, "SourceKeyId": key, "AliasName": "alias/new",
        "Description": "d", "PendingWindowInDays": 7, "Tags": [{ "TagKey": "a", "TagValue": "b" }], "TagKeys": ["a"],
        "PolicyName": "default", "Policy": policy(), "GranteePrincipal": "arn:aws:iam::000000000001:user/ann",
        "RetiringPrincipal": "arn:aws:iam::000000000001:user/ann", "Operations": ["Decrypt"], "GrantId": "0".repeat(64),
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048", "ImportToken": bytes(),
        "EncryptedKeyMaterial": bytes(), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "Plaintext": bytes(),
        "CiphertextBlob": bytes(), "NumberOfBytes": 32,
    })
}

fn huawei_fields(key: &str) -> Value {
    let data_key = [0; 32];
    let with_digest = [data_key.as_slice(), digest(&SHA256, &data_key).as_ref()].concat();
    let digits: String = with_digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "key_id": key, "target_key_id": key, "source_key_id": key, "destination_key_id": key, "key_alias": "new",
        "alias": "alias/new", "aliases": ["alias/walk"], "key_description": "d", "pending_days": "7",
        "rotation_interval": "30", "grantee_principal": "ann", "operations": ["create-datakey"],
        "grant_id": "0".repeat(64), "wrapping_algorithm": "RSAES_OAEP_SHA_256", "import_token": bytes(),
        "encrypted_key_material": bytes(), "plain_text": digits, "datakey_plain_length": "32", "cipher_text": bytes(),
        "datakey_cipher_length": "32", "datakey_length": "256", "random_data_length": "256",
        "tag": { "key": "a", "value": "b" }, "tags": [{ "key": "a", "value": "b" }], "action": "create",
    })
}

fn alibaba_fields(key: &str) -> Vec<(&'static str, String)> {
    let texts = [
        ("KeyId", key),
        ("SourceKeyId", key),
        ("DestinationKeyId", key),
        ("ProtectedResourceArn", key),
        ("EnableDeletionProtection", "true"),
        ("EnableAutomaticRotation", "false"),
        ("Description", "d"),
        ("PendingWindowInDays", "7"),
        ("KeyVersionId", key),
        ("AliasName", "alias/new"),
        ("PolicyName", "default"),
        ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#),
        ("TagKeys", r#"["a"]"#),
        ("NumberOfBytes", "32"),
        ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
        ("WrappingKeySpec", "RSA_2048"),
        ("KeyMaterialExpireUnix", "0"),
    ];
    let mut fields: Vec<_> = texts.map(|(name, value)| (name, value.to_owned())).to_vec();
    let coded = base64::engine::general_purpose::STANDARD.encode([0; 48]);
    fields.extend(
        ["ImportToken", "EncryptedKeyMaterial", "Plaintext", "CiphertextBlob"].map(|name| (name, coded.clone())),
    );
    fields.push(("Policy", policy()));
    fields
}

fn percent(text: &str) -> String {
    let spelled = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(spelled).collect()
}
