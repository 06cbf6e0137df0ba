"""Appendable objects in OBS and OSS: every method, small and large appends, positions, encryption on later appends, CRCs, and
what else happens to an object that grows."""

import hashlib
import io
import os
import re

import alibabacloud_oss_v2
import crcmod
import pytest
from alibabacloud_oss_v2 import models
from obs import AppendObjectContent, PutObjectHeader

from clients import Oss, OssSecond, Refused

_crc = crcmod.Crc(0x142F0E1EBA9EA3693, initCrc=0, xorOut=0xFFFFFFFFFFFFFFFF)


def crc64(body):
    crc = _crc.new()
    crc.update(body)
    return crc.crcValue


def append(client, bucket, key, position, body, mode="plain", **more):
    """The position of the next append, and the answer's headers."""
    if isinstance(client, OssSecond):
        headers = client.headers(mode)
        request = models.AppendObjectRequest(bucket, key, position, body=body, headers=headers)
        answer = client.ask(client.sdk.append_object, request)
        return answer.next_position, dict(answer.headers)
    if isinstance(client, Oss):
        answer = client.call(client.bucket(bucket).append_object, key, position, body, headers=client.headers(mode))
        return answer.next_position, dict(answer.headers)
    content = AppendObjectContent(content=io.BytesIO(body), position=position)
    header = PutObjectHeader(sseHeader=client._sse(mode), contentLength=len(body))
    extension = {f"{client.prefix}server-side-data-encryption": "SM4"} if mode == "kms-sm4" else None
    answer = client.check(
        client.client.appendObject(bucket, key, content, headers=header, extensionHeaders=extension, **more)
    )
    return answer.body.nextPosition, dict(answer.header)


@pytest.fixture(params=["obs", "obs-tls", "obs-fallback", "oss-v1", "oss-v4", "oss-v4-tls", "oss-second"])
def client(request, clients):
    return clients[request.param]


def found(headers, suffix):
    return next((value for name, value in headers.items() if name.lower().endswith(suffix)), None)


@pytest.mark.parametrize("pieces", [(1, 5, 10), (65_536, 1), (1, 65_535, 1), (100, 300_000, 7, 60_000, 60_000)])
def test_every_method_grows(client, bucket, pieces):
    for mode in client.modes:
        body = b""
        for size in pieces:
            piece = os.urandom(size)
            position, _ = append(client, bucket, mode, len(body), piece, mode=mode)
            body += piece
            assert position == len(body)
        assert client.get(bucket, mode, mode=mode) == body, mode
        middle = len(body) // 2
        assert client.get(bucket, mode, mode=mode, first=middle, last=middle + 3) == body[middle : middle + 4]
        head = client.head(bucket, mode, mode=mode)
        assert found(head, "next-append-position") == str(len(body))
        assert found(head, "object-type") == "Appendable"


def test_positions_must_be_the_length(client, bucket):
    def refused(code, *arguments):
        with pytest.raises(Refused) as caught:
            append(client, bucket, *arguments)
        assert (caught.value.status, caught.value.code) == (409, code)

    refused("PositionNotEqualToLength", "k", 1, b"x")
    append(client, bucket, "k", 0, b"abc")
    for position in (0, 2, 4):
        refused("PositionNotEqualToLength", "k", position, b"x")
    assert client.get(bucket, "k") == b"abc"
    client.put(bucket, "plain", b"abc")
    refused("ObjectNotAppendable", "plain", 3, b"x")
    client.put(bucket, "k", b"now normal")
    refused("ObjectNotAppendable", "k", 10, b"x")
    client.delete(bucket, "k")
    assert append(client, bucket, "k", 0, b"again")[0] == 5


def test_nothing_appended_changes_nothing(client, bucket):
    assert append(client, bucket, "k", 0, b"")[0] == 0
    assert append(client, bucket, "k", 0, b"abc")[0] == 3
    assert append(client, bucket, "k", 3, b"")[0] == 3
    assert client.get(bucket, "k") == b"abc"


def test_a_copy_of_an_appendable_object_is_a_normal_one(client, bucket):
    append(client, bucket, "k", 0, b"a" * 70_000)
    append(client, bucket, "k", 70_000, b"b" * 10)
    client.copy(bucket, "k", bucket, "t")
    assert client.get(bucket, "t") == b"a" * 70_000 + b"b" * 10
    assert found(client.head(bucket, "t"), "next-append-position") is None


def test_many_small_appends_are_few_files(client, bucket, server):
    before = server.metrics()
    body = b""
    for _ in range(40):
        piece = os.urandom(3_000)
        append(client, bucket, "log", len(body), piece, mode="managed")
        body += piece
    assert client.get(bucket, "log", mode="managed") == body
    after = server.metrics()
    written = [after[name] - before[name] for name in (f"strongroom_{kind}_writes_total" for kind in ("blob", "inline"))]
    assert written == [1, 39], "what is more than a chunk is a blob, once; the rest stays in the catalog"


# OSS


@pytest.fixture
def oss(clients, new_bucket):
    client = clients["oss-v4"]
    client.create(new_bucket)
    return client


def test_oss_14_and_15_the_first_append_decides(oss, new_bucket):
    """Rows 14 and 15 of the acceptance list."""
    keys = set()
    for position, mode in ((0, "kms"), (3, "plain"), (6, "managed")):
        _, headers = append(oss, new_bucket, "kms", position, b"abc", mode=mode)
        assert found(headers, "server-side-encryption") == "KMS"
        keys.add(found(headers, "server-side-encryption-key-id"))
    assert len(keys) == 1 and None not in keys
    append(oss, new_bucket, "plain", 0, b"abc")
    _, headers = append(oss, new_bucket, "plain", 3, b"abc", mode="kms-sm4")
    assert not [name for name in headers if "server-side" in name.lower()]


