"""The power goes at any moment: the server starts on what the disk holds then, and serves every acknowledged object; or, if the
disk has lost commits that were acknowledged, refuses to start and says so.

`STRONGROOM_IMAGES` sets how many images are tried, `STRONGROOM_SEED` repeats a run.
"""

import os
import pathlib
import random
import shutil
import subprocess
import threading
import time

import pytest
from botocore.exceptions import ClientError

import strongroom
from clients import S3
from disk import Recording, strace

IMAGES = int(os.environ.get("STRONGROOM_IMAGES", "24"))
SEED = int(os.environ.get("STRONGROOM_SEED", str(int(time.time()))))
WRITERS = 4
CHANGES_EACH = 14
BUCKET = "bucket"


class Traced(strongroom.Strongroom):
    """A server whose storage calls are recorded."""

    def start(self):
        self.trace = self.data.with_suffix(".strace")
        self.log = open(self.data.with_suffix(".log"), "ab")
        line = [*strace(self.trace), strongroom.BINARY, "serve"]
        self.process = subprocess.Popen(line, env=self.environment(), stdout=self.log, stderr=self.log)
        self.wait_until_ready()
        return self


class Writer(threading.Thread):
    """Changes keys of its own, and notes when each change was asked for and when acknowledged."""

    def __init__(self, server, number):
        super().__init__()
        self.dice = random.Random(f"{SEED}/{number}")
        self.client, self.number = S3(server).client, number
        # key: [(asked, acknowledged, bytes or None)]
        self.changes = {}

    def run(self):
        for _ in range(CHANGES_EACH):
            key = f"{self.number}/{self.dice.randrange(4)}"
            body = None
            if self.dice.randrange(5):
                body = self.dice.randbytes(self.dice.choice([0, 700, 40_000, 70_000, 200_000]))
            asked = time.time()
            if body is None:
                self.client.delete_object(Bucket=BUCKET, Key=key)
            else:
                encryption = self.dice.choice(["AES256", "aws:kms"])
                self.client.put_object(Bucket=BUCKET, Key=key, Body=body, ServerSideEncryption=encryption)
            self.changes.setdefault(key, []).append((asked, time.time(), body))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run of the server from its first start to an orderly stop, and what its clients were told."""
    server = Traced(tmp_path_factory.mktemp("power") / "data").start()
    S3(server).client.create_bucket(Bucket=BUCKET)
    made = time.time()
    writers = [Writer(server, number) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    # The recorder ends with what it records.
    subprocess.run(["pkill", "-INT", "-P", str(server.process.pid)], check=True)
    server.process.wait(timeout=120)
    changes = {key: changes for writer in writers for key, changes in writer.changes.items()}
    assert sum(map(len, changes.values())) == WRITERS * CHANGES_EACH
    return Recording(server.trace, server.data), server.data, made, changes


def test_the_recording_is_complete(recorded, tmp_path):
    """With every change there, the image is the disk, byte by byte."""
    recording, data, _, _ = recorded
    recording.image(float("inf"), tmp_path, lambda _: True)
    found = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {path.relative_to(data) for path in data.rglob("*") if path.is_file()}
    for path in found:
        assert (tmp_path / path).read_bytes() == (data / path).read_bytes(), path


def allowed(changes, cut):
    """What a key may have: what was acknowledged last, or anything that was under way."""
    values = [None]
    for asked, acknowledged, body in changes:
        if acknowledged < cut:
            values = [body]
        elif asked < cut:
            values.append(body)
    return values


def choices(mode, dice):
    if mode == "dropped":
        return lambda _: False
    if mode == "kept":
        return lambda _: True
    # Torn and reordered: each change of data is there, gone, or there in some of its sectors.
    picks = {"name": [True, True, False], "sector": [True, False], "data": [True, False, "torn"]}
    return lambda what: dice.choice(picks[what])


def read(reader, key):
    try:
        return reader.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchKey", error
        return None


def verify(folder, made, changes, cut, what):
    """Answers whether the server started."""
    server = strongroom.Strongroom(folder)
    try:
        server.start()
    except RuntimeError as refused:
        assert "has lost commits" in str(refused) and "Restore the folder" in str(refused), f"{what}: {refused}"
        return False
    try:
        reader = S3(server).client
        names = [bucket["Name"] for bucket in reader.list_buckets()["Buckets"]]
        if made < cut:
            assert names == [BUCKET], what
            for key, own in changes.items():
                assert read(reader, key) in allowed(own, cut), f"{what}: {key}"
            report = server.command("scrub")
            assert report["found"] == 0, f"{what}: {report}"
    finally:
        server.stop()
    return True


def test_every_image_serves_what_was_acknowledged(recorded, tmp_path):
    recording, _, made, changes = recorded
    print(f"STRONGROOM_SEED={SEED}")
    dice = random.Random(SEED)
    ends = [ended for file in recording.files for _, ended, *_ in file.changes]
    begin, end = min(ends), max(ends)
    started = 0
    for number in range(IMAGES):
        mode = ["dropped", "torn", "kept", "torn"][number % 4]
        cut = dice.uniform(begin, end) if number % 3 else dice.choice(ends)
        folder = pathlib.Path(tmp_path / f"image-{number}")
        folder.mkdir()
        recording.image(cut, folder, choices(mode, dice))
        started += verify(folder, made, changes, cut, f"image {number} of seed {SEED}, {mode} at {cut - begin:.4f} s")
        shutil.rmtree(folder)
    print(f"{started} of {IMAGES} images served, the others refused with what to do")
    assert started >= IMAGES * 3 // 4, "an image that refuses is an exception"
