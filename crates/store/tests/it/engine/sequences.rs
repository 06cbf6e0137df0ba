//! Any sequence of operations leaves what a map of keys to bytes would have, in every method, across restarts of the engine and
//! runs of the reaper; and no blob too many.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use strongroom_model::failure::FailureCode;
use strongroom_model::operation::object::{DeleteEntry, DeleteObjects};
use strongroom_model::operation::{ObjectOperation, Operation};

use super::bench::{Bench, METHODS, Method, bucket_name, noise, object_key};

#[derive(Clone, Debug)]
enum Step {
    Put(u8, usize, usize),
    Copy(u8, u8, usize),
    Delete(u8),
    DeleteMany(Vec<u8>),
    Read(u8),
    DeleteBucket,
    Reap,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..6_u8;
    let size = prop_oneof![Just(0_usize), 1..100_usize, 65_530..65_540_usize, 65_541..140_000_usize];
    let step = prop_oneof![
        6 => (key.clone(), 0..METHODS.len(), size).prop_map(|(key, method, size)| Step::Put(key, method, size)),
        3 => (key.clone(), key.clone(), 1..METHODS.len()).prop_map(|(from, to, method)| Step::Copy(from, to, method)),
        2 => key.clone().prop_map(Step::Delete),
        1 => vec(key.clone(), 0..4).prop_map(Step::DeleteMany),
        3 => key.prop_map(Step::Read),
        1 => Just(Step::DeleteBucket),
        1 => Just(Step::Reap),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..30)
}

fn name(key: u8) -> String {
    format!("dir/{key}")
}

type Model = BTreeMap<String, (usize, Method)>;

async fn apply(bench: Bench, model: &mut Model, step: &Step) -> Bench {
    match step {
        Step::Put(key, method, size) => {
            bench.put(&name(*key), &noise(*size), METHODS[*method]).await.unwrap();
            model.insert(name(*key), (*size, METHODS[*method]));
        }
        Step::Copy(from, to, method) => {
            let held = model.get(&name(*from)).copied();
            let source = held.map_or(Method::Plain, |(_, source)| source);
            match (held, bench.copy(&name(*from), source, &name(*to), METHODS[*method]).await) {
                (Some((size, _)), copied) => {
                    copied.unwrap();
                    model.insert(name(*to), (size, METHODS[*method]));
                }
                (None, copied) => assert_eq!(copied.unwrap_err().code, FailureCode::NoSuchKey),
            }
        }
        Step::Delete(key) => {
            bench.delete(&name(*key)).await.unwrap();
            model.remove(&name(*key));
        }
        Step::DeleteMany(keys) => {
            let entry = |key: &u8| DeleteEntry {
                key: object_key(&name(*key)),
                version: None,
                conditions: Default::default(),
                bypass_governance: false,
            };
            let entries = keys.iter().map(entry).collect();
            let asked = DeleteObjects { bucket: bucket_name("bucket"), quiet: false, url_encoded: false, entries };
            bench.run(Operation::Object(ObjectOperation::DeleteMany(asked)), None).await.unwrap();
            model.retain(|held, _| !keys.iter().any(|key| *held == name(*key)));
        }
        Step::Read(key) => read(&bench, model, &name(*key)).await,
        Step::DeleteBucket => match bench.delete_bucket("bucket").await {
            Ok(()) => {
                assert!(model.is_empty());
                bench.create_bucket("bucket", None).await.unwrap();
            }
            Err(failure) => assert_eq!((failure.code, model.is_empty()), (FailureCode::BucketNotEmpty, false)),
        },
        Step::Reap => drop(bench.reap_later().await),
        Step::Restart => return Bench::over(bench.kv, bench.blobs, bench.folder).await.unwrap(),
    }
    bench
}

async fn read(bench: &Bench, model: &Model, key: &str) {
    match model.get(key) {
        Some((size, method)) => assert!(bench.get(key, *method).await.unwrap() == noise(*size)),
        None => assert_eq!(bench.get(key, Method::Plain).await.unwrap_err().code, FailureCode::NoSuchKey),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn end_where_the_model_ends(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut bench, mut model) = (Bench::memory().await, Model::new());
            for step in &steps {
                bench = apply(bench, &mut model, step).await;
            }
            let listed = bench.list().await.objects;
            let listed: Vec<_> = listed.iter().map(|object| (object.key.as_str(), object.size as usize)).collect();
            let expected: Vec<_> = model.iter().map(|(key, (size, _))| (key.as_str(), *size)).collect();
            assert_eq!(listed, expected);
            for key in model.keys() {
                read(&bench, &model, key).await;
            }
            bench.reap_later().await;
            assert_eq!(bench.blob_count().await, model.values().filter(|(size, _)| *size > 65_536).count());
        });
    }
}
