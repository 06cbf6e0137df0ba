//! What all jobs tell alike in the admin API.

use serde::{Deserialize, Serialize};
use strongroom_model::{outcome::job::JobState, time::Timestamp};

/// Where a job stands; part of the document of each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Times {
    /// `never`, `running`, `stopped` or `finished`.
    pub(crate) state: State,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<String>,
    /// When it ended, or was last seen to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
}

/// Whether a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// There was none yet.
    Never,
    /// It is at work.
    Running,
    /// It was interrupted.
    Stopped,
    /// It has seen everything.
    Finished,
}

impl Times {
    /// Those of a report.
    pub(crate) fn new(state: JobState, started: Option<Timestamp>, ended: Option<Timestamp>) -> Self {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self { state: state.into(), started: text(started), ended: text(ended) }
    }
}

impl From<JobState> for State {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Never => Self::Never,
            JobState::Running => Self::Running,
            JobState::Stopped => Self::Stopped,
            JobState::Finished => Self::Finished,
        }
    }
}
