//! The log: lines on standard error.

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::failure::CommandError;
use crate::config::{Log, LogFormat};

/// Starts the log of this process.
pub(super) fn start(log: &Log) -> Result<(), CommandError> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| CommandError::Usage(format!("log.filter is no filter: {error}; try info or debug")))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match log.format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    };
    started.map_err(|error| CommandError::Usage(format!("the log was started twice: {error}")))
}
