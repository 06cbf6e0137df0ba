"""Copies in every dialect: every method of the source by every method of the target, what is taken over and what is not,
conditions, spellings of the source, and what a copy onto itself may be."""

import datetime
import hashlib
import itertools
import os

import oss2
import pytest
from obs import CopyObjectHeader

from clients import Refused

SIZES = {"small": 1000, "large": 200_001}


def refused(status, code, call, *arguments, **named):
    with pytest.raises(Refused) as found:
        call(*arguments, **named)
    assert (found.value.status, found.value.code) == (status, code), found.value
    return found.value


def told(headers):
    """The encryption that headers tell of, in the words of `modes`."""
    headers = {name.lower(): value for name, value in dict(headers).items()}
    find = lambda suffix: next((value for name, value in headers.items() if name.endswith(suffix)), None)
    cipher = "-sm4" if find("server-side-data-encryption") == "SM4" else ""
    method = find("server-side-encryption")
    if find("server-side-encryption-customer-algorithm"):
        return "customer"
    if method is None:
        return "plain"
    names = {"AES256": "managed", "SM4": "managed-sm4"}
    return names.get(method, "kms") + cipher


def in_the_clear(client, mode):
    """On S3 by V4 every bucket starts with a default: what asks for nothing is under a managed key."""
    return "managed" if mode == "plain" and client.name.startswith("s3-s3v4") else mode


@pytest.mark.parametrize("size", SIZES)
def test_every_method_to_every_method(client, bucket, size):
    body = os.urandom(SIZES[size])
    for mode in client.modes:
        client.put(bucket, f"from-{mode}", body, mode=mode, metadata={"colour": "green"})
    for source, mode in itertools.product(client.modes, client.modes):
        client.copy(bucket, f"from-{source}", bucket, f"{source}-{mode}", mode=mode, source_mode=source)
        head = client.head(bucket, f"{source}-{mode}", mode=mode)
        assert told(head) == in_the_clear(client, mode), (source, mode, head)
        assert client.get(bucket, f"{source}-{mode}", mode=mode) == body, (source, mode)
        assert "green" in head.values(), head
    middle = client.get(bucket, "plain-plain", first=70_000, last=70_010) if size == "large" else body[70_000:70_011]
    assert middle == body[70_000:70_011]


def test_between_buckets_and_of_nothing(client, bucket, new_bucket):
    other = f"{new_bucket}-other"
    client.create(other)
    client.put(bucket, "empty", b"")
    client.copy(bucket, "empty", other, "deep/copy")
    assert client.get(other, "deep/copy") == b""
    client.put(bucket, "k", b"one")
    client.copy(bucket, "k", other, "deep/copy")
    assert client.get(other, "deep/copy") == b"one", "a copy overwrites"
    assert client.get(bucket, "k") == b"one"


def test_names_that_are_hard_to_spell(client, bucket):
    for key in ("a b+c%25d", "ünïcödé/汉字", "q?versionId", "a&b=c;d", "slash//slash", "plus+"):
        client.put(bucket, key, key.encode())
        client.copy(bucket, key, bucket, "copy")
        assert client.get(bucket, "copy") == key.encode(), key


def test_metadata_are_copied_or_replaced(client, bucket):
    client.put(bucket, "k", b"x" * 100, metadata={"colour": "green"})
    client.copy(bucket, "k", bucket, "kept")
    assert "green" in client.head(bucket, "kept").values()
    client.copy(bucket, "k", bucket, "replaced", metadata={"shape": "round"})
    head = client.head(bucket, "replaced")
    assert "round" in head.values() and "green" not in head.values()


def test_what_is_not_there(client, bucket):
    client.put(bucket, "k", b"x")
    refused(404, "NoSuchKey", client.copy, bucket, "nothing", bucket, "t")
    refused(404, "NoSuchBucket", client.copy, "nobodys-bucket", "k", bucket, "t")
    # With virtual hosts, the OBS SDK asks after the bucket by HEAD first, and takes no code from that answer.
    code = None if client.name.startswith("obs-virtual") else "NoSuchBucket"
    refused(404, code, client.copy, bucket, "k", "nobodys-bucket", "t")
    assert client.keys(bucket) == ["k"]


