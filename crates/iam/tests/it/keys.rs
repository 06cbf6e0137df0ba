//! Decisions about master keys: policies of their own, grants, other accounts.

use std::sync::Arc;

use strongroom_iam::{Attached, Case, KeyCase, Policy, authorize};
use strongroom_model::account::Principal;
use strongroom_model::action::KeyAction;
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::grant::{Grant, GrantAction, GrantConstraint, GrantTerms, GranteeKind};
use strongroom_model::key::{KeyName, KeyReference};
use strongroom_model::name::Region;
use strongroom_model::operation::key::{GrantEnd, KeyUse, Purpose};
use strongroom_model::operation::{KeyOperation, ObjectOperation, Operation};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::time::Timestamp;

use crate::cases::{EVERYTHING, OTHER, OWNER, account, case, of_bucket, root, user, with_bucket_policy};
use crate::operations;

const ID: &str = "522d6070-5ad3-4765-9737-9312ddc72cdb";
const ANN: &str = "arn:aws:iam::000000000001:user/ann";

/// What the usual policy of a key says: the policies of the account decide.
const USUAL: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000001:root"},"Action":"kms:*","Resource":"*"}]}"#;

pub(crate) fn key_of(number: u64) -> KeyCase {
    let name = KeyName {
        id: ID.to_owned(),
        account: account(number),
        region: Region::parse("us-east-1").expect("a valid name"),
        is_default: false,
    };
    KeyCase { reference: Some("alias/k".to_owned()), own_account_only: false, ..KeyCase::bare(name) }
}

pub(crate) fn with_policy(text: &str) -> KeyCase {
    let document = PolicyDocument { language: PolicyLanguage::Amazon, text: text.to_owned() };
    let policy = Policy::parse(&document, Attached::Key).unwrap_or_else(|invalid| panic!("{invalid}: {text}"));
    KeyCase { policy: Some(Arc::new(policy)), ..key_of(OWNER) }
}

pub(crate) fn terms(grantee: &str, actions: &[GrantAction]) -> GrantTerms {
    GrantTerms {
        grantee: grantee.to_owned(),
        grantee_kind: GranteeKind::User,
        retiring: None,
        actions: actions.to_vec(),
        name: None,
        constraint: None,
    }
}

pub(crate) fn granting(terms: GrantTerms) -> KeyCase {
    let key = key_of(OWNER);
    let created = Timestamp::from_seconds(0);
    let grant = Grant { id: "g".to_owned(), key: key.name.clone(), issuer: "i".to_owned(), created, terms };
    KeyCase { grants: Arc::new([grant]), ..key }
}

fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn decrypt(context: EncryptionContext) -> KeyOperation {
    let key = Some(KeyReference::parse("alias/k"));
    KeyOperation::Use(KeyUse::Decrypt { key, ciphertext: Vec::new(), context, purpose: Purpose::Data })
}

/// Whether `principal`, who has these policies, may do that with the key.
fn may(principal: Principal, policies: &[&str], key: &KeyCase, operation: KeyOperation) -> bool {
    let case = Case { keys: vec![key.clone()], ..case(principal, policies) };
    authorize(Operation::Key(operation), case).is_ok()
}

fn may_decrypt(principal: Principal, policies: &[&str], key: &KeyCase) -> bool {
    may(principal, policies, key, decrypt(EncryptionContext::new()))
}

#[test]
fn the_keys_policy_decides_whether_those_of_its_account_count() {
    let ann = || user(OWNER, "ann");
    assert!(may_decrypt(ann(), &[EVERYTHING], &key_of(OWNER)) && !may_decrypt(ann(), &[], &key_of(OWNER)));
    let usual = with_policy(USUAL);
    assert!(may_decrypt(ann(), &[EVERYTHING], &usual) && !may_decrypt(ann(), &[], &usual));
    let named = with_policy(&format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ANN}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
    ));
    assert!(may_decrypt(ann(), &[], &named));
    assert!(!may_decrypt(user(OWNER, "bob"), &[EVERYTHING], &named), "nothing is left to the account's policies");
    assert!(!may_decrypt(root(OWNER), &[EVERYTHING], &named), "not even to its root's");
    assert!(!may(ann(), &[], &named, KeyOperation::Describe(KeyReference::parse("alias/k"))));
}

#[test]
fn a_denial_of_the_keys_policy_wins() {
    let denied = USUAL.replace(
        "]}",
        r#",{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*",
        "Condition":{"StringNotEquals":{"kms:EncryptionContext:team":"blue"}}}]}"#,
    );
    let key = with_policy(&denied);
    let decrypting = |pairs: &[(&str, &str)]| may(root(OWNER), &[EVERYTHING], &key, decrypt(context(pairs)));
    assert!(decrypting(&[("team", "blue")]));
    assert!(!decrypting(&[("team", "red")]) && !decrypting(&[]));
}

