//! The floor: what the least possible programs cost on this machine, in the same alternation as a real server.
//!
//! Three of them: a hyper server that seals or opens with ring and keeps nothing ([`server`]), nginx serving the same
//! bytes from files ([`nginx`]), and durable group commits to fjall without any network ([`commits`]).

mod commits;
mod nginx;
mod server;

use std::error::Error;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::Uri;
use indicatif::ProgressBar;
use tokio::net::TcpStream;

use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;

use crate::drive::{Pace, Watched};
use crate::endpoint::{Endpoint, Trust};
use crate::load::{Action, Load};
use crate::measure::Measured;
use crate::mode::{Mode, Speech};
use crate::report::{Line, markdown};

/// Arguments of `strongroom-bench floor`.
#[derive(Args)]
pub struct FloorArguments {
    /// Serves as the hyper and ring floor on this address; what the command starts for itself.
    #[arg(long, hide = true)]
    serve: Option<SocketAddr>,
    /// A Strongroom server to hold against the floor, such as http://127.0.0.1:9000.
    #[arg(long, requires = "pid")]
    endpoint: Option<Uri>,
    /// That server's process.
    #[arg(long)]
    pid: Option<u32>,
    /// The access key.
    #[arg(long, env = "STRONGROOM_ROOT_ACCESS_KEY", default_value = "none")]
    access_key: String,
    /// Its secret.
    #[arg(long, env = "STRONGROOM_ROOT_SECRET_KEY", default_value = "none", hide_env_values = true)]
    secret_key: String,
    /// The encryption mode of the server's objects.
    #[arg(long, value_enum, default_value = "kms")]
    mode: Mode,
    /// Object sizes in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [4096, 1 << 20])]
    sizes: Vec<u64>,
    /// Requests under way at once.
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// Requests under way at once where durable commits are compared.
    #[arg(long, default_value_t = 64)]
    committers: u64,
    /// Seconds of each run.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Prints JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// A server that takes part.
struct Contender {
    name: &'static str,
    endpoint: Arc<Endpoint>,
    watched: Watched,
    mode: Mode,
    writes: bool,
}

/// A child process that ends with this one.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended by itself; then there is nothing to end or to wait for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl FloorArguments {
    /// Runs every load against every contender, and the commits, and prints the table.
    ///
    /// # Errors
    /// The first thing that fails.
    pub async fn run(self) -> Result<(), Box<dyn Error>> {
        if let Some(address) = self.serve {
            return server::serve(address).await;
        }
        let folder = std::env::temp_dir().join(format!("strongroom-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let outcome = self.compare(&folder).await;
        std::fs::remove_dir_all(&folder)?;
        let lines = outcome?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&lines)?);
        } else {
            println!("{}", markdown(&lines));
        }
        Ok(())
    }

    async fn compare(&self, folder: &std::path::Path) -> Result<Vec<Line>, Box<dyn Error>> {
        let (hyper, floor) = self.start_floor().await?;
        let web = nginx::start(folder, &self.sizes, &self.bucket_name()).await?;
        let mut contenders = vec![floor];
        if let Some((_, address, pid)) = &web {
            contenders.push(self.contender("nginx", *address, Some(*pid), false)?);
        }
        if let Some(origin) = &self.endpoint {
            contenders.push(self.server(origin.clone())?);
        }
        let mut lines = Vec::new();
        for &size in &self.sizes {
            for action in [Action::Get, Action::Put] {
                lines.extend(self.alternate(self.load(action, size, self.connections), &contenders).await?);
            }
        }
        lines.extend(self.commits(folder, &contenders).await?);
        drop((hyper, web));
        Ok(lines)
    }

    async fn alternate(&self, load: Load, contenders: &[Contender]) -> Result<Vec<Line>, Box<dyn Error>> {
        let taking_part: Vec<&Contender> =
            contenders.iter().filter(|contender| contender.writes || load.action == Action::Get).collect();
        for contender in taking_part.iter().filter(|contender| contender.writes) {
            contender.endpoint.create_bucket().await?;
            load.prepare(&contender.endpoint, contender.mode).await?;
        }
        let mut runs: Vec<Vec<Measured>> = taking_part.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.rounds {
            for (contender, runs) in taking_part.iter().zip(&mut runs) {
                let hidden = ProgressBar::hidden();
                runs.push(load.run(&contender.endpoint, contender.mode, &contender.watched, &hidden).await?);
            }
        }
        let line =
            |(contender, own): (&&Contender, &Vec<Measured>)| Line::new(&load.name(), contender.name, own, &runs[0]);
        Ok(taking_part.iter().zip(&runs).map(line).collect())
    }

    /// Durable 4 KiB writes a second: fjall alone, and the server.
    async fn commits(&self, folder: &std::path::Path, contenders: &[Contender]) -> Result<Vec<Line>, Box<dyn Error>> {
        let load = self.load(Action::Put, 4096, self.committers);
        let server = contenders.iter().find(|contender| contender.name == "strongroom");
        let (mut raw, mut served) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            let path = folder.join(format!("fjall-{round}"));
            let (clients, duration) = (self.committers, load.pace.duration);
            raw.push(tokio::task::spawn_blocking(move || commits::run(&path, clients, duration)).await??);
            if let Some(server) = server {
                served.push(load.run(&server.endpoint, server.mode, &server.watched, &ProgressBar::hidden()).await?);
            }
        }
        let name = format!("durable {} × {}", load.name(), self.committers);
        let mut lines = vec![Line::new(&name, "fjall group commit", &raw, &raw)];
        if !served.is_empty() {
            lines.push(Line::new(&name, "strongroom", &served, &raw));
        }
        Ok(lines)
    }

    async fn start_floor(&self) -> Result<(Running, Contender), Box<dyn Error>> {
        let address = free_address().await?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--serve", &address.to_string()]).stdin(Stdio::null());
        let child = Running(command.spawn()?);
        wait_for(address).await?;
        let contender = self.contender("hyper + ring", address, Some(child.0.id()), true)?;
        Ok((child, contender))
    }

    fn server(&self, origin: Uri) -> Result<Contender, Box<dyn Error>> {
        let endpoint = Arc::new(self.endpoint_at(origin)?);
        let watched = Watched { pid: self.pid, metrics: None };
        Ok(Contender { name: "strongroom", endpoint, watched, mode: self.mode, writes: true })
    }

    fn contender(
        &self,
        name: &'static str,
        address: SocketAddr,
        pid: Option<u32>,
        writes: bool,
    ) -> Result<Contender, Box<dyn Error>> {
        let endpoint = Arc::new(self.endpoint_at(format!("http://{address}").parse()?)?);
        Ok(Contender { name, endpoint, watched: Watched { pid, metrics: None }, mode: Mode::Plain, writes })
    }

    fn endpoint_at(&self, origin: Uri) -> Result<Endpoint, Box<dyn Error>> {
        let access_key = AccessKeyId::parse(&self.access_key).map_err(|why| format!("the access key is {why}"))?;
        let region = Region::parse("us-east-1").expect("a well-formed region");
        let trust = Trust { access_key, secret: SecretKey::new(self.secret_key.clone()), region, ca: None };
        Endpoint::new(origin, Speech::Obs, self.bucket_name(), trust)
    }

    fn bucket_name(&self) -> String {
        "strongroom-bench".to_owned()
    }

    fn load(&self, action: Action, size: u64, connections: u64) -> Load {
        let duration = Duration::from_secs_f64(self.seconds);
        Load { action, size, pace: Pace { connections, duration, count: None, rate: None } }
    }
}

/// A loopback address that nothing listens on now.
async fn free_address() -> std::io::Result<SocketAddr> {
    tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()
}

/// Waits until something listens on `address`, five seconds at most.
async fn wait_for(address: SocketAddr) -> std::io::Result<()> {
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    TcpStream::connect(address).await.map(drop)
}
