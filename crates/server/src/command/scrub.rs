//! `strongroom scrub`: has the server look at everything that is stored, watches it, and says what it has found.

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
use crate::admin::scrubbing::{NewScrub, Scrub, State};

/// How often it is asked how far the scrub is.
const INTERVAL: Duration = Duration::from_millis(500);

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
        Some(Other::Status { to }) => {
            let scrub = ask(&to, Method::GET, PATH, NOTHING).await?;
            show(&to, &scrub, || table::scrub(&scrub))?;
            verdict(&scrub)
        }
        Some(Other::Stop { to }) => {
            let scrub: Scrub = ask(&to, Method::DELETE, PATH, NOTHING).await?;
            show(&to, &scrub, || "it stops at the next object".to_owned())
        }
        None => start(&command.start).await,
    }
}

const PATH: &str = "/scrub";

async fn start(start: &Start) -> Result<(), CommandError> {
    let document = NewScrub { mib_per_second: start.rate, anew: start.anew };
    let scrub: Scrub = ask(&start.to, Method::POST, PATH, Some(&document)).await?;
    if start.detach {
        return show(&start.to, &scrub, || "it runs; `strongroom scrub status` says how far it is".to_owned());
    }
    let scrub = watch(&start.to, scrub).await?;
    show(&start.to, &scrub, || table::scrub(&scrub))?;
    match scrub.state {
        State::Finished => verdict(&scrub),
        _ => Err(CommandError::Usage("the scrub was stopped before its end; run it again to go on".to_owned())),
    }
}

/// Asks until it has ended. Whoever stops watching does not stop the scrub.
async fn watch(to: &Connection, mut scrub: Scrub) -> Result<Scrub, CommandError> {
    let bar = bar();
    while scrub.state == State::Running {
        bar.set_length(scrub.expected.bytes.max(scrub.done.bytes));
        bar.set_position(scrub.done.bytes);
        bar.set_message(format!("{} objects, {} findings", scrub.done.versions, scrub.found));
        tokio::time::sleep(INTERVAL).await;
        scrub = ask(to, Method::GET, PATH, NOTHING).await?;
    }
    bar.finish_and_clear();
    Ok(scrub)
}

/// Silent where nobody watches.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {msg}, {eta} to go";
    ProgressBar::new(0).with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}

fn verdict(scrub: &Scrub) -> Result<(), CommandError> {
    match scrub.found {
        0 => Ok(()),
        found => Err(CommandError::Damage { found }),
    }
}
