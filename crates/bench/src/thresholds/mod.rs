//! Up to what size an object is better off in the catalog than in a file of its own: the store's ways of keeping one, side by
//! side, on the same disk, without a server. ([`home`] has the ways, [`files`] the files, [`values`] what is written.)

mod files;
mod home;
mod values;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use self::files::Files;
use self::home::{Home, HomeError, Place};
use self::values::Values;
use crate::load::size_name;
use crate::measure::{Measured, Spread};
use crate::report::{Line, optional};
use crate::{process, progress, threads};

/// Objects in the tree, in files of values beside it, and in files of their own.
#[derive(Args)]
pub struct ThresholdsArguments {
    /// A folder on the disk that is measured; what is written there is removed. The one for temporary files by default.
    #[arg(long)]
    path: Option<PathBuf>,
    /// Object sizes in KiB. From a MiB on, the store writes a file in more steps than one.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 16, 32, 64, 128, 256], value_parser = clap::value_parser!(u64).range(1..1024))]
    sizes: Vec<u64>,
    /// Writers, and readers, at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    clients: u64,
    /// Seconds of each run of writing, and of each of reading.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Prints JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// Bytes of objects that are read back: more than the engine's cache, so that it is not all that is measured, and few enough to
/// be in the page cache soon.
const READ_BYTES: u64 = 256 << 20;

/// What one round of one place measured.
struct Round {
    writing: Measured,
    reading: Measured,
    /// Bytes written to the disk for each byte of an object, by this process's account.
    written: Option<f64>,
    /// The same by the disk's account, which has in it what the file system writes for itself, and what others write meanwhile.
    written_by_device: Option<f64>,
}

/// A line of the report, and what reached the disk.
#[derive(Debug, Serialize)]
struct Compared {
    #[serde(flatten)]
    line: Line,
    /// Bytes that this process had written to the disk for each byte of an object.
    written: Option<Spread>,
    /// Bytes that the disk wrote meanwhile for each byte of an object.
    written_by_device: Option<Spread>,
}

impl ThresholdsArguments {
    /// Runs every size in every place, in alternated rounds, and prints the table.
    ///
    /// # Errors
    /// The first thing that fails.
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let parent = self.path.clone().unwrap_or_else(std::env::temp_dir);
        // Dropped on the way out of an error too, and then removed.
        let folder = tempfile::Builder::new().prefix("strongroom-bench-").tempdir_in(parent)?;
        let mut lines = Vec::new();
        for size in &self.sizes {
            lines.extend(self.compare(size * 1024, folder.path())?);
        }
        folder.close()?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&lines)?);
        } else {
            println!("{}", markdown(&lines));
        }
        Ok(())
    }

    fn compare(&self, size: u64, folder: &Path) -> Result<Vec<Compared>, HomeError> {
        let (name, values) = (size_name(size), Values::new(size as usize));
        let runs = 2 * self.rounds * Place::ALL.len() as u32;
        let bar = progress(&name, self.duration() * runs);
        let mut rounds: [Vec<Round>; 3] = Default::default();
        for round in 0..self.rounds {
            for (place, rounds) in Place::ALL.into_iter().zip(&mut rounds) {
                bar.set_message(place.name());
                let folder = folder.join(format!("{}-{size}-{round}", place.name()));
                rounds.push(self.round(place, &values, &folder, &bar)?);
            }
        }
        bar.finish_and_clear();
        Ok(lines(&name, rounds))
    }

    fn round(&self, place: Place, values: &Values, folder: &Path, bar: &ProgressBar) -> Result<Round, HomeError> {
        fs::create_dir(folder)?;
        let home = Home::open(place, folder, values.size())?;
        let round = self.measure(&home, values, folder, bar);
        // If the engine has failed, closing says why, and the round only that it has.
        home.close()?;
        Home::empty(folder)?;
        round
    }

    fn measure(&self, home: &Home, values: &Values, folder: &Path, bar: &ProgressBar) -> Result<Round, HomeError> {
        let (own, size) = (std::process::id(), values.size() as u64);
        let counts = || (process::written(own), process::written_by_device(folder));
        Files::flush(folder)?;
        let (cpu, before) = (process::cpu_time(own), counts());
        let mut writing =
            threads::drive(self.clients, self.duration(), size, bar, |number| home.write(values, number))?;
        // What the engine put off is part of the price of a write, though nobody waits for it.
        home.settle()?;
        writing.server_cpu = process::cpu_time(own).zip(cpu).map(|(after, before)| after - before);
        Files::flush(folder)?;
        let after = counts();
        let per_byte = |after: Option<u64>, before: Option<u64>| Some((after? - before?) as f64 / writing.bytes as f64);
        let (written, by_device) = (per_byte(after.0, before.0), per_byte(after.1, before.1));
        let reading = self.read_back(home, values, writing.requests, bar)?;
        Ok(Round { writing, reading, written, written_by_device: by_device })
    }

    /// Reads objects at random that lie evenly among those written, all of which were read once before.
    fn read_back(&self, home: &Home, values: &Values, written: u64, bar: &ProgressBar) -> Result<Measured, HomeError> {
        let (own, size) = (std::process::id(), values.size() as u64);
        let readable = written.min(READ_BYTES / size);
        let read = |place: u64| {
            let number = place * written / readable;
            match home.read(number)? {
                value if values.looks_like(number, &value) => Ok(()),
                _ => Err(HomeError::Changed(number)),
            }
        };
        (0..readable).try_for_each(read)?;
        let cpu = process::cpu_time(own);
        // The upper half of a product with an odd number is as good as random.
        let random = |number: u64| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % readable;
        let mut reading = threads::drive(self.clients, self.duration(), size, bar, |number| read(random(number)))?;
        reading.server_cpu = process::cpu_time(own).zip(cpu).map(|(after, before)| after - before);
        Ok(reading)
    }

    fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// The lines of one size: writing in every place, then reading.
