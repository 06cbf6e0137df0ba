"""A Strongroom process under test: started on free ports with a data folder of its own, stopped at the end."""

import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import leaks

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("STRONGROOM_BINARY", ROOT / "target" / "release" / "strongroom"))

ACCESS_KEY = "AKCONFORMANCE0000001"
SECRET_KEY = "conformance-secret-that-only-this-test-server-knows"
REGION = "us-east-1"
START_SECONDS_MAX = 60
# A server that logs all it can: no secret may be in that.
TELLS_ALL = {"STRONGROOM__LOG__FILTER": "trace"}
# Of the data folder, what is not searched for secrets: hundreds of megabytes that are sealed.
UNSEARCHED = {"catalog", "blobs"}
# The files whose purpose is to keep a secret, and in which line it is.
KEPT = {"keys/root.key": 1, "keys/metadata.key": 1, "admin.token": 0}

# Ports of this worker process: below those that the system gives to clients, so that none is taken between looking and
# listening, and apart from those of the other workers.
PORTS_A_WORKER = 2000
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = itertools.cycle(range(12_000 + _worker % 10 * PORTS_A_WORKER, 12_000 + (_worker % 10 + 1) * PORTS_A_WORKER))


def free_port():
    """A port that nothing listens on now."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Strongroom:
    """One server process. `settings` become `STRONGROOM__…` environment variables."""

    def __init__(self, data=None, **settings):
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="strongroom-conformance-"))
        self.own_data = data is None
        self.http, self.https, self.admin, self.kms = (free_port() for _ in range(4))
        self.settings = {**TELLS_ALL, **settings}
        self.process = None
        # Secrets of other servers never came here.
        self.noted_before = leaks.noted()
        leaks.note(SECRET_KEY, "the root secret")

    def environment(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
        environment.update(
            STRONGROOM_ROOT_ACCESS_KEY=ACCESS_KEY,
            STRONGROOM_ROOT_SECRET_KEY=SECRET_KEY,
            STRONGROOM__DATA=str(self.data),
            STRONGROOM__LISTEN__HTTP=f"127.0.0.1:{self.http}",
            STRONGROOM__LISTEN__HTTPS=f"127.0.0.1:{self.https}",
            STRONGROOM__LISTEN__ADMIN=f"127.0.0.1:{self.admin}",
            STRONGROOM__LISTEN__KMS=f"127.0.0.1:{self.kms}",
        )
        environment.update({name: str(value) for name, value in self.settings.items()})
        return environment

    def start(self):
        self.log = open(self.data.with_suffix(".log"), "ab")
        self.process = subprocess.Popen([BINARY, "serve"], env=self.environment(), stdout=self.log, stderr=self.log)
        self.wait_until_ready()
        return self

    def wait_until_ready(self):
        """Waits until requests are served."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/health/ready", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the server was not ready within {START_SECONDS_MAX} s: {self.log_text()[-2000:]}")

    def stop(self):
        shown = self.metrics_text()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        assert code == 0, f"the server drains and exits 0, not {code}: {self.log_text()[-2000:]}"
        self.log.close()
        self.check_secrets(shown)
        if self.own_data:
            shutil.rmtree(self.data)
            self.data.with_suffix(".log").unlink()

    def check_secrets(self, shown):
        """No secret that passed between the tests and the server is in what it wrote, showed or answered to a refusal."""
        before = self.noted_before
        kept = {self.data / name: line for name, line in KEPT.items()}
        for path, line in kept.items():
            if path.is_file():
                leaks.note(path.read_text().splitlines()[line], path.name)
        found = {"refusals": leaks.found_in(leaks.refusals(), before), "metrics": leaks.found_in(shown, before)}
        parts = [part for part in self.data.iterdir() if part.name not in UNSEARCHED]
        for path in [self.data.with_suffix(".log"), *parts, *(path for part in parts for path in part.rglob("*"))]:
            if path.is_file() and path not in kept:
                found[str(path)] = leaks.found_in(path.read_bytes(), before)
        found = {where: secrets for where, secrets in found.items() if secrets}
        assert not found, f"secrets that can be read: {found}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log_text(self):
        return self.data.with_suffix(".log").read_text(errors="replace")

    def command(self, *arguments):
        """Runs the CLI against this server and returns its JSON."""
        line = [BINARY, *arguments, "--json"]
        done = subprocess.run(line, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        answer = json.loads(done.stdout) if done.stdout.strip() else None
        leaks.note_fields(answer, "what the CLI answered")
        return answer

    def metrics_text(self):
        """What `/metrics` shows."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=5) as answer:
            return answer.read()

    def metrics(self):
        """The value of every counter and gauge, by name with its labels as printed."""
        lines = self.metrics_text().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    @property
    def ca(self):
        """The CA certificate that the server made on its first start."""
        return str(self.data / "tls" / "ca.pem")
