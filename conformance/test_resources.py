"""When something runs out: the dialect's error, no wrong bytes, and full service when it is over, in the same process."""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time
from concurrent import futures

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import strongroom
from clients import S3, Oss

BUCKET = "bucket"
MIB = 1 << 20


def client(server, patience=60):
    return S3(server, read_timeout=patience, connect_timeout=patience).client


@contextlib.contextmanager
def running(data, **settings):
    server = strongroom.Strongroom(data, **settings).start()
    try:
        client(server).create_bucket(Bucket=BUCKET)
        yield server
    finally:
        server.stop()


def put(writer, key, body):
    """The status of the answer; none if there was no answer."""
    try:
        return writer.put_object(Bucket=BUCKET, Key=key, Body=body)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    except BotoCoreError:
        return None


def holds(reader, objects):
    return all(reader.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body for key, body in objects.items())


def in_time(seconds, done):
    """Whether it comes about within so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 192 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk(small_disk):
    """Writes are refused, reads go on, as the operator has it; once there is room, writes go on too, without a restart."""
    with running(small_disk / "data", STRONGROOM__AUDIT__ON_FAILURE="continue") as server:
        user = client(server)
        space = os.statvfs(small_disk)
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(space.f_bavail * space.f_frsize - 24 * MIB))
        acknowledged, refused = {}, set()
        for size in (300_000, 3_000):
            for number in range(20_000):
                key, body = f"{size}/{number}", os.urandom(size)
                status = put(user, key, body)
                if status != 200:
                    refused.add(status)
                    break
                acknowledged[key] = body
        assert refused and refused <= {503, 507} and len(acknowledged) > 50, refused
        assert holds(user, acknowledged)
        ballast.unlink()
        assert in_time(20, lambda: put(user, "afterwards", b"there is room again") == 200)
        assert in_time(20, lambda: put(user, "large", bytes(300_000)) == 200)
        acknowledged |= {"afterwards": b"there is room again", "large": bytes(300_000)}
        assert holds(user, acknowledged)
        assert server.command("scrub")["found"] == 0
        server.kill()
        server.start()
        assert holds(client(server), acknowledged), "what was acknowledged on the full disk survives"


def test_no_file_descriptors(tmp_path):
    """Connections take them all; when they are gone, service is whole."""
    # None is closed for its silence while they are counted, and the queue of those not yet taken, 128 at the least, holds the rest.
    limits = {"STRONGROOM__LIMITS__CONNECTIONS": 4096, "STRONGROOM__LIMITS__HEAD_SECONDS": 300}
    with running(tmp_path / "data", **limits) as server:
        subprocess.run(["prlimit", f"--pid={server.process.pid}", "--nofile=256:256"], check=True)
        user = client(server, patience=5)
        objects = {"small": b"small", "large": os.urandom(200_000)}
        for key, body in objects.items():
            assert put(user, key, body) == 200
        greedy = [socket.create_connection(("127.0.0.1", server.http)) for _ in range(300)]
        assert in_time(30, lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) > 250), "they take them all"
        for connection in greedy:
            connection.close()
        assert in_time(30, lambda: put(user, "afterwards", os.urandom(200_000)) == 200)
        assert holds(user, objects)


def test_ten_thousand_connections(tmp_path):
    """Ten thousand that say nothing, or half a head, take nothing from those who ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000
    if hard < 2 * wanted:
        pytest.skip(f"the system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []
    try:
        with running(tmp_path / "data", STRONGROOM__LIMITS__CONNECTIONS=12_000) as server:
            user = client(server)
            assert put(user, "before", b"before") == 200
            for number in range(wanted):
                connection = socket.create_connection(("127.0.0.1", server.http))
                if number % 2:
                    connection.sendall(b"GET /bucket/before HTTP/1.1\r\nhost: x\r\nx-slow: ")
                idle.append(connection)
            began = time.monotonic()
            assert put(user, "during", b"during") == 200
            assert holds(client(server), {"before": b"before", "during": b"during"})
            assert time.monotonic() - began < 10
            assert server.metrics()["strongroom_connections_open"] > wanted * 0.9
            resident = int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(server.process.pid)])) * 1024
            assert resident < 512 * MIB, f"{resident / MIB:.0f} MiB for {wanted} connections"
            for connection in idle:
                connection.close()
            assert in_time(30, lambda: server.metrics()["strongroom_connections_open"] < 100)
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_head_without_end(tmp_path):
    """A gigabyte of head is not read: the connection is closed after little of it."""
    with running(tmp_path / "data") as server:
        with socket.create_connection(("127.0.0.1", server.http)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
            sent = 0
            line = b"x-endless: " + b"y" * 4000 + b"\r\n"
            with contextlib.suppress(ConnectionError):
                while sent < 1 << 30:
                    connection.sendall(line)
                    sent += len(line)
        assert sent < 64 * MIB, f"{sent} bytes were taken"
        assert put(client(server), "afterwards", b"x") == 200


@contextlib.contextmanager
def slow_disk(server, late_ms):
    """Meanwhile every sync of the server's takes so much longer."""
    log = server.data.with_suffix(".syncs")
    call = f"inject=fsync,fdatasync:delay_enter={late_ms * 1000}"
    line = ["strace", "-f", "-qq", "-o", log, "-e", "trace=fsync,fdatasync", "-e", call, "-p", str(server.process.pid)]
    tracer = subprocess.Popen(line)
    try:
        assert in_time(20, lambda: traced(server)), "strace has every thread"
        yield log
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=60)


def traced(server):
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
    return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks.iterdir())


def test_a_slow_disk(tmp_path):
    """Writes take as long as it does, and no longer for being many; reads that use no key, of which the audit trail need not be on
    the disk, do not wait for it; then all is as fast as before."""
    late, objects = 0.5, {f"before-{size}": os.urandom(size) for size in (0, 3_000, 200_000)}
    with running(tmp_path / "data") as server:
        user, plain = client(server), Oss(server)
        plain.create("plain")
        for key, body in objects.items():
            plain.put("plain", key, body)
        writers = [client(server) for _ in range(16)]
        bodies = {f"during-{number}": os.urandom((10, 200_000)[number % 2]) for number in range(32)}
        with slow_disk(server, int(late * 1000)) as log, futures.ThreadPoolExecutor(16) as pool:
            began = time.monotonic()
            written = [pool.submit(put, writers[number % 16], *item) for number, item in enumerate(bodies.items())]
            assert all(plain.get("plain", key) == body for key, body in objects.items())
            read_in = time.monotonic() - began
            assert [one.result() for one in written] == [200] * 32
            took = time.monotonic() - began
        syncs = sum("sync(" in line for line in log.read_text().splitlines())
        assert syncs > 2 and took > late, f"{syncs} syncs in {took} s: the disk was not slow"
        assert read_in < took and took < 32 * late, f"reads in {read_in} s, writes in {took} s: they waited for each other"
        began = time.monotonic()
        assert put(user, "afterwards", b"x") == 200 and holds(user, bodies)
        assert server.command("scrub")["found"] == 0
