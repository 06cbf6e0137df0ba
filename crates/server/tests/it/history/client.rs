//! One client of a history: what it asks, by chance, and what it writes down.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{Done, History, Place, assemble::Seen};
use crate::{
    client::{Answer, Ask, Connection},
    crash::Dice,
    process::Server,
};

/// States of the default encryption.
pub(super) const AES256: u64 = 1;
pub(super) const KMS: u64 = 2;

/// States of the master key.
pub(super) const ENABLED: u64 = 1;
pub(super) const DISABLED: u64 = 2;

/// The objects: few, so that they are fought over.
pub(super) const OBJECTS: [&str; 3] = ["a", "b", "c"];

pub(super) const SSE: &str = "x-amz-server-side-encryption";
pub(super) const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// Where a server can be asked.
pub(super) struct Home {
    pub(super) http: SocketAddr,
    admin: SocketAddr,
    token: String,
}

/// A client; what it asks follows from its seed, and from nothing else.
pub(super) struct Client<'a> {
    pub(super) history: &'a History,
    number: u64,
    pub(super) dice: Dice,
    written: u64,
    /// The master key that is switched off and on.
    pub(super) key: String,
    /// The objects as they were last read.
    pub(super) seen: BTreeMap<&'static str, Seen>,
}

impl Home {
    pub(super) fn of(server: &Server) -> Self {
        let token = std::fs::read_to_string(server.site.data().join("admin.token")).unwrap();
        Self { http: server.http, admin: server.admin, token: token.trim().to_owned() }
    }

    /// Asks the admin API, and answers status and document.
    fn administer(&self, method: &str, target: &str, document: &str) -> io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin)?;
        let Self { admin, token, .. } = self;
        let length = document.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nhost: {admin}\r\nauthorization: Bearer {token}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{document}"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
    }
}

/// A master key of its own for a history.
pub(super) fn make_key(server: &Server) -> String {
    let (status, text) = Home::of(server).administer("POST", "/v1/keys", "{}").unwrap();
    assert!(status < 300, "{text}");
    let key: serde_json::Value = serde_json::from_str(&text).unwrap();
    key["id"].as_str().unwrap().to_owned()
}

impl<'a> Client<'a> {
    pub(super) fn new(history: &'a History, number: u64, seed: u64, key: String) -> Self {
        let dice = Dice(seed ^ (number << 48));
        Self { history, number, dice, written: 0, key, seen: BTreeMap::new() }
    }

    /// Asks this and that until it is over, or the server is gone.
    pub(super) fn work(&mut self, home: &Home, over: &AtomicBool) {
        let Ok(mut connection) = Connection::open(home.http) else { return };
        while !over.load(Ordering::SeqCst) {
            let name = OBJECTS[self.dice.below(OBJECTS.len() as u64) as usize];
            let target = &target_of(name);
            let done = match self.dice.below(100) {
                0..28 => self.put(home, &mut connection, name, target),
                28..40 => self.copy(home, &mut connection),
                40..46 => self.upload(home, &mut connection, name),
                46..86 => self.get(home, &mut connection, name, target),
                86..93 => self.delete(home, &mut connection, name, target),
                93..98 => self.set_default(home, &mut connection),
                _ => self.switch_key(home),
            };
            if done.is_err() {
                return;
            }
        }
    }

    /// A number that stands for one object, and for no other.
    pub(super) fn next_value(&mut self) -> u64 {
        self.written += 1;
        (self.number + 1) << 32 | self.written
    }

