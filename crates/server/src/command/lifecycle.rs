//! `strongroom lifecycle`: has the server follow the buckets' lifecycle rules now, watches it, and says what went.

use std::{io::IsTerminal as _, time::Duration};

use clap::{Args, Subcommand};
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Connection,
    administer::{NOTHING, ask, show},
    failure::CommandError,
    table,
};
use crate::admin::{rules::LifecycleRun, scrubbing::State};

/// How often it is asked how far the run is.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);

const PATH: &str = "/lifecycle";

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

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    to: Connection,
}

/// Does what was typed. What could not be dealt with is a failure.
pub(super) async fn lifecycle(command: LifecycleCommand) -> Result<(), CommandError> {
    match command {
        LifecycleCommand::Run(run) => start(&run).await,
        LifecycleCommand::Status { to } => {
            let run: LifecycleRun = ask(&to, Method::GET, PATH, NOTHING).await?;
            show(&to, &run, || table::lifecycle(&run))
        }
        LifecycleCommand::Stop { to } => {
            let run: LifecycleRun = ask(&to, Method::DELETE, PATH, NOTHING).await?;
            show(&to, &run, || "it stops at the next page of keys".to_owned())
        }
    }
}

async fn start(run: &Run) -> Result<(), CommandError> {
    let mut now: LifecycleRun = ask(&run.to, Method::POST, PATH, NOTHING).await?;
    if run.detach {
        return show(&run.to, &now, || "it runs; `strongroom lifecycle status` says how far it is".to_owned());
    }
    let spinner = spinner();
    while now.state == State::Running {
        let bucket = now.bucket.as_deref().unwrap_or_default();
        spinner.set_message(format!("{bucket}: {} keys", now.done.keys));
        spinner.tick();
        tokio::time::sleep(INTERVAL).await;
        now = ask(&run.to, Method::GET, PATH, NOTHING).await?;
    }
    spinner.finish_and_clear();
    show(&run.to, &now, || table::lifecycle(&now))?;
    match (now.state, now.done.troubles) {
        (State::Finished, 0) => Ok(()),
        (State::Finished, troubles) => {
            Err(CommandError::Usage(format!("{troubles} things could not be dealt with; the server's log says why")))
        }
        _ => Err(CommandError::Usage("the run was stopped before its end; run it again to go on".to_owned())),
    }
}

/// Silent where nobody watches.
pub(super) fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}").expect("the template is well formed");
    ProgressBar::new_spinner().with_style(style)
}