#[test]
fn a_grant_lets_its_grantee_do_what_it_names_in_the_context_it_names() {
    let key = granting(GrantTerms {
        constraint: Some(GrantConstraint::Subset(context(&[("a", "1")]))),
        ..terms(ANN, &[GrantAction::Decrypt])
    });
    let ann = |pairs: &[(&str, &str)]| may(user(OWNER, "ann"), &[], &key, decrypt(context(pairs)));
    assert!(ann(&[("a", "1"), ("b", "2")]) && !ann(&[("a", "2")]) && !ann(&[]));
    assert!(!may(user(OWNER, "bob"), &[], &key, decrypt(context(&[("a", "1")]))));
    assert!(!may(user(OWNER, "ann"), &[], &key, KeyOperation::Describe(KeyReference::parse("alias/k"))));
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;
    assert!(!may(user(OWNER, "ann"), &[deny], &key, decrypt(context(&[("a", "1")]))), "a denial wins over a grant");
}

#[test]
fn a_grant_to_an_account_is_passed_on_by_its_policies() {
    let to_domain = GrantTerms {
        grantee_kind: GranteeKind::Account,
        ..terms(&account(OTHER).obs_domain(), &[GrantAction::Decrypt])
    };
    for key in [granting(to_domain), granting(terms("arn:aws:iam::000000000002:root", &[GrantAction::Decrypt]))] {
        assert!(may_decrypt(user(OTHER, "bob"), &[EVERYTHING], &key));
        assert!(!may_decrypt(user(OTHER, "bob"), &[], &key));
        assert!(!may_decrypt(user(3, "eve"), &[EVERYTHING], &key));
    }
}

/// Else a grant to make grants would be one to do everything.
#[test]
fn by_a_grant_no_more_can_be_granted_than_it_has() {
    let held = [GrantAction::CreateGrant, GrantAction::Decrypt];
    let key =
        granting(GrantTerms { constraint: Some(GrantConstraint::Equals(context(&[("a", "1")]))), ..terms(ANN, &held) });
    let granted = |terms| {
        let operation = KeyOperation::CreateGrant { key: KeyReference::parse("alias/k"), terms };
        may(user(OWNER, "ann"), &[], &key, operation)
    };
    let same = || Some(GrantConstraint::Equals(context(&[("a", "1")])));
    assert!(granted(GrantTerms { constraint: same(), ..terms("bob", &[GrantAction::Decrypt]) }));
    assert!(!granted(GrantTerms { constraint: same(), ..terms("bob", &[GrantAction::Encrypt]) }));
    assert!(!granted(terms("bob", &[GrantAction::Decrypt])));
}

#[test]
fn whoever_may_retire_a_grant_may_retire_that_one() {
    let key = granting(GrantTerms {
        retiring: Some("arn:aws:iam::000000000001:user/bob".to_owned()),
        ..terms(ANN, &[GrantAction::Decrypt, GrantAction::RetireGrant])
    });
    let retired = |name: &str, grant: &str, by| {
        let key_of = KeyReference::parse("alias/k");
        may(user(OWNER, name), &[], &key, KeyOperation::EndGrant { key: key_of, grant: grant.to_owned(), by })
    };
    for (name, grant, by, expected) in [
        ("bob", "g", GrantEnd::Retire, true),
        ("ann", "g", GrantEnd::Retire, true),
        ("eve", "g", GrantEnd::Retire, false),
        ("ann", "h", GrantEnd::Retire, false),
        ("bob", "h", GrantEnd::Retire, false),
        ("bob", "g", GrantEnd::Revoke, false),
        ("ann", "g", GrantEnd::Revoke, false),
    ] {
        assert_eq!(retired(name, grant, by), expected, "{name} {grant} {by:?}");
    }
}

#[test]
fn other_accounts_may_use_a_key_and_never_manage_it() {
    let to_other = with_policy(
        r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000002"},"Action":"kms:*","Resource":"*"}]}"#,
    );
    let bob = || user(OTHER, "bob");
    assert!(may_decrypt(bob(), &[EVERYTHING], &to_other));
    assert!(!may_decrypt(bob(), &[], &to_other), "its own account must allow it besides");
    assert!(!may_decrypt(bob(), &[EVERYTHING], &key_of(OWNER)), "nobody has consented");
    let deletion = || KeyOperation::ScheduleDeletion { key: KeyReference::parse("alias/k"), days: 7 };
    assert!(!may(bob(), &[EVERYTHING], &to_other, deletion()));
    assert!(!may_decrypt(bob(), &[EVERYTHING], &KeyCase { own_account_only: true, ..to_other.clone() }));
    let default = KeyCase { name: KeyName { is_default: true, ..to_other.name.clone() }, ..to_other };
    assert!(!may_decrypt(bob(), &[EVERYTHING], &default));
}

