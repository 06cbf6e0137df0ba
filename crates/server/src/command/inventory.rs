//! `strongroom inventory`: has the server write the reports of all inventories now, watches it, and says what it wrote.

use clap::{Args, Subcommand};
use http::Method;

use super::{
    Connection,
    administer::{NOTHING, ask, show},
    failure::CommandError,
    lifecycle::{INTERVAL, spinner},
    table,
};
use crate::admin::{rules::InventoryRun, scrubbing::State};

const PATH: &str = "/inventory";

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

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    to: Connection,
}

/// Does what was typed. A report that could not be written is a failure.
pub(super) async fn inventory(command: InventoryCommand) -> Result<(), CommandError> {
    match command {
        InventoryCommand::Run(run) => start(&run).await,
        InventoryCommand::Status { to } => {
            let run: InventoryRun = ask(&to, Method::GET, PATH, NOTHING).await?;
            show(&to, &run, || table::inventory(&run))
        }
        InventoryCommand::Stop { to } => {
            let run: InventoryRun = ask(&to, Method::DELETE, PATH, NOTHING).await?;
            show(&to, &run, || "it stops at the next page of keys".to_owned())
        }
    }
}

async fn start(run: &Run) -> Result<(), CommandError> {
    let mut now: InventoryRun = ask(&run.to, Method::POST, PATH, NOTHING).await?;
    if run.detach {
        return show(&run.to, &now, || "it runs; `strongroom inventory status` says how far it is".to_owned());
    }
    let spinner = spinner();
    while now.state == State::Running {
        let bucket = now.bucket.as_deref().unwrap_or_default();
        spinner.set_message(format!("{bucket}: {} rows", now.rows));
        spinner.tick();
        tokio::time::sleep(INTERVAL).await;
        now = ask(&run.to, Method::GET, PATH, NOTHING).await?;
    }
    spinner.finish_and_clear();
    show(&run.to, &now, || table::inventory(&now))?;
    match (now.state, now.troubles) {
        (State::Finished, 0) => Ok(()),
        (State::Finished, troubles) => {
            Err(CommandError::Usage(format!("{troubles} reports could not be written; the server's log says why")))
        }
        _ => Err(CommandError::Usage("it was stopped before its end; run it again".to_owned())),
    }
}
