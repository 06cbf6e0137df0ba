"""Multipart uploads by the vendors' own SDKs: begin, write parts, list, complete, abort, read by part; in every dialect and every
way of encrypting that it has."""

import base64
import hashlib
import io
import threading

import boto3.s3.transfer
import oss2
import pytest
from alibabacloud_oss_v2 import models
from obs import CompleteMultipartUploadRequest, CompletePart

from clients import Refused

MEBI = 1024 * 1024


def body(size, seed=0):
    """`size` bytes that repeat nowhere a chunk or a part could be mistaken for another."""
    block = hashlib.shake_256(bytes([seed])).digest(MEBI)
    pieces = (block[:-8] + number.to_bytes(8, "big") for number in range(size // MEBI + 1))
    return b"".join(pieces)[:size]


def composite(parts):
    """The tag that all three services give to an object of parts whose tags are MD5s."""
    return hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest() + f"-{len(parts)}"


class ByS3:
    """Uploads by boto3."""

    def __init__(self, client):
        self.client, self.s3 = client, client.client

    def begin(self, bucket, key, mode, **more):
        arguments = {**self.client._write_arguments(mode), **more}
        return self.client._call(self.s3.create_multipart_upload, Bucket=bucket, Key=key, **arguments)["UploadId"]

    def part(self, bucket, key, upload, number, data, mode):
        arguments = self.client._read_arguments(mode)
        answer = self.client._call(
            self.s3.upload_part, Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, **arguments
        )
        return answer["ETag"]

    def complete(self, bucket, key, upload, parts):
        named = [{"PartNumber": number, "ETag": tag} for number, tag in parts]
        answer = self.client._call(
            self.s3.complete_multipart_upload,
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": named},
        )
        return answer["ETag"].strip('"').lower()

    def abort(self, bucket, key, upload):
        self.client._call(self.s3.abort_multipart_upload, Bucket=bucket, Key=key, UploadId=upload)

    def parts(self, bucket, key, upload, page=1000):
        pages = self.s3.get_paginator("list_parts").paginate(
            Bucket=bucket, Key=key, UploadId=upload, PaginationConfig={"PageSize": page}
        )
        listed = self.client._call(lambda: [part for one in pages for part in one.get("Parts", [])])
        return [(part["PartNumber"], part["ETag"], part["Size"]) for part in listed]

    def uploads(self, bucket, prefix="", page=1000):
        pages = self.s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": page}
        )
        return [(one["Key"], one["UploadId"]) for page in pages for one in page.get("Uploads", [])]


class ByOss:
    """Uploads by oss2."""

    def __init__(self, client):
        self.client = client

    def begin(self, bucket, key, mode):
        headers = self.client.headers(mode)
        return self.client.call(self.client.bucket(bucket).init_multipart_upload, key, headers=headers).upload_id

    def part(self, bucket, key, upload, number, data, mode):
        headers = self.client.headers(mode) if mode == "customer" else None
        return self.client.call(
            self.client.bucket(bucket).upload_part, key, upload, number, data, headers=headers
        ).etag

    def complete(self, bucket, key, upload, parts):
        parts = [oss2.models.PartInfo(number, tag) for number, tag in parts]
        answer = self.client.call(self.client.bucket(bucket).complete_multipart_upload, key, upload, parts)
        return answer.etag.strip('"').lower()

    def abort(self, bucket, key, upload):
        self.client.call(self.client.bucket(bucket).abort_multipart_upload, key, upload)

    def parts(self, bucket, key, upload, page=1000):
        found = self.client.call(
            lambda: list(oss2.PartIterator(self.client.bucket(bucket), key, upload, max_parts=page))
        )
        return [(part.part_number, part.etag, part.size) for part in found]

    def uploads(self, bucket, prefix="", page=1000):
        found = oss2.MultipartUploadIterator(self.client.bucket(bucket), prefix=prefix, max_uploads=page)
        return [(one.key, one.upload_id) for one in found]


class ByOssSecond:
    """Uploads by alibabacloud-oss-v2."""

    def __init__(self, client):
        self.client, self.sdk = client, client.sdk

    def begin(self, bucket, key, mode):
        request = models.InitiateMultipartUploadRequest(bucket, key, headers=self.client.headers(mode))
        return self.client.ask(self.sdk.initiate_multipart_upload, request).upload_id

    def part(self, bucket, key, upload, number, data, mode):
        headers = self.client.read_headers(mode)
        request = models.UploadPartRequest(bucket, key, number, upload, body=data, headers=headers)
        return self.client.ask(self.sdk.upload_part, request).etag

    def complete(self, bucket, key, upload, parts):
        parts = [models.UploadPart(part_number=number, etag=tag) for number, tag in parts]
        document = models.CompleteMultipartUpload(parts=parts)
        request = models.CompleteMultipartUploadRequest(bucket, key, upload, complete_multipart_upload=document)
        return self.client.ask(self.sdk.complete_multipart_upload, request).etag.strip('"').lower()

    def abort(self, bucket, key, upload):
        self.client.ask(self.sdk.abort_multipart_upload, models.AbortMultipartUploadRequest(bucket, key, upload))

    def parts(self, bucket, key, upload, page=1000):
        pages = self.sdk.list_parts_paginator()
        listed = lambda request: [part for one in pages.iter_page(request) for part in one.parts or []]
        found = self.client.ask(listed, models.ListPartsRequest(bucket, key, upload, max_parts=page))
        return [(part.part_number, part.etag, part.size) for part in found]

    def uploads(self, bucket, prefix="", page=1000):
        pages = self.sdk.list_multipart_uploads_paginator()
        listed = lambda request: [upload for one in pages.iter_page(request) for upload in one.uploads or []]
        request = models.ListMultipartUploadsRequest(bucket, prefix=prefix, max_uploads=page)
        return [(one.key, one.upload_id) for one in self.client.ask(listed, request)]


class ByObs:
    """Uploads by esdk-obs-python."""

    def __init__(self, client):
        self.client, self.obs = client, client.client

    def begin(self, bucket, key, mode):
        extension = {f"{self.client.prefix}server-side-data-encryption": "SM4"} if mode == "kms-sm4" else None
        answer = self.obs.initiateMultipartUpload(
            bucket, key, sseHeader=self.client._sse(mode), extensionHeaders=extension
        )
        return self.client.check(answer).body.uploadId

    def part(self, bucket, key, upload, number, data, mode):
        sse = self.client._sse(mode) if mode == "customer" else None
        answer = self.obs.uploadPart(bucket, key, number, upload, io.BytesIO(data), partSize=len(data), sseHeader=sse)
        return self.client.check(answer).body.etag

    def complete(self, bucket, key, upload, parts):
        parts = [CompletePart(partNum=number, etag=tag) for number, tag in parts]
        request = CompleteMultipartUploadRequest(parts=parts)
        return self.client.check(self.obs.completeMultipartUpload(bucket, key, upload, request)).body.etag.strip('"')

    def abort(self, bucket, key, upload):
        self.client.check(self.obs.abortMultipartUpload(bucket, key, upload))

    def parts(self, bucket, key, upload, page=1000):
        found, marker = [], None
        while True:
            answer = self.client.check(self.obs.listParts(bucket, key, upload, page, marker)).body
            found += [(part.partNumber, part.etag, part.size) for part in answer.parts]
            if not answer.isTruncated:
                return found
            marker = answer.nextPartNumberMarker

    def uploads(self, bucket, prefix="", page=1000):
        from obs import ListMultipartUploadsRequest

        found, key, upload = [], None, None
        while True:
            request = ListMultipartUploadsRequest(
                prefix=prefix or None, max_uploads=page, key_marker=key, upload_id_marker=upload
            )
            answer = self.client.check(self.obs.listMultipartUploads(bucket, request)).body
            found += [(one.key, one.uploadId) for one in answer.upload]
            if not answer.isTruncated:
                return found
            key, upload = answer.nextKeyMarker, answer.nextUploadIdMarker


@pytest.fixture
def by(client):
    kinds = {"s3": ByS3, "os": ByOss, "ob": ByObs, "oss-second": ByOssSecond}
    return kinds.get(client.name, kinds.get(client.name[:2]))(client)


# 100 KiB are enough in OSS and OBS, and 5 MiB are needed in S3 and by what the OBS clients fall back to.
def least(client):
    return 100 * 1024 if client.name.startswith(("oss", "obs-virtual")) else 5 * MEBI


def test_in_every_mode(client, by, bucket):
    for number, mode in enumerate(client.modes):
        key = f"dir/übung {mode}"
        pieces = [body(least(client) + number, 1), body(least(client), 2), b"the end"]
        upload = by.begin(bucket, key, mode)
        written = [(at, by.part(bucket, key, upload, at, piece, mode)) for at, piece in enumerate(pieces, 1)]
        assert [(at, size) for at, _, size in by.parts(bucket, key, upload)] == [
            (at, len(piece)) for at, piece in enumerate(pieces, 1)
        ]
        tag = by.complete(bucket, key, upload, written)
        whole = b"".join(pieces)
        assert client.get(bucket, key, mode) == whole
        assert tag.endswith("-3")
        digests = hashlib.md5(b"".join(bytes.fromhex(it.strip('"')) for _, it in written)).hexdigest()
        assert tag == f"{digests}-3"
        if mode == "plain" or client.name.startswith("oss"):
            assert tag == composite(pieces)
        edge = len(pieces[0])
        for first, last in [(0, 0), (edge - 1, edge), (edge + 5, edge + 70_000), (len(whole) - 9, len(whole) - 1)]:
            assert client.get(bucket, key, mode, first, last) == whole[first : last + 1], (mode, first)
        head = {name.lower(): value for name, value in client.head(bucket, key, mode).items()}
        assert int(head["content-length"]) == len(whole)
        if client.name.startswith("oss"):
            assert head["x-oss-object-type"] == "Multipart"
            crc = oss2.utils.Crc64()
            crc(whole)
            assert int(head["x-oss-hash-crc64ecma"]) == crc.crc
        with pytest.raises(Refused) as refused:
            by.parts(bucket, key, upload)
        assert (refused.value.status, refused.value.code) == (404, "NoSuchUpload")
        client.delete(bucket, key)


def test_a_part_is_replaced_and_what_is_not_named_is_left_out(client, by, bucket):
    size = least(client)
    upload = by.begin(bucket, "k", "plain")
    by.part(bucket, "k", upload, 2, body(size, 9), "plain")
    second = by.part(bucket, "k", upload, 2, body(size, 2), "plain")
    by.part(bucket, "k", upload, 5, body(size, 5), "plain")
    last = by.part(bucket, "k", upload, 10_000, b"", "plain")
    by.complete(bucket, "k", upload, [(2, second), (10_000, last)])
    assert client.get(bucket, "k") == body(size, 2)
    client.delete(bucket, "k")


def test_what_cannot_be_completed(client, by, bucket):
    size = least(client)
    upload = by.begin(bucket, "k", "plain")
    small = by.part(bucket, "k", upload, 1, b"small", "plain")
    second = by.part(bucket, "k", upload, 2, body(size), "plain")

    def refused(parts):
        with pytest.raises(Refused) as failure:
            by.complete(bucket, "k", upload, parts)
        return failure.value.status, failure.value.code

    assert refused([(1, small), (2, second)]) == (400, "EntityTooSmall")
    if client.name.startswith("s3"):
        # The others' SDKs order the parts themselves.
        assert refused([(2, second), (1, small)]) == (400, "InvalidPartOrder")
    assert refused([(2, small)]) == (400, "InvalidPart")
    assert refused([(3, second)]) == (400, "InvalidPart")
    with pytest.raises(Refused) as failure:
        by.part(bucket, "k", upload, 10_001, b"x", "plain")
    assert (failure.value.status, failure.value.code) == (400, "InvalidArgument")
    # The upload is still as it was.
    by.complete(bucket, "k", upload, [(2, second)])
    assert client.get(bucket, "k") == body(size)
    client.delete(bucket, "k")


def test_aborted_uploads_are_gone(client, by, bucket):
    upload = by.begin(bucket, "k", "managed")
    tag = by.part(bucket, "k", upload, 1, b"x", "managed")
    by.abort(bucket, "k", upload)
    for action in [
        lambda: by.abort(bucket, "k", upload),
        lambda: by.part(bucket, "k", upload, 1, b"x", "managed"),
        lambda: by.complete(bucket, "k", upload, [(1, tag)]),
        lambda: by.abort(bucket, "k", "no-upload-has-such-an-id"),
    ]:
        with pytest.raises(Refused) as refused:
            action()
        assert (refused.value.status, refused.value.code) == (404, "NoSuchUpload")


def test_a_completion_answers_again(client, by, bucket):
    upload = by.begin(bucket, "k", "plain")
    tag = by.part(bucket, "k", upload, 1, b"once", "plain")
    first = by.complete(bucket, "k", upload, [(1, tag)])
    assert by.complete(bucket, "k", upload, [(1, tag)]) == first
    client.delete(bucket, "k")


def test_uploads_are_listed_page_by_page(client, by, bucket):
    begun = []
    for key in ["a/1", "b", "b", "b", "c/ü"]:
        begun.append((key, by.begin(bucket, key, "plain")))
    assert by.uploads(bucket) == begun
    assert by.uploads(bucket, page=2) == begun
    assert by.uploads(bucket, prefix="b") == begun[1:4]
    with pytest.raises(Refused) as refused:
        client.delete_bucket(bucket)
    assert refused.value.code == "BucketNotEmpty"
    for key, upload in begun:
        by.abort(bucket, key, upload)
    assert by.uploads(bucket) == []
    client.delete_bucket(bucket)


@pytest.fixture
def s3(clients):
    return clients["s3-v4"]


@pytest.fixture
def oss(clients):
    return clients["oss-v4"]


def md5_of_parts(parts):
    return f'"{composite(parts)}"'


@pytest.mark.parametrize("mode", ["plain", "managed", "kms", "customer"])
def test_boto3_transfers_in_parts(s3, new_bucket, mode):
    s3.create(new_bucket)
    data = body(18 * MEBI + 12_345, 7)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=MEBI, multipart_chunksize=5 * MEBI, max_concurrency=4)
    s3.client.upload_fileobj(
        io.BytesIO(data), new_bucket, "k", ExtraArgs={**s3._write_arguments(mode), "Metadata": {"a": "b"}}, Config=config
    )
    sink = io.BytesIO()
    s3.client.download_fileobj(new_bucket, "k", sink, ExtraArgs=s3._read_arguments(mode), Config=config)
    assert sink.getvalue() == data
    head = s3.client.head_object(Bucket=new_bucket, Key="k", ChecksumMode="ENABLED", **s3._read_arguments(mode))
    assert head["ETag"].endswith('-4"') and head["Metadata"] == {"a": "b"}
    # boto3 asks for CRC-32, of which that of the whole is made of those of the parts.
    assert head["ChecksumCRC32"].endswith("-4") and head["ChecksumType"] == "COMPOSITE"


