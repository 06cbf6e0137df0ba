//! What the vendors' pages show, in examples of our own: each language's forms are understood as its pages say, and what
//! they exclude is refused.

use strongroom_iam::{
    Attached, Case, InvalidPolicy, Policy, authorize, guess_language, read_action, read_bucket_policy,
};
use strongroom_model::action::{Action, KeyAction};
use strongroom_model::operation::bucket::{BucketOperation, ListObjects};
use strongroom_model::operation::object::GetObject;
use strongroom_model::operation::{ObjectOperation, Operation};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};

use crate::cases::{EVERYTHING, OTHER, OWNER, account, case, identity, of_bucket, root, user, with_bucket_policy};
use crate::operations::{bucket, get, list, put};

const HUAWEI: PolicyLanguage = PolicyLanguage::Huawei;
const ALIBABA: PolicyLanguage = PolicyLanguage::Alibaba;
const AMAZON: PolicyLanguage = PolicyLanguage::Amazon;

fn read() -> Operation {
    Operation::Object(ObjectOperation::Get(get()))
}

fn write() -> Operation {
    Operation::Object(ObjectOperation::Put(put()))
}

fn read_of(key: &str) -> Operation {
    let key = strongroom_model::name::ObjectKey::parse(key).expect("a valid key");
    Operation::Object(ObjectOperation::Get(GetObject { key, ..get() }))
}

fn list_of(prefix: &str) -> Operation {
    Operation::Bucket(BucketOperation::ListObjects(ListObjects { prefix: prefix.to_owned(), ..list() }))
}

/// Whether it is allowed without asking the object's own list.
fn allowed(operation: Operation, case: &Case) -> bool {
    let closed = strongroom_model::acl::Acl::Granted(Vec::new());
    let key = match &operation {
        Operation::Object(ObjectOperation::Get(get)) => Some(get.key.clone()),
        _ => None,
    };
    match authorize(operation, case.clone()) {
        Ok(granted) => key.is_none_or(|key| granted.rights().admit(&bucket(), &key, &closed).is_ok()),
        Err(_) => false,
    }
}

/// A user of the owner's account with one policy of its own.
fn ann(language: PolicyLanguage, text: &str) -> Case {
    let mut case = case(user(OWNER, "ann"), &[EVERYTHING]);
    case.subject.policies[0].policy = std::sync::Arc::new(identity(language, text));
    case
}

fn refused(language: PolicyLanguage, text: &str, attached: Attached<'_>) -> InvalidPolicy {
    let document = PolicyDocument { language, text: text.to_owned() };
    Policy::parse(&document, attached).expect_err(text)
}

#[test]
fn obs_bucket_policies_name_domains_their_users_and_everybody() {
    let domain = account(OTHER).obs_domain();
    let to = |who: &str| {
        let text = format!(
            r#"{{"Statement":[{{"Sid":"one","Effect":"Allow","Principal":{{"ID":["{who}"]}},
            "Action":["Get*","PutObject"],"Resource":["bucket","bucket/*"]}}]}}"#
        );
        of_bucket(HUAWEI, &text)
    };
    for (who, bob, root_of_other) in [
        ("*".to_owned(), true, true),
        (format!("domain/{domain}"), true, true),
        (format!("domain/{domain}:user/*"), true, false),
        (format!("domain/{domain}:user/bob"), true, false),
        (format!("domain/{domain}:user/eve"), false, false),
        (format!("domain/{domain}:root"), false, true),
        (format!("domain/{domain}:agency/x"), false, false),
        ("domain/b4bf1b36d9ca43d984fbcb9491b6fce9:user/*".to_owned(), false, false),
    ] {
        let case = |principal| with_bucket_policy(case(principal, &[EVERYTHING]), to(&who));
        assert_eq!(allowed(write(), &case(user(OTHER, "bob"))), bob, "{who}");
        assert_eq!(allowed(write(), &case(root(OTHER))), root_of_other, "{who}");
    }
}

#[test]
fn obs_policies_of_iam_name_kinds_of_resources() {
    let text = r#"{"Version":"1.1","Statement":[{"Effect":"Allow",
        "Action":["obs:object:GetObject","obs:bucket:ListBucket"],
        "Resource":["obs:*:*:object:bucket/dir/*","obs:*:*:bucket:bucket"]}]}"#;
    let case = ann(HUAWEI, text);
    assert!(allowed(read_of("dir/a"), &case));
    assert!(!allowed(read_of("other"), &case));
    assert!(allowed(list_of(""), &case));
    assert!(!allowed(write(), &case));
}

