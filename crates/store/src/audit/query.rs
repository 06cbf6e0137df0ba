//! Finding records.

use std::{io, path::Path};

use strongroom_model::operation::audit::AuditFilter;

use super::{
    folder::{self, Lines},
    record::{Line, Record},
};

/// The lines of the trail in `folder` whose records `filter` lets through, from the oldest on, as they stand there. They are
/// found, not verified.
///
/// # Errors
/// What the system refuses.
pub fn query(folder: &Path, filter: &AuditFilter) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for number in folder::segments(folder)? {
        let mut lines = Lines::open(&folder::segment(folder, number), 0)?;
        while let Some(raw) = lines.read()?.filter(|raw| raw.is_whole) {
            if found.len() >= filter.limit {
                return Ok(found);
            }
            let Some(Line { n, record: Some(record), .. }) = Line::parse(&raw.bytes) else { continue };
            if n > filter.after && passes(filter, &record) {
                found.push(String::from_utf8_lossy(&raw.bytes).into_owned());
            }
        }
    }
    Ok(found)
}

fn passes(filter: &AuditFilter, record: &Record) -> bool {
    let is = |wanted: &Option<String>, has: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| has.as_ref() == Some(wanted))
    };
    filter.from.is_none_or(|from| record.time >= from.to_string())
        && filter.until.is_none_or(|until| record.time < until.to_string())
        && filter.principal.as_ref().is_none_or(|wanted| names(wanted, &record.principal))
        && is(&filter.key, &record.key)
        && is(&filter.bucket, &record.bucket)
        && is(&filter.object, &record.object)
        && filter.request.as_ref().is_none_or(|shown| record.request.as_ref().is_some_and(|id| id.starts_with(shown)))
        && filter.operation.as_ref().is_none_or(|wanted| *wanted == record.operation)
        && filter.outcome.as_ref().is_none_or(|wanted| wanted == record.outcome.word())
}

/// A principal is named in full, or without its account.
fn names(wanted: &str, principal: &str) -> bool {
    principal == wanted || principal.split_once(':').is_some_and(|(_, name)| name == wanted)
}
