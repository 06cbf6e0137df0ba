//! A vector file (FORMAT.md §16): a head of `name: value` lines, `---`, and bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::independent::Place;

/// One vector, in memory.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) head: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Vector {
    /// The value of a field that must be there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        match self.text(name) {
            "-" => Vec::new(),
            value => hex::decode(value).unwrap_or_else(|error| panic!("{}, {name}: {error}", self.name)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> u32 {
        self.text(name).parse().unwrap()
    }

    pub(crate) fn place(&self) -> Place {
        let field = |name| if self.text(name) == "-" { String::new() } else { self.text(name).to_owned() };
        Place { account: field("account"), bucket: field("bucket"), key: field("key"), version: field("version") }
    }

    pub(crate) fn context(&self) -> BTreeMap<String, String> {
        let entries = self.head.iter().filter(|(name, _)| name == "context");
        entries.map(|(_, value)| value.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap()).collect()
    }

    /// What must come out, or `None` if it must be refused.
    pub(crate) fn expected(&self) -> Option<Vec<u8>> {
        match self.text("expect") {
            "refused" => None,
            "plaintext" => Some(match self.text("plaintext").strip_prefix("pattern ") {
                Some(len) => pattern(len.parse().unwrap()),
                None => self.bytes("plaintext"),
            }),
            other => panic!("{}: expect: {other}", self.name),
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = String::new();
        for (name, value) in &self.head {
            out += &format!("{name}: {value}\n");
        }
        [out.as_bytes(), b"---\n", &self.body].concat()
    }

    /// Every vector in the folder, by name.
    pub(crate) fn all() -> Vec<Self> {
        let mut paths: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "seal"));
        paths.sort();
        paths
            .iter()
            .map(|path| Self::read(path.file_stem().unwrap().to_str().unwrap(), &fs::read(path).unwrap()))
            .collect()
    }

    fn read(name: &str, file: &[u8]) -> Self {
        let end = file.windows(4).position(|bytes| bytes == b"---\n").expect("a vector has a line ---");
        let head = std::str::from_utf8(&file[..end]).unwrap().lines().filter(|line| !line.starts_with('#'));
        let field = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
        Self { name: name.to_owned(), head: head.map(field).collect(), body: file[end + 4..].to_vec() }
    }
}

/// Where the vectors lie.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The plaintext of the vectors: byte i is (i + i / 251) mod 256.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i + i / 251) as u8).collect()
}
