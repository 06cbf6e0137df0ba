//! `strongroom scrub`: has the server look at everything that is stored, watches it, and says what it has found.

use clap::{Args, Subcommand};
use http::Method;
use indicatif::ProgressBar;

use super::{
    Connection,
    administer::ask,
    failure::CommandError,
    job::{self, Job},
    table,
};
use crate::admin::{
    job::State,
    scrubbing::{NewScrub, Scrub},
};

/// `strongroom scrub …`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ScrubCommand {
    #[command(subcommand)]
    command: Option<Other>,
    #[command(flatten)]
    start: Start,
}

#[derive(Debug, Args)]
struct Start {
    /// MiB read per second at most [default: as many as the disk gives]
    #[arg(long, value_name = "MIB")]
    rate: Option<u32>,
    /// Begin anew, even if the last one was interrupted
    #[arg(long)]
    anew: bool,
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    to: Connection,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// How far the scrub is, and what it has found
    Status {
        #[command(flatten)]
        to: Connection,
    },
    /// Interrupt the scrub; the next one goes on from there
    Stop {
        #[command(flatten)]
        to: Connection,
    },
}

/// Does what was typed. Damage that was found is a failure.
pub(super) async fn scrub(command: ScrubCommand) -> Result<(), CommandError> {
    match command.command {
        Some(Other::Status { to }) => job::status::<Scrub>(&to).await?.harmless(),
        Some(Other::Stop { to }) => job::stop::<Scrub>(&to, "object").await,
        None => {
            let Start { rate, anew, detach, to } = command.start;
            let document = NewScrub { mib_per_second: rate, anew };
            let begun: Scrub = ask(&to, Method::POST, Scrub::PATH, Some(&document)).await?;
            job::follow(&to, begun, detach, BAR).await
        }
    }
}

/// What shows how far it is: of a scrub, it is known how much there is to do.
const BAR: &str = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {msg}, {eta} to go";

impl Job for Scrub {
    const PATH: &'static str = "/scrub";
    const STATUS: &'static str = "strongroom scrub status";

    fn state(&self) -> State {
        self.times.state
    }

    fn progress(&self, bar: &ProgressBar) {
        bar.set_length(self.expected.bytes.max(self.done.bytes));
        bar.set_position(self.done.bytes);
        bar.set_message(format!("{} objects, {} findings", self.done.versions, self.found));
    }

    fn table(&self) -> String {
        table::scrub(self)
    }

    fn verdict(&self) -> Result<(), CommandError> {
        match self.times.state {
            State::Finished => self.harmless(),
            _ => Err(CommandError::Usage("the scrub was stopped before its end; run it again to go on".to_owned())),
        }
    }
}

impl Scrub {
    fn harmless(&self) -> Result<(), CommandError> {
        match self.found {
            0 => Ok(()),
            found => Err(CommandError::Damage { found }),
        }
    }
}
