//! When a signed request is good.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::time::Timestamp;

use super::date::{self, SKEW_MAX_MILLIS};
use super::head::Head;

/// Longest life of a URL signed by a scoped scheme, in seconds: a week, as AWS and Alibaba document it.
pub(crate) const LIFETIME_MAX_SECONDS: u64 = 604_800;

/// When a signed request is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    /// Around the moment it states.
    Around(Timestamp),
    /// Until then.
    Until(Timestamp),
    /// From a moment on, for so many seconds.
    For(Timestamp, u64),
    /// Until then, as the policy of a form says.
    Policy(Timestamp),
}

impl Validity {
    /// Reads the lifetime of a URL signed by a scoped scheme at `from`.
    pub(crate) fn lifetime(from: Timestamp, parameter: &'static str, head: &Head<'_>) -> Result<Self, Failure> {
        let text = head.text_parameter(parameter)?.unwrap_or_default();
        match text.parse() {
            Ok(seconds) if seconds <= LIFETIME_MAX_SECONDS => Ok(Self::For(from, seconds)),
            _ => Err(Failure::new(FailureCode::InvalidArgument)
                .with_message("The lifetime of a signed URL must be a number of seconds, at most 604800.")
                .with_detail("ArgumentName", parameter)
                .with_detail("ArgumentValue", text)),
        }
    }

    /// Reads the end of a signed URL's life, in seconds since the epoch.
    pub(crate) fn until(text: &str) -> Result<Self, Failure> {
        let seconds = text.parse().map_err(|_| {
            Failure::new(FailureCode::AccessDenied).with_message("Invalid date (should be seconds since epoch).")
        })?;
        Ok(Self::Until(Timestamp::from_seconds(seconds)))
    }

    /// Whether `now` is within.
    pub(crate) fn check(self, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Around(when) if when.distance_millis(now) > SKEW_MAX_MILLIS => Err(skewed(when, now)),
            Self::For(from, _) if from > now && from.distance_millis(now) > SKEW_MAX_MILLIS => Err(skewed(from, now)),
            Self::Until(end) if now > end => Err(expired(end, now)),
            Self::Policy(end) if now > end => {
                Err(Failure::new(FailureCode::AccessDenied)
                    .with_message("Invalid according to Policy: Policy expired."))
            }
            Self::For(from, seconds) if now > after(from, seconds) => Err(expired(after(from, seconds), now)),
            _ => Ok(()),
        }
    }
}

/// Reads the date that a signed request must have: the first of `headers` that is there.
pub(crate) fn dated(head: &Head<'_>, headers: &[&str]) -> Result<Timestamp, Failure> {
    let text = headers.iter().find_map(|&name| head.header(name));
    let text = text.and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(date::read).ok_or_else(|| FailureCode::MissingDate.into())
}

fn after(from: Timestamp, seconds: u64) -> Timestamp {
    from.plus_millis(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
}

fn skewed(when: Timestamp, now: Timestamp) -> Failure {
    Failure::new(FailureCode::RequestTimeTooSkewed)
        .with_detail("RequestTime", when.to_string())
        .with_detail("ServerTime", now.to_string())
        .with_detail("MaxAllowedSkewMilliseconds", SKEW_MAX_MILLIS.to_string())
}

fn expired(end: Timestamp, now: Timestamp) -> Failure {
    Failure::new(FailureCode::RequestExpired)
        .with_detail("Expires", end.to_string())
        .with_detail("ServerTime", now.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_795_262_400);

    fn code(validity: Validity, millis: i64) -> Option<FailureCode> {
        validity.check(NOON.plus_millis(millis)).err().map(|failure| failure.code)
    }

    #[test]
    fn a_moment_is_good_for_a_quarter_of_an_hour_either_way() {
        for (millis, expected) in [
            (900_000, None),
            (-900_000, None),
            (900_001, Some(FailureCode::RequestTimeTooSkewed)),
            (-900_001, Some(FailureCode::RequestTimeTooSkewed)),
        ] {
            assert_eq!(code(Validity::Around(NOON), millis), expected, "{millis}");
        }
    }

    #[test]
    fn a_url_is_good_to_the_last_second_and_no_longer() {
        assert_eq!(code(Validity::Until(NOON), 0), None);
        assert_eq!(code(Validity::Until(NOON), 1), Some(FailureCode::RequestExpired));
        assert_eq!(code(Validity::For(NOON, 60), 60_000), None);
        assert_eq!(code(Validity::For(NOON, 60), 60_001), Some(FailureCode::RequestExpired));
        assert_eq!(code(Validity::For(NOON, 60), -900_000), None);
        assert_eq!(code(Validity::For(NOON, 60), -900_001), Some(FailureCode::RequestTimeTooSkewed));
    }
}