def test_oss_checks_the_crc_of_the_whole(oss, new_bucket):
    bucket, body, crc = oss.bucket(new_bucket), b"", None
    for piece in (b"123456789", b"", os.urandom(100_000), b"x"):
        crc = bucket.append_object("k", len(body), piece, init_crc=crc or 0).crc
        body += piece
        assert crc == crc64(body)
    assert int(bucket.head_object("k").headers["x-oss-hash-crc64ecma"]) == crc64(body)
    assert bucket.get_object("k").read() == body, "the SDK compares it with the CRC"
    assert "Content-MD5" not in bucket.head_object("k").headers
    assert bucket.head_object("k").object_type == "Appendable"


def test_oss_a_wrong_digest_appends_nothing(oss, new_bucket):
    bucket = oss.bucket(new_bucket)
    bucket.append_object("k", 0, b"abc")
    for size in (10, 100_000):
        with pytest.raises(Refused) as caught:
            headers = {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
            oss.call(bucket.append_object, "k", 3, b"x" * size, headers=headers)
        assert caught.value.code == "InvalidDigest"
    assert bucket.get_object("k").read() == b"abc"
    assert bucket.append_object("k", 3, b"d").next_position == 4


def test_oss_metadata_come_with_the_first_append(oss, new_bucket):
    bucket = oss.bucket(new_bucket)
    bucket.append_object("k", 0, b"abc", headers={"x-oss-meta-a": "b", "Content-Type": "text/x"})
    bucket.append_object("k", 3, b"def", headers={"x-oss-meta-a": "c"})
    head = bucket.head_object("k")
    assert head.headers["x-oss-meta-a"] == "b" and head.content_type == "text/x"


def test_oss_ends_the_appending(oss, clients, new_bucket):
    second = clients["oss-second"].sdk
    append(oss, new_bucket, "k", 0, b"abc", mode="kms")
    request = lambda position: models.SealAppendObjectRequest(bucket=new_bucket, key="k", position=position)
    with pytest.raises(alibabacloud_oss_v2.exceptions.OperationError) as caught:
        second.seal_append_object(request(2))
    assert caught.value.unwrap().code == "PositionNotEqualToLength"
    assert oss.head(new_bucket, "k").get("x-oss-sealed-time") is None
    sealed = second.seal_append_object(request(3)).sealed_time
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", sealed)
    assert second.seal_append_object(request(3)).sealed_time == sealed
    with pytest.raises(Refused) as refused:
        append(oss, new_bucket, "k", 3, b"d")
    assert (refused.value.status, refused.value.code) == (409, "ObjectNotAppendable")
    head = second.head_object(models.HeadObjectRequest(bucket=new_bucket, key="k"))
    assert (head.sealed_time, head.object_type, head.next_append_position) == (sealed, "Appendable", 3)
    read = second.get_object(models.GetObjectRequest(bucket=new_bucket, key="k"))
    assert (read.sealed_time, read.body.content) == (sealed, b"abc")


# OBS


@pytest.fixture
def obs(clients, new_bucket):
    client = clients["obs"]
    client.create(new_bucket)
    return client


def test_obs_later_appends_agree(obs, new_bucket):
    append(obs, new_bucket, "k", 0, b"abc", mode="managed")
    append(obs, new_bucket, "k", 3, b"def")
    append(obs, new_bucket, "k", 6, b"ghi", mode="managed")
    with pytest.raises(Refused) as caught:
        append(obs, new_bucket, "k", 9, b"jkl", mode="kms")
    assert caught.value.status == 400
    append(obs, new_bucket, "c", 0, b"abc", mode="customer")
    with pytest.raises(Refused) as caught:
        append(obs, new_bucket, "c", 3, b"def")
    assert (caught.value.status, caught.value.code) == (400, "InvalidEncryptionAlgorithmError")
    append(obs, new_bucket, "c", 3, b"def", mode="customer")
    assert obs.get(new_bucket, "c", mode="customer") == b"abcdef"


def test_obs_the_tag_is_that_of_the_last_piece(obs, new_bucket):
    append(obs, new_bucket, "k", 0, b"abc")
    _, headers = append(obs, new_bucket, "k", 3, b"defg")
    assert headers["etag"] == f'"{hashlib.md5(b"defg").hexdigest()}"'


def test_obs_metadata_are_set(obs, new_bucket):
    from obs import SetObjectMetadataHeader

    obs.put(new_bucket, "k", b"x", mode="kms", metadata={"a": "1", "b": "2"})
    change = lambda remove, metadata, **more: obs.check(
        obs.client.setObjectMetadata(
            new_bucket, "k", metadata=metadata, headers=SetObjectMetadataHeader(removeUnset=remove, **more)
        )
    )
    change(False, {"b": "3", "c": "4"}, contentType="text/x")
    head = obs.head(new_bucket, "k")
    assert (head["a"], head["b"], head["c"], head["content-type"]) == ("1", "3", "4", "text/x")
    change(True, {"d": "5"}, cacheControl="no-store")
    head = obs.head(new_bucket, "k")
    assert "a" not in head and head["d"] == "5" and head["cache-control"] == "no-store"
    assert obs.get(new_bucket, "k", mode="kms") == b"x"
    append(obs, new_bucket, "log", 0, b"abc")
    obs.check(obs.client.setObjectMetadata(new_bucket, "log", metadata={"a": "1"}))
    answer = append(obs, new_bucket, "log", 3, b"def")
    assert answer[0] == 6 and obs.head(new_bucket, "log")["a"] == "1"
    missing = obs.client.setObjectMetadata(new_bucket, "nothing", metadata={"a": "1"})
    assert missing.status == 404
