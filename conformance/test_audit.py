"""The audit trail: what every use of a key and every administrative act leaves in it, and what nobody can take out again."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import keys
from clients import S3
from strongroom import ACCESS_KEY, BINARY, ROOT, Strongroom


def records(server, **wanted):
    arguments = [text for name, value in wanted.items() for text in (f"--{name}", str(value))]
    return [line["record"] for line in server.command("audit", "query", *arguments)["records"]]


def run(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def verified(folder, *more):
    done = run("audit", "verify", "--folder", folder, "--json", *more)
    return done.returncode, json.loads(done.stdout)


def user(server, tmp_path, name, *actions):
    """A user who may do these, and nothing else."""
    made = server.command("user", "create", name)
    policy = tmp_path / f"{name}.json"
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    server.command("policy", "put", name, "--file", str(policy))
    server.command("policy", "attach", name, f"user/{name}")
    return made["access_key"], made["secret_key"]


@pytest.mark.parametrize("dialect", ["s3-v4-tls", "oss-v4-tls", "obs-tls"])
@pytest.mark.parametrize("mode", ["managed", "kms"])
def test_an_object_under_a_key_leaves_a_record_for_each_use(server, clients, new_bucket, dialect, mode):
    client = clients[dialect]
    client.create(new_bucket)
    client.put(new_bucket, "k", b"text", mode)
    for _ in range(2):
        assert client.get(new_bucket, "k", mode) == b"text"
    wrote, *read = [it for it in records(server, bucket=new_bucket) if it["operation"] != "CreateBucket"]
    assert (wrote["operation"], wrote["action"], wrote["outcome"]) == ("PutObject", "GenerateDataKey", "done")
    assert [(it["operation"], it["action"]) for it in read] == [("GetObject", "DecryptDataKey")] * 2
    assert read[1]["cached"] is True, "a read that the cache serves is a use"
    for it in (wrote, *read):
        assert (it["bucket"], it["object"], it["access_key"]) == (new_bucket, "k", ACCESS_KEY)
        assert it["principal"].endswith(":root") and it["source"] == "127.0.0.1"
        assert (it["key"], it["key_version"], it["version"]) == (wrote["key"], 1, wrote["version"])
        assert re.fullmatch("[0-9A-F]{32}", it["request"])
    assert len({it["request"] for it in (wrote, *read)}) == 3


def test_an_object_in_the_clear_leaves_none(server, clients, new_bucket):
    client = clients["oss-v4-tls"]
    client.create(new_bucket)
    client.put(new_bucket, "k", b"text")
    client.get(new_bucket, "k")
    client.put(new_bucket, "own", b"text", "customer")
    client.get(new_bucket, "own", "customer")
    assert [it["operation"] for it in records(server, bucket=new_bucket)] == ["CreateBucket"]


def test_the_context_and_the_request_are_told(server, clients, new_bucket):
    client = clients["s3-v4-tls"].client
    client.create_bucket(Bucket=new_bucket)
    context = base64.b64encode(b'{"tenant":"\xc3\xa9"}').decode()
    answer = client.put_object(
        Bucket=new_bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSEncryptionContext=context
    )
    (wrote,) = records(server, request=answer["ResponseMetadata"]["RequestId"])
    assert wrote["context"] == {"tenant": "é", "aws:s3:arn": f"arn:aws:s3:::{new_bucket}/k"}


def test_rights_to_the_object_and_none_to_the_key(server, clients, tmp_path, new_bucket):
    owner = clients["s3-v4-tls"]
    owner.create(new_bucket)
    owner.put(new_bucket, "k", b"x", "kms")
    access = user(server, tmp_path, "audit-reader", "s3:*")
    reader = S3(server, tls=True, access_key=access[0], secret_key=access[1]).client
    with pytest.raises(ClientError):
        reader.get_object(Bucket=new_bucket, Key="k")
    with pytest.raises(ClientError):
        reader.put_object(Bucket=new_bucket, Key="l", Body=b"x", ServerSideEncryption="aws:kms")
    read, wrote = records(server, principal="user/audit-reader", outcome="denied")
    assert (read["operation"], read["action"]) == ("GetObject", "DecryptDataKey")
    assert (wrote["operation"], wrote["action"]) == ("PutObject", "GenerateDataKey")
    assert read["reason"].startswith("KeyDenied: ") and "key_version" not in read


def test_the_key_service_is_told_of(server, tmp_path):
    kms = keys.aws(server)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    context = {"purpose": "audit"}
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.re_encrypt(CiphertextBlob=sealed, SourceEncryptionContext=context, DestinationKeyId=other)
    kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.describe_key(KeyId=key)
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    told = [(it["operation"], it["outcome"], it.get("context")) for it in records(server, key=key)]
    assert told == [
        ("CreateKey", "done", None),
        ("Encrypt", "done", context),
        ("Decrypt", "done", context),
        ("ReEncrypt", "done", context),
        ("GenerateDataKey", "done", None),
        ("DisableKey", "done", None),
        ("Encrypt", "failed", None),
    ]
    assert [it["action"] for it in records(server, key=other, operation="ReEncrypt")] == ["ReEncryptTo"]
    access = user(server, tmp_path, "audit-nobody", "s3:GetObject")
    with pytest.raises(ClientError):
        keys.aws(server, *access).describe_key(KeyId=key)
    (denied,) = records(server, principal="user/audit-nobody")
    assert (denied["operation"], denied["outcome"], denied["action"]) == ("DescribeKey", "denied", "Describe")


def test_the_administration_is_told_of(server, tmp_path, clients, new_bucket):
    user(server, tmp_path, "audit-ann", "s3:GetObject")
    server.command("access-key", "create", "audit-ann")
    server.command("user", "list")
    server.command("user", "delete", "audit-ann")
    told = [(it["operation"], it["outcome"]) for it in records(server) if it.get("subject") == "user/audit-ann"]
    assert told == [(name, "done") for name in ("CreateUser", "AttachPolicy", "CreateAccessKey", "DeleteUser")]
    client = clients["s3-v4-tls"].client
    client.create_bucket(Bucket=new_bucket)
    with pytest.raises(ClientError):
        client.put_bucket_policy(Bucket=new_bucket, Policy="{}")
    client.put_bucket_tagging(Bucket=new_bucket, Tagging={"TagSet": []})
    client.delete_bucket(Bucket=new_bucket)
    told = [(it["operation"], it["outcome"]) for it in records(server, bucket=new_bucket)]
    assert told[0] == ("CreateBucket", "done") and told[-1] == ("DeleteBucket", "done")
    assert ("PutBucketTagging", "done") in told


@pytest.fixture
def filled(tmp_path):
    """A trail of several segments, its server stopped."""
    server = Strongroom(data=tmp_path / "data").start()
    kms = keys.aws(server)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for number in range(20):
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"number": str(number)})
    server.stop()
    return server


def test_the_trail_is_verified_by_the_page_that_describes_it(filled):
    """The program in docs/AUDIT.md, which shares nothing with the server."""
    page = (ROOT / "docs" / "AUDIT.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    folder = filled.data / "audit"
    code, report = verified(folder, "--root-key", filled.data / "keys" / "root.key")
    assert code == 0 and report["sound"] and report["proven"]
    check = [sys.executable, "-c", program, folder, report["public_key"]]
    assert int(subprocess.run(check, capture_output=True, text=True, check=True).stdout) == report["lines"]
    segment = folder / "00000001.jsonl"
    segment.write_text(segment.read_text().replace('"number":"7"', '"number":"8"'))
    assert subprocess.run(check, capture_output=True).returncode != 0


@pytest.mark.parametrize("way", ["edit", "delete", "reorder", "truncate", "truncate at a record", "no head"])
def test_whoever_changes_the_trail_is_found_out(filled, tmp_path, way):
    folder = filled.data / "audit"
    code, report = verified(folder)
    assert code == 0 and not report["proven"], "the folder's own word proves not whose it is"
    segment = folder / "00000001.jsonl"
    lines = segment.read_bytes().splitlines(keepends=True)
    changed = {
        "edit": [line.replace(b'"number":"7"', b'"number":"8"') for line in lines],
        "delete": lines[:9] + lines[10:],
        "reorder": lines[:9] + [lines[10], lines[9]] + lines[11:],
        "truncate": lines[:-1] + [lines[-1][:40]],
        "truncate at a record": lines[:-2],
        "no head": lines,
    }[way]
    assert changed != lines or way == "no head"
    segment.write_bytes(b"".join(changed))
    if way == "no head":
        (folder / "head").unlink()
    for proof in ([], ["--root-key", filled.data / "keys" / "root.key"], ["--public-key", report["public_key"]]):
        code, found = verified(folder, *proof)
        assert code == 1 and not found["sound"] and found["problems"]
    if way in ("truncate", "truncate at a record", "no head"):
        with pytest.raises(RuntimeError, match="audit trail"):
            filled.start()


def test_what_was_acknowledged_outlives_the_process(tmp_path):
    """`kill -9` in the middle: every answer that a client has is in the trail, which goes on whole."""
    server = Strongroom(data=tmp_path / "data").start()
    owner = S3(server)
    owner.create("crash")
    answered = []

    def write(number):
        client = S3(server).client
        try:
            while True:
                put = client.put_object(
                    Bucket="crash", Key=f"k{number}", Body=b"x", ServerSideEncryption="aws:kms"
                )
                answered.append(put["ResponseMetadata"]["RequestId"])
        except (ClientError, BotoCoreError):
            return

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    while len(answered) < 60:
        assert any(writer.is_alive() for writer in writers)
    server.kill()
    for writer in writers:
        writer.join()
    server.start()
    # S3 shows the first half of a request's id.
    told = {it["request"][:16] for it in records(server, bucket="crash", limit=10000)}
    assert set(answered) <= told
    report = server.command("audit", "verify")
    assert report["sound"] and report["proven"]
    server.stop()
    assert verified(server.data / "audit")[1]["sound"]


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.parametrize("on_failure", ["reject", "continue"])
def test_a_trail_that_cannot_be_written(tmp_path, small_disk, on_failure):
    settings = {
        "STRONGROOM__AUDIT__FOLDER": small_disk / "audit",
        "STRONGROOM__AUDIT__ON_FAILURE": on_failure,
        "STRONGROOM__ENCRYPTION__S3_ALWAYS_ON": "false",
    }
    server = Strongroom(data=tmp_path / "data", **settings).start()
    s3, kms = S3(server), keys.aws(server)
    s3.create("full")
    s3.put("full", "k", b"text", "kms")
    s3.put("full", "plain", b"text")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    obstacle = small_disk / "obstacle"
    with open(obstacle, "wb") as file, pytest.raises(OSError):
        while True:
            os.write(file.fileno(), bytes(4096))
    # What is left of the last block of the segment may still take a line or two.
    refused = 0
    for _ in range(20):
        try:
            s3.get("full", "k", "kms")
        except Exception as error:
            assert error.status == 503, error
            refused += 1
    metrics = server.metrics()
    assert metrics["strongroom_audit_failing"] == 1
    assert s3.get("full", "plain") == b"text", "what needs no key goes on"
    if on_failure == "reject":
        assert refused > 0
        for denied in (
            lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
            lambda: kms.disable_key(KeyId=key),
            lambda: s3.client.put_object(Bucket="full", Key="l", Body=b"x", ServerSideEncryption="aws:kms"),
            lambda: s3.client.create_bucket(Bucket="another"),
        ):
            with pytest.raises(ClientError) as error:
                denied()
            assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        user = subprocess.run([BINARY, "user", "create", "late"], env=server.environment(), capture_output=True)
        assert user.returncode == 1
    else:
        assert refused == 0
        kms.disable_key(KeyId=key)
    obstacle.unlink()
    if on_failure == "reject":
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"], "what was refused was not done"
    assert s3.get("full", "k", "kms") == b"text"
    assert server.metrics()["strongroom_audit_failing"] == 0
    if on_failure == "continue":
        assert records(server, operation="DisableKey"), "what went on without is told late"
    assert server.command("audit", "verify")["sound"]
    server.stop()


def test_the_offline_query_needs_no_server(filled, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(filled.data / "audit", copy)
    found = run("audit", "query", "--folder", copy, "--operation", "Encrypt", "--limit", "3", "--json")
    lines = json.loads(found.stdout)["records"]
    assert [line["record"]["context"]["number"] for line in lines] == ["0", "1", "2"]
    more = run("audit", "query", "--folder", copy, "--operation", "Encrypt", "--after", lines[-1]["n"])
    assert len(more.stdout.splitlines()) == 1 + 17
    assert run("audit", "query", "--folder", copy, "--limit", "0").returncode == 2
    # The trail in the folder is the trail that was asked for, line for line.
    text = (pathlib.Path(copy) / "00000001.jsonl").read_text()
    assert all(json.dumps(line, separators=(",", ":"), ensure_ascii=False) in text for line in lines)
