//! Bucket keys over the embedded service: whose they are, how long they last, and what stops them.

use std::collections::BTreeMap;

use strongroom_model::key::{KeyReference, KeySpec};
use strongroom_model::operation::key::CreateKey;
use strongroom_seal::{AES_256_GCM, AES_256_GCM_TWICE, SM4_GCM};

use super::*;
use crate::kms::{
    CACHE_SECONDS, Opened,
    embedded::tests::{HOME, World, account, made, named},
};

const BOUND_MS: i64 = CACHE_SECONDS as i64 * 1000;

fn whose<'a>(requester: &str, key: &'a KeyReference) -> BucketKeyFor<'a> {
    BucketKeyFor { requester: requester.to_owned(), account: account(), which: KeySelector::Reference(key) }
}

async fn sealed(node: &Opened, key: &KeyReference) -> Result<DataKey, KmsError> {
    node.bucket_keys.data_key(whose("me", key), &AES_256_GCM, &HOME).await
}

async fn opened(node: &Opened, sealed: &DataKey) -> Result<bool, KmsError> {
    let opened = node.kms.unwrap(&sealed.envelope, &HOME).await?;
    assert!(opened.content.data_key().unwrap().expose() == sealed.content.data_key().unwrap().expose());
    Ok(opened.cached)
}

fn calls(node: &Opened) -> (u64, u64) {
    let now = node.metrics.snapshot();
    (now.data_key_calls, now.unwrap_calls)
}

#[test]
fn fields_do_not_run_into_each_other() {
    let all = [digest([b"ab", b"c"]), digest([b"a", b"bc"]), digest([b"abc", b""]), digest([b"", b"abc"])];
    assert!((0..4).all(|n| !all[n + 1..].contains(&all[n])));
}

#[tokio::test]
async fn one_call_to_seal_and_one_to_open_whatever_is_under_one_bucket_key() {
    let world = World::new();
    let node = world.node().await;
    let key = named(&made(&node).await);
    let mut all = Vec::new();
    for n in 0..20 {
        let made = sealed(&node, &key).await.unwrap();
        assert_eq!(made.cached, n > 0);
        all.push(made);
    }
    assert_eq!(calls(&node), (1, 0));
    for (n, made) in all.iter().enumerate() {
        assert_eq!(opened(&node, made).await.unwrap(), n > 0);
    }
    assert_eq!(calls(&node), (1, 1));
    let other = world.node().await;
    for made in &all {
        opened(&other, made).await.unwrap();
    }
    assert_eq!(calls(&other), (0, 1), "a node that has just begun");
    let wrapped = |made: &DataKey| made.envelope.key().unwrap().wrapped.encode();
    assert!((1..20).all(|n| wrapped(&all[n]) != wrapped(&all[0])));
}

