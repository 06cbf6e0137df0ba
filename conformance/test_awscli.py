"""The AWS command line: high-level transfers (in parts where files are large) and the calls of s3api, in every way of encrypting."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import pytest

from clients import CUSTOMER_KEY
from strongroom import ACCESS_KEY, REGION, SECRET_KEY

AWS = pathlib.Path(sys.executable).with_name("aws")
MEBI = 1024 * 1024
# From 8 MiB on the program uploads and downloads in parts.
SIZES = {"small": 10_000, "in-parts": 17 * MEBI + 5}


@pytest.fixture(scope="module")
def shell(server, tmp_path_factory):
    """Runs the program; answers what it prints, or fails with what it complains of."""
    home = tmp_path_factory.mktemp("aws-home")
    (home / "customer.key").write_bytes(CUSTOMER_KEY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION}
    environment |= {"HOME": str(home), "AWS_MAX_ATTEMPTS": "1"}

    def run(*line, tls=False):
        scheme, port = ("https", server.https) if tls else ("http", server.http)
        program = [AWS, "--endpoint-url", f"{scheme}://127.0.0.1:{port}", *(["--ca-bundle", server.ca] if tls else [])]
        done = subprocess.run([*program, *line], env=environment, cwd=home, capture_output=True, timeout=120)
        assert done.returncode == 0, f"{line}: {done.stderr.decode()}"
        return done.stdout

    run.home = home
    return run


@pytest.fixture
def bucket(shell, new_bucket):
    shell("s3", "mb", f"s3://{new_bucket}")
    return new_bucket


MODES = {
    "plain": ([], []),
    "managed": (["--sse", "AES256"], []),
    "kms": (["--sse", "aws:kms"], []),
    "customer": (["--sse-c", "AES256", "--sse-c-key", "fileb://customer.key"],) * 2,
}


@pytest.mark.parametrize("mode, size", [*((mode, "small") for mode in MODES), ("kms", "in-parts"), ("customer", "in-parts")])
def test_files_travel(shell, bucket, mode, size):
    writing, reading = MODES[mode]
    content = os.urandom(SIZES[size])
    (shell.home / "file").write_bytes(content)
    shell("s3", "cp", "file", f"s3://{bucket}/a/file", *writing)
    shell("s3", "cp", f"s3://{bucket}/a/file", "back", *reading)
    assert (shell.home / "back").read_bytes() == content
    source = [word.replace("--sse-c", "--sse-c-copy-source") for word in reading]
    shell("s3", "cp", f"s3://{bucket}/a/file", f"s3://{bucket}/b", *source, "--sse", "aws:kms", tls=mode == "kms")
    (shell.home / "back").unlink()
    shell("s3", "mv", f"s3://{bucket}/b", "back")
    assert (shell.home / "back").read_bytes() == content
    listed = shell("s3", "ls", f"s3://{bucket}", "--recursive").decode().split()
    assert listed[2:] == [str(len(content)), "a/file"]


def test_folders_are_kept_in_step(shell, bucket):
    folder = shell.home / "folder"
    names = ["one", "two words", "deep/er/ünïcode", "deep/100%"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    shell("s3", "sync", "folder", f"s3://{bucket}/f", "--sse", "aws:kms")
    assert shell("s3", "sync", "folder", f"s3://{bucket}/f") == b"", "nothing is left to do"
    (folder / "one").unlink()
    (folder / "two words").write_text("changed")
    shell("s3", "sync", "folder", f"s3://{bucket}/f", "--delete")
    shell("s3", "sync", f"s3://{bucket}/f", "copy")
    found = {str(path.relative_to(shell.home / "copy")) for path in (shell.home / "copy").rglob("*") if path.is_file()}
    assert found == {*names} - {"one"}
    assert (shell.home / "copy" / "two words").read_text() == "changed"
    shell("s3", "rm", f"s3://{bucket}", "--recursive")
    shell("s3", "rb", f"s3://{bucket}")


def test_single_calls(shell, bucket):
    def call(name, *words):
        printed = shell("s3api", name, "--bucket", bucket, *words)
        return json.loads(printed) if printed.strip() else None

    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    call("put-bucket-encryption", "--server-side-encryption-configuration", json.dumps({"Rules": [rule]}))
    told = call("get-bucket-encryption")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert told["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms" and told["BucketKeyEnabled"]
    call("put-bucket-versioning", "--versioning-configuration", "Status=Enabled")
    (shell.home / "body").write_bytes(b"the body")
    first = call("put-object", "--key", "k", "--body", "body", "--metadata", "colour=green")
    assert first["ServerSideEncryption"] == "aws:kms" and first["BucketKeyEnabled"] is True
    head = call("head-object", "--key", "k", "--checksum-mode", "ENABLED")
    assert head["Metadata"] == {"colour": "green"} and head["VersionId"] == first["VersionId"]
    call("put-object-tagging", "--key", "k", "--tagging", "TagSet=[{Key=a,Value=b}]")
    assert call("get-object-tagging", "--key", "k")["TagSet"] == [{"Key": "a", "Value": "b"}]
    call("copy-object", "--key", "t", "--copy-source", f"{bucket}/k", "--server-side-encryption", "AES256")
    attributes = call("get-object-attributes", "--key", "t", "--object-attributes", "ObjectSize", "ETag")
    assert attributes["ObjectSize"] == 8
    marker = call("delete-object", "--key", "k")
    assert marker["DeleteMarker"] is True
    versions = call("list-object-versions", "--prefix", "k")
    assert [it["VersionId"] for it in versions["Versions"]] == [first["VersionId"]]
    call("get-object", "--key", "k", "--version-id", first["VersionId"], "out")
    assert (shell.home / "out").read_bytes() == b"the body"
    named = [{"Key": it["Key"], "VersionId": it["VersionId"]} for it in versions["Versions"] + versions["DeleteMarkers"]]
    deleted = call("delete-objects", "--delete", json.dumps({"Objects": named}))["Deleted"]
    assert {it["Key"] for it in deleted} == {"k"}
    assert [it["Key"] for it in call("list-objects-v2")["Contents"]] == ["t"]


def test_a_signed_url_of_its_making(shell, bucket):
    (shell.home / "body").write_bytes(b"handed on")
    shell("s3", "cp", "body", f"s3://{bucket}/k")
    url = shell("s3", "presign", f"s3://{bucket}/k", "--expires-in", "60").decode().strip()
    assert urllib.request.urlopen(url, timeout=10).read() == b"handed on"


def test_a_customers_key_is_not_guessed(shell, bucket):
    digest = base64.b64encode(hashlib.md5(CUSTOMER_KEY).digest()).decode()
    (shell.home / "body").write_bytes(b"mine")
    words = ["--sse-customer-algorithm", "AES256", "--sse-customer-key", "fileb://customer.key"]
    put = json.loads(shell("s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", "body", *words))
    assert put["SSECustomerKeyMD5"] == digest
    with pytest.raises(AssertionError, match="400"):
        shell("s3api", "head-object", "--bucket", bucket, "--key", "k")
