//! `strongroom inventory`: has the server write the reports of all inventories now, watches it, and says what it wrote.

use clap::Subcommand;
use indicatif::ProgressBar;

use super::{
    Connection,
    failure::CommandError,
    job::{self, Job, Run},
    table,
};
use crate::admin::{job::State, rules::InventoryRun};

/// `strongroom inventory …`.
#[derive(Debug, Subcommand)]
pub(super) enum InventoryCommand {
    /// Write the reports of all enabled inventories now, whether they are due or not
    Run(Run),
    /// How far that is, or what was written last
    Status {
        #[command(flatten)]
        to: Connection,
    },
    /// Interrupt it; the report under way is written anew when it is due
    Stop {
        #[command(flatten)]
        to: Connection,
    },
}

/// Does what was typed. A report that could not be written is a failure.
pub(super) async fn inventory(command: InventoryCommand) -> Result<(), CommandError> {
    match command {
        InventoryCommand::Run(run) => run.start::<InventoryRun>().await,
        InventoryCommand::Status { to } => job::status::<InventoryRun>(&to).await.map(drop),
        InventoryCommand::Stop { to } => job::stop::<InventoryRun>(&to, "page of keys").await,
    }
}

impl Job for InventoryRun {
    const PATH: &'static str = "/inventory";
    const STATUS: &'static str = "strongroom inventory status";

    fn state(&self) -> State {
        self.times.state
    }

    fn progress(&self, bar: &ProgressBar) {
        bar.set_message(format!("{}: {} rows", self.bucket.as_deref().unwrap_or_default(), self.rows));
    }

    fn table(&self) -> String {
        table::inventory(self)
    }

    fn verdict(&self) -> Result<(), CommandError> {
        match (self.times.state, self.troubles) {
            (State::Finished, 0) => Ok(()),
            (State::Finished, troubles) => {
                Err(CommandError::Usage(format!("{troubles} reports could not be written; the server's log says why")))
            }
            _ => Err(CommandError::Usage("it was stopped before its end; run it again".to_owned())),
        }
    }
}
