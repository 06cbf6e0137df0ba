//! `strongroom lifecycle`: has the server follow the buckets' lifecycle rules now, watches it, and says what went.

use clap::Subcommand;
use indicatif::ProgressBar;

use super::{
    Connection,
    failure::CommandError,
    job::{self, Job, Run},
    table,
};
use crate::admin::{job::State, rules::LifecycleRun};

/// `strongroom lifecycle …`.
#[derive(Debug, Subcommand)]
pub(super) enum LifecycleCommand {
    /// Follow the rules of all buckets now, or go on with a run that was stopped
    Run(Run),
    /// How far the run is, or what the last one did
    Status {
        #[command(flatten)]
        to: Connection,
    },
    /// Interrupt the run; the next one goes on from there
    Stop {
        #[command(flatten)]
        to: Connection,
    },
}

/// Does what was typed. What could not be dealt with is a failure.
pub(super) async fn lifecycle(command: LifecycleCommand) -> Result<(), CommandError> {
    match command {
        LifecycleCommand::Run(run) => run.start::<LifecycleRun>().await,
        LifecycleCommand::Status { to } => job::status::<LifecycleRun>(&to).await.map(drop),
        LifecycleCommand::Stop { to } => job::stop::<LifecycleRun>(&to, "page of keys").await,
    }
}

impl Job for LifecycleRun {
    const PATH: &'static str = "/lifecycle";
    const STATUS: &'static str = "strongroom lifecycle status";

    fn state(&self) -> State {
        self.times.state
    }

    fn progress(&self, bar: &ProgressBar) {
        bar.set_message(format!("{}: {} keys", self.bucket.as_deref().unwrap_or_default(), self.done.keys));
    }

    fn table(&self) -> String {
        table::lifecycle(self)
    }

    fn verdict(&self) -> Result<(), CommandError> {
        match (self.times.state, self.done.troubles) {
            (State::Finished, 0) => Ok(()),
            (State::Finished, troubles) => {
                let message = format!("{troubles} things could not be dealt with; the server's log says why");
                Err(CommandError::Usage(message))
            }
            _ => Err(CommandError::Usage("the run was stopped before its end; run it again to go on".to_owned())),
        }
    }
}
