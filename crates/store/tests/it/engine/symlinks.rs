//! Symbolic links: they are read as what they stand for, and are objects of their own in all else.

use strongroom_iam::Transport;
use strongroom_model::account::{Principal, UserName};
use strongroom_model::condition::{Conditions, TagList};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::{ObjectKind, ObjectMetadata};
use strongroom_model::operation::copy::CopyObject;
use strongroom_model::operation::object::{GetObject, ObjectTarget, PutObject};
use strongroom_model::operation::symlink::{Links, PutSymlink};
use strongroom_model::operation::{AdminOperation, BucketOperation, ObjectOperation, Operation};
use strongroom_model::outcome::object::{ObjectWritten, SymlinkRead};
use strongroom_model::outcome::{ObjectOutcome, Outcome};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::setting::{Setting, Versioning};

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, copy, get, noise, object_key, put};

impl Bench {
    async fn link(&self, link: PutObject, target: &str) -> Result<ObjectWritten, Failure> {
        let asked = ObjectOperation::PutSymlink(PutSymlink { link, target: object_key(target) });
        match self.run(Operation::Object(asked), None).await?.outcome {
            Outcome::Object(ObjectOutcome::Put(written)) => Ok(written),
            other => panic!("{other:?}"),
        }
    }

    async fn target(&self, key: &str) -> Result<SymlinkRead, Failure> {
        let target = ObjectTarget { bucket: bucket_name(BUCKET), key: object_key(key), version: None };
        match self.run(Operation::Object(ObjectOperation::GetSymlink(target)), None).await?.outcome {
            Outcome::Object(ObjectOutcome::Symlink(read)) => Ok(read),
            other => panic!("{other:?}"),
        }
    }
}

fn metadata(value: &str) -> ObjectMetadata {
    ObjectMetadata { user: vec![("of".to_owned(), value.to_owned())], ..Default::default() }
}

#[tokio::test]
async fn a_link_is_read_as_its_target_in_every_method() {
    let bench = Bench::memory().await;
    for method in METHODS {
        let bytes = noise(100_000);
        let object = PutObject { metadata: metadata("target"), encryption: method.wish(), ..put("target") };
        bench.put_as(object, &bytes).await.unwrap();
        bench.advance(1000);
        bench.link(PutObject { metadata: metadata("link"), ..put("link") }, "target").await.unwrap();
        assert!(bench.get("link", method).await.unwrap() == bytes, "{method:?}");
        let read = |key: &str| GetObject { customer_key: method.key_for_reading(), ..get(key) };
        let (link, target) =
            (bench.head(read("link")).await.unwrap().facts, bench.head(read("target")).await.unwrap().facts);
        assert_eq!((link.kind, target.kind), (ObjectKind::Symlink, ObjectKind::Normal));
        assert_eq!((link.size, link.etag, link.md5), (target.size, target.etag, target.md5));
        assert_eq!(link.encryption, target.encryption);
        assert_eq!(link.metadata, metadata("link"));
        assert_eq!((link.last_modified, target.last_modified.plus_millis(1000)), (bench.now(), bench.now()));
        bench.advance(1000);
        bench.put("target", b"newer", method).await.unwrap();
        assert_eq!(bench.get("link", method).await.unwrap(), b"newer"[..]);
        assert_eq!(bench.head(read("link")).await.unwrap().facts.last_modified, bench.now(), "the later of both");
    }
}

#[tokio::test]
async fn a_link_is_an_object_of_its_own() {
    let bench = Bench::memory().await;
    bench.put("target", b"abc", Method::ManagedAes).await.unwrap();
    let written = bench.link(put("link"), "target").await.unwrap();
    let read = bench.target("link").await.unwrap();
    assert_eq!((read.target.as_str(), read.facts.etag, read.facts.size), ("target", written.etag, 0));
    let listed = bench.list().await;
    let kinds: Vec<_> = listed.objects.iter().map(|object| (object.key.as_str(), object.kind, object.size)).collect();
    assert_eq!(kinds, [("link", ObjectKind::Symlink, 0), ("target", ObjectKind::Normal, 3)]);
    bench.delete("link").await.unwrap();
    assert_eq!(bench.get("target", Method::ManagedAes).await.unwrap(), b"abc"[..]);
    assert_eq!(bench.target("target").await.unwrap_err().code, FailureCode::NotALink);
    assert_eq!(bench.target("link").await.unwrap_err().code, FailureCode::NoSuchKey);
}