def test_a_customers_key_is_needed_for_its_object(client, bucket):
    if "customer" not in client.modes:
        pytest.skip("no customers' keys in this dialect")
    client.put(bucket, "k", b"x", mode="customer")
    code = "InvalidEncryptionAlgorithmError" if client.name.startswith("obs-virtual") else "InvalidRequest"
    refused(400, code, client.copy, bucket, "k", bucket, "t")
    client.put(bucket, "plain", b"x")
    refused(400, "InvalidRequest", client.copy, bucket, "plain", bucket, "t", source_mode="customer")


def test_the_targets_default_decides(client, bucket, clients, new_bucket):
    """Never the source: neither its own method nor its bucket's default."""
    other = f"{new_bucket}-sealed"
    client.create(other)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3 = clients["s3-v4"].client
    s3.put_bucket_encryption(Bucket=other, ServerSideEncryptionConfiguration={"Rules": [rule]})
    client.put(bucket, "k", b"plain")
    client.copy(bucket, "k", other, "k")
    assert told(client.head(other, "k")) == "kms"
    client.copy(other, "k", bucket, "back")
    assert told(client.head(bucket, "back")) == in_the_clear(client, "plain")
    client.copy(other, "k", other, "other", mode="managed")
    assert told(client.head(other, "other")) == "managed"


def test_a_key_that_is_disabled_is_not_read_by_copying(client, bucket, server, clients):
    key = server.command("key", "create")["id"]
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    clients["s3-v4"].client.put_object(Bucket=bucket, Key="k", Body=b"secret", **kms)
    client.copy(bucket, "k", bucket, "before")
    server.command("key", "disable", key)
    with pytest.raises(Refused):
        client.copy(bucket, "k", bucket, "after")
    assert client.get(bucket, "before") == b"secret"
    assert "after" not in client.keys(bucket)


# Parts


def test_s3_parts_of_objects(s3, new_bucket):
    body = os.urandom(6 * 1024 * 1024 + 77)
    for mode in s3.modes:
        s3.put(new_bucket, f"from-{mode}", body, mode=mode)
        for target in s3.modes:
            arguments = s3._write_arguments(target)
            key = s3._read_arguments(target)
            of_source = {f"CopySource{name}": value for name, value in s3._read_arguments(mode).items()}
            upload = s3.client.create_multipart_upload(Bucket=new_bucket, Key="t", **arguments)["UploadId"]
            parts = []
            for number, span in ((1, "bytes=1-5242880"), (2, None)):
                asked = {"CopySourceRange": span} if span else {}
                answer = s3.client.upload_part_copy(
                    Bucket=new_bucket,
                    Key="t",
                    UploadId=upload,
                    PartNumber=number,
                    CopySource=f"{new_bucket}/from-{mode}",
                    **asked,
                    **key,
                    **of_source,
                )
                parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
            s3.client.complete_multipart_upload(
                Bucket=new_bucket, Key="t", UploadId=upload, MultipartUpload={"Parts": parts}
            )
            assert s3.get(new_bucket, "t", mode=target) == body[1:5_242_881] + body, (mode, target)


def test_s3_ranges_of_parts(s3, new_bucket):
    s3.put(new_bucket, "k", b"hello")
    upload = s3.client.create_multipart_upload(Bucket=new_bucket, Key="t")["UploadId"]
    for span in ("bytes=0-5", "bytes=5-6", "bytes=2-", "bytes=-2", "0-3", "bytes=3-2"):
        copy = lambda: s3._call(
            s3.client.upload_part_copy,
            Bucket=new_bucket,
            Key="t",
            UploadId=upload,
            PartNumber=1,
            CopySource=f"{new_bucket}/k",
            CopySourceRange=span,
        )
        refused(400, "InvalidArgument", copy)


def test_oss_parts_of_objects(clients, new_bucket):
    client = clients["oss-v4"]
    client.create(new_bucket)
    body = os.urandom(300_000)
    for mode in ("plain", "managed", "kms-sm4"):
        client.put(new_bucket, "k", body, mode=mode)
        bucket = client.bucket(new_bucket)
        upload = bucket.init_multipart_upload("t", headers=client.headers("kms")).upload_id
        first = bucket.upload_part_copy(new_bucket, "k", (0, 149_999), "t", upload, 1)
        second = bucket.upload_part_copy(new_bucket, "k", (150_000, 299_999), "t", upload, 2)
        parts = [oss2.models.PartInfo(1, first.etag), oss2.models.PartInfo(2, second.etag)]
        bucket.complete_multipart_upload("t", upload, parts)
        assert client.get(new_bucket, "t") == body


