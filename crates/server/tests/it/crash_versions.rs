//! `kill -9` while versions come and go: each version whose id was told is there, whole, until its deletion was told; and no
//! version is half there.
//!
//! `STRONGROOM_KILLS` and `STRONGROOM_SEED` as in [`crate::crash`].

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    client::{Answer, Ask, Connection, make_bucket},
    crash::{Content, Dice, Load, kill_under_load, number, upload, with_customer_key},
    process::Site,
};

/// How often the server is killed unless told otherwise.
const KILLS: u64 = 30;

/// Writers at work at once.
const WRITERS: u64 = 8;

/// Different keys of one writer.
const KEYS_EACH: u64 = 3;

/// The versions of one key, as far as they are known.
#[derive(Default)]
struct History {
    /// By their ids: what they hold; a delete marker holds nothing.
    versions: BTreeMap<String, Option<Content>>,
    /// What was under way when the server was killed: it is there under an id that nobody was told, or not.
    unsure: Option<Option<Content>>,
    /// What was to be deleted when the server was killed.
    unsure_of: Option<String>,
}

/// How a version comes to be.
enum Writing {
    /// In one request.
    Put,
    /// In parts.
    Upload,
    /// As a copy of that version of another key.
    Copy(String),
}

struct Writer {
    number: u64,
    dice: Dice,
    histories: BTreeMap<String, History>,
    acknowledged: u64,
}

impl Writer {
    fn new(number: u64, seed: u64) -> Self {
        Self { number, dice: Dice(seed ^ (number << 56)), histories: BTreeMap::new(), acknowledged: 0 }
    }

    /// What to write under `key`, and how.
    fn draw(&mut self, key: &str) -> (Content, Writing) {
        let content = Content::draw(&mut self.dice);
        match self.dice.below(4) {
            0 => (content, Writing::Upload),
            1 => self.draw_source(key, content).unwrap_or((content, Writing::Put)),
            _ => (content, Writing::Put),
        }
    }

    /// Any version of another key that takes no key of a customer's to read, to be sealed as `content` would be.
    fn draw_source(&mut self, target: &str, content: Content) -> Option<(Content, Writing)> {
        let others = self.histories.iter().filter(|(key, _)| *key != target);
        let versions = others.flat_map(|(key, history)| history.versions.iter().map(move |it| (key, it)));
        let readable = versions.filter_map(|(key, (id, there))| Some((key, id, there.as_ref()?.as_in(&content)?)));
        let sources: Vec<_> = readable.collect();
        let at = self.dice.below(sources.len().max(1) as u64) as usize;
        let (key, version, copied) = sources.get(at)?;
        Some((*copied, Writing::Copy(format!("/bucket/{key}?versionId={version}"))))
    }

    /// Holds what is listed against what is known, and reads what is listed.
    fn verify(&mut self, address: SocketAddr, thoroughly: bool) {
        let mut connection = Connection::open(address).unwrap();
        let listed = listed(&mut connection, address, &format!("writer-{}/", self.number));
        for (key, history) in &mut self.histories {
            let none = BTreeSet::new();
            let found = listed.get(key).unwrap_or(&none);
            if let Some(version) = history.unsure_of.take().filter(|version| !found.contains(version)) {
                history.versions.remove(&version);
            }
            let unsure = history.unsure.take();
            for version in found.iter().filter(|version| !history.versions.contains_key(*version)).collect::<Vec<_>>() {
                let content = unsure.unwrap_or_else(|| panic!("{key} has {version}, which nobody wrote"));
                history.versions.insert(version.clone(), content);
            }
            assert_eq!(&history.versions.keys().cloned().collect::<BTreeSet<_>>(), found, "{key}");
            for (version, content) in &history.versions {
                if thoroughly || self.dice.below(8) == 0 || unsure == Some(*content) {
                    read(&mut connection, address, &format!("/bucket/{key}?versionId={version}"), content.as_ref());
                }
            }
        }
    }
}

impl Load for Writer {
    fn work(&mut self, address: SocketAddr, killed: &AtomicBool) {
        let Ok(mut connection) = Connection::open(address) else { return };
        while !killed.load(Ordering::Relaxed) {
            let key = format!("writer-{}/{}", self.number, self.dice.below(KEYS_EACH));
            let (content, writing) = self.draw(&key);
            let history = self.histories.entry(key.clone()).or_default();
            let many = history.versions.len() > 12;
            let dice = &mut self.dice;
            let told = match dice.below(8) {
                0..=3 if many => history.remove(&key, dice, &mut connection, address),
                0 => history.add(&key, None, dice, &mut connection, address),
                1 | 2 if !history.versions.is_empty() => history.remove(&key, dice, &mut connection, address),
                _ => history.add(&key, Some((content, writing)), dice, &mut connection, address),
            };
            if !told {
                return;
            }
            self.acknowledged += 1;
        }
    }

