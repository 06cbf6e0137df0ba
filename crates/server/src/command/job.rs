//! Jobs of the server from outside: begun, watched, interrupted.

use std::{io::IsTerminal as _, time::Duration};

use clap::Args;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Connection,
    administer::{NOTHING, ask, show},
    failure::CommandError,
};
use crate::admin::job::State;

/// How often it is asked how far a job is.
const INTERVAL: Duration = Duration::from_millis(200);

/// What a spinner shows.
const SPINNER: &str = "{spinner} {msg}, {elapsed}";

/// How the server tells of a job.
pub(super) trait Job: Serialize + DeserializeOwned {
    /// Where it is asked after.
    const PATH: &'static str;

    /// What says how far it is.
    const STATUS: &'static str;

    /// Whether it goes on.
    fn state(&self) -> State;

    /// Shows how far it is.
    fn progress(&self, bar: &ProgressBar);

    /// All of it.
    fn table(&self) -> String;

    /// Whether it did all that it should, once it has ended.
    ///
    /// # Errors
    /// What it did not.
    fn verdict(&self) -> Result<(), CommandError>;
}

/// `strongroom … run`, of a job that nothing more need be told.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    to: Connection,
}

impl Run {
    /// Has the job begin, and watches it.
    pub(super) async fn start<J: Job>(&self) -> Result<(), CommandError> {
        let begun: J = ask(&self.to, Method::POST, J::PATH, NOTHING).await?;
        follow(&self.to, begun, self.detach, SPINNER).await
    }
}

/// Watches a job that has begun to its end, unless nobody wants to, and shows what it did. Whoever stops watching does not stop
/// the job.
pub(super) async fn follow<J: Job>(
    to: &Connection,
    mut job: J,
    detach: bool,
    template: &str,
) -> Result<(), CommandError> {
    if detach {
        return show(to, &job, || format!("it runs; `{}` says how far it is", J::STATUS));
    }
    let bar = bar(template);
    while job.state() == State::Running {
        job.progress(&bar);
        bar.tick();
        tokio::time::sleep(INTERVAL).await;
        job = ask(to, Method::GET, J::PATH, NOTHING).await?;
    }
    bar.finish_and_clear();
    show(to, &job, || job.table())?;
    job.verdict()
}

/// How far the job is, or what the last one did.
pub(super) async fn status<J: Job>(to: &Connection) -> Result<J, CommandError> {
    let job: J = ask(to, Method::GET, J::PATH, NOTHING).await?;
    show(to, &job, || job.table())?;
    Ok(job)
}

/// Has the job stop; `at` says where it does.
pub(super) async fn stop<J: Job>(to: &Connection, at: &str) -> Result<(), CommandError> {
    let job: J = ask(to, Method::DELETE, J::PATH, NOTHING).await?;
    show(to, &job, || format!("it stops at the next {at}"))
}

/// Silent where nobody watches.
fn bar(template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::new(0).with_style(ProgressStyle::with_template(template).expect("the template is well formed"))
}