#[test]
fn a_ciphertext_is_opened_under_the_rights_to_the_key_that_it_names() {
    let unnamed = KeyCase { reference: None, ..key_of(OWNER) };
    let open = || {
        let (ciphertext, context) = (Vec::new(), EncryptionContext::new());
        KeyOperation::Use(KeyUse::Decrypt { key: None, ciphertext, context, purpose: Purpose::Data })
    };
    let on = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{resource}"}}]}}"#
        )
    };
    let this = on(&format!("arn:aws:kms:us-east-1:000000000001:key/{ID}"));
    assert!(may(user(OWNER, "ann"), &[&this], &unnamed, open()));
    assert!(!may(user(OWNER, "ann"), &[&on("arn:aws:kms:us-east-1:000000000001:key/other")], &unnamed, open()));
}

/// An alias must not be a way around what is said of the key.
#[test]
fn policies_are_held_against_the_key_that_an_alias_points_at() {
    let but_this = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*"}},
        {{"Effect":"Deny","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/{ID}"}}]}}"#
    );
    assert!(!may_decrypt(root(OWNER), &[&but_this], &key_of(OWNER)));
}

fn use_key(case: Case, key: &KeyCase) -> Result<(), FailureCode> {
    let read = Operation::Object(ObjectOperation::Get(operations::get()));
    let rights = authorize(read, case).expect("reading is allowed").rights().clone();
    let outcome = rights.use_key(KeyAction::DecryptDataKey, key, &EncryptionContext::new());
    outcome.map_err(|failure: Failure| failure.code)
}

#[test]
fn a_right_to_an_object_is_no_right_to_its_key() {
    let object_only = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let of_key = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["s3:*","kms:Decrypt"],"Resource":["arn:aws:s3:::*","{resource}"]}}]}}"#
        )
    };
    let ann = |text: &str| use_key(case(user(OWNER, "ann"), &[text]), &key_of(OWNER));
    assert_eq!(ann(EVERYTHING), Ok(()));
    assert_eq!(ann(object_only), Err(FailureCode::KeyDenied));
    assert_eq!(ann(&of_key(&format!("arn:aws:kms:us-east-1:000000000001:key/{ID}"))), Ok(()));
    assert_eq!(ann(&of_key("arn:aws:kms:*:*:key/other")), Err(FailureCode::KeyDenied));
    assert_eq!(ann(&of_key("arn:aws:kms:*:000000000002:key/*")), Err(FailureCode::KeyDenied));
    let granted = granting(terms(ANN, &[GrantAction::Decrypt]));
    assert_eq!(use_key(case(user(OWNER, "ann"), &[object_only]), &granted), Ok(()), "Amazon's word is for both");
}

/// No list and no policy of a bucket reaches across accounts what is under a master key.
#[test]
fn strangers_need_the_key_owners_consent() {
    let to_all =
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let public = |case| with_bucket_policy(case, of_bucket(PolicyLanguage::Amazon, to_all));
    let granted = granting(terms("000000000002", &[GrantAction::Decrypt]));
    assert_eq!(use_key(public(case(root(OTHER), &[EVERYTHING])), &key_of(OWNER)), Err(FailureCode::KeyDenied));
    assert_eq!(use_key(public(case(root(OTHER), &[EVERYTHING])), &granted), Ok(()));
    assert_eq!(use_key(public(case(root(OTHER), &[])), &granted), Err(FailureCode::KeyDenied));
    let anonymous = public(case(Principal::Anonymous, &[]));
    assert_eq!(use_key(anonymous, &granted), Err(FailureCode::KmsNeedsSignature));
}

#[test]
fn a_policy_that_locks_its_writer_out_is_known() {
    let keeps = |principal, text: &str| {
        let read = Operation::Object(ObjectOperation::Get(operations::get()));
        let case = case(principal, &[EVERYTHING]);
        let rights = authorize(read, case).expect("reading is allowed").rights().clone();
        let KeyCase { policy, name, .. } = with_policy(text);
        rights.keeps_key_policy(policy.expect("there is one"), name)
    };
    assert!(keeps(root(OWNER), USUAL) && keeps(user(OWNER, "ann"), USUAL));
    let to_ann = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ANN}"}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    assert!(!keeps(root(OWNER), &to_ann) && keeps(user(OWNER, "ann"), &to_ann));
}