def test_obs_parts_of_objects(clients, new_bucket):
    from obs import CompleteMultipartUploadRequest, CompletePart

    client = clients["obs"]
    client.create(new_bucket)
    body = os.urandom(300_000)
    client.put(new_bucket, "k", body, mode="kms")
    upload = client.check(client.client.initiateMultipartUpload(new_bucket, "t")).body.uploadId
    parts = []
    for number, span in ((1, "0-149999"), (2, "150000-299999")):
        answer = client.client.copyPart(new_bucket, "t", number, upload, f"{new_bucket}/k", copySourceRange=span)
        parts.append(CompletePart(partNum=number, etag=client.check(answer).body.etag))
    client.check(client.client.completeMultipartUpload(new_bucket, "t", upload, CompleteMultipartUploadRequest(parts)))
    assert client.get(new_bucket, "t") == body


# S3


@pytest.fixture
def s3(clients, new_bucket):
    client = clients["s3-v4"]
    client.create(new_bucket)
    return client


def copy_s3(client, bucket, **arguments):
    where = {"Bucket": bucket, "Key": "k"}
    return client._call(client.client.copy_object, Bucket=bucket, CopySource=where, **{"Key": "t", **arguments})


def test_s3_conditions(s3, new_bucket):
    tag = s3.put(new_bucket, "k", b"x")["ETag"]
    past, future = datetime.datetime(2001, 1, 1), datetime.datetime(2201, 1, 1)
    for holds in (
        {"CopySourceIfMatch": tag},
        {"CopySourceIfNoneMatch": '"00"'},
        {"CopySourceIfModifiedSince": past},
        {"CopySourceIfUnmodifiedSince": future},
        {"CopySourceIfMatch": tag, "CopySourceIfUnmodifiedSince": past},
    ):
        copy_s3(s3, new_bucket, **holds)
    for fails in (
        {"CopySourceIfMatch": '"00"'},
        {"CopySourceIfNoneMatch": tag},
        {"CopySourceIfModifiedSince": future},
        {"CopySourceIfUnmodifiedSince": past},
        {"CopySourceIfNoneMatch": tag, "CopySourceIfModifiedSince": past},
    ):
        refused(412, "PreconditionFailed", copy_s3, s3, new_bucket, **fails)
    with pytest.raises(s3.client.exceptions.ClientError) as found:
        s3.client.copy_object(Bucket=new_bucket, Key="t", CopySource=f"{new_bucket}/k", CopySourceIfMatch='"00"')
    assert found.value.response["Error"]["Condition"] == "x-amz-copy-source-If-Match"


def test_s3_onto_itself(s3, new_bucket):
    s3.put(new_bucket, "k", b"x", metadata={"a": "b"})
    found = refused(400, "InvalidRequest", copy_s3, s3, new_bucket, Key="k")
    assert found.message.startswith("This copy request is illegal because it is trying to copy an object to itself")
    for changed in (
        {"MetadataDirective": "REPLACE", "Metadata": {"c": "d"}},
        {"StorageClass": "STANDARD_IA"},
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "AES256"},
    ):
        copy_s3(s3, new_bucket, Key="k", **changed)
        assert s3.get(new_bucket, "k") == b"x"
    assert s3.client.head_object(Bucket=new_bucket, Key="k")["Metadata"] == {"c": "d"}
    s3.put(new_bucket, "sse-c", b"x", mode="customer")
    s3.copy(new_bucket, "sse-c", new_bucket, "sse-c", source_mode="customer")
    assert s3.get(new_bucket, "sse-c") == b"x"


def test_s3_spellings_of_the_source(s3, new_bucket):
    s3.put(new_bucket, "dir/a b", b"x")
    spelled = {}

    def respell(params, **_):
        params["headers"]["x-amz-copy-source"] = spelled["source"]

    def copy(source):
        spelled["source"] = source
        return s3._call(s3.client.copy_object, Bucket=new_bucket, Key="t", CopySource="any/thing")

    s3.client.meta.events.register("before-call.s3.CopyObject", respell)
    try:
        for path in ("/dir/a%20b", "/dir/a+b", "/dir%2Fa%20b", "%2Fdir%2Fa+b", "/dir/a%20b?versionId=null"):
            for slash in ("", "/", "%2F"):
                copy(f"{slash}{new_bucket}{path}")
        for wrong in ("nothing", f"/{new_bucket}", f"{new_bucket}/", "B!/k", f"/{new_bucket}/../k"):
            refused(400, "InvalidArgument", copy, wrong)
    finally:
        s3.client.meta.events.unregister("before-call.s3.CopyObject", respell)


