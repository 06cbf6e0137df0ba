"""What goes up comes down: every mode of every dialect, sizes around the borders, whole and in ranges, read back
through the other dialects too."""

import hashlib
import random

import pytest

from conftest import DIALECTS

SIZES = [0, 1, 65_535, 65_536, 65_537]
LARGE = 200_000_000
MODES = ["plain", "managed", "managed-sm4", "kms", "kms-sm4", "customer"]

# One reader a dialect.
READERS = ["s3-v4", "oss-v4", "obs"]


def body_of(size, seed):
    return random.Random(seed).randbytes(size)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def readers(clients):
    return [clients[name] for name in READERS]


def check_ranges(reader, bucket, key, mode, body, count, seed):
    generator = random.Random(seed)
    for _ in range(count):
        first = generator.randrange(len(body))
        last = min(first + generator.randrange(1, 300_000), len(body) - 1)
        assert reader.get(bucket, key, mode, first, last) == body[first : last + 1], (reader.name, first, last)


@pytest.mark.parametrize("mode", MODES)
def test_sizes_around_the_borders(client, clients, bucket, mode):
    if mode not in client.modes:
        pytest.skip(f"{client.name} cannot ask for {mode}")
    for size in SIZES:
        body, key = body_of(size, size), f"dir/{mode} {size}+é.bin"
        client.put(bucket, key, body, mode)
        for reader in [client, *readers(clients)]:
            assert digest(reader.get(bucket, key, mode)) == digest(body), (reader.name, size)
            if size:
                check_ranges(reader, bucket, key, mode, body, 3, size)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "oss-v2"])
def test_large_bodies(clients, new_bucket, name, mode):
    client = clients[name]
    if mode not in client.modes:
        pytest.skip(f"{client.name} cannot ask for {mode}")
    client.create(new_bucket)
    body = body_of(1_000_000, 7) * (LARGE // 1_000_000)
    client.put(new_bucket, "large", body, mode)
    assert digest(client.get(new_bucket, "large", mode)) == digest(body)
    for reader in readers(clients):
        check_ranges(reader, new_bucket, "large", mode, body, 5, LARGE)
    client.delete(new_bucket, "large")
    client.delete_bucket(new_bucket)


def test_the_other_dialects_read_a_large_body_whole(clients, new_bucket):
    writer = clients["oss-v4"]
    writer.create(new_bucket)
    body = body_of(1_000_000, 8) * (LARGE // 1_000_000)
    writer.put(new_bucket, "large", body, "kms-sm4")
    for name in READERS:
        assert digest(clients[name].get(new_bucket, "large")) == digest(body), name
    writer.delete(new_bucket, "large")
