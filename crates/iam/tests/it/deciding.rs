//! Who may do what: the sides of a decision, one by one.

use std::sync::Arc;

use strongroom_iam::{Case, Denied, Granted, Permission, PolicyPlace, Reason, Session, authorize};
use strongroom_model::account::Principal;
use strongroom_model::acl::{self, Acl, Grant, Grantee};
use strongroom_model::encryption::{DataAlgorithm, EncryptionContext, EncryptionWish, KmsWish};
use strongroom_model::failure::FailureCode;
use strongroom_model::key::KeyReference;
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::bucket::BucketOperation;
use strongroom_model::operation::{ObjectOperation, Operation};
use strongroom_model::policy::{LocalName, PolicyLanguage};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::setting::SettingKind;
use strongroom_model::time::Timestamp;

use crate::cases::{EVERYTHING, OTHER, OWNER, account, case, identity, of_bucket, root, user, with_bucket_policy};
use crate::operations::{bucket, get, key, list, put};

const AMAZON: PolicyLanguage = PolicyLanguage::Amazon;

fn read() -> Operation {
    Operation::Object(ObjectOperation::Get(get()))
}

fn write() -> Operation {
    Operation::Object(ObjectOperation::Put(put()))
}

fn write_with(encryption: EncryptionWish) -> Operation {
    Operation::Object(ObjectOperation::Put(strongroom_model::operation::object::PutObject { encryption, ..put() }))
}

fn kms(key: Option<&str>) -> EncryptionWish {
    EncryptionWish::Kms(KmsWish {
        key: key.map(KeyReference::parse),
        algorithm: DataAlgorithm::Aes256,
        context: EncryptionContext::new(),
        bucket_key: None,
        project: None,
    })
}

fn allowed(operation: Operation, case: &Case) -> bool {
    authorize(operation, case.clone()).is_ok()
}

fn reason(outcome: Result<Granted, Denied>) -> Reason {
    outcome.expect_err("it is denied").decision.expect("something was required").reason
}

/// The policy that OBS's page on SSE-KMS tells bucket owners to set, which forbids uploads that ask for no SSE-KMS.
const DENY_UNENCRYPTED: &str = r#"{"Statement":[{"Sid":"DenyUnencrypted","Effect":"Deny","Principal":"*",
    "Action":"PutObject","Resource":"bucket/*",
    "Condition":{"StringNotEquals":{"x-obs-server-side-encryption":"kms"}}}]}"#;