def test_s3_reads_by_part(s3, new_bucket):
    s3.create(new_bucket)
    by = ByS3(s3)
    pieces = [body(5 * MEBI, 1), body(5 * MEBI + 3, 2), b"end"]
    upload = by.begin(new_bucket, "k", "kms")
    tags = [(at, by.part(new_bucket, "k", upload, at * 10, piece, "kms")) for at, piece in enumerate(pieces, 1)]
    by.complete(new_bucket, "k", upload, [(at * 10, tag) for at, tag in tags])
    offset = 0
    for at, piece in enumerate(pieces, 1):
        answer = s3.client.get_object(Bucket=new_bucket, Key="k", PartNumber=at * 10)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert answer["Body"].read() == piece and answer["PartsCount"] == 3
        assert answer["ContentRange"] == f"bytes {offset}-{offset + len(piece) - 1}/{sum(map(len, pieces))}"
        head = s3.client.head_object(Bucket=new_bucket, Key="k", PartNumber=at * 10)
        assert head["ContentLength"] == len(piece) and head["PartsCount"] == 3
        offset += len(piece)
    for number in (1, 40):
        with pytest.raises(Refused) as refused:
            s3._call(s3.client.get_object, Bucket=new_bucket, Key="k", PartNumber=number)
        assert (refused.value.status, refused.value.code) == (416, "InvalidPartNumber")
    s3.put(new_bucket, "whole", b"in one")
    answer = s3.client.get_object(Bucket=new_bucket, Key="whole", PartNumber=1)
    assert answer["Body"].read() == b"in one" and "PartsCount" not in answer


