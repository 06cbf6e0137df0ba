//! `kill -9` under load: what was acknowledged is there, whole; what was not is there whole or not at all.
//!
//! `STRONGROOM_KILLS` sets how often the server is killed, `STRONGROOM_SEED` repeats a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    client::{Answer, Ask, Connection, keys, make_bucket},
    process::Site,
};

/// How often the server is killed unless told otherwise.
const KILLS: u64 = 100;

/// Writers at work at once.
const WRITERS: u64 = 8;

/// Different keys of one writer: few enough that many writes overwrite, and that a listing shows all.
const KEYS_EACH: u64 = 24;

/// Different keys of one writer that grow.
const LOGS_EACH: u64 = 2;

/// A writer's longest object, about: some live in the catalog, some in blobs of several chunks.
const LENGTH_MAX: u64 = 300_000;

/// Every way of sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Managed,
    ManagedSm4,
    Kms,
    KmsBucketKey,
    KmsSm4,
    KmsTwice,
    Customer,
}

const MODES: [Mode; 8] = [
    Mode::Plain,
    Mode::Managed,
    Mode::ManagedSm4,
    Mode::Kms,
    Mode::KmsBucketKey,
    Mode::KmsSm4,
    Mode::KmsTwice,
    Mode::Customer,
];

/// Those in which a client of the dialect that appends may write.
const GROWING: [Mode; 3] = [Mode::Plain, Mode::ManagedSm4, Mode::KmsSm4];

/// What an object is: all its bytes follow from this, and a shorter one of the same seed begins as a longer one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    mode: Mode,
    seed: u64,
    length: u64,
}

/// What may be found under a key. More than one thing if a change was under way when the server was killed.
type Possible = Vec<Option<Content>>;

/// A small generator: the tests need reproducible variety, not secrecy.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// SplitMix64.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number less than `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }
}

impl Content {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mode = MODES[dice.below(MODES.len() as u64) as usize];
        let limit = if dice.below(3) == 0 { LENGTH_MAX } else { 20_000 };
        Self { mode, seed: dice.roll(), length: dice.below(limit) }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut dice = Dice(self.seed);
        let mut bytes: Vec<u8> = (0..self.length.div_ceil(8)).flat_map(|_| dice.roll().to_le_bytes()).collect();
        bytes.truncate(self.length as usize);
        bytes
    }

    pub(crate) fn put(&self, target: &str) -> Ask<'static> {
        self.asked("PUT", target)
    }

    /// A request to write it, or to begin writing it.
    fn asked(&self, method: &'static str, target: &str) -> Ask<'static> {
        let target = leaked(target);
        match self.mode {
            Mode::Plain => Ask::oss(method, target),
            Mode::Managed => Ask::s3(method, target).header("x-amz-server-side-encryption", "AES256"),
            Mode::ManagedSm4 => Ask::oss(method, target).header("x-oss-server-side-encryption", "SM4"),
            Mode::Kms => Ask::s3(method, target).header("x-amz-server-side-encryption", "aws:kms"),
            Mode::KmsBucketKey => Ask::s3(method, target)
                .header("x-amz-server-side-encryption", "aws:kms")
                .header("x-amz-server-side-encryption-bucket-key-enabled", "true"),
            Mode::KmsSm4 => Ask::oss(method, target)
                .header("x-oss-server-side-encryption", "KMS")
                .header("x-oss-server-side-data-encryption", "SM4"),
            Mode::KmsTwice => Ask::s3(method, target).header("x-amz-server-side-encryption", "aws:kms:dsse"),
            Mode::Customer => with_customer_key(Ask::s3(method, target)),
        }
    }

    /// A request to write it as a copy of `source`, a bucket and a key, and maybe a version of it.
    pub(crate) fn copied_from(&self, target: &str, source: &str) -> Ask<'static> {
        let by_oss = matches!(self.mode, Mode::Plain | Mode::ManagedSm4 | Mode::KmsSm4);
        let name = if by_oss { "x-oss-copy-source" } else { "x-amz-copy-source" };
        self.asked("PUT", target).header(name, source)
    }

    /// The same bytes, sealed as `other` is; none if they cannot be read without a customer's key.
    pub(crate) fn as_in(&self, other: &Self) -> Option<Self> {
        (self.mode != Mode::Customer).then_some(Self { mode: other.mode, ..*self })
    }
}