    fn look(&mut self, address: SocketAddr) {
        self.verify(address, false);
    }

    fn acknowledged(&self) -> u64 {
        self.acknowledged
    }
}

impl History {
    /// Writes a version, or a delete marker. False if there was no answer.
    fn add(
        &mut self,
        key: &str,
        written: Option<(Content, Writing)>,
        dice: &mut Dice,
        connection: &mut Connection,
        address: SocketAddr,
    ) -> bool {
        let target = format!("/bucket/{key}");
        let content = written.as_ref().map(|(content, _)| *content);
        self.unsure = Some(content);
        let answer = match &written {
            Some((content, Writing::Put)) => content.put(&target).send_on(connection, address, &content.bytes()),
            Some((content, Writing::Upload)) => upload(connection, address, &target, content, dice),
            Some((content, Writing::Copy(source))) => {
                content.copied_from(&target, source).send_on(connection, address, b"")
            }
            None => Ask::s3("DELETE", &target).send_on(connection, address, b""),
        };
        let Ok(answer) = answer else { return false };
        let version = version_of(&answer).unwrap_or_else(|| panic!("{target}: {} {}", answer.status, answer.text()));
        assert_eq!(self.versions.insert(version, content), None);
        self.unsure = None;
        true
    }

    /// Deletes any version. False if there was no answer.
    fn remove(&mut self, key: &str, dice: &mut Dice, connection: &mut Connection, address: SocketAddr) -> bool {
        let at = dice.below(self.versions.len() as u64) as usize;
        let version = self.versions.keys().nth(at).expect("there is one").clone();
        self.unsure_of = Some(version.clone());
        let target = format!("/bucket/{key}?versionId={version}");
        let Ok(answer) = Ask::s3("DELETE", &target).send_on(connection, address, b"") else { return false };
        assert_eq!(answer.status, 204, "{target}: {}", answer.text());
        self.versions.remove(&version);
        self.unsure_of = None;
        true
    }
}

fn version_of(answer: &Answer) -> Option<String> {
    let named = ["x-amz-version-id", "x-oss-version-id"].into_iter().find_map(|name| answer.header(name));
    named.filter(|_| answer.status < 300).map(str::to_owned)
}

fn read(connection: &mut Connection, address: SocketAddr, target: &str, content: Option<&Content>) {
    let mut answer = Ask::s3("GET", target).send_on(connection, address, b"").unwrap();
    if answer.status == 400 {
        answer = with_customer_key(Ask::s3("GET", target)).send_on(connection, address, b"").unwrap();
    }
    match content {
        None => assert_eq!((answer.status, answer.header("x-amz-delete-marker")), (405, Some("true")), "{target}"),
        Some(content) => {
            assert_eq!(answer.status, 200, "{target}: {}", answer.text());
            assert!(answer.body == content.bytes(), "{target} is not {content:?}");
        }
    }
}

/// The ids of all versions under a prefix, by key.
fn listed(connection: &mut Connection, address: SocketAddr, prefix: &str) -> BTreeMap<String, BTreeSet<String>> {
    let target = format!("/bucket?versions&prefix={prefix}");
    let answer = Ask::s3("GET", &target).send_on(connection, address, b"").unwrap();
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    assert!(text.contains("<IsTruncated>false</IsTruncated>"), "more than a page");
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for rest in text.split("<Key>").skip(1) {
        let (key, rest) = rest.split_once("</Key><VersionId>").unwrap();
        let version = rest.split("</VersionId>").next().unwrap().to_owned();
        assert!(found.entry(key.to_owned()).or_default().insert(version), "{key} has a version twice");
    }
    found
}

#[test]
fn versions_that_were_told_of_survive_kill_nine() {
    let kills = number("STRONGROOM_KILLS").unwrap_or(KILLS);
    let seed = number("STRONGROOM_SEED").unwrap_or_else(|| crate::client::now().millis().unsigned_abs());
    println!("{kills} kills, STRONGROOM_SEED={seed}");
    let site = Site::new().with("STRONGROOM__LOG__FILTER", "warn");
    let mut dice = Dice(seed);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(number, seed)).collect();
    let server = site.start();
    make_bucket(server.http, "bucket");
    let enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(Ask::s3("PUT", "/bucket?versioning").send(server.http, enabled).unwrap().status, 200);
    server.stop();
    kill_under_load(&site, kills, &mut dice, &mut writers);
    let server = site.start();
    writers.iter_mut().for_each(|writer| writer.verify(server.http, true));
}
