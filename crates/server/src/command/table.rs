//! Answers as tables.

use comfy_table::{Table, presets::NOTHING};

use crate::admin::{
    audit::{Line, Verification},
    job::Times,
    rules::{InventoryRun, LifecycleRun},
    scrubbing::{Damage, Scrub},
    view::{Bucket, Key, Object, User},
};

/// Keys, one a row.
pub(super) fn keys(keys: &[Key]) -> String {
    let rows = keys.iter().map(|key| {
        let state = match &key.deletion {
            Some(when) => format!("{}, destroyed {when}", key.state),
            None => key.state.clone(),
        };
        let note = if key.default { "default key" } else { &key.description };
        let spec = key.spec.name().to_owned();
        [
            key.id.clone(),
            spec,
            state,
            key.version.to_string(),
            key.aliases.join(" "),
            key.created.clone(),
            note.to_owned(),
        ]
    });
    rows_of(["KEY", "SPEC", "STATE", "VERSION", "ALIASES", "CREATED", "DESCRIPTION"], rows)
}

/// Users, one a row.
pub(super) fn users(users: &[User]) -> String {
    let rows = users.iter().map(|user| [user.name.clone(), user.access_keys.join(" "), user.created.clone()]);
    rows_of(["USER", "ACCESS KEYS", "CREATED"], rows)
}

/// Buckets, one a row.
pub(super) fn buckets(buckets: &[Bucket]) -> String {
    let rows = buckets.iter().map(|bucket| {
        let Bucket { name, owner, location, created, encryption } = bucket;
        [name.clone(), location.clone(), encryption.clone(), owner.clone(), created.clone()]
    });
    rows_of(["BUCKET", "LOCATION", "DEFAULT ENCRYPTION", "OWNER", "CREATED"], rows)
}

/// An object, one fact a row.
pub(super) fn object(object: &Object) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    rows_of(
        ["FACT", "VALUE"],
        [
            ["bucket".to_owned(), object.bucket.clone()],
            ["key".to_owned(), object.key.clone()],
            ["version".to_owned(), or_none(object.version.clone())],
            ["size".to_owned(), object.size.to_string()],
            ["etag".to_owned(), object.etag.clone()],
            ["last modified".to_owned(), object.last_modified.clone()],
            ["encryption".to_owned(), object.encryption.clone()],
            ["suite".to_owned(), object.suite.clone()],
            ["master key".to_owned(), or_none(object.key_id.clone())],
            ["master key version".to_owned(), or_none(object.key_version.map(|version| version.to_string()))],
            ["master key fingerprint".to_owned(), or_none(object.key_fingerprint.clone())],
            ["sealed chunks".to_owned(), object.chunks.to_string()],
            ["sealed bytes".to_owned(), object.stored_bytes.to_string()],
            ["place".to_owned(), if object.inline { "catalog" } else { "blob" }.to_owned()],
        ],
    )
}

/// How far the reports of inventories are.
pub(super) fn inventory(run: &InventoryRun) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    rows_of(
        ["FACT", "VALUE"],
        [
            ["state".to_owned(), format!("{:?}", run.times.state).to_lowercase()],
            ["started".to_owned(), or_none(&run.times.started)],
            ["ended".to_owned(), or_none(&run.times.ended)],
            ["last bucket".to_owned(), or_none(&run.bucket)],
            ["last inventory".to_owned(), or_none(&run.inventory)],
            ["reports".to_owned(), run.reports.to_string()],
            ["rows".to_owned(), run.rows.to_string()],
            ["troubles".to_owned(), run.troubles.to_string()],
        ],
    )
}

/// A run of the lifecycle rules.
pub(super) fn lifecycle(run: &LifecycleRun) -> String {
    let LifecycleRun { times: Times { state, started, ended }, done, .. } = run;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    rows_of(
        ["FACT", "VALUE"],
        [
            ["state".to_owned(), format!("{state:?}").to_lowercase()],
            ["started".to_owned(), or_none(started)],
            ["last seen".to_owned(), or_none(ended)],
            ["buckets with rules".to_owned(), done.buckets.to_string()],
            ["keys looked at".to_owned(), done.keys.to_string()],
            ["objects removed".to_owned(), done.expired.to_string()],
            ["objects marked deleted".to_owned(), done.marked.to_string()],
            ["noncurrent versions removed".to_owned(), done.noncurrent.to_string()],
            ["delete markers removed".to_owned(), done.markers.to_string()],
            ["uploads aborted".to_owned(), done.uploads.to_string()],
            ["locked, and left".to_owned(), done.locked.to_string()],
            ["changed, and left".to_owned(), done.changed.to_string()],
            ["troubles".to_owned(), done.troubles.to_string()],
        ],
    )
}