pub(crate) fn with_customer_key(ask: Ask<'_>) -> Ask<'_> {
    ask.header("x-amz-server-side-encryption-customer-algorithm", "AES256")
        .header("x-amz-server-side-encryption-customer-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .header("x-amz-server-side-encryption-customer-key-md5", "cLyPS3KoaSFGi/joRB3OUQ==")
}

/// What a writer does to a key.
enum Change {
    /// Writes this, in one request.
    Put(Content),
    /// Writes this in parts.
    Upload(Content),
    /// Makes it grow to this, from that length on.
    Append(Content, u64),
    /// Copies it from that key, where it is in whatever mode.
    Copy(Content, String),
    Delete,
}

impl Change {
    fn wanted(&self) -> Option<Content> {
        match self {
            Self::Put(content) | Self::Upload(content) | Self::Append(content, _) | Self::Copy(content, _) => {
                Some(*content)
            }
            Self::Delete => None,
        }
    }

    fn make(
        &self,
        connection: &mut Connection,
        address: SocketAddr,
        target: &str,
        dice: &mut Dice,
    ) -> std::io::Result<Answer> {
        match self {
            Self::Put(content) => content.put(target).send_on(connection, address, &content.bytes()),
            Self::Upload(content) => upload(connection, address, target, content, dice),
            Self::Append(content, position) => {
                let target = format!("{target}?append&position={position}");
                let piece = &content.bytes()[*position as usize..];
                content.asked("POST", &target).send_on(connection, address, piece)
            }
            Self::Copy(content, source) => {
                content.copied_from(target, &format!("/bucket/{source}")).send_on(connection, address, b"")
            }
            Self::Delete => Ask::s3("DELETE", target).send_on(connection, address, b""),
        }
    }
}

/// One writer: its own keys, so that the order of its own changes is the order of all changes to them.
struct Writer {
    number: u64,
    dice: Dice,
    keys: BTreeMap<String, Possible>,
    acknowledged: u64,
}

impl Writer {
    fn new(number: u64, seed: u64) -> Self {
        Self { number, dice: Dice(seed ^ (number << 56)), keys: BTreeMap::new(), acknowledged: 0 }
    }

    /// What to do next, and to which key.
    fn draw(&mut self) -> (String, Change) {
        let key = format!("writer-{}/{}", self.number, self.dice.below(KEYS_EACH));
        let content = Content::draw(&mut self.dice);
        let change = match self.dice.below(16) {
            0 | 1 => Change::Delete,
            2..=4 => Change::Upload(content),
            5 | 6 => return self.draw_append(),
            7 | 8 => match self.draw_source(&key) {
                Some((source, there)) => Change::Copy(Content { mode: content.mode, ..there }, source),
                None => Change::Put(content),
            },
            _ => Change::Put(content),
        };
        (key, change)
    }

    /// A key of its own kind grows, until it is long enough to go.
    fn draw_append(&mut self) -> (String, Change) {
        let key = format!("writer-{}/log-{}", self.number, self.dice.below(LOGS_EACH));
        let drawn = Content { mode: GROWING[self.dice.below(3) as usize], length: 0, seed: self.dice.roll() };
        let there = self.keys.get(&key).and_then(|possible| possible[0]);
        let change = match there.unwrap_or(drawn) {
            long if long.length > LENGTH_MAX => Change::Delete,
            content => {
                let limit = if self.dice.below(3) == 0 { 90_000 } else { 5_000 };
                let more = self.dice.below(limit);
                Change::Append(Content { length: content.length + more, ..content }, content.length)
            }
        };
        (key, change)
    }

    /// Another key that has something which takes no key of a customer's to read.
    fn draw_source(&mut self, target: &str) -> Option<(String, Content)> {
        let there = self.keys.iter().filter_map(|(key, possible)| Some((key, possible[0]?)));
        let sources: Vec<_> = there.filter(|(key, it)| *key != target && it.mode != Mode::Customer).collect();
        let at = self.dice.below(sources.len().max(1) as u64) as usize;
        sources.get(at).map(|(key, content)| ((*key).clone(), *content))
    }

    /// Holds that each key has exactly one of the things that it may have, and settles on it.
    fn verify(&mut self, address: SocketAddr, only_unsettled: bool) {
        let mut connection = Connection::open(address).unwrap();
        for (key, possible) in &mut self.keys {
            if only_unsettled && possible.len() == 1 && self.dice.below(8) > 0 {
                continue;
            }
            let found = read(&mut connection, address, key, possible);
            *possible = vec![found];
        }
    }
}

impl Load for Writer {
    fn work(&mut self, address: SocketAddr, killed: &AtomicBool) {
        let Ok(mut connection) = Connection::open(address) else { return };
        while !killed.load(Ordering::Relaxed) {
            let (key, change) = self.draw();
            let target = format!("/bucket/{key}");
            let wanted = change.wanted();
            let possible = self.keys.entry(key).or_insert_with(|| vec![None]);
            possible.push(wanted);
            let answer = change.make(&mut connection, address, &target, &mut self.dice);
            match answer {
                Ok(Answer { status: 200 | 204, .. }) => {
                    *possible = vec![wanted];
                    self.acknowledged += 1;
                }
                Ok(refused) => panic!("{target}: {} {}", refused.status, refused.text()),
                Err(_) => return,
            }
        }
    }

    fn look(&mut self, address: SocketAddr) {
        self.verify(address, true);
    }

    fn acknowledged(&self) -> u64 {
        self.acknowledged
    }
}

/// Writes the content in parts: the beginning, one part or two, and the completion, whose answer is what counts. Uploads that a kill has interrupted stay open, and nobody sees them.
pub(crate) fn upload(
    connection: &mut Connection,
    address: SocketAddr,
    target: &str,
    content: &Content,
    dice: &mut Dice,
) -> std::io::Result<Answer> {
    // All parts but the last have at least 100 KiB: where that is too much, there is one part.
    let bytes = content.bytes();
    let (first, second) = bytes.split_at(if bytes.len() > LEAST_PART { LEAST_PART } else { bytes.len() });
    let mut parts = vec![(1, first), (7, second)];
    if second.is_empty() {
        parts.pop();
    }
    let begun = content.asked("POST", &format!("{target}?uploads")).send_on(connection, address, b"")?;
    let document = begun.text();
    let Some(id) = document.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()) else {
        return Ok(begun);
    };
    let mut named = Vec::new();
    for &(number, piece) in &parts {
        // Now and then a part is written twice; the second time counts.
        for _turn in 0..=u64::from(dice.below(4) == 0) {
            let query = format!("{target}?partNumber={number}&uploadId={id}");
            let ask = match content.mode {
                Mode::Customer => with_customer_key(Ask::s3("PUT", leaked(&query))),
                _ => Ask::oss("PUT", leaked(&query)),
            };
            let answer = ask.send_on(connection, address, piece)?;
            if answer.status != 200 {
                return Ok(answer);
            }
            named.retain(|(named, _)| *named != number);
            named.push((number, answer.header("etag").unwrap().to_owned()));
        }
    }
    let element =
        |(number, tag): &(u32, String)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    let document: String = named.iter().map(element).collect();
    let document = format!("<CompleteMultipartUpload>{document}</CompleteMultipartUpload>");
    Ask::oss("POST", leaked(&format!("{target}?uploadId={id}"))).send_on(connection, address, document.as_bytes())
}

/// The least part but the last, in the dialect that has the least.
const LEAST_PART: usize = 100 * 1024;

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn read(connection: &mut Connection, address: SocketAddr, key: &str, possible: &Possible) -> Option<Content> {
    let target = format!("/bucket/{key}");
    let mut answer = Ask::s3("GET", &target).send_on(connection, address, b"").unwrap();
    if answer.status == 400 && possible.iter().flatten().any(|content| content.mode == Mode::Customer) {
        answer = with_customer_key(Ask::s3("GET", &target)).send_on(connection, address, b"").unwrap();
    }
    match answer.status {
        404 => {
            assert!(possible.contains(&None), "{key} was acknowledged and is gone: {possible:?}");
            None
        }
        200 => {
            let found = possible.iter().flatten().find(|content| content.bytes() == answer.body);
            assert!(found.is_some(), "{key} has {} bytes that are none of {possible:?}", answer.body.len());
            found.copied()
        }
        status => panic!("{key}: {status} {}, possible {possible:?}", answer.text()),
    }
}

/// What the environment says, if it does.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Somebody who changes a server's objects, and knows what must be there.
pub(crate) trait Load: Send {
    /// Changes objects until the server is gone.
    fn work(&mut self, address: SocketAddr, killed: &AtomicBool);

    /// Holds what the server has against what was told; of what is not in doubt only some.
    fn look(&mut self, address: SocketAddr);

    /// How many of its changes were acknowledged.
    fn acknowledged(&self) -> u64;
}

/// Starts the server, has everybody look at what it has and then work on it, and kills it in the middle: so many times, and more
/// often on a machine that is too busy for a change in each of these lives.
pub(crate) fn kill_under_load(site: &Site, kills: u64, dice: &mut Dice, writers: &mut [impl Load]) {
    let mut lives = 0;
    while lives < kills || writers.iter().map(Load::acknowledged).sum::<u64>() <= kills {
        lives += 1;
        assert!(lives <= 10 * kills, "hardly anything was written");
        let mut server = site.start();
        let address = server.http;
        writers.iter_mut().for_each(|writer| writer.look(address));
        let killed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in writers.iter_mut() {
                scope.spawn(|| writer.work(address, &killed));
            }
            std::thread::sleep(Duration::from_millis(dice.below(250)));
            server.kill();
            killed.store(true, Ordering::Relaxed);
        });
    }
    let acknowledged: u64 = writers.iter().map(Load::acknowledged).sum();
    println!("{lives} kills, {acknowledged} changes acknowledged");
}

#[test]
fn what_was_acknowledged_survives_kill_nine() {
    let kills = number("STRONGROOM_KILLS").unwrap_or(KILLS);
    let seed = number("STRONGROOM_SEED").unwrap_or_else(|| crate::client::now().millis().unsigned_abs());
    println!("{kills} kills, STRONGROOM_SEED={seed}");
    let site = Site::new().with("STRONGROOM__LOG__FILTER", "warn");
    let mut dice = Dice(seed);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(number, seed)).collect();
    let server = site.start();
    make_bucket(server.http, "bucket");
    server.stop();
    kill_under_load(&site, kills, &mut dice, &mut writers);
    let server = site.start();
    writers.iter_mut().for_each(|writer| writer.verify(server.http, false));
    let settled = writers.iter().flat_map(|writer| &writer.keys).filter(|(_, possible)| possible[0].is_some());
    let expected: BTreeSet<String> = settled.map(|(key, _)| key.clone()).collect();
    assert_eq!(keys(server.http, "bucket").into_iter().collect::<BTreeSet<_>>(), expected);
}