def test_s3_directives_and_algorithms(s3, new_bucket):
    s3.client.put_object(Bucket=new_bucket, Key="k", Body=b"x", ChecksumAlgorithm="SHA256", ContentType="text/x")
    answer = copy_s3(s3, new_bucket)["CopyObjectResult"]
    assert answer["ChecksumSHA256"] and answer["ChecksumType"] == "FULL_OBJECT"
    assert s3.client.head_object(Bucket=new_bucket, Key="t")["ContentType"] == "text/x"
    answer = copy_s3(s3, new_bucket, ChecksumAlgorithm="CRC32C", MetadataDirective="REPLACE")["CopyObjectResult"]
    assert "ChecksumCRC32C" in answer and "ChecksumSHA256" not in answer
    assert s3.client.head_object(Bucket=new_bucket, Key="t")["ContentType"] == "binary/octet-stream"
    refused(400, "InvalidArgument", copy_s3, s3, new_bucket, MetadataDirective="SWAP")


def test_s3_if_none_match_on_the_target(s3, new_bucket):
    s3.put(new_bucket, "k", b"x")
    copy_s3(s3, new_bucket, IfNoneMatch="*")
    refused(412, "PreconditionFailed", copy_s3, s3, new_bucket, IfNoneMatch="*")


def test_s3_the_acl_is_not_copied(s3, new_bucket):
    """The copy has the list that its own request asks for, and is private if that asks for none."""

    def permissions(key):
        return [grant["Permission"] for grant in s3.client.get_object_acl(Bucket=new_bucket, Key=key)["Grants"]]

    s3.client.put_object(Bucket=new_bucket, Key="k", Body=b"x", ACL="public-read")
    assert permissions("k") == ["FULL_CONTROL", "READ"]
    copy_s3(s3, new_bucket)
    assert permissions("t") == ["FULL_CONTROL"]
    copy_s3(s3, new_bucket, ACL="public-read")
    assert permissions("t") == ["FULL_CONTROL", "READ"]


# OSS


@pytest.fixture
def oss(clients, new_bucket):
    client = clients["oss-v4"]
    client.create(new_bucket)
    return client


def test_oss_answers(oss, new_bucket):
    written = oss.put(new_bucket, "k", b"hello")
    copied = oss.copy(new_bucket, "k", new_bucket, "t")
    assert copied.etag == written.etag == hashlib.md5(b"hello").hexdigest().upper()
    assert copied.crc == written.crc


def test_oss_conditions(oss, new_bucket):
    tag = oss.put(new_bucket, "k", b"x").etag
    bucket = oss.bucket(new_bucket)
    copy = lambda name, value: oss.call(
        bucket.copy_object, new_bucket, "k", "t", headers={f"x-oss-copy-source-if-{name}": value}
    )
    past, future = oss2.http_date(1_000_000_000), oss2.http_date(7_000_000_000)
    for name, value in (("match", tag), ("none-match", "00"), ("modified-since", past), ("unmodified-since", future)):
        copy(name, value)
    refused(412, "PreconditionFailed", copy, "match", "00")
    refused(412, "PreconditionFailed", copy, "unmodified-since", past)
    for name, value in (("none-match", tag), ("modified-since", future)):
        with pytest.raises(Refused) as found:
            copy(name, value)
        assert found.value.status == 304


def test_oss_forbids_overwriting(oss, new_bucket):
    oss.put(new_bucket, "k", b"x")
    copy = lambda: oss.call(
        oss.bucket(new_bucket).copy_object, new_bucket, "k", "t", headers={"x-oss-forbid-overwrite": "true"}
    )
    copy()
    refused(409, "FileAlreadyExists", copy)


def test_oss_onto_itself_replaces_metadata(oss, new_bucket):
    """As `update_object_meta` does it, and whatever the directive says."""
    oss.put(new_bucket, "k", b"x" * 100_000, metadata={"a": "b"})
    bucket = oss.bucket(new_bucket)
    bucket.update_object_meta("k", {"x-oss-meta-c": "d", "Content-Type": "text/x"})
    head = bucket.head_object("k")
    assert head.headers["x-oss-meta-c"] == "d" and "x-oss-meta-a" not in head.headers
    assert head.content_type == "text/x"
    bucket.copy_object(new_bucket, "k", "k", headers={"x-oss-meta-e": "f"})
    head = bucket.head_object("k")
    assert head.headers["x-oss-meta-e"] == "f" and "x-oss-meta-c" not in head.headers
    assert bucket.get_object("k").read() == b"x" * 100_000