#[tokio::test]
async fn who_comes_while_it_is_made_waits_for_it() {
    let world = World::new();
    let node = world.node().await;
    let key = named(&made(&node).await);
    let many = futures_util::future::join_all((0..50).map(|_| sealed(&node, &key))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(calls(&node), (1, 0));
}

/// Requester, bucket, owner, context, master key: each has its own.
#[tokio::test]
async fn a_bucket_key_is_shared_with_nobody() {
    let world = World::new();
    let node = world.node().await;
    let (key, other_key) = (named(&made(&node).await), named(&made(&node).await));
    let context = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let other_object = Binding { key: "other", version: "other", ..HOME };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for (requester, key, place) in [
        ("me", &key, HOME),
        ("you", &key, HOME),
        ("me", &other_key, HOME),
        ("me", &key, Binding { bucket: "other", ..HOME }),
        ("me", &key, Binding { context: &context, ..HOME }),
        ("me", &key, Binding { account: "000000000008", ..HOME }),
    ] {
        for (expected, place) in [(false, place), (true, Binding { key: "other", version: "other", ..place })] {
            let made = node.bucket_keys.data_key(whose(requester, key), &AES_256_GCM, &place).await.unwrap();
            assert_eq!(made.cached, expected, "{requester} {place:?}");
            let over = made.envelope.key().unwrap().bucket_key.as_ref().unwrap().encode();
            assert_eq!(seen.contains(&over), expected);
            seen.push(over);
        }
    }
    assert_eq!(calls(&node), (6, 0));
    let made = sealed(&node, &key).await.unwrap();
    for elsewhere in [other_object, Binding { bucket: "other", ..HOME }, Binding { context: &context, ..HOME }] {
        assert!(matches!(node.kms.unwrap(&made.envelope, &elsewhere).await, Err(KmsError::Damaged(_))));
    }
}

#[tokio::test]
async fn all_levels_have_the_cipher_of_the_master_key() {
    let world = World::new();
    let node = world.node().await;
    for (spec, wrapping) in [(KeySpec::Aes256, &AES_256_GCM), (KeySpec::Sm4, &SM4_GCM)] {
        let key = named(&node.kms.create(account(), &CreateKey::new(spec)).await.unwrap().name);
        for suite in [&AES_256_GCM, &SM4_GCM] {
            let made = node.bucket_keys.data_key(whose("me", &key), suite, &HOME).await.unwrap();
            let parts = made.envelope.key().unwrap();
            let over = parts.bucket_key.as_ref().unwrap();
            assert_eq!((over.suite(), parts.wrapped.suite()), (wrapping, wrapping));
            assert_eq!(over.encode().len(), 66 + wrapping.key_len);
            opened(&node, &made).await.unwrap();
        }
        let twice = node.bucket_keys.data_key(whose("me", &key), &AES_256_GCM_TWICE, &HOME).await;
        assert!(matches!(twice, Err(KmsError::Damaged(_))), "two layers have none");
    }
}

#[tokio::test]
async fn it_ends_after_its_time_and_after_its_number_of_wraps() {
    let world = World::new();
    let node = world.node().await;
    let key = named(&made(&node).await);
    sealed(&node, &key).await.unwrap();
    world.pass(i64::from(BUCKET_KEY_SECONDS) * 1000 - 1);
    assert!(sealed(&node, &key).await.unwrap().cached);
    world.pass(1);
    assert!(!sealed(&node, &key).await.unwrap().cached);
    assert_eq!(calls(&node), (2, 0));

    let current = node.kms.current_version(account(), KeySelector::Reference(&key)).await.unwrap();
    let place = HOME.bucket_key().encode();
    let id = digest([b"me", current.name.id.as_bytes(), &current.number.to_be_bytes(), &place]);
    let slot = node.bucket_keys.held.get(&id, (node.bucket_keys.clock)()).unwrap();
    slot.lock().await.as_mut().unwrap().wraps = BUCKET_KEY_WRAPS - 1;
    assert!(sealed(&node, &key).await.unwrap().cached);
    assert!(!sealed(&node, &key).await.unwrap().cached);
    assert_eq!(calls(&node), (3, 0));

    let held = Arc::downgrade(&slot.lock().await.as_ref().unwrap().bucket_key);
    drop(slot);
    node.bucket_keys.evict();
    assert!(held.upgrade().is_some());
    world.pass(i64::from(BUCKET_KEY_SECONDS) * 1000);
    node.bucket_keys.evict();
    assert!(held.upgrade().is_none(), "nobody has to come for it to be wiped");
}

#[tokio::test]
async fn a_master_key_that_stops_stops_its_bucket_keys_within_the_bound() {
    let world = World::new();
    let (one, two) = (world.node().await, world.node().await);
    let key = named(&made(&one).await);
    let made = sealed(&one, &key).await.unwrap();
    opened(&one, &made).await.unwrap();
    let disabled = |error: KmsError| matches!(error, KmsError::Disabled(_));
    let pending = |error: KmsError| matches!(error, KmsError::PendingDeletion(_));

    two.kms.disable(account(), &key).await.unwrap();
    assert!(sealed(&two, &key).await.err().is_some_and(disabled), "at once, where it was disabled");
    world.pass(BOUND_MS);
    assert!(sealed(&one, &key).await.err().is_some_and(disabled));
    assert!(opened(&one, &made).await.err().is_some_and(disabled));

    one.kms.enable(account(), &key).await.unwrap();
    assert!(sealed(&one, &key).await.unwrap().cached, "the bucket key has time left");
    opened(&one, &made).await.unwrap();
    one.kms.schedule_deletion(account(), &key, 7).await.unwrap();
    assert!(sealed(&one, &key).await.err().is_some_and(pending));
    assert!(opened(&one, &made).await.err().is_some_and(pending));

    world.pass(8 * 86_400_000);
    one.kms.tend().await.unwrap();
    assert!(matches!(sealed(&one, &key).await, Err(KmsError::NotFound(_))));
    assert!(matches!(opened(&one, &made).await, Err(KmsError::NotFound(_))));
}

#[tokio::test]
async fn a_rotated_master_key_has_bucket_keys_of_its_new_version_within_the_bound() {
    let world = World::new();
    let (one, two) = (world.node().await, world.node().await);
    let key = named(&made(&one).await);
    let first = sealed(&one, &key).await.unwrap();
    two.kms.rotate(account(), &key).await.unwrap();
    world.pass(BOUND_MS);
    let second = sealed(&one, &key).await.unwrap();
    assert!(!second.cached);
    let version = |made: &DataKey| made.envelope.key().unwrap().key_version;
    assert_eq!((version(&first), version(&second)), (1, 2));
    for made in [&first, &second] {
        opened(&two, made).await.unwrap();
    }
}
