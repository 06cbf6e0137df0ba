//! What every file has, and what may occur in one file only.

use super::{Source, report, sources};

/// Calls that have one home each, and where that is. A home that ends in `/` is a folder.
///
/// One home for the clock and for randomness keeps everything below testable with a fake one; one home for spawning
/// keeps every detached task known; few homes for `std::fs` keep "what touches the disk" answerable at a glance.
const HOMES: [(&str, &[&str]); 4] = [
    ("SystemTime::now", &["crates/server/src/", "crates/bench/src/"]),
    (
        "tokio::spawn(",
        &["crates/store/src/engine/mod.rs", "crates/store/src/jobs/", "crates/server/src/", "crates/bench/src/"],
    ),
    ("getrandom::", &["crates/server/src/", "crates/bench/src/"]),
    ("std::fs", &["crates/store/src/", "crates/server/src/", "crates/bench/src/"]),
];

/// Words that say a thing is not done, put together here so that this file does not hold them.
const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];

#[test]
fn every_file_says_what_it_is() {
    let breaches = sources().into_iter().filter(|source| !source.text.starts_with("//!")).map(|source| source.path);
    report("every file opens with `//!`", &breaches.collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_for_later() {
    let breaches = sources().into_iter().filter(|source| UNFINISHED.iter().any(|word| source.text.contains(word)));
    report("no unfinished work lands", &breaches.map(|source| source.path).collect::<Vec<_>>());
}

#[test]
fn calls_with_a_home_stay_there() {
    let strays = |source: &Source| {
        let code = code_only(source.production());
        let strayed = |(call, homes): &&(&str, &[&str])| {
            code.contains(call) && !homes.iter().any(|home| source.path.starts_with(home))
        };
        HOMES.iter().filter(strayed).map(|(call, _)| format!("{} in {}", call, source.path)).collect::<Vec<_>>()
    };
    let breaches: Vec<String> = sources().iter().filter(|source| source.is_production()).flat_map(strays).collect();
    report("these calls have one home (see HOMES)", &breaches);
}

#[test]
fn printing_is_for_commands() {
    let prints = |source: &Source| {
        let code = code_only(source.production());
        ["println!(", "print!(", "eprintln!(", "eprint!("].iter().any(|call| code.contains(call))
    };
    let may_print =
        |path: &str| path.starts_with("crates/server/src/command/") || path.starts_with("crates/bench/src/");
    let breaches =
        sources().into_iter().filter(|source| source.is_production() && !may_print(&source.path) && prints(source));
    report("only commands print", &breaches.map(|source| source.path).collect::<Vec<_>>());
}

#[test]
fn each_crate_has_one_integration_test_binary() {
    let is_extra = |source: &&Source| {
        let mut parts = source.path.split('/').skip(2);
        parts.next() == Some("tests") && parts.next() != Some("it")
    };
    let breaches: Vec<String> = sources().iter().filter(is_extra).map(|source| source.path.clone()).collect();
    report("integration tests live in tests/it/", &breaches);
}

fn code_only(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