fn lines(size: &str, rounds: [Vec<Round>; 3]) -> Vec<Compared> {
    let spread = |rounds: &[Round], figure: fn(&Round) -> Option<f64>| Spread::of(rounds.iter().filter_map(figure));
    let written = rounds.each_ref().map(|rounds| spread(rounds, |round| round.written));
    let by_device = rounds.each_ref().map(|rounds| spread(rounds, |round| round.written_by_device));
    let halves = rounds.map(|rounds| rounds.into_iter().map(|round| (round.writing, round.reading)).unzip());
    let (writings, readings): (Vec<Vec<Measured>>, Vec<Vec<Measured>>) = halves.into_iter().unzip();
    let line = |load: &str, place: usize, runs: &[Vec<Measured>]| {
        Line::new(&format!("{load} {size}"), Place::ALL[place].name(), &runs[place], &runs[0])
    };
    let writing = |place: usize| Compared {
        line: line("write", place, &writings),
        written: written[place],
        written_by_device: by_device[place],
    };
    let reading =
        |place: usize| Compared { line: line("read", place, &readings), written: None, written_by_device: None };
    (0..Place::ALL.len()).map(writing).chain((0..Place::ALL.len()).map(reading)).collect()
}

fn markdown(lines: &[Compared]) -> String {
    let mut table = String::from(
        "| load | place | operations/s | MB/s | ratio (spread) | p50 ms | p99 ms | CPU µs/operation | CPU ratio | written/byte | by the disk |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for Compared { line, written, written_by_device } in lines {
        let median = |spread: &Option<Spread>| optional(spread.map(|spread| spread.median), 2);
        table.push_str(&format!("{} {} | {} |\n", line.cells(), median(written), median(written_by_device)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_writes_and_reads_and_gives_its_space_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments =
            ThresholdsArguments { path: None, sizes: vec![4], clients: 4, seconds: 0.05, rounds: 2, json: false };
        let lines = arguments.compare(4096, folder.path()).expect("measured");
        let named: Vec<_> = lines.iter().map(|line| format!("{} {}", line.line.load, line.line.contender)).collect();
        let loads = ["write 4 KiB", "read 4 KiB"];
        let expected = loads.iter().flat_map(|load| Place::ALL.map(|place| format!("{load} {}", place.name())));
        assert!(named.iter().eq(expected.collect::<Vec<_>>().iter()), "{named:?}");
        assert!(lines.iter().all(|line| line.line.rate.least > 0.0));
        assert_eq!(markdown(&lines).lines().count(), 2 + lines.len());
        let left = home::tests::bytes_of_files(folder.path(), "");
        assert!(left.len() > 2 && left.iter().all(|bytes| *bytes == 0), "empty files of objects are left: {left:?}");
    }
}
