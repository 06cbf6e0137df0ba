//! The only place that reads the clock. Everything below is told the time.

use std::time::{SystemTime, UNIX_EPOCH};

use strongroom_model::time::Timestamp;

/// The present, as the system has it.
pub(crate) fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}
