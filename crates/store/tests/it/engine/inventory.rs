//! Inventories: reports that are written when they are due by a clock that is moved by hand, that open as any object does, and
//! tell of every version what is asked for.

use std::{io::Read as _, sync::Arc, time::Duration};

use flate2::read::GzDecoder;
use serde_json::Value;
use strongroom_model::failure::FailureCode;
use strongroom_model::inventory::{
    Destination, Frequency, Inventory, InventoryField, InventoryFilter, InventoryId, ReportEncryption, ReportForm,
};
use strongroom_model::key::KeyReference;
use strongroom_model::operation::BucketOperation;
use strongroom_model::operation::bucket::ListInventories;
use strongroom_model::outcome::BucketOutcome;
use strongroom_model::outcome::job::{InventoryReport, JobState};
use strongroom_model::setting::{Setting, Versioning};
use strongroom_store::kv::{Batch, KeyRange};
use tokio::sync::watch;

use super::bench::{BUCKET, Bench, METHODS, Method, bucket_name, get};

const DAY: i64 = 24 * 3_600_000;

/// The family of the rows that hold inventories, see docs/CATALOG.md.
const INVENTORIES: u8 = 0x34;

fn id(text: &str) -> InventoryId {
    InventoryId::parse(text).unwrap()
}

pub(crate) fn inventory(name: &str) -> Inventory {
    Inventory {
        id: id(name),
        enabled: true,
        form: ReportForm::Amazon,
        filter: InventoryFilter { prefix: "data/".into(), ..InventoryFilter::default() },
        frequency: Frequency::Daily,
        all_versions: false,
        fields: vec![InventoryField::Size, InventoryField::EncryptionStatus],
        destination: Destination {
            bucket: bucket_name(BUCKET),
            prefix: "reports".into(),
            encryption: None,
            account: None,
            role: None,
        },
    }
}

async fn put(bench: &Bench, inventory: Inventory) {
    bench.bucket(BucketOperation::PutInventory(bucket_name(BUCKET), Box::new(inventory))).await.unwrap();
}

async fn due(bench: &Bench) -> InventoryReport {
    bench.inventory.run_due(&*bench.engine.depositor(), &bench.clock()).await.unwrap()
}

/// The keys of reports by the inventory of that name that end so.
async fn reports(bench: &Bench, name: &str, end: &str) -> Vec<String> {
    let prefix = format!("reports/{BUCKET}/{name}/");
    let keys = bench.list().await.objects.into_iter().map(|object| object.key.as_str().to_owned());
    keys.filter(|key| key.starts_with(&prefix) && key.ends_with(end)).collect()
}

/// All rows of a report, by its manifest.
async fn rows(bench: &Bench, manifest: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(&bench.get(manifest, Method::Plain).await.unwrap()).unwrap();
    let mut rows = Vec::new();
    for file in manifest["files"].as_array().unwrap() {
        let bytes = bench.get(file["key"].as_str().unwrap(), Method::Plain).await.unwrap();
        assert_eq!(file["size"].as_u64().unwrap(), bytes.len() as u64);
        let mut text = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        rows.extend(text.lines().map(str::to_owned));
    }
    rows
}

