//! The trail against crashes, failing disks, and whoever edits its files.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    sync::atomic::{AtomicI64, Ordering},
};

use strongroom_model::failure::Failure;
use strongroom_model::name::Region;
use strongroom_model::operation::audit::AuditFilter;
use strongroom_model::outcome::audit::AuditReport;
use strongroom_model::time::Timestamp;

use super::*;
use crate::{
    catalog::Catalog,
    kms::{self, Root, RootConfig},
    kv::MemoryKv,
    surroundings::{Clock, Entropy},
};

mod failing;

struct World {
    data: tempfile::TempDir,
    root: Arc<Root>,
    now: Arc<AtomicI64>,
    config: Config,
}

type Answer = tokio::sync::oneshot::Receiver<Result<(), AuditError>>;

impl World {
    /// With segments of some ten lines.
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let metadata = data.path().join("metadata.key");
        let catalog = Catalog::open(Arc::new(MemoryKv::new()), &metadata, entropy());
        let config =
            kms::Config::Embedded { root: RootConfig::File { path: data.path().join("root.key") }, cache_seconds: 0 };
        let (catalog, region) = (Arc::new(catalog.await.unwrap()), Region::parse("r").unwrap());
        let now = Arc::new(AtomicI64::new(1_795_305_600_000));
        let root = kms::open(&config, catalog, region, clock(&now), entropy(), None).await.unwrap().root;
        let config = Config { folder: None, on_failure: OnFailure::Reject, segment_bytes: 4000, durable: true };
        Self { data, root, now, config }
    }

    fn folder(&self) -> PathBuf {
        self.data.path().join("audit")
    }

    fn open(&self) -> Result<Trail, OpenError> {
        Trail::open(&self.folder(), &self.config, &self.root, clock(&self.now), &entropy())
    }

    fn key(&self) -> PublicKey {
        public_key(&self.folder(), &self.data.path().join("root.key")).unwrap()
    }

    fn verify(&self) -> AuditReport {
        verify(&self.folder(), &self.key()).unwrap()
    }

    /// A trail of several segments, closed.
    async fn filled() -> Self {
        let world = Self::new().await;
        let trail = world.open().unwrap();
        for number in 0..30 {
            world.now.fetch_add(1000, Ordering::SeqCst);
            trail.record(world.record(number)).await.unwrap();
        }
        trail.close().await;
        drop(trail);
        assert_eq!(world.verify().problems, []);
        world
    }

    fn record(&self, number: usize) -> Record {
        Record {
            time: Timestamp::from_millis(self.now.load(Ordering::SeqCst)).to_string(),
            principal: format!("000000000001:user/{}", ["ann", "bob"][number % 2]),
            operation: "GetObject".into(),
            key: Some("k".into()),
            object: Some(format!("object {number}")),
            ..Record::default()
        }
    }

    /// What writes from there on, and is told what to write by the test. The trail is closed.
    fn writer(&self, from: recovery::Position) -> writer::Writer {
        writer::Writer {
            folder: self.folder(),
            signer: signing::open(&self.folder(), &self.root).unwrap().unwrap(),
            segment_bytes: self.config.segment_bytes * 2,
            durable: true,
            clock: clock(&self.now),
            state: Arc::default(),
            position: from.clone(),
            synced: from,
            unsynced: Vec::new(),
            file: None,
            end: folder::EndFile::open(&self.folder()).unwrap(),
            end_due: false,
            settled: std::time::Instant::now(),
            end_changed: false,
            late: Default::default(),
            _lock: folder::lock(&self.folder()).unwrap().unwrap(),
        }
    }

    /// Where the next process goes on.
    fn end(&self) -> recovery::Position {
        let signer = signing::open(&self.folder(), &self.root).unwrap().unwrap();
        recovery::recover(&self.folder(), &signer).unwrap().position
    }

    /// Asks for the record of that number.
    fn ask(&self, number: usize, must_last: bool) -> (writer::Request, Answer) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let record = Some(self.record(number));
        (writer::Request { record, is_fact: false, must_last, reply: Some(reply) }, answer)
    }

    fn segments(&self) -> Vec<PathBuf> {
        folder::segments(&self.folder()).unwrap().into_iter().map(|n| folder::segment(&self.folder(), n)).collect()
    }

    fn objects(&self, filter: &AuditFilter) -> Vec<String> {
        let lines = query(&self.folder(), filter).unwrap();
        lines.iter().filter_map(|line| record::Line::parse(line.as_bytes()).unwrap().record.unwrap().object).collect()
    }
}

