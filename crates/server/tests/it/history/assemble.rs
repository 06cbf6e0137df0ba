//! What a client makes of other things than one body: copies, and objects of uploads.

use std::io;

use super::{
    Done, Place,
    client::{AES256, Client, DISABLED, ENABLED, Home, KEY_ID, KMS, OBJECTS, SSE, bytes, target_of},
};
use crate::client::{Answer, Ask, Connection};

/// An object as a client last saw it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) value: u64,
    pub(super) etag: String,
    pub(super) sealed: String,
    /// Whether it is under the master key that is switched off and on.
    pub(super) keyed: bool,
}

impl Client<'_> {
    /// A copy of an object that was seen, if it still is the one that was seen; sealed as it is. It reads its source and writes its
    /// target, each at some moment of the request.
    pub(super) fn copy(&mut self, home: &Home, connection: &mut Connection) -> io::Result<()> {
        let (from, to) = (self.dice.below(3) as usize, self.dice.below(3) as usize);
        let Some(seen) = self.seen.get(OBJECTS[from]).cloned().filter(|_| from != to) else { return Ok(()) };
        let (source, target) = (format!("/bucket/{}", OBJECTS[from]), target_of(OBJECTS[to]));
        let mut ask = Ask::s3("PUT", &target)
            .header("x-amz-copy-source", &source)
            .header("x-amz-copy-source-if-match", &seen.etag)
            .header(SSE, &seen.sealed);
        if seen.keyed {
            ask = ask.header(KEY_ID, &self.key);
        }
        let invoked = self.history.now();
        let answer = ask.send_on(connection, home.http, b"");
        let returned = self.history.now();
        let place = |at: usize| Place::Object(OBJECTS[at]);
        let Ok(answer) = answer else {
            self.history.record(place(to), Done::Write(seen.value), invoked, None);
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        let record = |place, done| self.history.record(place, done, invoked, Some(returned));
        match (answer.status, answer.code().as_str()) {
            (200, _) => {
                assert!(!answer.text().contains("<Error>"), "{}", answer.text());
                record(place(from), Done::Read(seen.value));
                record(place(to), Done::Write(seen.value));
                self.history.saw(seen.value, answer.header(SSE).unwrap());
                if seen.keyed {
                    record(Place::MasterKey, Done::Read(ENABLED));
                }
            }
            // Another object by now, or a copy of the same one, which has a tag of its own.
            (412, _) => {}
            (404, _) => record(place(from), Done::Read(0)),
            (400, "KMS.DisabledException") if seen.keyed => record(Place::MasterKey, Done::Read(DISABLED)),
            _ => panic!("copy to {target}: {} {}", answer.status, answer.text()),
        }
        Ok(())
    }

    /// An object of an upload of one part. Its completion is the write; its beginning reads the default.
    pub(super) fn upload(&mut self, home: &Home, connection: &mut Connection, name: &'static str) -> io::Result<()> {
        let value = self.next_value();
        let mode = self.dice.below(3);
        let begin = format!("/bucket/{name}?uploads");
        let mut ask = Ask::s3("POST", &begin);
        match mode {
            0 => {}
            1 => ask = ask.header(SSE, "AES256"),
            _ => ask = ask.header(SSE, "aws:kms").header(KEY_ID, &self.key),
        }
        let invoked = self.history.now();
        let begun = ask.send_on(connection, home.http, b"")?;
        let returned = self.history.now();
        if self.was_disabled(&begun, mode, invoked, returned) {
            return Ok(());
        }
        assert_eq!(begun.status, 200, "{}", begun.text());
        let sealed = begun.header(SSE).unwrap().to_owned();
        if mode == 0 {
            let default = if sealed == "AES256" { AES256 } else { KMS };
            self.history.record(Place::Default, Done::Read(default), invoked, Some(returned));
        }
        let text = begun.text();
        let id =
            text.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>")).unwrap().0.to_owned();

        let part = format!("/bucket/{name}?partNumber=1&uploadId={id}");
        let invoked = self.history.now();
        let written = Ask::s3("PUT", &part).send_on(connection, home.http, &bytes(value))?;
        if self.was_disabled(&written, mode, invoked, self.history.now()) {
            return Ok(());
        }
        assert_eq!(written.status, 200, "{}", written.text());
        let tag = written.header("etag").unwrap();
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
        );
        let complete = format!("/bucket/{name}?uploadId={id}");
        let invoked = self.history.now();
        let answer = Ask::s3("POST", &complete).send_on(connection, home.http, list.as_bytes());
        let returned = answer.is_ok().then(|| self.history.now());
        if let (Ok(answer), Some(returned)) = (&answer, returned)
            && self.was_disabled(answer, mode, invoked, returned)
        {
            return Ok(());
        }
        self.history.record(Place::Object(name), Done::Write(value), invoked, returned);
        let answer = answer?;
        assert!(answer.status == 200 && !answer.text().contains("<Error>"), "{}", answer.text());
        self.history.saw(value, &sealed);
        Ok(())
    }

    /// Whether the answer is that the master key is disabled, which it was at some moment of the request then.
    fn was_disabled(&self, answer: &Answer, mode: u64, invoked: u64, returned: u64) -> bool {
        let is_so = answer.status == 400 && answer.code() == "KMS.DisabledException" && mode == 2;
        if is_so {
            self.history.record(Place::MasterKey, Done::Read(DISABLED), invoked, Some(returned));
        }
        is_so
    }
}
