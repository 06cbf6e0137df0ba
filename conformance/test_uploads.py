"""Multipart uploads by the vendors' own SDKs: begin, write parts, list, complete, abort, read by part; in every dialect and every
way of encrypting that it has."""

import base64
import hashlib
import io
import itertools
import os
import threading

import boto3.s3.transfer
import oss2
import pytest
from obs import CompleteMultipartUploadRequest, CompletePart

from clients import CUSTOMER_KEY, Refused

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
    kind = {"s3": ByS3, "os": ByOss, "ob": ByObs}[client.name[:2]]
    return kind(client)


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
