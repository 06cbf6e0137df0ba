//! The rules, each a test. A rule that matters is a test; see docs/ARCHITECTURE.md for why each of them is here.

mod edges;
mod files;
mod sizes;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// A source file of the workspace.
struct Source {
    /// Path below the workspace's root, with `/`.
    path: String,
    /// Its whole text.
    text: String,
}

impl Source {
    /// The text before the unit tests, which stand last.
    fn production(&self) -> &str {
        self.text.find("\n#[cfg(test)]\nmod ").map_or(self.text.as_str(), |tests| &self.text[..=tests])
    }

    /// Whether the file is part of a product, not of its tests, benchmarks, examples or conformance suites.
    fn is_production(&self) -> bool {
        self.path.split('/').nth(2) == Some("src") && !self.path.ends_with("/suite.rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace's root exists")
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    collect(&root.join("crates"), &root, &mut found);
    assert!(found.len() > 20, "tidy found only {} sources", found.len());
    found
}

fn collect(folder: &Path, root: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of sources can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, root, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative =
                path.strip_prefix(root).expect("it lies below the root").to_string_lossy().replace('\\', "/");
            found.push(Source { path: relative, text: fs::read_to_string(&path).expect("a source is UTF-8") });
        }
    }
}

/// Fails with every breach of a rule at once.
fn report(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}