/// A scrub: how far it is, its buckets, what it has found.
pub(super) fn scrub(scrub: &Scrub) -> String {
    let Scrub { times: Times { state, started, ended }, done, expected, blobs, found, .. } = scrub;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let facts = rows_of(
        ["FACT", "VALUE"],
        [
            ["state".to_owned(), format!("{state:?}").to_lowercase()],
            ["started".to_owned(), or_none(started)],
            ["last seen".to_owned(), or_none(ended)],
            ["objects".to_owned(), format!("{} of {}", done.versions, expected.versions)],
            ["bytes".to_owned(), format!("{} of {}", done.bytes, expected.bytes)],
            ["blobs".to_owned(), blobs.to_string()],
            ["findings".to_owned(), found.to_string()],
        ],
    );
    let buckets = scrub.buckets.iter().map(|bucket| {
        let counts = [bucket.versions, bucket.bytes, bucket.closed, bucket.found].map(|count| count.to_string());
        let [versions, bytes, closed, found] = counts;
        [bucket.bucket.clone(), versions, bytes, closed, found]
    });
    let buckets = rows_of(["BUCKET", "OBJECTS", "BYTES", "CUSTOMERS' KEYS", "FINDINGS"], buckets);
    if scrub.findings.is_empty() {
        return format!("{facts}\n\n{buckets}");
    }
    let findings = scrub.findings.iter().map(|finding| {
        let Damage { trouble, bucket, key, version, blob, detail } = finding;
        [trouble.clone(), or_none(bucket), or_none(key), or_none(version), or_none(blob), detail.clone()]
    });
    let findings = rows_of(["TROUBLE", "BUCKET", "KEY", "VERSION", "BLOB", "WHAT WAS SEEN"], findings);
    format!("{facts}\n\n{buckets}\n\n{findings}")
}

/// Records of the audit trail.
pub(super) fn audit(records: &[Line]) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = records.iter().map(|Line { n, record, .. }| {
        let key = record.key.clone().map(|key| match record.key_version {
            Some(version) => format!("{key} v{version}"),
            None => key,
        });
        let about = match (&record.bucket, &record.object) {
            (Some(bucket), Some(object)) => Some(format!("{bucket}/{object}")),
            (bucket, _) => bucket.clone().or(record.subject.clone()),
        };
        let outcome = match (&record.reason, record.cached) {
            (Some(reason), _) => format!("{}: {reason}", record.outcome.word()),
            (None, Some(true)) => format!("{}, key cached", record.outcome.word()),
            (None, _) => record.outcome.word().to_owned(),
        };
        let who = record.principal.clone();
        [n.to_string(), record.time.clone(), who, or_none(&record.source), record.operation.clone()]
            .into_iter()
            .chain([or_none(&record.action), or_none(&key), or_none(&about), outcome])
            .collect::<Vec<_>>()
            .try_into()
            .expect("five columns and four are nine")
    });
    rows_of(["LINE", "TIME", "WHO", "FROM", "OPERATION", "ACTION", "KEY", "ABOUT", "OUTCOME"], rows)
}

/// What a verification of the audit trail has found.
pub(super) fn verification(found: &Verification) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let unproven = if found.proven { "" } else { ", by the folder's own word: see --root-key and --public-key" };
    let facts = rows_of(
        ["FACT", "VALUE"],
        [
            ["verdict".to_owned(), if found.sound { "whole" } else { "changed" }.to_owned()],
            ["segments".to_owned(), found.segments.to_string()],
            ["lines".to_owned(), found.lines.to_string()],
            ["records".to_owned(), found.records.to_string()],
            ["first record".to_owned(), or_none(&found.first)],
            ["last record".to_owned(), or_none(&found.last)],
            ["signed up to line".to_owned(), found.signed.to_string()],
            ["bytes not signed".to_owned(), found.unsigned_bytes.to_string()],
            ["hash of the last line".to_owned(), found.head.clone()],
            ["public key".to_owned(), format!("{}{unproven}", found.public_key)],
        ],
    );
    if found.problems.is_empty() {
        return facts;
    }
    let problems = found.problems.iter();
    let problems = problems.map(|it| [it.segment.to_string(), it.line.to_string(), it.what.clone()]);
    format!("{facts}\n\n{}", rows_of(["SEGMENT", "LINE", "WHAT WAS SEEN"], problems))
}

fn rows_of<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 1));
    });
    table.trim_fmt()
}
