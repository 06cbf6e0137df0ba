//! What the operating system and the server itself say of the server's work.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Clock ticks a second in `/proc/<pid>/stat`: Linux fixes what it tells programs at 100 (USER_HZ).
const TICKS_PER_SECOND: u64 = 100;

/// Where a line of `/proc/diskstats` has the sectors written, and how large these are on every disk (Linux, `iostats.rst`).
const WRITTEN_SECTORS: usize = 9;
const SECTOR: u64 = 512;

/// CPU time that a process has used, user and system.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name, in parentheses, may hold blanks: fields are counted after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// The most memory that a process has had resident, in bytes.
pub fn peak_memory(pid: u32) -> Option<u64> {
    memory_by(pid, "VmHWM:")
}

/// The memory that a process has resident, in bytes.
pub fn memory(pid: u32) -> Option<u64> {
    memory_by(pid, "VmRSS:")
}

fn memory_by(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Bytes that a process has had written to disks, by its own writes: what a file system writes for itself is not among them.
pub fn written(pid: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

/// Bytes that the disk under a folder has written since the machine started, whoever had them written; none if the folder is not
/// on a disk that counts.
pub fn written_by_device(folder: &Path) -> Option<u64> {
    let device = fs::metadata(folder).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device).to_string(), rustix::fs::minor(device).to_string());
    let disks = fs::read_to_string("/proc/diskstats").ok()?;
    let fields = disks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let disk = fields.into_iter().find(|fields| fields.starts_with(&[&major, &minor]))?;
    Some(disk.get(WRITTEN_SECTORS)?.parse::<u64>().ok()? * SECTOR)
}

/// Calls of the key service since the server started, from its metrics at `url`; none if they cannot be read.
pub async fn key_service_calls(url: &str) -> Option<u64> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let answer = client.get(url.parse().ok()?).await.ok()?;
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    let text = std::str::from_utf8(&body).ok()?;
    let counts = text.lines().filter(|line| line.starts_with("strongroom_key_service_calls_total"));
    Some(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_own_cost() {
        let own = std::process::id();
        assert!(peak_memory(own).expect("this process has memory") > 0);
        assert!(cpu_time(own).is_some());
        assert!(cpu_time(u32::MAX).is_none());
    }

    #[test]
    fn what_is_written_is_counted() {
        let (own, megabyte) = (std::process::id(), 1 << 20);
        // Not in the folder for temporary files, which may be in memory.
        let program = std::env::current_exe().expect("this process is a program");
        let folder = tempfile::tempdir_in(program.parent().expect("it lies in a folder")).expect("a folder");
        let count = || (written(own), written_by_device(folder.path()));
        let before = count();
        let path = folder.path().join("file");
        fs::write(&path, vec![1; megabyte]).expect("written");
        fs::File::open(&path).and_then(|file| file.sync_all()).expect("synced");
        let after = count();
        let enough = |(after, before): (u64, u64)| assert!(after - before >= megabyte as u64, "{before} {after}");
        after.0.zip(before.0).into_iter().chain(after.1.zip(before.1)).for_each(enough);
        assert!(written(u32::MAX).is_none());
        assert!(written_by_device(Path::new("/proc")).is_none());
    }
}