#[test]
fn unencrypted_uploads_can_be_denied_in_every_language() {
    let amazon = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::bucket/*","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}}}"#;
    let alibaba = r#"{"Version":"1","Statement":[{"Effect":"Deny","Principal":["*"],"Action":["oss:PutObject"],
        "Resource":["acs:oss:*:*:bucket/*"],"Condition":{"StringNotEquals":{"oss:x-oss-server-side-encryption":"KMS"}}}]}"#;
    let short = DENY_UNENCRYPTED.replace("StringNotEquals", "strneq").replace("x-obs-", "");
    for (language, text) in [
        (PolicyLanguage::Huawei, DENY_UNENCRYPTED),
        (PolicyLanguage::Huawei, &short),
        (AMAZON, amazon),
        (PolicyLanguage::Alibaba, alibaba),
    ] {
        let case = with_bucket_policy(case(root(OWNER), &[EVERYTHING]), of_bucket(language, text));
        assert!(!allowed(write(), &case), "{text}");
        assert!(!allowed(write_with(EncryptionWish::Managed(DataAlgorithm::Aes256)), &case), "{text}");
        assert!(allowed(write_with(kms(None)), &case), "{text}");
        assert!(allowed(read(), &case), "{text}");
    }
}

#[test]
fn a_denial_names_its_statement() {
    let policy = of_bucket(PolicyLanguage::Huawei, DENY_UNENCRYPTED);
    let case = with_bucket_policy(case(root(OWNER), &[EVERYTHING]), policy);
    let decision = authorize(write(), case).expect_err("denied").decision.expect("something was required");
    assert_eq!(decision.answer, Permission::Denied);
    assert_eq!(decision.to_string(), "denied: by statement 1 (DenyUnencrypted) of the bucket's policy");
    let Reason::DeniedBy(statement) = decision.reason else { panic!("{decision:?}") };
    assert_eq!(statement.policy, PolicyPlace::Bucket);
}

#[test]
fn the_key_of_an_upload_can_be_prescribed_in_any_spelling() {
    let id = "522d6070-5ad3-4765-9737-9312ddc72cdb";
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::bucket/*","Condition":{{"ArnNotEquals":
        {{"s3:x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:us-east-1:000000000001:key/{id}"}}}}}}]}}"#
    );
    let case = with_bucket_policy(case(root(OWNER), &[EVERYTHING]), of_bucket(AMAZON, &text));
    let domain = account(OWNER).obs_domain();
    for spelling in
        [id.to_owned(), format!("arn:aws:kms:us-east-1:000000000001:key/{id}"), format!("us-east-1:{domain}:key/{id}")]
    {
        assert!(allowed(write_with(kms(Some(&spelling))), &case), "{spelling}");
    }
    assert!(!allowed(write_with(kms(Some("alias/other"))), &case));
    assert!(!allowed(write_with(kms(Some(&format!("arn:aws:kms:us-east-1:000000000002:key/{id}")))), &case));
    assert!(!allowed(write_with(kms(None)), &case), "what is not there differs from everything");
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let to_other = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000002"},
        "Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let granted = |case| with_bucket_policy(case, of_bucket(AMAZON, to_other));
    assert!(allowed(read(), &granted(case(root(OTHER), &[EVERYTHING]))));
    assert!(allowed(read(), &granted(case(user(OTHER, "bob"), &[EVERYTHING]))));
    let outcome = authorize(write(), case(root(OTHER), &[EVERYTHING]));
    assert_eq!(reason(outcome), Reason::NotGrantedByOwner);
    // The bucket's lists do not say no to an object's own list, so that reading needs the object to refuse.
    let granted_user = authorize(read(), granted(case(user(OTHER, "bob"), &[]))).expect("the object may admit");
    assert!(granted_user.rights().admit(&bucket(), &key(), &Acl::canned(CannedAcl::Private, account(OWNER))).is_err());
}

/// An account that is named passes the right on; a user who is named needs nobody in its own account.
#[test]
fn in_the_owners_account_a_user_must_be_named_itself() {
    let to = |who: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},
            "Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*"}}]}}"#
        )
    };
    let case = |who| with_bucket_policy(case(user(OWNER, "ann"), &[]), of_bucket(AMAZON, &to(who)));
    assert!(allowed(write(), &case("arn:aws:iam::000000000001:user/ann")));
    assert!(allowed(write(), &case("*")));
    assert!(!allowed(write(), &case("arn:aws:iam::000000000001:user/bob")));
    assert!(!allowed(write(), &case("arn:aws:iam::000000000001:root")));
}

#[test]
fn groups_are_named_by_their_members() {
    let text = r#"{"Statement":[{"Effect":"Allow","Principal":{"Federated":
        ["domain/00000000000000000000000000000001:group/staff"]},"Action":["PutObject"],"Resource":["bucket/*"]}]}"#;
    let mut case = with_bucket_policy(case(user(OWNER, "ann"), &[]), of_bucket(PolicyLanguage::Huawei, text));
    assert!(!allowed(write(), &case));
    case.subject.groups.push(LocalName::parse("staff").expect("a valid name"));
    assert!(allowed(write(), &case));
}

#[test]
fn lists_let_strangers_in_as_the_sheets_say() {
    let listed = |principal: Principal, acl| {
        let mut case = case(principal, &[]);
        case.bucket.as_mut().expect("there is a bucket").acl = Acl::canned(acl, account(OWNER));
        case
    };
    let list_objects = || Operation::Bucket(BucketOperation::ListObjects(list()));
    for (acl, lists, writes) in [
        (CannedAcl::Private, false, false),
        (CannedAcl::PublicRead, true, false),
        (CannedAcl::PublicReadWrite, true, true),
        (CannedAcl::PublicReadDelivered, true, false),
        (CannedAcl::AuthenticatedRead, false, false),
    ] {
        let case = listed(Principal::Anonymous, acl);
        assert_eq!((allowed(list_objects(), &case), allowed(write(), &case)), (lists, writes), "{acl:?}");
    }
    assert!(allowed(list_objects(), &listed(root(OTHER), CannedAcl::AuthenticatedRead)));
    let admits = |bucket_acl, object_acl| {
        let granted = authorize(read(), listed(Principal::Anonymous, bucket_acl)).expect("the object may admit");
        granted.rights().admit(&bucket(), &key(), &Acl::canned(object_acl, account(OWNER))).is_ok()
    };
    assert!(admits(CannedAcl::Private, CannedAcl::PublicRead));
    assert!(admits(CannedAcl::PublicRead, CannedAcl::Inherit));
    assert!(admits(CannedAcl::PublicReadDelivered, CannedAcl::Private));
    assert!(!admits(CannedAcl::PublicRead, CannedAcl::Private));
    assert!(!admits(CannedAcl::Private, CannedAcl::Inherit));
    assert!(!admits(CannedAcl::Private, CannedAcl::AuthenticatedRead));
}

#[test]
fn a_list_yields_to_a_denial() {
    let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*",
        "Condition":{"NotIpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}]}"#;
    let mut case = with_bucket_policy(case(Principal::Anonymous, &[]), of_bucket(AMAZON, deny));
    case.bucket.as_mut().expect("there is a bucket").acl = Acl::canned(CannedAcl::PublicReadDelivered, account(OWNER));
    assert!(!allowed(read(), &case));
    case.circumstances.source = Some("198.51.100.9".parse().expect("an address"));
    assert!(allowed(read(), &case));
}

#[test]
fn the_public_access_block_takes_back_what_is_public() {
    let to_all = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],
        "Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let mut case = with_bucket_policy(case(root(OTHER), &[EVERYTHING]), of_bucket(AMAZON, to_all));
    let block = |case: &mut Case, block| case.bucket.as_mut().expect("there is a bucket").block = block;
    assert!(allowed(write(), &case));
    block(&mut case, PublicAccessBlock { restrict_buckets: true, ..PublicAccessBlock::default() });
    assert!(!allowed(write(), &case));
    let bucket = case.bucket.as_mut().expect("there is a bucket");
    (bucket.policy, bucket.acl) = (None, Acl::canned(CannedAcl::PublicReadWrite, account(OWNER)));
    assert!(allowed(write(), &case));
    block(&mut case, PublicAccessBlock { ignore_acls: true, ..PublicAccessBlock::default() });
    assert!(!allowed(write(), &case));
    let named =
        Grant { grantee: Grantee::Account(account(OTHER)), permission: acl::Permission::Write, delivered: false };
    let everyone = Grant { grantee: Grantee::Everyone, ..named };
    case.bucket.as_mut().expect("there is a bucket").acl = Acl::Granted(vec![named, everyone]);
    assert!(allowed(write(), &case), "whom a list names keeps what it gives");
    case.subject.requester = Principal::Anonymous.into();
    assert!(!allowed(write(), &case));
}

#[test]
fn a_session_never_does_more_than_its_policy() {
    let reading = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    let mut case = case(root(OWNER), &[EVERYTHING]);
    let session = |policy| Some(Session { issued: Timestamp::from_seconds(1), policy });
    case.subject.requester.session = session(None);
    assert!(allowed(write(), &case));
    case.subject.requester.session = session(Some(Arc::new(identity(AMAZON, reading))));
    assert!(allowed(read(), &case));
    assert_eq!(reason(authorize(write(), case.clone())), Reason::NotInSession);
    let to_all =
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let case = with_bucket_policy(case, of_bucket(AMAZON, to_all));
    assert!(!allowed(write(), &case), "nor does the bucket's policy give it more");
}

/// Else one wrong statement would lock an account out of its own bucket for ever.
#[test]
fn an_account_can_always_remove_the_policy_of_its_bucket() {
    let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;
    let removal = || Operation::Bucket(BucketOperation::DeleteSetting(bucket(), SettingKind::Policy));
    let denied = |case| with_bucket_policy(case, of_bucket(AMAZON, deny));
    assert!(allowed(removal(), &denied(case(root(OWNER), &[EVERYTHING]))));
    assert!(!allowed(removal(), &denied(case(root(OWNER), &[]))));
    assert!(!allowed(removal(), &denied(case(user(OWNER, "ann"), &[EVERYTHING]))));
    assert!(!allowed(read(), &denied(case(root(OWNER), &[EVERYTHING]))));
}

/// Between deciding and doing, a bucket may be deleted and its name be another's.
#[test]
fn a_grant_is_for_one_bucket_and_not_for_its_name() {
    let rights = authorize(read(), case(root(OWNER), &[EVERYTHING])).expect("allowed").rights().clone();
    assert!(rights.recognise(&bucket(), [1; 16], account(OWNER)).is_ok());
    for (id, owner) in [([2; 16], OWNER), ([1; 16], OTHER)] {
        let refused = rights.recognise(&bucket(), id, account(owner)).expect_err("another bucket");
        assert_eq!(refused.code, FailureCode::Conflict);
    }
}
