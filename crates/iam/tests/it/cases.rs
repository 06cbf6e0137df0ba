//! Cases to decide, made of little.

use std::sync::Arc;

use strongroom_iam::{Attached, BucketCase, Case, NamedPolicy, Policy, Subject, Transport};
use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::acl::Acl;
use strongroom_model::circumstance::{Circumstances, RequestWords};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::name::{BucketName, Region};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::time::Timestamp;

use crate::operations;

/// The account that owns the bucket.
pub(crate) const OWNER: u64 = 1;

/// Another one.
pub(crate) const OTHER: u64 = 2;

/// What a policy of everything says.
pub(crate) const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

pub(crate) fn account(number: u64) -> AccountId {
    AccountId::new(number).expect("at most twelve digits")
}

pub(crate) fn root(number: u64) -> Principal {
    Principal::Root(account(number))
}

pub(crate) fn user(number: u64, name: &str) -> Principal {
    Principal::User(account(number), UserName::parse(name).expect("a valid name"))
}

pub(crate) fn identity(language: PolicyLanguage, text: &str) -> Policy {
    let document = PolicyDocument { language, text: text.to_owned() };
    Policy::parse(&document, Attached::Identity).unwrap_or_else(|invalid| panic!("{invalid}: {text}"))
}

pub(crate) fn of_bucket(language: PolicyLanguage, text: &str) -> Policy {
    let document = PolicyDocument { language, text: text.to_owned() };
    let parsed = Policy::parse(&document, Attached::Bucket(&operations::bucket()));
    parsed.unwrap_or_else(|invalid| panic!("{invalid}: {text}"))
}

/// A case of `principal` with these policies of its own, in a bucket of [`OWNER`]'s without a policy.
pub(crate) fn case(principal: Principal, policies: &[&str]) -> Case {
    let named = |(place, text): (usize, &&str)| NamedPolicy {
        name: format!("p{place}"),
        policy: Arc::new(identity(PolicyLanguage::Amazon, text)),
    };
    Case {
        subject: Subject {
            requester: principal.into(),
            groups: Vec::new(),
            policies: policies.iter().enumerate().map(named).collect(),
        },
        circumstances: Circumstances {
            request: None,
            source: Some("192.0.2.7".parse().expect("an address")),
            tls: true,
            now: Timestamp::from_seconds(1_700_000_000),
            words: RequestWords::default(),
        },
        transport: Transport::TRUSTED,
        region: Region::parse("us-east-1").expect("a valid name"),
        bucket: Some(bucket_case(operations::bucket())),
        source_bucket: Some(bucket_case(operations::source_bucket())),
        keys: Vec::new(),
    }
}

fn bucket_case(name: BucketName) -> BucketCase {
    BucketCase {
        name,
        id: [1; 16],
        owner: account(OWNER),
        acl: Acl::canned(CannedAcl::Private, account(OWNER)),
        policy: None,
        block: PublicAccessBlock::default(),
        always_varies: false,
    }
}

/// The same with a policy of the bucket.
pub(crate) fn with_bucket_policy(mut case: Case, policy: Policy) -> Case {
    case.bucket.as_mut().expect("there is a bucket").policy = Some(Arc::new(policy));
    case
}
