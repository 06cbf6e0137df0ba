//! What nobody may make public: refused on every path on which a list or a policy comes in.

use strongroom_model::acl::{AclDocument, AclWish};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::object::{ObjectTarget, PutObject, PutObjectSetting};
use strongroom_model::operation::upload::InitiateUpload;
use strongroom_model::operation::{BucketOperation, ObjectOperation, Operation, UploadOperation};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::setting::{ObjectSetting, ObjectSettingsWish, Setting, SettingKind};

use super::bench::{BUCKET, Bench, Method, bucket_name, copy, object_key, put};
use super::uploads::initiate;

const TO_ALL: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;
const TO_ONE: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000007"},"Action":"s3:GetObject",
    "Resource":"arn:aws:s3:::bucket/*"}]}"#;

fn listed(list: CannedAcl) -> ObjectSettingsWish {
    ObjectSettingsWish { acl: AclWish::Canned(list), ..ObjectSettingsWish::default() }
}

impl Bench {
    async fn configure(&self, setting: Setting) -> Result<(), Failure> {
        self.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), setting)).await.map(drop)
    }

    async fn policy(&self, text: &str) -> Result<(), Failure> {
        let document = PolicyDocument { language: PolicyLanguage::Amazon, text: text.to_owned() };
        self.configure(Setting::Policy(document)).await
    }

    /// Puts a list in every way there is, each with its name.
    async fn list_everywhere(&self, list: CannedAcl) -> Vec<(&'static str, Result<(), Failure>)> {
        let document = || AclDocument { owner: None, list: AclWish::Canned(list) };
        let target = ObjectTarget { bucket: bucket_name(BUCKET), key: object_key("k"), version: None };
        let on_object = PutObjectSetting { target, setting: ObjectSetting::Acl(document()), bypass_governance: false };
        let mut copied = copy("k", Method::Plain, "copied", Method::Plain);
        copied.target.settings = listed(list);
        let begun = InitiateUpload { settings: listed(list), ..initiate("upload", Method::Plain) };
        let written = PutObject { settings: listed(list), ..put("new") };
        vec![
            ("of the bucket", self.configure(Setting::Acl(document())).await),
            ("of an object", self.run(Operation::Object(ObjectOperation::PutSetting(on_object)), None).await.map(drop)),
            ("with an object", self.put_as(written, b"x").await.map(drop)),
            ("with a copy", self.copy_as(copied).await.map(drop)),
            ("with an upload", self.upload(UploadOperation::Initiate(begun), None).await.map(drop)),
        ]
    }
}

#[tokio::test]
async fn public_lists_are_refused_on_every_path() {
    let bench = Bench::memory().await;
    bench.put("k", b"x", Method::Plain).await.unwrap();
    for (path, put) in bench.list_everywhere(CannedAcl::PublicRead).await {
        assert!(put.is_ok(), "{path}");
    }
    let block = PublicAccessBlock { block_acls: true, ..PublicAccessBlock::default() };
    bench.configure(Setting::PublicAccessBlock(Some(block))).await.unwrap();
    for list in [CannedAcl::PublicRead, CannedAcl::PublicReadWrite, CannedAcl::AuthenticatedRead] {
        for (path, put) in bench.list_everywhere(list).await {
            assert_eq!(put.expect_err(path).code, FailureCode::AccessDenied, "{list:?} {path}");
        }
    }
    for (path, put) in bench.list_everywhere(CannedAcl::Private).await {
        assert!(put.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn public_policies_are_refused_and_others_are_not() {
    let bench = Bench::memory().await;
    bench.policy(TO_ALL).await.unwrap();
    let block = PublicAccessBlock { block_policy: true, ..PublicAccessBlock::default() };
    bench.configure(Setting::PublicAccessBlock(Some(block))).await.unwrap();
    assert_eq!(bench.policy(TO_ALL).await.unwrap_err().code, FailureCode::AccessDenied);
    bench.policy(TO_ONE).await.unwrap();
    let name = bucket_name(BUCKET);
    bench.bucket(BucketOperation::DeleteSetting(name, SettingKind::PublicAccessBlock)).await.unwrap();
    bench.policy(TO_ALL).await.unwrap();
}