fn clock(now: &Arc<AtomicI64>) -> Clock {
    let now = Arc::clone(now);
    Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
}

fn entropy() -> Entropy {
    Entropy::new(|bytes| {
        use std::io::Read as _;
        fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
        Ok(())
    })
}

fn lines(path: &PathBuf) -> Vec<Vec<u8>> {
    fs::read(path).unwrap().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[tokio::test]
async fn what_was_recorded_is_found_and_verified_over_segments_and_processes() {
    let world = World::filled().await;
    assert!(world.segments().len() > 2, "segments rotate");
    let trail = world.open().unwrap();
    trail.record(world.record(30)).await.unwrap();
    // It may be verified while it is written.
    assert_eq!(world.verify().problems, []);
    drop(trail);
    let report = world.verify();
    assert_eq!((report.problem_count, report.unsigned_bytes, report.signed), (0, 0, report.lines));
    // Two openings and one closing beside the thirty-one.
    assert_eq!(report.records, 34);
    let expected: Vec<String> = (0..31).map(|number| format!("object {number}")).collect();
    assert_eq!(world.objects(&AuditFilter::default()), expected);
    let of_bob = AuditFilter { principal: Some("user/bob".into()), limit: 2, ..AuditFilter::default() };
    assert_eq!(world.objects(&of_bob), ["object 1", "object 3"]);
    let start = Timestamp::from_millis(1_795_305_600_000);
    let some = AuditFilter {
        from: Some(start.plus_millis(3000)),
        until: Some(start.plus_millis(5000)),
        ..AuditFilter::default()
    };
    assert_eq!(world.objects(&some), ["object 2", "object 3"]);
}

/// Every byte of a line is in its hash; the changes here are those that leave a line well-formed.
#[tokio::test]
async fn editing_deleting_adding_and_moving_lines_is_seen() {
    let world = World::filled().await;
    for path in world.segments() {
        let whole = fs::read(&path).unwrap();
        let all = lines(&path);
        for at in 0..all.len() {
            let mut edited = all.clone();
            let text = String::from_utf8(all[at].clone()).unwrap();
            edited[at] = match text.contains("object ") {
                true => text.replace("object ", "abject ").into_bytes(),
                false => {
                    let mut bytes = text.into_bytes();
                    let digit = bytes.windows(8).position(|window| window == b"\"prev\":\"").unwrap() + 8;
                    bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
                    bytes
                }
            };
            let mut removed = all.clone();
            removed.remove(at);
            let mut doubled = all.clone();
            doubled.insert(at, all[at].clone());
            let mut moved = all.clone();
            moved.swap(at, (at + 1) % all.len());
            for (what, changed) in [("edited", edited), ("removed", removed), ("doubled", doubled), ("moved", moved)] {
                assert!(changed != all);
                fs::write(&path, changed.concat()).unwrap();
                let report = world.verify();
                assert!(report.problem_count > 0, "line {at} of {} {what}", path.display());
                fs::write(&path, &whole).unwrap();
            }
        }
    }
    assert_eq!(world.verify().problem_count, 0);
}

/// Whoever edits a record can compute every hash behind it anew, and has no signature for what comes out.
#[tokio::test]
async fn a_chain_made_anew_has_no_signature() {
    let world = World::filled().await;
    let mut last: Option<String> = None;
    for path in world.segments() {
        let mut made = Vec::new();
        for raw in lines(&path) {
            let mut line = record::Line::parse(raw.trim_ascii_end()).unwrap();
            if let Some(record) = line.record.as_mut().filter(|record| record.object.as_deref() == Some("object 3")) {
                record.principal = "000000000001:user/eve".into();
            }
            line.prev = last.unwrap_or(line.prev);
            let text = line.spell();
            last = Some(record::hash(text.as_bytes()));
            made.extend_from_slice(text.as_bytes());
            made.push(b'\n');
        }
        fs::write(&path, made).unwrap();
    }
    let report = world.verify();
    let told = |what: &str| report.problems.iter().any(|problem| problem.what.contains(what));
    assert!(told("signature") && told("`head`"), "{:?}", report.problems);
}

#[tokio::test]
async fn cutting_off_the_end_is_seen_wherever_it_is_cut() {
    let world = World::filled().await;
    let last = world.segments().pop().unwrap();
    let whole = fs::read(&last).unwrap();
    let borders: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let cuts = borders.iter().copied().chain(borders.iter().map(|at| at - 1)).chain([0, 1, whole.len() / 2]);
    for cut in cuts.filter(|cut| *cut < whole.len()) {
        fs::write(&last, &whole[..cut]).unwrap();
        assert!(world.verify().problem_count > 0, "cut at {cut} of {}", whole.len());
        assert!(matches!(world.open(), Err(OpenError::Truncated { .. })), "cut at {cut} of {}", whole.len());
        fs::write(&last, &whole).unwrap();
    }
    // A whole segment, and one in the middle.
    for segment in [world.segments().len() - 1, 1, 0] {
        let path = world.segments().remove(segment);
        let aside = path.with_extension("aside");
        fs::rename(&path, &aside).unwrap();
        assert!(world.verify().problem_count > 0, "segment {segment}");
        fs::rename(&aside, &path).unwrap();
    }
    assert_eq!(world.verify().problem_count, 0);
    drop(world.open().unwrap());
}

/// A line that signs the trail up to itself cannot stand in for the word on where it ends.
#[tokio::test]
async fn an_earlier_head_is_no_end() {
    let world = World::filled().await;
    let last = world.segments().pop().unwrap();
    let all = lines(&last);
    let at = all.iter().position(|line| String::from_utf8_lossy(line).contains("\"head\"")).unwrap();
    assert!(at + 1 < all.len());
    fs::write(&last, all[..=at].concat()).unwrap();
    let head = record::Line::parse(all[at].trim_ascii_end()).unwrap();
    let last_hash = record::hash(all[at].trim_ascii_end());
    for forged in [
        serde_json::to_string(&head).unwrap(),
        serde_json::to_string(&record::End { n: head.n, last: last_hash, end: head.head.unwrap() }).unwrap(),
        String::new(),
    ] {
        fs::write(world.folder().join("head"), forged).unwrap();
        assert!(world.verify().problem_count > 0);
        assert!(matches!(world.open(), Err(OpenError::EndMissing)));
    }
    fs::remove_file(world.folder().join("head")).unwrap();
    assert!(world.verify().problem_count > 0);
    assert!(matches!(world.open(), Err(OpenError::EndMissing)));
}

/// A crash leaves any part of the last group, which nobody was told of; whatever was acknowledged stays.
#[tokio::test]
async fn an_unfinished_write_is_cut_off_and_the_trail_says_so() {
    let world = World::filled().await;
    let last = world.segments().pop().unwrap();
    let group = lines(&last).pop().unwrap();
    let unsigned = Line::from(&world).spell();
    for torn in [&b"{\"n\":"[..], &[0; 700], &group[..group.len() - 1], unsigned.as_bytes()] {
        let (before, last) = (world.verify().records, world.segments().pop().unwrap());
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend_from_slice(torn);
        fs::write(&last, bytes).unwrap();
        let report = world.verify();
        assert!(report.unsigned_bytes > 0 || report.problem_count > 0);
        let trail = world.open().unwrap();
        trail.close().await;
        drop(trail);
        let report = world.verify();
        assert_eq!((report.problems, report.unsigned_bytes), (Vec::new(), 0));
        // It opened, it was recovered, it closed.
        assert_eq!(report.records, before + 3);
    }
    let recovered = AuditFilter { operation: Some("TrailRecovered".into()), ..AuditFilter::default() };
    assert_eq!(query(&world.folder(), &recovered).unwrap().len(), 4);
}

/// A record that follows the last line, and is signed by nobody.
struct Line;

impl Line {
    fn from(world: &World) -> record::Line {
        let report = world.verify();
        let record = Some(world.record(99));
        record::Line { record, ..record::Line::after(report.lines, report.head) }
    }
}

#[tokio::test]
async fn a_segment_that_was_never_finished_is_removed() {
    let world = World::filled().await;
    let next = folder::segment(&world.folder(), world.segments().len() as u64 + 1);
    fs::write(&next, b"{\"n\":77,\"prev\":").unwrap();
    drop(world.open().unwrap());
    assert_eq!(world.verify().problem_count, 0);
    assert!(!next.exists() || fs::read(&next).unwrap().ends_with(b"\n"));
}

#[tokio::test]
async fn one_process_writes_and_the_right_keys_open() {
    let world = World::filled().await;
    let trail = world.open().unwrap();
    assert!(matches!(world.open(), Err(OpenError::InUse { .. })));
    drop(trail);
    let other = World::new().await;
    let stranger = Trail::open(&world.folder(), &world.config, &other.root, clock(&world.now), &entropy());
    assert!(matches!(stranger, Err(OpenError::KeyDamaged { .. })));
    assert!(public_key(&world.folder(), &other.data.path().join("root.key")).is_err());
    let theirs = PublicKey::parse(&"07".repeat(32)).unwrap();
    assert!(verify(&world.folder(), &theirs).unwrap().problem_count > 0);
    fs::remove_file(world.folder().join("signing.key")).unwrap();
    assert!(matches!(world.open(), Err(OpenError::KeyMissing { .. })));
}

/// Whoever replaces the whole trail by one of their own has another key.
#[tokio::test]
async fn a_trail_of_somebody_else_is_not_ours() {
    let (ours, theirs) = (World::filled().await, World::filled().await);
    let key = ours.key();
    assert!(verify(&theirs.folder(), &key).unwrap().problem_count > 0);
    assert_eq!(verify(&theirs.folder(), &claimed_key(&theirs.folder()).unwrap()).unwrap().problem_count, 0);
}

#[tokio::test]
async fn many_at_once_share_their_syncs_and_none_is_lost() {
    let world = World::new().await;
    let trail = world.open().unwrap();
    let callers = (0..32).map(async |caller| {
        for number in 0..20 {
            trail.record(world.record(caller * 20 + number)).await.unwrap();
        }
    });
    futures_util::future::join_all(callers).await;
    let metrics = trail.metrics();
    assert!(metrics.groups < metrics.records, "{metrics:?}");
    drop(trail);
    assert_eq!(world.verify().problem_count, 0);
    let mut found = world.objects(&AuditFilter { limit: 10_000, ..AuditFilter::default() });
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 640);
}