#[tokio::test]
async fn a_report_comes_after_each_midnight_and_once() {
    let bench = Bench::disk().await;
    for method in METHODS {
        bench.put(&format!("data/{method:?}"), b"12345", method).await.unwrap();
    }
    bench.put("elsewhere", b"1", Method::Plain).await.unwrap();
    put(&bench, inventory("daily")).await;
    put(&bench, Inventory { frequency: Frequency::Weekly, ..inventory("weekly") }).await;
    put(&bench, Inventory { enabled: false, ..inventory("off") }).await;
    assert_eq!(due(&bench).await.state, JobState::Never, "nothing is due on the day it is asked for");
    bench.advance(DAY);
    let report = due(&bench).await;
    assert_eq!(
        (report.state, report.reports, report.rows, report.troubles),
        (JobState::Finished, 1, METHODS.len() as u64, 0)
    );
    assert_eq!(due(&bench).await.reports, 1, "not twice a day");
    let manifests = reports(&bench, "daily", "manifest.json").await;
    assert_eq!(manifests, [format!("reports/{BUCKET}/daily/2026-11-23T00-00Z/manifest.json")]);
    let row = |key: &str, status: &str| format!("\"{BUCKET}\",\"data/{key}\",\"5\",\"{status}\"");
    let expected = [
        row("Customer", "SSE-C"),
        row("KmsAes", "SSE-KMS"),
        row("KmsBucketKey", "SSE-KMS"),
        row("KmsSm4", "SSE-KMS"),
        row("KmsTwice", "DSSE-KMS"),
        row("ManagedAes", "SSE-S3"),
        row("ManagedSm4", "SSE-S3"),
        row("Plain", "NOT-SSE"),
    ];
    assert_eq!(rows(&bench, &manifests[0]).await, expected);
    bench.advance(6 * DAY);
    assert_eq!(due(&bench).await.reports, 2, "it is Sunday");
    assert_eq!(reports(&bench, "weekly", "manifest.checksum").await.len(), 1);
    assert_eq!(reports(&bench, "off", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn every_version_is_listed_and_reports_are_encrypted_as_they_should_be() {
    let bench = Bench::memory().await;
    let versioning = Setting::Versioning(Versioning::Enabled);
    bench.bucket(BucketOperation::PutSetting(bucket_name(BUCKET), versioning)).await.unwrap();
    for _ in 0..300 {
        bench.put("data/k", b"1", Method::Plain).await.unwrap();
    }
    bench.delete("data/k").await.unwrap();
    let mut all = Inventory { all_versions: true, ..inventory("all") };
    all.destination.encryption = Some(ReportEncryption::Kms(None));
    put(&bench, all).await;
    let report = bench.inventory.run_once(&*bench.engine.depositor(), &bench.clock()).await.unwrap();
    assert_eq!((report.reports, report.rows, report.troubles), (1, 301, 0));
    let [manifest] = reports(&bench, "all", "manifest.json").await.try_into().unwrap();
    let rows = rows(&bench, &manifest).await;
    assert_eq!(rows.len(), 301);
    assert!(rows[0].ends_with("\"true\",\"true\",\"\",\"\""), "the marker is the latest: {}", rows[0]);
    assert!(rows[1..].iter().all(|row| row.ends_with("\"false\",\"false\",\"1\",\"NOT-SSE\"")), "{}", rows[1]);
    for key in reports(&bench, "all", "").await {
        let encryption = bench.head(get(&key)).await.unwrap().facts.encryption;
        assert!(matches!(encryption, strongroom_model::encryption::AppliedEncryption::Kms(_)), "{key}");
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_written_holds_up_no_other_and_leaves_nothing() {
    let bench = Bench::memory().await;
    bench.put("data/k", b"1", Method::Plain).await.unwrap();
    bench.create_bucket("gone", None).await.unwrap();
    let mut lost = inventory("a-lost");
    lost.destination.bucket = bucket_name("gone");
    put(&bench, lost).await;
    bench.delete_bucket("gone").await.unwrap();
    let mut keyless = inventory("b-keyless");
    keyless.destination.encryption = Some(ReportEncryption::Kms(Some(KeyReference::parse("no-such-key"))));
    put(&bench, keyless).await;
    put(&bench, inventory("c-good")).await;
    bench.advance(DAY);
    let report = due(&bench).await;
    assert_eq!((report.reports, report.troubles), (1, 2));
    assert_eq!(reports(&bench, "b-keyless", "").await, Vec::<String>::new());
    assert_eq!(reports(&bench, "c-good", "").await.len(), 3);
    assert_eq!(due(&bench).await.troubles, 2, "they are tried again when they are due again");
    bench.advance(DAY);
    assert_eq!(due(&bench).await.troubles, 2);
}

/// A row that does not open is some bucket's trouble, and not the others'.
#[tokio::test]
async fn damage_in_one_buckets_inventories_holds_up_no_other() {
    let bench = Bench::memory().await;
    put(&bench, inventory("lost")).await;
    let row = bench.kv.scan(KeyRange::prefix(vec![INVENTORIES]), 10).await.unwrap().remove(0);
    bench.create_bucket("other", None).await.unwrap();
    let sound = Box::new(inventory("sound"));
    bench.bucket(BucketOperation::PutInventory(bucket_name("other"), sound)).await.unwrap();
    let _ = bench.kv.commit(Batch::new().put(row.key, &b"nonsense"[..])).await.unwrap();
    let report = bench.inventory.run_once(&*bench.engine.depositor(), &bench.clock()).await.unwrap();
    assert_eq!((report.state, report.reports, report.troubles), (JobState::Finished, 1, 1));
}

/// The process ends while a file is written: what there was of it is not taken for the whole.
#[tokio::test]
async fn a_file_whose_rows_end_before_it_does_is_not_stored() {
    let bench = Bench::memory().await;
    for key in 0..1000 {
        bench.put(&format!("data/{key}"), b"", Method::Plain).await.unwrap();
    }
    put(&bench, inventory("cut")).await;
    bench.advance(DAY);
    let (stop, stopped) = watch::channel(false);
    let job = Arc::clone(&bench.inventory).run(bench.engine.depositor(), bench.clock(), stopped);
    let job = tokio::spawn(job);
    while bench.inventory.report().rows == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(bench.inventory.report().rows < 1000, "it is under way");
    stop.send(true).unwrap();
    job.await.unwrap();
    bench.engine.shutdown().await;
    assert_eq!(reports(&bench, "cut", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn inventories_are_kept_listed_and_removed() {
    let bench = Bench::memory().await;
    let name = || bucket_name(BUCKET);
    let read = async |text: &str| bench.bucket(BucketOperation::GetInventory(name(), id(text))).await;
    assert_eq!(read("none").await.unwrap_err().code, FailureCode::NoInventory);
    let mut nowhere = inventory("nowhere");
    nowhere.destination.bucket = bucket_name("nowhere");
    let refused = bench.bucket(BucketOperation::PutInventory(name(), Box::new(nowhere))).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::InvalidInventoryDestination);
    for number in 0..150 {
        put(&bench, inventory(&format!("r{number:03}"))).await;
    }
    put(&bench, Inventory { all_versions: true, ..inventory("r007") }).await;
    let BucketOutcome::Inventory(found) = read("r007").await.unwrap() else { panic!("it reads one") };
    assert!(found.all_versions);
    let list = async |after: Option<&str>| {
        let list = ListInventories { bucket: name(), after: after.map(str::to_owned) };
        match bench.bucket(BucketOperation::ListInventories(list)).await.unwrap() {
            BucketOutcome::Inventories(listed) => listed,
            other => panic!("{other:?}"),
        }
    };
    let first = list(None).await;
    assert_eq!((first.inventories.len(), first.next.clone()), (100, Some(id("r099"))));
    let rest = list(Some("r099")).await;
    assert_eq!((rest.inventories.len(), rest.next), (50, None));
    bench.bucket(BucketOperation::DeleteInventory(name(), id("r007"))).await.unwrap();
    assert_eq!(read("r007").await.unwrap_err().code, FailureCode::NoInventory);
    // A bucket that goes takes its inventories along.
    bench.delete_bucket(BUCKET).await.unwrap();
    bench.create_bucket(BUCKET, None).await.unwrap();
    assert_eq!(list(None).await.inventories, []);
}
