//! `strongroom-bench`: loads any endpoint of any dialect in every encryption mode, and prints ratios.
//!
//! Figures of one machine at one moment mean little; so every contender of a load runs in turn in every round, and what
//! is reported is each contender's ratio to the first one of the same round, as a median with its spread.

mod commits;
mod drive;
mod endpoint;
mod floor;
mod load;
mod measure;
mod mode;
mod multipart;
mod process;
mod report;
mod rights;
mod scale;
mod server;
mod threads;
mod thresholds;

use std::error::Error;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::drive::{Pace, Watched};
use crate::endpoint::Endpoint;
use crate::load::{Action, Load};
use crate::measure::Measured;
use crate::mode::Mode;
use crate::report::{Line, markdown};
use crate::server::Server;

/// Loads object stores and prints ratios.
#[derive(Parser)]
#[command(name = "strongroom-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Every encryption mode against the first, on one server, in alternated rounds.
    Modes(Modes),
    /// One large object, uploaded in parts and read back in ranges by many streams, and the server's peak memory.
    Multipart(multipart::MultipartArguments),
    /// The same operations in a small bucket and in a large one: what a million objects cost.
    Scale(scale::ScaleArguments),
    /// The least that any server of this kind can cost: minimal programs, side by side.
    Floor(floor::FloorArguments),
    /// Authentication by each scheme, and authorization by so many statements, without a server.
    Rights(rights::RightsArguments),
    /// Up to what size an object is better off in the catalog than in a file of its own, without a server.
    Thresholds(thresholds::ThresholdsArguments),
}

#[derive(Args)]
struct Modes {
    #[command(flatten)]
    server: Server,
    /// Object sizes in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [4096, 1 << 20, 64 << 20])]
    sizes: Vec<u64>,
    /// What to do.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Action::Put, Action::Get])]
    actions: Vec<Action>,
    /// The modes, the first of which the others are compared with; all of the dialect's by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    modes: Vec<Mode>,
    /// Requests under way at once.
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Seconds of each run at most.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Requests of each run at most; by default as many as the seconds allow.
    #[arg(long)]
    count: Option<u64>,
    /// Requests a second that are begun, however long the ones before take: latencies then count from when a request was
    /// due, so that a server that stalls cannot hide it. By default each connection begins when its last request has ended.
    #[arg(long)]
    rate: Option<f64>,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The server's metrics, for key-service calls, such as http://127.0.0.1:9002/metrics.
    #[arg(long)]
    metrics: Option<String>,
    /// Prints JSON in place of a table.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Modes(modes) => modes.run().await,
        Command::Multipart(arguments) => arguments.run().await,
        Command::Scale(arguments) => arguments.run().await,
        Command::Floor(arguments) => arguments.run().await,
        Command::Rights(arguments) => arguments.run(),
        Command::Thresholds(arguments) => arguments.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("strongroom-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Modes {
    async fn run(self) -> Result<(), Box<dyn Error>> {
        let endpoint = Arc::new(self.server.open("strongroom-bench").await?);
        let watched = self.server.watched(self.metrics.clone());
        let modes = if self.modes.is_empty() { self.server.dialect.modes().to_vec() } else { self.modes.clone() };
        let mut lines = Vec::new();
        for &size in &self.sizes {
            for &action in &self.actions {
                let duration = Duration::from_secs_f64(self.seconds);
                let pace = Pace { connections: self.connections, duration, count: self.count, rate: self.rate };
                let load = Load { action, size, pace };
                lines.extend(self.compare(load, &endpoint, &modes, &watched).await?);
            }
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&lines)?);
        } else {
            println!("{}", markdown(&lines));
        }
        if let Some(peak) = self.server.pid.and_then(process::peak_memory) {
            eprintln!("peak memory of the server: {} MiB", peak >> 20);
        }
        Ok(())
    }

    async fn compare(
        &self,
        load: Load,
        endpoint: &Arc<Endpoint>,
        modes: &[Mode],
        watched: &Watched,
    ) -> Result<Vec<Line>, Box<dyn Error>> {
        let bar = progress(&load.name(), load.pace.duration * self.rounds * u32::try_from(modes.len())?);
        let mut runs: Vec<Vec<Measured>> = modes.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.rounds {
            for (mode, runs) in modes.iter().zip(&mut runs) {
                bar.set_message(mode.name());
                load.prepare(endpoint, *mode).await?;
                runs.push(load.run(endpoint, *mode, watched, &bar).await?);
            }
        }
        bar.finish_and_clear();
        let line = |(mode, own): (&Mode, &Vec<Measured>)| Line::new(&load.name(), mode.name(), own, &runs[0]);
        Ok(modes.iter().zip(&runs).map(line).collect())
    }
}

/// A live count of requests of a load that takes about so long; silent where nobody watches.
fn progress(load: &str, takes: Duration) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{prefix} {spinner} {msg}: {human_pos} requests, {per_sec}, {elapsed}";
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    ProgressBar::new_spinner().with_style(style).with_prefix(format!("{load} (about {:.0} s)", takes.as_secs_f64()))
}
