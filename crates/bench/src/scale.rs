//! What a large bucket costs: the same operations on a few thousand objects and on a million, in one bucket that grows.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::drive::{Pace, Watched, Work, drive};
use crate::endpoint::{Endpoint, LoadError};
use crate::measure::Measured;
use crate::mode::Mode;
use crate::report::{Line, markdown};
use crate::server::Server;

/// The same operations in a bucket of two sizes, which is best empty.
#[derive(Args)]
pub struct ScaleArguments {
    #[command(flatten)]
    server: Server,
    /// The mode.
    #[arg(long, value_enum, default_value = "kms")]
    mode: Mode,
    /// How many objects the bucket has, step by step; the first is what the others are compared with.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    objects: Vec<u64>,
    /// Bytes of each.
    #[arg(long, default_value_t = 100)]
    size: u64,
    /// Requests under way at once.
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Seconds of each run.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds at each number of objects.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// Objects of a folder: what a listing with a delimiter answers as one.
const FOLDER: u64 = 1000;

/// What is done at each number of objects.
#[derive(Debug, Clone, Copy)]
enum Step {
    Get,
    Head,
    Overwrite,
    /// 1,000 keys from anywhere.
    Page,
    /// The first folders at the top.
    Folders,
}

const STEPS: [Step; 5] = [Step::Get, Step::Head, Step::Overwrite, Step::Page, Step::Folders];

/// Connections that fill: commits are made in groups, so that many at once are quickest.
const FILLERS: u64 = 64;

/// Folders that a listing asks for: as many at every number of objects, or the larger bucket would be asked for more.
const FOLDERS_ASKED: u64 = 10;

impl ScaleArguments {
    /// Fills, measures, fills, measures, and prints the table.
    ///
    /// # Errors
    /// The first request that fails.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        if !self.objects.is_sorted_by(|less, more| less < more) || self.objects.first() == Some(&0) {
            return Err("the bucket only grows: every number of objects must be more than the one before".into());
        }
        let endpoint = self.server.open("strongroom-bench-scale").await?;
        let bucket = Arc::new(Bucket { endpoint, mode: self.mode, body: Bytes::from(vec![b'x'; self.size as usize]) });
        let mut measured: Vec<(u64, Vec<Vec<Measured>>)> = Vec::new();
        let mut filled = 0;
        for &objects in &self.objects {
            self.fill(&bucket, filled..objects).await?;
            filled = objects;
            let mut steps = Vec::new();
            for step in STEPS {
                let mut runs = Vec::new();
                for _ in 0..self.rounds {
                    runs.push(self.measure(&bucket, step, objects).await?);
                }
                steps.push(runs);
            }
            measured.push((objects, steps));
        }
        println!("{}", markdown(&lines(&measured)));
        Ok(())
    }

    async fn fill(&self, bucket: &Arc<Bucket>, numbers: Range<u64>) -> Result<(), LoadError> {
        let template = "filling {bar:30} {human_pos} of {human_len} objects, {per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("the template is well formed");
        let count = numbers.end - numbers.start;
        let bar = ProgressBar::new(count).with_style(style);
        let pace = Pace { connections: FILLERS, duration: Duration::MAX, count: Some(count), rate: None };
        drive(Filling { bucket: bucket.clone(), first: numbers.start }, pace, &Watched::default(), &bar).await?;
        bar.finish_and_clear();
        Ok(())
    }

    async fn measure(&self, bucket: &Arc<Bucket>, step: Step, objects: u64) -> Result<Measured, LoadError> {
        let (connections, duration) = (self.connections, Duration::from_secs_f64(self.seconds));
        let pace = Pace { connections, duration, count: None, rate: None };
        let work = Asking { bucket: bucket.clone(), step, objects };
        drive(work, pace, &self.server.watched(None), &ProgressBar::hidden()).await
    }
}

/// The bucket that grows.
struct Bucket {
    endpoint: Endpoint,
    mode: Mode,
    body: Bytes,
}

struct Filling {
    bucket: Arc<Bucket>,
    first: u64,
}

struct Asking {
    bucket: Arc<Bucket>,
    step: Step,
    objects: u64,
}

impl Work for Filling {
    async fn request(&self, number: u64, _connection: u64) -> Result<(), LoadError> {
        self.bucket.write(self.first + number).await
    }

    fn bytes_of_a_request(&self) -> u64 {
        self.bucket.body.len() as u64
    }
}

impl Work for Asking {
    async fn request(&self, number: u64, _connection: u64) -> Result<(), LoadError> {
        let (bucket, objects) = (&self.bucket, self.objects);
        // A step that shares no factor with powers of ten visits every object, far from the one before.
        let number = number.wrapping_mul(7_654_321) % objects;
        match self.step {
            Step::Get => bucket.endpoint.get(&key(number), bucket.body.len() as u64, bucket.mode).await,
            Step::Head => bucket.endpoint.head(&key(number), bucket.mode).await,
            Step::Overwrite => bucket.write(number).await,
            Step::Page => {
                let number = number.min(objects.saturating_sub(FOLDER + 1));
                let query = format!("max-keys={FOLDER}&marker={}", key(number).replace('/', "%2F"));
                bucket.expect(&query, objects.saturating_sub(1).min(FOLDER)).await
            }
            Step::Folders => {
                let query = format!("max-keys={FOLDERS_ASKED}&delimiter=%2F");
                bucket.expect(&query, objects.div_ceil(FOLDER).min(FOLDERS_ASKED)).await
            }
        }
    }

    fn bytes_of_a_request(&self) -> u64 {
        0
    }
}

impl Bucket {
    async fn write(&self, number: u64) -> Result<(), LoadError> {
        self.endpoint.put(&key(number), self.body.clone(), self.mode).await
    }

    async fn expect(&self, query: &str, wanted: u64) -> Result<(), LoadError> {
        match self.endpoint.list(query).await? as u64 {
            got if got == wanted => Ok(()),
            got => Err(LoadError::Short { got, wanted }),
        }
    }
}

fn key(number: u64) -> String {
    format!("folder-{:06}/object-{number:09}", number / FOLDER)
}

fn lines(measured: &[(u64, Vec<Vec<Measured>>)]) -> Vec<Line> {
    let of_step = |place: usize| {
        measured.iter().map(move |(objects, steps)| {
            let name = format!("{:?}", STEPS[place]).to_lowercase();
            Line::new(&name, &format!("{objects} objects"), &steps[place], &measured[0].1[place])
        })
    };
    (0..STEPS.len()).flat_map(of_step).collect()
}
