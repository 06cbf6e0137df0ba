//! Every role against every operation, as a page of text to review.

use strongroom_iam::{Case, KeyCase, Verdict, authorize};
use strongroom_model::account::Principal;
use strongroom_model::acl::Acl;
use strongroom_model::grant::GrantAction;
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::object::DeleteObjects;
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation};
use strongroom_model::policy::PolicyLanguage;

use crate::cases::{EVERYTHING, OTHER, OWNER, account, case, of_bucket, root, user, with_bucket_policy};
use crate::keys::{granting, key_of, terms, with_policy};
use crate::operations::{bucket, every_operation, key};

const READER: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject","s3:GetObjectVersion"],"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;

const BUT_DELETING: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Deny","Action":["s3:Delete*","kms:ScheduleKeyDeletion","iam:Delete*"],"Resource":"*"}]}"#;

const TO_OTHER: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000002"},
    "Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;

const TO_ALL: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;

const TO_NOBODY: &str = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;

fn roles() -> Vec<(&'static str, Case)> {
    let granted = |case, text| with_bucket_policy(case, of_bucket(PolicyLanguage::Amazon, text));
    let listed = |mut case: Case, acl| {
        case.bucket.as_mut().expect("there is a bucket").acl = Acl::canned(acl, account(OWNER));
        case
    };
    vec![
        ("nobody signed in", case(Principal::Anonymous, &[])),
        ("nobody signed in, bucket public-read", listed(case(Principal::Anonymous, &[]), CannedAcl::PublicRead)),
        (
            "nobody signed in, bucket public-read-write",
            listed(case(Principal::Anonymous, &[]), CannedAcl::PublicReadWrite),
        ),
        ("nobody signed in, policy lets all read", granted(case(Principal::Anonymous, &[]), TO_ALL)),
        ("owner's root, policy of everything", case(root(OWNER), &[EVERYTHING])),
        ("owner's root, policy of everything, bucket denies all", granted(case(root(OWNER), &[EVERYTHING]), TO_NOBODY)),
        ("owner's root, no policy", case(root(OWNER), &[])),
        ("owner's user, no policy", case(user(OWNER, "ann"), &[])),
        ("owner's user, may read", case(user(OWNER, "ann"), &[READER])),
        ("owner's user, everything but deleting", case(user(OWNER, "ann"), &[EVERYTHING, BUT_DELETING])),
        ("other's root, policy of everything", case(root(OTHER), &[EVERYTHING])),
        ("other's root, granted reading and writing", granted(case(root(OTHER), &[EVERYTHING]), TO_OTHER)),
        ("other's user, granted, no policy", granted(case(user(OTHER, "bob"), &[]), TO_OTHER)),
        ("other's user, granted, policy of everything", granted(case(user(OTHER, "bob"), &[EVERYTHING]), TO_OTHER)),
        (
            "owner's user, no policy, a grant to open and to grant",
            with_key(case(user(OWNER, "ann"), &[]), &grant("ann")),
        ),
        (
            "other's root, policy of everything, a grant to open and to grant",
            with_key(case(root(OTHER), &[EVERYTHING]), &grant("000000000002")),
        ),
        ("other's root, policy of everything, no grant", with_key(case(root(OTHER), &[EVERYTHING]), &key_of(OWNER))),
        ("owner's root, policy of everything, the key denies", with_key(case(root(OWNER), &[EVERYTHING]), &closed())),
    ]
}

/// With that key as the one that every operation names.
fn with_key(case: Case, key: &KeyCase) -> Case {
    let named = KeyCase { reference: Some("alias/a".to_owned()), ..key.clone() };
    Case { keys: vec![named, KeyCase { reference: None, ..key.clone() }], ..case }
}

fn grant(grantee: &str) -> KeyCase {
    granting(terms(grantee, &[GrantAction::Decrypt, GrantAction::CreateGrant]))
}

fn closed() -> KeyCase {
    with_policy(r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}"#)
}

#[test]
fn the_matrix_is_as_reviewed() {
    let mut page = String::new();
    for (title, case) in roles() {
        page.push_str(&format!("{title}\n"));
        for operation in every_operation() {
            let name = operation.name();
            let answer = match authorize(operation, case.clone()) {
                Ok(granted)
                    if granted
                        .rights()
                        .admit(&bucket(), &key(), &Acl::canned(CannedAcl::Private, account(OWNER)))
                        .is_err() =>
                {
                    "allowed if the object's list says so".to_owned()
                }
                Ok(_) => "allowed".to_owned(),
                Err(denied) => match (denied.anonymous, denied.decision) {
                    (true, _) => "denied: not signed in".to_owned(),
                    (false, Some(decision)) => decision.to_string(),
                    (false, None) => "denied".to_owned(),
                },
            };
            page.push_str(&format!("  {name:<24}{answer}\n"));
        }
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_bucket_that_does_not_exist_denies_nobody_whose_policies_allow() {
    let nowhere = |case: Case| Case { bucket: None, ..case };
    let get = || Operation::Object(ObjectOperation::Get(crate::operations::get()));
    let granted = authorize(get(), nowhere(case(root(OTHER), &[EVERYTHING]))).expect("nobody owns it");
    assert!(granted.may_list());
    assert!(authorize(get(), nowhere(case(user(OTHER, "bob"), &[]))).is_err());
    assert!(authorize(get(), nowhere(case(Principal::Anonymous, &[]))).expect_err("not signed in").anonymous);
}

#[test]
fn a_grant_has_a_verdict_for_everything_required() {
    for operation in every_operation() {
        let required = operation.required().len();
        let granted = authorize(operation, case(root(OWNER), &[EVERYTHING])).expect("the owner may");
        assert_eq!(granted.verdicts(), vec![Verdict::Allowed; required]);
    }
}

/// No decoder lets one in; a decision must not rest on that.
#[test]
fn an_empty_batch_is_for_those_who_may_list() {
    for (title, case) in roles() {
        let list = Operation::Bucket(BucketOperation::ListObjects(crate::operations::list()));
        let may_list = authorize(list, case.clone()).is_ok();
        let batch = DeleteObjects { bucket: bucket(), quiet: false, url_encoded: false, entries: Vec::new() };
        let batch = Operation::Object(ObjectOperation::DeleteMany(batch));
        assert_eq!(authorize(batch, case).is_ok(), may_list, "{title}");
    }
}
