//! A server process of its own for a test: free ports, a temporary data folder, gone at the end.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) const ACCESS_KEY: &str = "AKINTEGRATION0000001";
pub(crate) const SECRET_KEY: &str = "integration-secret-that-only-these-tests-know";

/// How long a start, or a stop, may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder and how to start a server on it.
#[derive(Clone)]
pub(crate) struct Site {
    folder: Arc<TempDir>,
    settings: Vec<(String, String)>,
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) site: Site,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The key service.
    pub(crate) kms: SocketAddr,
    /// What it printed up to and with the ready line.
    pub(crate) greeting: String,
    process: Process,
}

/// A process that does not outlive its test.
struct Process(Child);

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("strongroom-it-").tempdir().unwrap();
        Self { folder: Arc::new(folder), settings: Vec::new() }
    }

    /// The same with one more variable in the environment of its processes.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything that the servers on this folder have logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The binary, with this site's environment and none of ours.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command
            .env("STRONGROOM_ROOT_ACCESS_KEY", ACCESS_KEY)
            .env("STRONGROOM_ROOT_SECRET_KEY", SECRET_KEY)
            .env("STRONGROOM__DATA", self.data())
            .env("STRONGROOM__LISTEN__HTTP", "127.0.0.1:0")
            .env("STRONGROOM__LISTEN__HTTPS", "127.0.0.1:0")
            .env("STRONGROOM__LISTEN__KMS", "127.0.0.1:0")
            .env("STRONGROOM__LISTEN__ADMIN", "127.0.0.1:0");
        for (name, value) in &self.settings {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        command
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(&self) -> Server {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut process = Process(self.command(&["serve"]).stdout(Stdio::piped()).stderr(log).spawn().unwrap());
        let mut stdout = BufReader::new(process.0.stdout.take().unwrap());
        let mut greeting = String::new();
        loop {
            let line_start = greeting.len();
            if stdout.read_line(&mut greeting).unwrap() == 0 {
                panic!("the server ended before it was ready, {:?}: {greeting}{}", process.0.wait(), self.log());
            }
            if let Some(ready) = greeting[line_start..].strip_prefix("strongroom is ready: ") {
                let address = |name: &str| {
                    let url = ready.trim().split(", ").find_map(|part| part.strip_prefix(name)).unwrap();
                    url.split("//").nth(1).unwrap().parse().unwrap()
                };
                let (http, https, admin) = (address("http "), address("https "), address("admin "));
                let kms = address("kms ");
                return Server { site: self.clone(), http, https, admin, kms, greeting, process };
            }
        }
    }

    /// Runs `serve` where it must not start, and answers how it ended.
    pub(crate) fn fail_to_start(&self) -> Output {
        let output = self.command(&["serve"]).output().unwrap();
        assert!(!output.status.success(), "it started: {}", String::from_utf8_lossy(&output.stdout));
        output
    }

    /// Every file below the folder of blobs.
    pub(crate) fn blob_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.data().join("blobs"), &mut found);
        found.retain(|path| std::fs::metadata(path).is_ok_and(|facts| facts.len() > 0));
        found
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

impl Server {
    /// Asks it to stop, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not stop: {}", self.site.log());
    }

    /// Stops it in order.
    pub(crate) fn stop(self) {
        let site = self.site.clone();
        self.interrupt();
        let status = self.wait();
        assert!(status.success(), "{status}: {}", site.log());
    }

    /// Kills it, as a crash of the machine would. Whoever writes to it finds out by itself.
    pub(crate) fn kill(&mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