/// What a process leaves that is killed after a known key was used: the trail ends with a mark.
async fn ends_with_a_mark() -> World {
    let world = World::filled().await;
    let mut writer = world.writer(world.end());
    writer.file = Some(writer::append_only(world.segments().last().unwrap(), false).unwrap());
    let (known, answered) = world.ask(30, false);
    writer.serve(vec![known]);
    assert!(answered.await.unwrap().is_ok());
    drop(writer);
    let last = lines(world.segments().last().unwrap()).pop().unwrap();
    assert!(record::Line::parse(last.trim_ascii_end()).unwrap().mark.is_some());
    world
}

#[tokio::test]
async fn what_has_a_mark_is_believed_by_the_next_process_and_signed() {
    let world = ends_with_a_mark().await;
    let (before, end) = (world.verify(), world.end());
    assert!(before.problems.is_empty() && before.unsigned_bytes > 0, "it is not signed yet: {before:?}");
    assert!(end.n == before.lines && !end.is_signed);
    let trail = world.open().unwrap();
    trail.close().await;
    drop(trail);
    let after = world.verify();
    assert_eq!((after.problems, after.unsigned_bytes), (Vec::new(), 0));
    // It opened and closed, and had nothing to recover.
    assert_eq!(after.records, before.records + 2);
    assert!(world.objects(&AuditFilter::default()).contains(&"object 30".to_owned()));
}

