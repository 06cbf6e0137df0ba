//! The audit trail over the admin API: filters, lines, reports.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use strongroom_model::{
    failure::{Failure, FailureCode},
    operation::audit::AuditFilter,
    outcome::audit::{AuditProblem, AuditReport},
    time::Timestamp,
};
use strongroom_store::audit::Record;

/// What a verification has found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verification {
    /// Whether nothing is wrong.
    pub(crate) sound: bool,
    /// Segments that there are.
    pub(crate) segments: u64,
    /// Lines in them.
    pub(crate) lines: u64,
    /// Records among the lines.
    pub(crate) records: u64,
    /// The time of the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<String>,
    /// The time of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<String>,
    /// The last line that a signature covers.
    pub(crate) signed: u64,
    /// The hash of the last line.
    pub(crate) head: String,
    /// Bytes behind the last signature, which prove nothing.
    pub(crate) unsigned_bytes: u64,
    /// The key that the signatures were held against.
    pub(crate) public_key: String,
    /// Whether that key is known from elsewhere than the trail's own folder: else the trail is of one piece, and could be
    /// anybody's.
    pub(crate) proven: bool,
    /// How many things are wrong.
    pub(crate) problem_count: u64,
    /// What is wrong, as far as there is room.
    pub(crate) problems: Vec<Problem>,
}

/// Something that is not as it was written.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// In which segment.
    pub(crate) segment: u64,
    /// At which line of it.
    pub(crate) line: u64,
    /// What was seen.
    pub(crate) what: String,
}

/// A line of the trail that is a record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Its number.
    pub(crate) n: u64,
    /// The hash of the line before it.
    pub(crate) prev: String,
    /// What was done.
    pub(crate) record: Record,
}

/// Lines of the trail.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lines {
    /// The oldest first.
    pub(crate) records: Vec<Line>,
}

/// The filter that names and values spell.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn filter(pairs: impl IntoIterator<Item = (String, String)>) -> Result<AuditFilter, Failure> {
    let mut filter = AuditFilter::default();
    for (name, value) in pairs {
        let text = match name.as_str() {
            "from" => {
                filter.from = Some(moment(&value)?);
                continue;
            }
            "until" => {
                filter.until = Some(moment(&value)?);
                continue;
            }
            "after" => {
                filter.after = value.parse().map_err(|_| invalid("after is the number of a line."))?;
                continue;
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=AuditFilter::LIMIT_MAX).contains(limit));
                filter.limit = limit.ok_or_else(|| invalid("limit is 1 to 10,000."))?;
                continue;
            }
            "principal" => &mut filter.principal,
            "key" => &mut filter.key,
            "bucket" => &mut filter.bucket,
            "object" => &mut filter.object,
            "request" => &mut filter.request,
            "operation" => &mut filter.operation,
            "outcome" if ["done", "denied", "failed"].contains(&value.as_str()) => &mut filter.outcome,
            "outcome" => return Err(invalid("outcome is done, denied or failed.")),
            _ => {
                let names = "from, until, principal, key, bucket, object, request, operation, outcome, after and limit";
                return Err(invalid(format!("The query takes {names}.")));
            }
        };
        *text = Some(value);
    }
    Ok(filter)
}

/// `2026-11-22T08:00:00Z`, or a day, which begins in UTC.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    let parsed = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse());
    let parsed = parsed.map_err(|_| invalid("A time is as 2026-11-22T08:00:00Z, or as 2026-11-22."))?;
    Ok(Timestamp::from_millis(parsed.as_millisecond()))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

/// Lines as they stand in the trail, so that whoever gets them can hash them.
pub(super) fn lines(lines: &[String]) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(spell(lines)));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same as one document.
pub(crate) fn spell(lines: &[String]) -> String {
    format!("{{\"records\":[{}]}}", lines.join(",\n"))
}

impl From<AuditReport> for Verification {
    fn from(report: AuditReport) -> Self {
        Self {
            sound: report.problem_count == 0,
            segments: report.segments,
            lines: report.lines,
            records: report.records,
            first: report.first,
            last: report.last,
            signed: report.signed,
            head: report.head,
            unsigned_bytes: report.unsigned_bytes,
            public_key: report.public_key,
            proven: true,
            problem_count: report.problem_count,
            problems: report.problems.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<AuditProblem> for Problem {
    fn from(problem: AuditProblem) -> Self {
        let AuditProblem { segment, line, what } = problem;
        Self { segment, line, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<AuditFilter, FailureCode> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        filter(pairs).map_err(|failure| failure.code)
    }

    #[test]
    fn a_filter_is_read_and_nonsense_refused() {
        let read =
            of(&[("from", "2026-11-22"), ("until", "2026-11-22T00:00:00.001Z"), ("limit", "7"), ("bucket", "b")]);
        let expected = AuditFilter {
            from: Some(Timestamp::from_millis(1_795_305_600_000)),
            until: Some(Timestamp::from_millis(1_795_305_600_001)),
            bucket: Some("b".into()),
            limit: 7,
            ..AuditFilter::default()
        };
        assert_eq!(read, Ok(expected));
        for bad in [("from", "yesterday"), ("limit", "0"), ("limit", "10001"), ("outcome", "good"), ("colour", "red")] {
            assert_eq!(of(&[bad]), Err(FailureCode::InvalidArgument), "{bad:?}");
        }
    }
}