SUMS = {
    "CRC32": ("COMPOSITE", "FULL_OBJECT"),
    "CRC32C": ("COMPOSITE", "FULL_OBJECT"),
    "CRC64NVME": ("FULL_OBJECT",),
    "SHA1": ("COMPOSITE",),
    "SHA256": ("COMPOSITE",),
}


@pytest.mark.parametrize("algorithm,kind", [(name, kind) for name, kinds in SUMS.items() for kind in kinds])
def test_s3_checksums_of_uploads(s3, new_bucket, algorithm, kind):
    from botocore.httpchecksum import _CHECKSUM_CLS

    s3.create(new_bucket)
    client, field = s3.client, f"Checksum{algorithm}"
    pieces = [body(5 * MEBI, 3), body(5 * MEBI, 4), b"tail"]
    begun = client.create_multipart_upload(
        Bucket=new_bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind, ServerSideEncryption="aws:kms"
    )
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == (algorithm, kind)
    upload = {"Bucket": new_bucket, "Key": "k", "UploadId": begun["UploadId"]}
    parts = []
    for number, piece in enumerate(pieces, 1):
        answer = client.upload_part(**upload, PartNumber=number, Body=piece, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": answer["ETag"], field: answer[field]})
    listed = client.list_parts(**upload)
    assert listed["ChecksumAlgorithm"] == algorithm and listed["ChecksumType"] == kind
    assert [part[field] for part in listed["Parts"]] == [part[field] for part in parts]

    def value(data):
        sum = _CHECKSUM_CLS[algorithm.lower()]()
        sum.update(data)
        return sum.digest()

    assert [base64.b64decode(part[field]) for part in parts] == [value(piece) for piece in pieces]
    whole = value(b"".join(pieces)) if kind == "FULL_OBJECT" else value(b"".join(map(value, pieces)))
    expected = base64.b64encode(whole).decode() + ("" if kind == "FULL_OBJECT" else "-3")
    named = {"Parts": parts}
    wrong = {"Parts": [{**parts[0], field: parts[1][field]}, *parts[1:]]}
    with pytest.raises(Refused) as refused:
        s3._call(client.complete_multipart_upload, **upload, MultipartUpload=wrong)
    assert (refused.value.status, refused.value.code) == (400, "InvalidPart")
    if kind == "FULL_OBJECT":
        with pytest.raises(Refused) as refused:
            bad = base64.b64encode(bytes(len(whole))).decode()
            s3._call(client.complete_multipart_upload, **upload, MultipartUpload=named, **{field: bad})
        assert (refused.value.status, refused.value.code) == (400, "BadDigest")
    with pytest.raises(Refused) as refused:
        s3._call(client.complete_multipart_upload, **upload, MultipartUpload=named, MpuObjectSize=1)
    assert (refused.value.status, refused.value.code) == (400, "InvalidRequest")
    size = sum(map(len, pieces))
    more = {field: expected} if kind == "FULL_OBJECT" else {}
    done = client.complete_multipart_upload(**upload, MultipartUpload=named, MpuObjectSize=size, ChecksumType=kind, **more)
    assert (done[field], done["ChecksumType"]) == (expected, kind)
    read = client.get_object(Bucket=new_bucket, Key="k", ChecksumMode="ENABLED")
    assert read["Body"].read() == b"".join(pieces) and read[field] == expected
    assert client.get_object(Bucket=new_bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")["Body"].read() == pieces[1]
    told = client.get_object_attributes(
        Bucket=new_bucket,
        Key="k",
        ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"],
        MaxParts=2,
    )
    assert told["ObjectSize"] == size and told["ETag"] == read["ETag"].strip('"') and told["StorageClass"] == "STANDARD"
    assert told["Checksum"] == {field: expected, "ChecksumType": kind}
    page = told["ObjectParts"]
    assert (page["TotalPartsCount"], page["IsTruncated"], page["NextPartNumberMarker"]) == (3, True, 2)
    assert page["Parts"] == [
        {"PartNumber": at, "Size": len(piece), field: parts[at - 1][field]} for at, piece in enumerate(pieces[:2], 1)
    ]


def test_s3_completion_conditions(s3, new_bucket):
    s3.create(new_bucket)
    by = ByS3(s3)

    def upload(**conditions):
        id = by.begin(new_bucket, "k", "plain")
        tag = by.part(new_bucket, "k", id, 1, b"new", "plain")
        named = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        return s3._call(
            s3.client.complete_multipart_upload,
            Bucket=new_bucket,
            Key="k",
            UploadId=id,
            MultipartUpload=named,
            **conditions,
        )

    first = upload(IfNoneMatch="*")
    with pytest.raises(Refused) as refused:
        upload(IfNoneMatch="*")
    assert (refused.value.status, refused.value.code) == (412, "PreconditionFailed")
    with pytest.raises(Refused) as refused:
        upload(IfMatch='"' + "0" * 32 + '"')
    assert refused.value.status == 412
    upload(IfMatch=first["ETag"])


def test_s3_refuses_the_fields_of_a_beginning_on_parts(s3, new_bucket):
    s3.create(new_bucket)
    by = ByS3(s3)
    upload = by.begin(new_bucket, "k", "managed")
    events = s3.client.meta.events

    def add(params, **_):
        params["headers"]["x-amz-server-side-encryption"] = "AES256"

    events.register("before-call.s3.UploadPart", add)
    try:
        with pytest.raises(Refused) as refused:
            by.part(new_bucket, "k", upload, 1, b"x", "plain")
    finally:
        events.unregister("before-call.s3.UploadPart", add)
    assert (refused.value.status, refused.value.code) == (400, "InvalidArgument")


def test_oss_16_and_17_encryption_of_uploads(oss, new_bucket):
    """Rows 16 and 17 of the acceptance table."""
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    headers = oss.headers("kms-sm4")

    def told(answer):
        return [
            answer.headers.get(f"x-oss-server-side-{name}")
            for name in ("encryption", "data-encryption", "encryption-key-id")
        ]

    begun = bucket.init_multipart_upload("k", headers=headers)
    key = told(begun)[2]
    assert told(begun) == ["KMS", "SM4", key] and key
    with pytest.raises(Refused) as refused:
        oss.call(bucket.upload_part, "k", begun.upload_id, 1, b"x" * 102_400, headers=headers)
    assert (refused.value.status, refused.value.code) == (400, "InvalidArgument")
    part = bucket.upload_part("k", begun.upload_id, 1, b"x" * 102_400)
    assert told(part) == ["KMS", "SM4", key]
    assert part.etag == hashlib.md5(b"x" * 102_400).hexdigest().upper()
    parts = [oss2.models.PartInfo(1, part.etag, part_crc=part.crc, size=102_400)]
    with pytest.raises(Refused) as refused:
        oss.call(bucket.complete_multipart_upload, "k", begun.upload_id, parts, headers=headers)
    assert (refused.value.status, refused.value.code) == (400, "InvalidArgument")
    done = bucket.complete_multipart_upload("k", begun.upload_id, parts)
    assert told(done) == ["KMS", "SM4", key]
    assert told(bucket.head_object("k")) == ["KMS", "SM4", key]


def test_oss_completes_with_all_parts(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    upload = bucket.init_multipart_upload("k").upload_id
    pieces = [b"a" * 102_400, b"b" * 102_400, b"c"]
    for number, piece in enumerate(pieces, 1):
        part = bucket.upload_part("k", upload, number * 7, piece)
    all_parts = {"x-oss-complete-all": "yes"}
    both = [oss2.models.PartInfo(21, part.etag)]
    with pytest.raises(Refused) as refused:
        oss.call(bucket.complete_multipart_upload, "k", upload, both, headers=all_parts)
    assert (refused.value.status, refused.value.code) == (400, "InvalidArgument")
    bucket.complete_multipart_upload("k", upload, None, headers=all_parts)
    assert bucket.get_object("k").read() == b"".join(pieces)
    again = bucket.init_multipart_upload("k").upload_id
    bucket.upload_part("k", again, 1, b"x")
    with pytest.raises(Refused) as refused:
        headers = {**all_parts, "x-oss-forbid-overwrite": "true"}
        oss.call(bucket.complete_multipart_upload, "k", again, None, headers=headers)
    assert (refused.value.status, refused.value.code) == (409, "FileAlreadyExists")


@pytest.mark.parametrize("mode", ["plain", "managed", "managed-sm4", "kms", "kms-sm4"])
def test_oss2_resumes_an_upload(oss, new_bucket, tmp_path, mode):
    oss.create(new_bucket)
    path = tmp_path / "file"
    path.write_bytes(body(3 * MEBI + 77, 5))
    store = oss2.ResumableStore(root=str(tmp_path))

    class Interrupted(Exception):
        pass

    def interrupt(consumed, total):
        if consumed >= 2 * MEBI:
            raise Interrupted

    arguments = dict(multipart_threshold=MEBI, part_size=MEBI, num_threads=1, store=store, headers=oss.headers(mode))
    bucket = oss.bucket(new_bucket)
    with pytest.raises(Interrupted):
        oss2.resumable_upload(bucket, "k", str(path), progress_callback=interrupt, **arguments)
    assert ByOss(oss).uploads(new_bucket)
    oss2.resumable_upload(bucket, "k", str(path), **arguments)
    assert bucket.get_object("k").read() == path.read_bytes()
    assert ByOss(oss).uploads(new_bucket) == []


@pytest.mark.parametrize("method,cipher", [(None, None), ("AES256", None), ("SM4", None), ("KMS", None), ("KMS", "SM4")])
def test_the_second_oss_client_uploads_in_parts(clients, new_bucket, method, cipher):
    clients["oss-second"].create(new_bucket)
    client = clients["oss-second"].sdk
    data = body(3 * MEBI + 7, 8)
    request = models.PutObjectRequest(
        bucket=new_bucket, key="k", server_side_encryption=method, server_side_data_encryption=cipher
    )
    # The client holds the CRC-64 of the whole, put together here from those of the parts, against its own.
    done = client.uploader(part_size=MEBI, parallel_num=3).upload_from(request, io.BytesIO(data))
    assert done.etag.strip('"').endswith("-4")
    read = client.get_object(models.GetObjectRequest(bucket=new_bucket, key="k"))
    assert read.body.read() == data and read.object_type == "Multipart"
    assert (read.server_side_encryption, read.server_side_data_encryption) == (method, cipher)


@pytest.mark.parametrize("name", ["obs", "obs-tls", "obs-fallback"])
def test_the_obs_client_uploads_and_resumes_files(clients, new_bucket, tmp_path, name):
    client = clients[name]
    client.create(new_bucket)
    path = tmp_path / "file"
    path.write_bytes(body(21 * MEBI + 5, 6))
    for mode in client.modes:
        if mode == "kms-sm4":
            continue
        answer = client.client.uploadFile(
            new_bucket,
            mode,
            str(path),
            partSize=9 * MEBI,
            taskNum=3,
            enableCheckpoint=True,
            checkpointFile=str(tmp_path / f"{mode}.checkpoint"),
            headers=obs_upload_header(client, mode),
        )
        client.check(answer)
        assert client.get(new_bucket, mode, mode) == path.read_bytes(), mode
        head = {field.lower(): value for field, value in client.head(new_bucket, mode, mode).items()}
        assert head["etag"].strip('"').endswith("-3")
        if name != "obs-fallback":
            assert len(head["uploadid"]) == 32


def obs_upload_header(client, mode):
    from obs import UploadFileHeader

    return UploadFileHeader(sseHeader=client._sse(mode))


def test_many_streams_at_once(s3, new_bucket):
    """Parts of one upload from many threads, in no order, some of them twice."""
    s3.create(new_bucket)
    by = ByS3(s3)
    upload = by.begin(new_bucket, "k", "kms")
    pieces = [body(5 * MEBI, number) for number in range(6)]
    tags, failures = {}, []

    def write(number):
        try:
            tags[number] = by.part(new_bucket, "k", upload, number, pieces[number - 1], "kms")
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(number,)) for number in [*range(1, 7), 3, 5]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    listed = {number: tag for number, tag, _ in by.parts(new_bucket, "k", upload)}
    by.complete(new_bucket, "k", upload, sorted(listed.items()))
    assert s3.get(new_bucket, "k") == b"".join(pieces)