#[tokio::test]
async fn links_to_nothing_and_to_links_are_refused_when_they_are_read() {
    let bench = Bench::memory().await;
    bench.link(put("a"), "nothing").await.unwrap();
    bench.link(put("b"), "a").await.unwrap();
    bench.link(put("c"), "c").await.unwrap();
    let code = async |key: &str| bench.get_as(get(key)).await.unwrap_err().code;
    assert_eq!(code("a").await, FailureCode::LinkTargetMissing);
    assert_eq!(code("b").await, FailureCode::LinkToLink);
    assert_eq!(code("c").await, FailureCode::LinkToLink);
    assert_eq!(bench.head(get("a")).await.unwrap_err().code, FailureCode::LinkTargetMissing);
    let kept = Conditions { if_none_match: Some(TagList::Any), ..Conditions::default() };
    let again = bench.link(PutObject { conditions: kept, ..put("a") }, "target").await;
    assert_eq!(again.unwrap_err().code, FailureCode::PreconditionFailed);
    assert_eq!(bench.append("a", 0, b"x", Method::Plain).await.unwrap_err().code, FailureCode::ObjectNotAppendable);
}

#[tokio::test]
async fn a_copy_takes_the_link_or_what_it_stands_for() {
    let bench = Bench::memory().await;
    bench.put("target", b"abc", Method::KmsSm4).await.unwrap();
    bench.link(PutObject { metadata: metadata("link"), ..put("link") }, "target").await.unwrap();
    let asked = |to: &str, links| CopyObject { links, ..copy("link", Method::Plain, to, Method::ManagedAes) };
    bench.copy_as(asked("followed", Links::Followed)).await.unwrap();
    bench.copy_as(asked("taken", Links::Taken)).await.unwrap();
    bench.delete("target").await.unwrap();
    assert_eq!(bench.get("followed", Method::ManagedAes).await.unwrap(), b"abc"[..]);
    let taken = bench.target("taken").await.unwrap();
    assert_eq!((taken.target.as_str(), taken.facts.metadata), ("target", metadata("link")));
    assert_eq!(bench.get_as(get("taken")).await.unwrap_err().code, FailureCode::LinkTargetMissing);
}

#[tokio::test]
async fn every_version_of_a_link_leads_to_what_its_target_is_now() {
    let bench = Bench::memory().await;
    let keep = Setting::Versioning(Versioning::Enabled);
    bench.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), keep)).await.unwrap();
    bench.put("a", b"a1", Method::ManagedAes).await.unwrap();
    bench.put("b", b"b1", Method::ManagedAes).await.unwrap();
    let first = bench.link(put("link"), "a").await.unwrap().version;
    let second = bench.link(put("link"), "b").await.unwrap().version;
    bench.put("a", b"a2", Method::ManagedAes).await.unwrap();
    for (version, bytes) in [(first, b"a2"), (second, b"b1")] {
        let (read, found) = bench.get_as(GetObject { version, ..get("link") }).await.unwrap();
        assert_eq!((read.facts.version, &found[..]), (version, &bytes[..]));
    }
    bench.delete("a").await.unwrap();
    let gone = bench.get_as(GetObject { version: first, ..get("link") }).await.unwrap_err();
    assert_eq!(gone.code, FailureCode::LinkTargetMissing, "its target has a delete marker");
}

/// Who may read the link, and not what it stands for, reads nothing and learns nothing of it.
#[tokio::test]
async fn both_the_link_and_its_target_must_be_readable() {
    let bench = Bench::memory().await;
    bench.put("secret", b"abc", Method::ManagedAes).await.unwrap();
    bench.link(put("public/link"), "secret").await.unwrap();
    bench.link(put("public/nowhere"), "nothing").await.unwrap();
    let ann = UserName::parse("ann").unwrap();
    bench.admin(AdminOperation::CreateUser(ann.clone())).await.unwrap();
    let allow = async |resource: &str| {
        let text = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/{resource}"}}]}}"#
        );
        let policy = Setting::Policy(PolicyDocument { language: PolicyLanguage::Amazon, text });
        bench.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), policy)).await.unwrap();
    };
    let read = async |key: &str| {
        let asked = Operation::Object(ObjectOperation::Get(get(key)));
        let ann = Principal::User(bench.account, ann.clone());
        bench.run_as(ann, asked, None, Transport::TRUSTED).await.map(drop).map_err(|failure| failure.code)
    };
    allow("public/*").await;
    assert_eq!(read("public/link").await, Err(FailureCode::AccessDenied));
    assert_eq!(read("public/nowhere").await, Err(FailureCode::AccessDenied), "not even that it is not there");
    allow("*").await;
    assert_eq!(read("public/link").await, Ok(()));
}
