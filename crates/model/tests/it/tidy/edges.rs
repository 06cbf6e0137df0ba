//! Who may know whom: design rules between crates, and between the modules of `store`.

use std::fs;

use super::{Source, report, root, sources};

/// Which crates of ours each crate may depend on. What is not here does not exist.
const CRATES: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("sm4", &[]),
    ("seal", &["sm4"]),
    ("iam", &["model"]),
    ("wire", &["model"]),
    ("store", &["model", "iam", "seal"]),
    ("server", &["model", "iam", "wire", "store"]),
    ("bench", &["model", "iam", "wire"]),
];

/// Libraries that some crates must never know: (crate, what it must not name).
const FORBIDDEN_LIBRARIES: [(&str, &[&str]); 6] = [
    ("model", &["http", "tokio", "serde", "bytes"]),
    ("sm4", &["tokio", "ring", "bytes"]),
    ("seal", &["tokio", "http", "fjall"]),
    ("iam", &["tokio", "http"]),
    ("wire", &["tokio", "hyper", "fjall"]),
    ("store", &["http", "hyper", "quick-xml"]),
];

/// Which modules of `store` a module may not use.
const STORE_MODULES: [(&str, &[&str]); 6] = [
    ("kv", &["blobs", "catalog", "kms", "engine", "jobs"]),
    ("blobs", &["kv", "catalog", "kms", "engine", "jobs"]),
    ("catalog", &["blobs", "kms", "engine", "jobs"]),
    ("kms", &["blobs", "engine", "jobs"]),
    ("jobs", &["engine"]),
    ("engine", &[]),
];

#[test]
fn crates_know_only_whom_they_may() {
    let mut breaches = Vec::new();
    for entry in fs::read_dir(root().join("crates")).expect("crates/ can be read") {
        let name = entry.expect("an entry can be read").file_name().to_string_lossy().into_owned();
        match CRATES.iter().find(|(package, _)| *package == name) {
            Some((package, allowed)) => breaches.extend(forbidden_dependencies(package, allowed)),
            None => breaches.push(format!("crates/{name} is not in the design")),
        }
    }
    report("the edges between crates are those of the design", &breaches);
}

fn forbidden_dependencies(package: &str, allowed: &[&str]) -> Vec<String> {
    let libraries = FORBIDDEN_LIBRARIES.iter().find(|(name, _)| *name == package).map_or(&[][..], |(_, names)| names);
    let is_forbidden = |dependency: &str| match dependency.strip_prefix("strongroom-") {
        Some(ours) => !allowed.contains(&ours),
        None => libraries.contains(&dependency),
    };
    let found = dependencies(package).into_iter().filter(|dependency| is_forbidden(dependency));
    found.map(|dependency| format!("{package} depends on {dependency}")).collect()
}

fn dependencies(package: &str) -> Vec<String> {
    let path = root().join("crates").join(package).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(path).expect("a crate has a manifest").parse().expect("it is TOML");
    let table = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    table.keys().cloned().collect()
}

#[test]
fn modules_of_the_store_know_only_whom_they_may() {
    let breaches: Vec<String> =
        sources().iter().filter(|source| source.is_production()).flat_map(forbidden_uses).collect();
    report("the edges between the modules of `store` are those of the design", &breaches);
}

fn forbidden_uses(source: &Source) -> Vec<String> {
    let module = source.path.strip_prefix("crates/store/src/").and_then(|rest| rest.split(['/', '.']).next());
    let Some((_, forbidden)) = STORE_MODULES.iter().find(|(name, _)| Some(*name) == module) else { return Vec::new() };
    let uses = |other: &&&str| source.production().contains(&format!("crate::{other}::"));
    forbidden.iter().filter(uses).map(|other| format!("{} uses {other}", source.path)).collect()
}
