//! One line of the trail: what was done, by whom, with which key, and how it ended. docs/AUDIT.md is the format's page.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// Longest line, in bytes, its end included. The longest field is an encryption context of 8 KiB, of which JSON may spell
/// every byte in six; names of objects and keys add some 20 KiB at their worst.
pub const LINE_BYTES_MAX: usize = 128 * 1024;

/// Hex digits of a SHA-256: what `prev` is. Those of the first line of all are zeros.
const HASH_DIGITS: usize = 64;

/// What was done. No field holds a secret, a plaintext, or a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// When the request arrived: ISO 8601 in UTC with milliseconds, so that the order of texts is that of times.
    pub time: String,
    /// The request's id, as its answer and the log have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Who: `<account>:root`, `<account>:user/<name>`, `anonymous`, or `strongroom` for the server itself.
    pub principal: String,
    /// The access key that signed the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// The peer's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The operation's name.
    pub operation: String,
    /// What was done with the key, as permissions have it; of a denial, the permission that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The master key's id; as the client spelled it, if there is none of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_version: Option<u32>,
    /// The bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The object's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The store's own id of the object's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What else it was done to: `user/<name>`, `policy/<name>`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The encryption context, in which clients are told to put no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it was not done: the kind of failure, and what decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the data key was still known, and the key service not asked; only of uses that opened something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<bool>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    #[default]
    Done,
    /// The caller may not do it; `action` is what it lacks.
    Denied,
    /// It failed for another reason.
    Failed,
}

impl Outcome {
    /// As records spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// The first line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// The format's version.
    pub(super) format: u32,
    /// Which segment, from 1.
    pub(super) number: u64,
    /// When it was begun.
    pub(super) begun: String,
    /// The Ed25519 key that signs the trail's heads, in hex.
    pub(super) public_key: String,
}

/// A line: one of four kinds, each bound to all lines before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Its number in the trail, from 1, segments notwithstanding.
    pub(super) n: u64,
    /// SHA-256 of the line before it, without its end, in hex.
    pub(super) prev: String,
    /// A segment begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<Opening>,
    /// Something was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<Record>,
    /// Everything before this line is signed: an Ed25519 signature over [`head_text`], in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<String>,
    /// Everything before this line is the server's: an HMAC-SHA-256 over [`mark_text`], in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<String>,
}

/// What the file `head` says: so many lines there are, and the last one is this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// The number of the last line; 0 if there is none.
    pub(super) n: u64,
    /// Its hash, in hex.
    pub(super) last: String,
    /// An Ed25519 signature over [`end_text`], in hex. It is none that a line has, so that no line can stand in for it.
    pub(super) end: String,
}

/// The version of the format that is written, and the only one that is read.
pub(super) const FORMAT: u32 = 1;

/// What a head signs: the number of its own line, and the hash of the one before it, to which all others are chained.
pub(super) fn head_text(n: u64, prev: &str) -> String {
    format!("strongroom audit head {FORMAT}\n{n}\n{prev}\n")
}

/// What a mark is made of, in the same way.
pub(super) fn mark_text(n: u64, prev: &str) -> String {
    format!("strongroom audit mark {FORMAT}\n{n}\n{prev}\n")
}

/// What the end signs.
pub(super) fn end_text(n: u64, last: &str) -> String {
    format!("strongroom audit end {FORMAT}\n{n}\n{last}\n")
}

/// What the first line of all names as the one before it.
pub(super) fn no_line() -> String {
    "0".repeat(HASH_DIGITS)
}

/// The hash that the next line names; `line` is without its end.
pub(super) fn hash(line: &[u8]) -> String {
    hex::encode(digest(&SHA256, line))
}

impl Line {
    /// The line behind that of number `n` and hash `last`, of no kind yet.
    pub(super) fn after(n: u64, last: String) -> Self {
        Self { n: n + 1, prev: last, segment: None, record: None, head: None, mark: None }
    }

    /// The line's text, without its end.
    pub(super) fn spell(&self) -> String {
        serde_json::to_string(self).expect("a line has text keys and no other maps")
    }

    /// Reads a line, which must be exactly what [`Line::spell`] says of it: two texts must not mean the same.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let line: Self = serde_json::from_slice(text).ok()?;
        let kinds = [line.segment.is_some(), line.record.is_some(), line.head.is_some(), line.mark.is_some()];
        let one_kind = kinds.into_iter().filter(|is| *is).count() == 1;
        (one_kind && line.spell().as_bytes() == text).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            time: "2026-11-22T00:00:00.000Z".into(),
            principal: "000000000001:user/ann".into(),
            operation: "GetObject".into(),
            object: Some("a\n\"b\u{7f}é".into()),
            cached: Some(true),
            ..Record::default()
        }
    }

    /// The text itself is the format, so it stands here as a third party would read it.
    #[test]
    fn a_line_has_one_spelling() {
        let line = Line { record: Some(record()), ..Line::after(6, no_line()) };
        let text = line.spell();
        let zeros = "0".repeat(64);
        let expected = format!(
            r#"{{"n":7,"prev":"{zeros}","record":{{"time":"2026-11-22T00:00:00.000Z","principal":"000000000001:user/ann","operation":"GetObject","object":"a\n\"b{}é","outcome":"done","cached":true}}}}"#,
            '\u{7f}'
        );
        assert_eq!(text, expected);
        assert_eq!(Line::parse(text.as_bytes()), Some(line));
        for other in [text.replace("\"n\":7", "\"n\": 7"), text.replace('é', "\\u00e9"), format!("{text} ")] {
            assert_eq!(Line::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_line_is_of_one_kind() {
        let (none, text) = (Line::after(0, no_line()), || Some("00".to_owned()));
        let [record, head, mark] = [
            Line { record: Some(record()), ..none.clone() },
            Line { head: text(), ..none.clone() },
            Line { mark: text(), ..none.clone() },
        ];
        for one in [&record, &head, &mark] {
            assert_eq!(Line::parse(one.spell().as_bytes()).as_ref(), Some(one));
        }
        for other in [Line { head: text(), ..record }, Line { mark: text(), ..head }, none] {
            assert_eq!(Line::parse(other.spell().as_bytes()), None);
        }
    }

    /// FIPS 180-4's example of one block.
    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