#[test]
fn an_absent_referer_is_named_by_null() {
    let text = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"GetObject","Resource":"bucket/*",
        "Condition":{"StringNotLike":{"Referer":["https://example.com/*","${null}"]}}}]}"#;
    let mut case = with_bucket_policy(case(root(OWNER), &[EVERYTHING]), of_bucket(HUAWEI, text));
    assert!(allowed(read(), &case));
    case.circumstances.words.referer = Some("https://example.com/page".to_owned());
    assert!(allowed(read(), &case));
    case.circumstances.words.referer = Some("https://elsewhere.example/".to_owned());
    assert!(!allowed(read(), &case));
}

#[test]
fn oss_policies_name_numbers_and_places() {
    let uid = account(OTHER).oss_uid();
    let text = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":["{uid}","20214760404935xxxx"],
        "Action":["oss:GetObject","oss:ListObjects"],"Resource":["acs:oss:*:{}:bucket","acs:oss:*:*:bucket/*"]}}]}}"#,
        account(OWNER).oss_uid()
    );
    let invalid = refused(ALIBABA, &text, Attached::Bucket(&bucket()));
    assert_eq!(invalid, InvalidPolicy::Principal, "a number has digits only");
    let policy = of_bucket(ALIBABA, &text.replace("xxxx", "1234"));
    let case = with_bucket_policy(case(root(OTHER), &[EVERYTHING]), policy);
    assert!(allowed(read(), &case) && allowed(list_of(""), &case));
    assert!(!allowed(write(), &case));
    let elsewhere = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"acs:oss:*:1000000000000002:bucket/*"}]}"#;
    assert!(!allowed(write(), &ann(ALIBABA, elsewhere)), "the bucket is another account's");
}

/// The home folder of the AWS pages: a variable in a resource, and in a condition on a listing.
#[test]
fn aws_policies_have_variables() {
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket",
         "Condition":{"StringLike":{"s3:prefix":["","home/${aws:username}/*"]}}},
        {"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/home/${aws:username}/*"}]}"#;
    let mut case = ann(AMAZON, text);
    assert!(allowed(read_of("home/ann/a"), &case));
    assert!(!allowed(read_of("home/bob/a"), &case));
    for (prefix, may) in [(Some("home/ann/x"), true), (Some(""), true), (Some("home/bob/"), false), (None, false)] {
        case.circumstances.words.prefix = prefix.map(str::to_owned);
        assert_eq!(allowed(list_of(prefix.unwrap_or_default()), &case), may, "{prefix:?}");
    }
    let old = text.replace("2012-10-17", "2008-10-17");
    assert!(!allowed(read_of("home/ann/a"), &ann(AMAZON, &old)), "the older version has no variables");
}