def test_oss_20_set_meta_changes_the_method(oss, new_bucket):
    """Row 20 of the acceptance list: what `ossutil set-meta` does."""
    oss.put(new_bucket, "k", b"x", mode="kms")
    for mode in ("managed", "kms", "managed-sm4"):
        oss.copy(new_bucket, "k", new_bucket, "k", mode=mode)
        assert told(oss.head(new_bucket, "k")) == mode
    assert oss.get(new_bucket, "k") == b"x"


def test_oss_prefixed_options_are_overlooked(oss, new_bucket):
    """ali-oss writes every option of a copy with the source's prefix."""
    oss.put(new_bucket, "k", b"x")
    header = {"x-oss-copy-source-x-oss-server-side-encryption": "KMS"}
    oss.bucket(new_bucket).copy_object(new_bucket, "k", "t", headers=header)
    assert told(oss.head(new_bucket, "t")) == "plain"


# OBS


@pytest.fixture
def obs(clients, new_bucket):
    client = clients["obs"]
    client.create(new_bucket)
    return client


def test_obs_conditions(obs, new_bucket):
    tag = obs.put(new_bucket, "k", b"x").body.etag
    copy = lambda **given: obs.check(
        obs.client.copyObject(new_bucket, "k", new_bucket, "t", headers=CopyObjectHeader(**given))
    )
    past, future = "Sat, 01 Jan 2000 00:00:00 GMT", "Wed, 01 Jan 2200 00:00:00 GMT"
    copy(if_match=tag)
    copy(if_none_match='"00"')
    copy(if_modified_since=past)
    copy(if_unmodified_since=future)
    for given in (
        {"if_match": '"00"'},
        {"if_none_match": tag},
        {"if_modified_since": future},
        {"if_unmodified_since": past},
    ):
        refused(412, "PreconditionFailed", copy, **given)


def test_obs_onto_itself(obs, new_bucket):
    obs.put(new_bucket, "k", b"x", metadata={"a": "b"})
    refused(400, "InvalidRequest", obs.copy, new_bucket, "k", new_bucket, "k")
    obs.copy(new_bucket, "k", new_bucket, "k", metadata={"c": "d"})
    assert obs.head(new_bucket, "k")["c"] == "d"
    obs.copy(new_bucket, "k", new_bucket, "k", mode="kms")
    assert told(obs.head(new_bucket, "k")) == "kms"
    # What is encrypted does not become plain in its place; elsewhere it may.
    refused(400, "InvalidRequest", obs.copy, new_bucket, "k", new_bucket, "k", metadata={"e": "f"})
    obs.copy(new_bucket, "k", new_bucket, "elsewhere")
    assert told(obs.head(new_bucket, "elsewhere")) == "plain"


def test_obs_answers(obs, new_bucket):
    obs.put(new_bucket, "k", b"x")
    answer = obs.copy(new_bucket, "k", new_bucket, "t", mode="customer").body
    assert answer.sseC == "AES256" and answer.sseCKeyMd5 and answer.etag and answer.lastModified
    answer = obs.copy(new_bucket, "k", new_bucket, "t", mode="kms").body
    assert answer.sseKms == "kms" and answer.sseKmsKey


# UpdateObjectEncryption


def test_s3_the_master_key_is_changed_in_place(s3, new_bucket, server):
    described = server.command("key", "create")
    arn = f"arn:aws:kms:us-east-1:{described['account']}:key/{described['id']}"
    update = lambda key: s3._call(
        s3.client.update_object_encryption,
        Bucket=new_bucket,
        Key=key,
        ObjectEncryption={"SSEKMS": {"KMSKeyArn": arn, "BucketKeyEnabled": True}},
    )
    for mode, size in (("managed", 5), ("kms", 200_000)):
        s3.put(new_bucket, "k", b"x" * size, mode=mode)
        before = s3.client.head_object(Bucket=new_bucket, Key="k")
        update("k")
        after = s3.client.head_object(Bucket=new_bucket, Key="k")
        assert (after["ServerSideEncryption"], after["SSEKMSKeyId"], after["BucketKeyEnabled"]) == ("aws:kms", arn, True)
        assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
        assert s3.get(new_bucket, "k") == b"x" * size
    s3.put(new_bucket, "c", b"x", mode="customer")
    refused(400, "InvalidRequest", update, "c")
    refused(404, "NoSuchKey", update, "nothing")
