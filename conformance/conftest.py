"""Fixtures: a server for each file of tests, clients of every dialect, buckets of their own."""

import itertools
import os
import socket

import pytest

import leaks
from clients import S3, Obs, Oss, OssSecond
from strongroom import Strongroom

# What the machine says of clouds, proxies and authorities is meant for other servers.
for _name in list(os.environ):
    if _name.startswith("AWS_") or _name.upper().endswith("_PROXY") or _name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        del os.environ[_name]
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

_resolve = socket.getaddrinfo


def _resolve_localhost(host, *arguments, **named):
    """`*.localhost` is loopback (RFC 6761 §6.3), which the C library of a plain container does not know."""
    name = host.decode() if isinstance(host, bytes) else host
    return _resolve("127.0.0.1" if name and name.endswith(".localhost") else host, *arguments, **named)


socket.getaddrinfo = _resolve_localhost

leaks.watch()

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server():
    process = Strongroom().start()
    yield process
    process.stop()


DIALECTS = {
    "s3-v4": lambda server: S3(server),
    "s3-v2": lambda server: S3(server, signature="s3"),
    "s3-v4-tls": lambda server: S3(server, tls=True),
    "oss-v1": lambda server: Oss(server, version="v1"),
    "oss-v2": lambda server: Oss(server, version="v2"),
    "oss-v4": lambda server: Oss(server, version="v4"),
    "oss-v4-tls": lambda server: Oss(server, version="v4", tls=True),
    "oss-second": lambda server: OssSecond(server),
    "obs": lambda server: Obs(server),
    "obs-tls": lambda server: Obs(server, tls=True),
    "obs-fallback": lambda server: Obs(server, virtual=False),
}


@pytest.fixture(scope="module")
def clients(server):
    """Every client by name."""
    return {name: make(server) for name, make in DIALECTS.items()}


@pytest.fixture(params=list(DIALECTS))
def client(request, clients):
    """Each client in turn."""
    return clients[request.param]


@pytest.fixture
def s3(clients):
    """Boto3; a file of tests that wants more, or another, has a fixture of this name itself."""
    return clients["s3-v4"]


@pytest.fixture(params=["oss-v1", "oss-v4"])
def oss(request, clients):
    """Alibaba's SDK with the oldest and the newest signature."""
    return clients[request.param]


@pytest.fixture(params=["obs", "obs-fallback"])
def obs(request, clients):
    """Huawei's SDK, speaking OBS and, on a path-style address, S3."""
    return clients[request.param]


@pytest.fixture
def new_bucket():
    """A name that no other test uses."""
    return f"bucket-{next(_numbers):05d}"


@pytest.fixture
def bucket(client, new_bucket):
    """A bucket made by the client under test."""
    client.create(new_bucket)
    return new_bucket