#[test]
fn operators_and_times_are_those_of_the_pages() {
    let with = |condition: &str| {
        ann(
            AMAZON,
            &format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{condition}}}}}"#
            ),
        )
    };
    // The case is of 2023-11-14T22:13:20Z, from 192.0.2.7, over TLS.
    for (condition, may) in [
        (
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2023-11-14T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2023-11-15T00:00:00Z"}}"#,
            true,
        ),
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2023-11-15"}}"#, false),
        (r#"{"NumericLessThanEquals":{"aws:EpochTime":1700000000}}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, false),
        (
            r#"{"IpAddress":{"aws:SourceIp":["198.51.100.0/24","192.0.2.0/24"]},"NotIpAddress":{"aws:SourceIp":"192.0.2.7/32"}}"#,
            false,
        ),
        (r#"{"StringEqualsIgnoreCase":{"aws:username":"ANN"}}"#, true),
        (r#"{"StringNotEquals":{"aws:username":["bob","ann"]}}"#, false),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a*"}}"#, true),
        (r#"{"Null":{"aws:TokenIssueTime":"true"}}"#, true),
        (r#"{"StringEqualsIfExists":{"aws:UserAgent":"none"}}"#, true),
        (r#"{"StringEquals":{"aws:UserAgent":"none"}}"#, false),
        (r#"{"ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["a"]}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a"]}}"#, true),
    ] {
        assert_eq!(allowed(write(), &with(condition)), may, "{condition}");
    }
}

#[test]
fn what_a_language_excludes_is_refused() {
    let bucket = bucket();
    let statement = |inner: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{inner}}}]}}"#);
    let to_all = r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*""#;
    for (text, expected) in [
        ("nothing".to_owned(), InvalidPolicy::NotJson),
        (r#"{"Statement":[]}"#.to_owned(), InvalidPolicy::Field("Statement".to_owned())),
        (r#"{"Version":"2012-10-17"}"#.to_owned(), InvalidPolicy::Missing("Statement")),
        (statement(to_all).replace("2012", "2013"), InvalidPolicy::Version),
        (statement(&to_all.replace("Resource", "Ressource")), InvalidPolicy::Field("Ressource".to_owned())),
        (statement(&to_all.replace("\"*\"", "\"somebody\"")), InvalidPolicy::Principal),
        (statement(&to_all.replace("s3:GetObject", "s3 get")), InvalidPolicy::Action),
        (statement(&to_all.replace("bucket/*", "another/*")), InvalidPolicy::Resource),
        (
            statement(&format!(r#"{to_all},"Condition":{{"StringIs":{{"s3:prefix":""}}}}"#)),
            InvalidPolicy::Operator("StringIs".to_owned()),
        ),
        (
            statement(&format!(r#"{to_all},"Condition":{{"StringLike":{{"s3:colour":""}}}}"#)),
            InvalidPolicy::Key("s3:colour".to_owned()),
        ),
        (
            statement(&format!(r#"{to_all},"Condition":{{"IpAddress":{{"aws:SourceIp":"here"}}}}"#)),
            InvalidPolicy::Value("here".to_owned()),
        ),
        (statement(&to_all.replace("/*", "/${aws:colour}")), InvalidPolicy::Variable("aws:colour".to_owned())),
        (" ".repeat(PolicyDocument::BYTES_MAX + 1), InvalidPolicy::TooLong(PolicyDocument::BYTES_MAX)),
    ] {
        assert_eq!(refused(AMAZON, &text, Attached::Bucket(&bucket)), expected, "{text}");
    }
    let principal = refused(AMAZON, &statement(to_all), Attached::Identity);
    assert_eq!(principal, InvalidPolicy::Field("Principal".to_owned()), "a policy of an identity names nobody");
}

/// The clients of OBS send its policies by the signatures of S3 when they are given an IP address.
#[test]
fn a_policy_of_obs_is_understood_where_one_of_aws_is_expected() {
    let text =
        r#"{"Statement":[{"Effect":"Allow","Principal":{"ID":["*"]},"Action":["GetObject"],"Resource":["bucket/*"]}]}"#;
    let document = PolicyDocument { language: AMAZON, text: text.to_owned() };
    let (kept, policy) = read_bucket_policy(document, &bucket()).expect("it is one of OBS");
    assert_eq!((kept.language, kept.text.as_str()), (HUAWEI, text));
    assert!(policy.is_public());
}

#[test]
fn a_policy_is_public_unless_something_fixed_narrows_it() {
    let with = |condition: &str| {
        let text = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"{condition}}}]}}"#
        );
        of_bucket(AMAZON, &text).is_public()
    };
    assert!(with(""));
    assert!(with(r#","Condition":{"StringLike":{"aws:Referer":"https://example.com/*"}}"#));
    assert!(with(r#","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#));
    assert!(!with(r#","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#));
}

#[test]
fn actions_are_found_by_their_names_in_each_language() {
    for (language, name, expected) in [
        (AMAZON, "s3:GetObject", Some(vec![Action::GetObject])),
        (AMAZON, "kms:DescribeKey", Some(vec![Action::Key(KeyAction::Describe)])),
        (ALIBABA, "oss:PutObject", Some(vec![Action::PutObject])),
        (HUAWEI, "obs:object:DeleteObject", Some(vec![Action::DeleteObject])),
        (
            HUAWEI,
            "kms:dek:create",
            Some(vec![
                Action::Key(KeyAction::GenerateDataKey),
                Action::Key(KeyAction::GenerateDataKeyWithoutPlaintext),
            ]),
        ),
        (AMAZON, "s3:FlyAway", None),
    ] {
        assert_eq!(read_action(language, name), expected, "{name}");
    }
    assert_eq!(guess_language(r#"{"Version":"1"}"#), ALIBABA);
    assert_eq!(guess_language(r#"{"Version":"2008-10-17"}"#), AMAZON);
    assert_eq!(guess_language("{}"), HUAWEI);
}