/// Whoever edits what is not signed yet, and makes the chain anew, has not the key of the mark. The mark of other lines does not do, nor
/// does a signature.
#[tokio::test]
async fn nobody_else_makes_a_mark() {
    let world = ends_with_a_mark().await;
    let last = world.segments().pop().unwrap();
    let whole = lines(&last);
    let [.., head, record, mark] = &whole[..] else { panic!() };
    let parsed = |line: &[u8]| record::Line::parse(line.trim_ascii_end()).unwrap();
    let other = String::from_utf8(record.clone()).unwrap().replace("object 30", "object 31").into_bytes();
    let chained = record::Line { prev: record::hash(other.trim_ascii_end()), ..parsed(mark) };
    let stolen = record::Line { mark: None, head: parsed(head).head, ..parsed(mark) };
    for forged in [vec![other, chained.spell().into_bytes()], vec![record.clone(), stolen.spell().into_bytes()]] {
        let bytes = [whole[..whole.len() - 2].concat(), forged.concat(), b"\n".to_vec()].concat();
        fs::write(&last, bytes).unwrap();
        assert!(matches!(world.open(), Err(OpenError::Altered { .. })));
    }
    fs::write(&last, whole.concat()).unwrap();
    drop(world.open().unwrap());
}

#[tokio::test]
async fn a_segment_ends_with_a_head_whatever_was_written_last() {
    let world = World::filled().await;
    let mut writer = world.writer(world.end());
    writer.file = Some(writer::append_only(world.segments().last().unwrap(), false).unwrap());
    let first = writer.position.segment;
    for number in 30.. {
        let (known, answered) = world.ask(number, false);
        writer.serve(vec![known]);
        assert!(answered.await.unwrap().is_ok());
        if writer.position.segment > first + 1 {
            break;
        }
    }
    writer.settle();
    assert!(writer.position.is_signed && writer.synced == writer.position);
    drop(writer);
    let report = world.verify();
    assert_eq!((report.problems, report.unsigned_bytes), (Vec::new(), 0));
}