    /// A new object, sealed in one of three ways, sometimes only if there is none.
    fn put(&mut self, home: &Home, connection: &mut Connection, name: &'static str, target: &str) -> io::Result<()> {
        let value = self.next_value();
        let claims = self.dice.below(6) == 0;
        let mut ask = Ask::s3("PUT", target);
        let mode = self.dice.below(3);
        match mode {
            0 => {}
            1 => ask = ask.header(SSE, "AES256"),
            _ => ask = ask.header(SSE, "aws:kms").header(KEY_ID, &self.key),
        }
        if claims {
            ask = ask.header("if-none-match", "*");
        }
        let invoked = self.history.now();
        let answer = ask.send_on(connection, home.http, &bytes(value));
        let (returned, place) = (self.history.now(), Place::Object(name));
        let Ok(answer) = answer else {
            let done = if claims { Done::ClaimUnanswered(value) } else { Done::Write(value) };
            self.history.record(place, done, invoked, None);
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        let record = |place, done| self.history.record(place, done, invoked, Some(returned));
        match (answer.status, answer.code().as_str()) {
            (200, _) => {
                record(place, if claims { Done::Claim(value, true) } else { Done::Write(value) });
                let sealed = answer.header(SSE).unwrap();
                self.history.saw(value, sealed);
                match mode {
                    0 => record(Place::Default, Done::Read(if sealed == "AES256" { AES256 } else { KMS })),
                    1 => assert_eq!(sealed, "AES256"),
                    _ => record(Place::MasterKey, Done::Read(ENABLED)),
                }
            }
            (412, _) if claims => record(place, Done::Claim(value, false)),
            (400, "KMS.DisabledException") if mode == 2 => record(Place::MasterKey, Done::Read(DISABLED)),
            _ => panic!("PUT {target}: {} {}", answer.status, answer.text()),
        }
        Ok(())
    }

    fn get(&mut self, home: &Home, connection: &mut Connection, name: &'static str, target: &str) -> io::Result<()> {
        let invoked = self.history.now();
        let answer = Ask::s3("GET", target).send_on(connection, home.http, b"")?;
        let returned = self.history.now();
        let record = |place, done| self.history.record(place, done, invoked, Some(returned));
        match answer.status {
            200 => {
                let value = value_of(&answer, target);
                record(Place::Object(name), Done::Read(value));
                let sealed = answer.header(SSE).unwrap().to_owned();
                self.history.saw(value, &sealed);
                let keyed = answer.header(KEY_ID).is_some_and(|id| id.contains(&self.key));
                if keyed {
                    record(Place::MasterKey, Done::Read(ENABLED));
                }
                let etag = answer.header("etag").unwrap().to_owned();
                self.seen.insert(name, Seen { value, etag, sealed, keyed });
            }
            404 => record(Place::Object(name), Done::Read(0)),
            400 if answer.code() == "KMS.DisabledException" => record(Place::MasterKey, Done::Read(DISABLED)),
            status => panic!("GET {target}: {status} {}", answer.text()),
        }
        Ok(())
    }

    fn delete(&mut self, home: &Home, connection: &mut Connection, name: &'static str, target: &str) -> io::Result<()> {
        let invoked = self.history.now();
        let answer = Ask::s3("DELETE", target).send_on(connection, home.http, b"");
        let returned = answer.is_ok().then(|| self.history.now());
        self.history.record(Place::Object(name), Done::Write(0), invoked, returned);
        let answer = answer?;
        assert_eq!(answer.status, 204, "DELETE {target}: {}", answer.text());
        Ok(())
    }

    fn set_default(&mut self, home: &Home, connection: &mut Connection) -> io::Result<()> {
        let (value, word) = if self.dice.below(2) == 0 { (AES256, "AES256") } else { (KMS, "aws:kms") };
        let document = format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{word}\
             </SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
        );
        let invoked = self.history.now();
        let answer = Ask::s3("PUT", "/bucket?encryption").send_on(connection, home.http, document.as_bytes());
        let returned = answer.is_ok().then(|| self.history.now());
        self.history.record(Place::Default, Done::Write(value), invoked, returned);
        let answer = answer?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Ok(())
    }

    fn switch_key(&mut self, home: &Home) -> io::Result<()> {
        let (value, verb) = if self.dice.below(3) == 0 { (DISABLED, "disable") } else { (ENABLED, "enable") };
        let invoked = self.history.now();
        let answer = home.administer("POST", &format!("/v1/keys/{}/{verb}", self.key), "");
        let returned = answer.is_ok().then(|| self.history.now());
        self.history.record(Place::MasterKey, Done::Write(value), invoked, returned);
        let (status, text) = answer?;
        assert_eq!(status, 200, "{text}");
        Ok(())
    }
}

/// Where an object is.
pub(super) fn target_of(name: &str) -> String {
    format!("/bucket/{name}")
}

/// The object that stands for `value`: its number, and bytes that follow from it. Some live in the catalog, some in blobs.
pub(super) fn bytes(value: u64) -> Vec<u8> {
    let mut dice = Dice(value);
    let length = if dice.below(5) == 0 { 66_000 + dice.below(90_000) } else { 8 + dice.below(2000) };
    let filler = (0..length / 8).flat_map(|_| dice.roll().to_le_bytes());
    value.to_le_bytes().into_iter().chain(filler).collect()
}

/// Which object an answer holds, every byte of it compared.
fn value_of(answer: &Answer, target: &str) -> u64 {
    let value = u64::from_le_bytes(answer.body[..8].try_into().unwrap());
    assert!(answer.body == bytes(value), "GET {target}: bytes that nobody has written");
    value
}
