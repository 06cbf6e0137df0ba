//! OSS V1: HMAC-SHA1 of verb, digest, type, date, `x-oss-` headers and the decoded resource, under the secret itself.

use http::header::{CONTENT_TYPE, DATE, HeaderName};
use http::request::Parts;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;
use strongroom_model::time::Timestamp;

use super::candidate::{Candidate, distinct};
use super::crypto::Mac;
use super::form;
use super::head::{Empty, Head};
use super::payload::PayloadWord;
use super::scope::malformed;
use super::sign::{Signer, UrlParameters, put};
use super::validity::{Validity, dated};
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Authorization: OSS <access key>:<signature>`.
pub static OSS1: Scheme = Scheme {
    word: "OSS",
    url_marks: &["OSSAccessKeyId", "Signature"],
    scoped: false,
    read_header: |head, rest, _| read_header(head, rest),
    read_url: |head, _| read_url(head),
    form_marks: &["ossaccesskeyid"],
    read_form: |form, _| form::by_secret(form, "OSSAccessKeyId", TOKEN),
    dress_header,
    dress_url: |_, signer, now, seconds| dress_url(signer, now, seconds),
};

const PREFIX: &str = "x-oss-";
const TIME: &str = "x-oss-date";
const TOKEN: &str = "x-oss-security-token";

/// The token in a signed URL, and, under this scheme, the header of Alibaba's newer Python SDK.
const TOKEN_PARAMETER: &str = "security-token";

/// The parameters that enter the resource: the union of what the documents and every SDK list.
#[rustfmt::skip]
const SUBRESOURCES: &[&str] = &[
    "accessPoint", "accessPointConfigForObjectProcess", "accessPointForObjectProcess", "accessPointPolicy",
    "accessPointPolicyForObjectProcess", "accessmonitor", "acl", "append", "archiveDirectRead", "asyncFetch",
    "bucketArchiveDirectRead", "bucketInfo", "callback", "callback-var", "cleanRestoredObject", "cloudboxes", "cname",
    "comp", "continuation-token", "cors", "delete", "encryption", "endTime", "group", "httpsConfig", "img",
    "inventory", "inventoryId", "legalHold", "lifecycle", "link", "live", "location", "logging", "metaQuery",
    "objectInfo", "objectMeta", "objectWorm", "overwriteConfig", "partNumber", "policy", "policyStatus", "position",
    "processConfiguration", "publicAccessBlock", "qos", "qosInfo", "qosRequester", "redundancyTransition", "referer",
    "regionList", "regions", "replication", "replicationLocation", "replicationProgress", "requestPayment",
    "requesterQosInfo", "resourceGroup", "resourcePool", "resourcePoolBuckets", "resourcePoolInfo",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "retention", "rtc", "seal",
    "security-token", "select", "sequential", "startTime", "stat", "status", "style", "styleName", "symlink",
    "tagging", "transferAcceleration", "udf", "udfApplication", "udfApplicationLog", "udfImage", "udfImageDesc",
    "udfName", "uploadId", "uploads", "userDefinedLogFieldsConfig", "versionId", "versioning", "versions", "vip",
    "vod", "vpcip", "website", "worm", "wormExtend", "wormId", "x-oss-ac-forward-allow", "x-oss-ac-source-ip",
    "x-oss-ac-subnet-mask", "x-oss-ac-vpc-id", "x-oss-access-point-name", "x-oss-async-process", "x-oss-delete",
    "x-oss-dir", "x-oss-process", "x-oss-redundancy-transition-taskid", "x-oss-rename", "x-oss-request-payer",
    "x-oss-target-redundancy-type", "x-oss-traffic-limit", "x-oss-write-get-object-response",
];

fn read_header(head: &Head<'_>, rest: &str) -> Result<Signed, Failure> {
    let (id, signature) = rest.rsplit_once(':').ok_or_else(|| malformed("The Authorization header has no colon."))?;
    let when = dated(head, &[TIME, DATE.as_str()])?;
    let slot = head.header(TIME).or(head.header(DATE.as_str())).unwrap_or_default();
    signed(head, id, signature, Validity::Around(when), slot)
}

fn read_url(head: &Head<'_>) -> Result<Signed, Failure> {
    let required = |name| {
        head.text_parameter(name)?.ok_or_else(|| {
            Failure::new(FailureCode::AccessDenied).with_message(
                "Query string authentication requires the Signature, Expires and OSSAccessKeyId parameters.",
            )
        })
    };
    let (id, signature, expires) = (required("OSSAccessKeyId")?, required("Signature")?, required("Expires")?);
    let mut signed = signed(head, id, signature, Validity::until(expires)?, expires.as_bytes())?;
    signed.by_url = true;
    Ok(signed)
}

fn signed(head: &Head<'_>, id: &str, signature: &str, validity: Validity, slot: &[u8]) -> Result<Signed, Failure> {
    head.refuse_hidden_subresources(|name| is_subresource(name) || is_prefixed(name))?;
    let by_header = head.text_header(TOKEN).or(head.text_header(TOKEN_PARAMETER));
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: by_header.or(head.text_parameter(TOKEN_PARAMETER)?).map(str::to_owned),
        scheme: &OSS1,
        by_url: false,
        validity,
        key: KeyRule::Secret(Mac::Sha1),
        candidates: candidates(head, slot),
        presented: signature.to_owned(),
        payload: PayloadWord::Unsigned,
    })
}

/// What the client may have signed: with the listed parameters, or every `x-oss-` parameter besides; an empty value bare,
/// as most SDKs do, or with an equals sign, as the Java SDK does.
fn candidates(head: &Head<'_>, slot: &[u8]) -> Vec<Candidate> {
    let field = |name: &str| head.header(name).unwrap_or_default();
    let (digest, kind) = (field("content-md5"), field(CONTENT_TYPE.as_str()));
    let lines = head.header_lines(&head.header_names(PREFIX), b"");
    let start = [head.method().as_bytes(), b"\n", digest, b"\n", kind, b"\n", slot, b"\n", &lines].concat();
    let listed = is_subresource;
    let prefixed = |name: &[u8]| listed(name) || is_prefixed(name);
    let plain = |resource: Vec<u8>| Candidate::plain([&start[..], &resource].concat());
    distinct([
        plain(resource(head, listed, Empty::Bare)),
        plain(resource(head, prefixed, Empty::Bare)),
        plain(resource(head, listed, Empty::Equals)),
        plain(resource(head, prefixed, Empty::Equals)),
    ])
}

/// Whether a parameter of that name enters the resource in any case.
pub(crate) fn is_subresource(name: &[u8]) -> bool {
    SUBRESOURCES.iter().any(|known| known.as_bytes() == name)
}

fn is_prefixed(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes())
}

/// The decoded resource, and the parameters that `entered` says belong to it.
fn resource(head: &Head<'_>, entered: impl Fn(&[u8]) -> bool, empty: Empty) -> Vec<u8> {
    let mut resource = head.decoded_resource();
    head.append_subresources(&mut resource, entered, empty);
    resource
}

fn dress_header(
    parts: &mut Parts,
    signer: &Signer<'_>,
    now: Timestamp,
    _: &PayloadWord,
) -> Result<String, http::Error> {
    put(parts, DATE, &date::rfc1123(now))?;
    if let Some(token) = signer.token {
        put(parts, HeaderName::from_static(TOKEN), token)?;
    }
    Ok(format!("{} {}:", OSS1.word, signer.access_key.as_str()))
}

fn dress_url(signer: &Signer<'_>, now: Timestamp, seconds: u32) -> UrlParameters {
    let token = signer.token.map(|token| (TOKEN_PARAMETER, token.to_owned()));
    let expires = now.plus_millis(i64::from(seconds) * 1000).seconds().to_string();
    let id = ("OSSAccessKeyId", signer.access_key.as_str().to_owned());
    UrlParameters { signed: token.into_iter().chain([id, ("Expires", expires)]).collect(), signature: "Signature" }
}
