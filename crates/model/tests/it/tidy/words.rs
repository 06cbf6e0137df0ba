//! Words that some crates must not speak, and names that say nothing.

use super::{Source, report, sources};

/// Module names that say nothing of what is inside: if a thing has no home, its name is wrong.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "common", "helpers", "core", "types", "manager"];

/// Dialect words that must not occur in the store, and the files that may speak them: the reserved names of default
/// keys are part of what clients store.
const DIALECT_WORDS: [&str; 3] = ["s3", "oss", "obs"];
const MAY_SPEAK_DIALECT: [&str; 2] = ["crates/store/src/blobs/", "crates/store/src/kms/reference.rs"];

#[test]
fn module_names_say_something() {
    let is_empty = |source: &&Source| {
        let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        stem.rsplit('/').next().is_some_and(|name| EMPTY_NAMES.contains(&name))
    };
    let breaches: Vec<String> = sources().iter().filter(is_empty).map(|source| source.path.clone()).collect();
    report("a module's name says what is inside", &breaches);
}

#[test]
fn the_store_speaks_no_dialect() {
    let speaks = |source: &&Source| {
        source.path.starts_with("crates/store/src/")
            && source.is_production()
            && !MAY_SPEAK_DIALECT.iter().any(|place| source.path.starts_with(place))
            && words(source.production()).any(|word| DIALECT_WORDS.contains(&word.as_str()))
    };
    let breaches: Vec<String> = sources().iter().filter(speaks).map(|source| source.path.clone()).collect();
    report("no dialect's name occurs in the store", &breaches);
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).map(str::to_ascii_lowercase)
}