/// A process that is killed leaves what it has written.
#[tokio::test]
async fn the_use_of_a_known_key_outlives_the_process_at_once_and_the_power_soon() {
    let world = World::new().await;
    let trail = world.open().unwrap();
    trail.record(world.record(0)).await.unwrap();
    let synced = trail.metrics().groups;
    trail.record_known(world.record(1)).await.unwrap();
    assert_eq!(world.objects(&AuditFilter::default()), ["object 0", "object 1"]);
    let left = World { data: tempfile::tempdir().unwrap(), ..World::new().await };
    fs::create_dir(left.folder()).unwrap();
    for entry in fs::read_dir(world.folder()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, left.folder().join(path.file_name().unwrap())).unwrap();
    }
    drop(Trail::open(&left.folder(), &left.config, &world.root, clock(&left.now), &entropy()).unwrap());
    assert_eq!(left.objects(&AuditFilter::default()), ["object 0", "object 1"]);
    let begun = std::time::Instant::now();
    while trail.metrics().groups == synced {
        assert!(begun.elapsed().as_secs() < 30, "it is synced without anybody asking");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(world.verify().problem_count, 0);
    while folder::read_end(&world.folder()).unwrap().unwrap().n != world.verify().lines {
        assert!(begun.elapsed().as_secs() < 30, "its end is noted behind it");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
