//! One large object: uploaded in parts by many streams at once, completed, read back in ranges by as many; and what that costs
//! the server in time and memory.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use md5::{Digest as _, Md5};

use crate::endpoint::{Endpoint, LoadError};
use crate::mode::Mode;
use crate::process;
use crate::server::Server;

/// One large object, in parts.
#[derive(Args)]
pub struct MultipartArguments {
    #[command(flatten)]
    server: Server,
    /// The mode.
    #[arg(long, value_enum, default_value = "kms")]
    mode: Mode,
    /// Bytes of the object.
    #[arg(long, default_value_t = 6 << 30)]
    size: u64,
    /// Bytes of a part, but the last.
    #[arg(long, default_value_t = 16 << 20)]
    part: u64,
    /// Streams at once.
    #[arg(long, default_value_t = 32)]
    connections: u64,
}

/// One upload under way.
struct Upload {
    endpoint: Endpoint,
    mode: Mode,
    id: String,
    size: u64,
    part: u64,
    next: AtomicU64,
}

/// The object's key.
const KEY: &str = "multipart";

impl MultipartArguments {
    /// Uploads, completes, reads back.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        let endpoint = self.server.open("strongroom-bench").await?;
        let id = endpoint.begin_upload(KEY, self.mode).await?;
        let (size, part, next) = (self.size, self.part, AtomicU64::new(0));
        let upload = Arc::new(Upload { endpoint, mode: self.mode, id, size, part, next });
        let (written, tags) = upload.clone().in_streams(self.connections, Work::Write).await?;
        self.report("upload", written);
        let start = Instant::now();
        upload.endpoint.complete_upload(KEY, &upload.id, &tags).await?;
        println!("complete {} parts: {:.1} ms", tags.len(), start.elapsed().as_secs_f64() * 1e3);
        upload.next.store(0, Ordering::Relaxed);
        let (read, _) = upload.clone().in_streams(self.connections, Work::Read).await?;
        self.report("read back in ranges", read);
        if let Some(peak) = self.server.pid.and_then(process::peak_memory) {
            println!("peak memory of the server: {} MiB", peak >> 20);
        }
        Ok(())
    }

    fn report(&self, what: &str, took: Duration) {
        let rate = self.size as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{what}: {} bytes by {} streams, {:.1} s, {rate:.0} MB/s",
            self.size,
            self.connections,
            took.as_secs_f64()
        );
    }
}

/// What a stream does with the parts that it takes.
#[derive(Clone, Copy)]
enum Work {
    Write,
    Read,
}

impl Upload {
    /// Does all parts, by so many streams; the tags are in order.
    async fn in_streams(self: Arc<Self>, streams: u64, work: Work) -> Result<(Duration, Vec<String>), LoadError> {
        let start = Instant::now();
        let workers: Vec<_> = (0..streams).map(|_| tokio::spawn(self.clone().stream(work))).collect();
        let mut tags = Vec::new();
        for worker in workers {
            tags.extend(worker.await.expect("a worker does not panic")?);
        }
        tags.sort_unstable();
        Ok((start.elapsed(), tags.into_iter().map(|(_, tag)| tag).collect()))
    }

    async fn stream(self: Arc<Self>, work: Work) -> Result<Vec<(u64, String)>, LoadError> {
        let mut tags = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let first = number * self.part;
            if first >= self.size {
                return Ok(tags);
            }
            let body = content(number, self.part.min(self.size - first));
            match work {
                Work::Write => {
                    let tag = self.endpoint.write_part(KEY, (&self.id, number + 1), body, self.mode).await?;
                    tags.push((number, tag));
                }
                Work::Read => {
                    let read = self.endpoint.read_range(KEY, first..first + body.len() as u64, self.mode).await?;
                    if read != Md5::digest(&body).as_slice() {
                        return Err(LoadError::Changed { first });
                    }
                }
            }
        }
    }
}

/// Bytes that repeat inside a part, each time with another stamp: making them must not be the load.
const BLOCK: usize = 1 << 20;

/// The bytes of a part: they follow from its number, so that what comes back can be held against them.
fn content(number: u64, len: u64) -> Bytes {
    static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut noise = vec![0; BLOCK];
        getrandom::fill(&mut noise).expect("the operating system has randomness");
        noise
    });
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let stamp = [number.to_le_bytes(), (bytes.len() as u64).to_le_bytes()].concat();
        let more = (len - bytes.len()).min(BLOCK);
        bytes.extend_from_slice(&NOISE[..more]);
        let start = bytes.len() - more;
        let stamped = more.min(stamp.len());
        bytes[start..start + stamped].copy_from_slice(&stamp[..stamped]);
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parts_are_alike_and_each_is_the_same_again() {
        let len = BLOCK as u64 + 5;
        assert_eq!(content(1, len), content(1, len));
        assert_ne!(content(1, len), content(2, len));
        assert_eq!([0, 1, len].map(|len| content(3, len).len() as u64), [0, 1, len]);
    }
}
