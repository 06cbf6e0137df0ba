"""Versions through the vendors' SDKs: each dialect's own spelling of one and the same history."""

import itertools
import json
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

import alibabacloud_oss_v2
import oss2
import pytest
import requests
from alibabacloud_oss_v2 import models
from obs import (
    CompleteMultipartUploadRequest,
    CompletePart,
    DeleteObjectsRequest,
    GetObjectHeader,
    GetObjectRequest,
    Object,
)
from obs import Versions as ListedVersions
from oss2.models import BatchDeleteObjectVersion, BatchDeleteObjectVersionList, BucketVersioningConfig

from clients import CUSTOMER_KEY, S3, Obs, Oss, Refused, second_sdk
from strongroom import ACCESS_KEY, REGION, SECRET_KEY


class Listed(NamedTuple):
    """A version in a listing."""

    key: str
    version: str
    is_latest: bool
    is_marker: bool


class S3Face:
    """boto3."""

    prefix, marker_by_id = "x-amz-", (405, "MethodNotAllowed")

    def __init__(self, client):
        self.client, self.boto, self.modes = client, client.client, client.modes

    def switch(self, bucket, status):
        self.boto.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    def status(self, bucket):
        return self.boto.get_bucket_versioning(Bucket=bucket).get("Status")

    def put(self, bucket, key, body, mode="plain"):
        return self.client.put(bucket, key, body, mode).get("VersionId")

    def get(self, bucket, key, version=None, mode="plain"):
        named = {"VersionId": version} if version else {}
        answer = self.client._call(
            self.boto.get_object, Bucket=bucket, Key=key, **named, **self.client._read_arguments(mode)
        )
        return answer["Body"].read(), answer.get("VersionId")

    def delete(self, bucket, key, version=None):
        """What is answered: the version, and whether it is a delete marker."""
        answer = self.boto.delete_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
        return answer.get("VersionId"), answer.get("DeleteMarker", False)

    def delete_many(self, bucket, wanted):
        """For each: the key, the version asked for, and the delete marker."""
        objects = [{"Key": key, **({"VersionId": version} if version else {})} for key, version in wanted]
        deleted = self.boto.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]
        return [(it["Key"], it.get("VersionId"), it.get("DeleteMarkerVersionId")) for it in deleted]

    def copy(self, bucket, key, version, to):
        """The version that was made, and the one that it is a copy of."""
        source = {"Bucket": bucket, "Key": key, "VersionId": version}
        answer = self.boto.copy_object(Bucket=bucket, Key=to, CopySource=source)
        return answer.get("VersionId"), answer.get("CopySourceVersionId")

    def upload(self, bucket, key, bodies):
        """The version that was made of these parts."""
        named = {"Bucket": bucket, "Key": key}
        named["UploadId"] = self.boto.create_multipart_upload(**named)["UploadId"]
        parts = []
        for number, body in enumerate(bodies, 1):
            tag = self.boto.upload_part(**named, PartNumber=number, Body=body)["ETag"]
            parts.append({"PartNumber": number, "ETag": tag})
        return self.boto.complete_multipart_upload(**named, MultipartUpload={"Parts": parts}).get("VersionId")

    def page(self, bucket, key_marker=None, version_marker=None, size=1000, delimiter=None, prefix=None):
        asked = {"KeyMarker": key_marker, "VersionIdMarker": version_marker, "Delimiter": delimiter, "Prefix": prefix}
        asked = {name: value for name, value in asked.items() if value}
        page = self.boto.list_object_versions(Bucket=bucket, MaxKeys=size, **asked)
        found = [Listed(it["Key"], it["VersionId"], it["IsLatest"], False) for it in page.get("Versions", [])]
        found += [Listed(it["Key"], it["VersionId"], it["IsLatest"], True) for it in page.get("DeleteMarkers", [])]
        groups = [it["Prefix"] for it in page.get("CommonPrefixes", [])]
        more = (page["NextKeyMarker"], page["NextVersionIdMarker"]) if page["IsTruncated"] else None
        return found, groups, more


class OssFace:
    """oss2."""

    prefix, marker_by_id = "x-oss-", (405, "MethodNotAllowed")

    def __init__(self, client):
        self.client, self.modes = client, client.modes

    def switch(self, bucket, status):
        self.client.bucket(bucket).put_bucket_versioning(BucketVersioningConfig(status=status))

    def status(self, bucket):
        return self.client.bucket(bucket).get_bucket_versioning().status

    def put(self, bucket, key, body, mode="plain"):
        return self.client.put(bucket, key, body, mode).versionid

    def get(self, bucket, key, version=None, mode="plain"):
        params = {"versionId": version} if version else None
        headers = self.client.read_headers(mode)
        answer = self.client.call(self.client.bucket(bucket).get_object, key, params=params, headers=headers)
        return answer.read(), answer.versionid

    def delete(self, bucket, key, version=None):
        params = {"versionId": version} if version else None
        answer = self.client.bucket(bucket).delete_object(key, params=params)
        return answer.versionid, bool(answer.delete_marker)

    def delete_many(self, bucket, wanted):
        objects = BatchDeleteObjectVersionList([BatchDeleteObjectVersion(key, version) for key, version in wanted])
        deleted = self.client.bucket(bucket).delete_object_versions(objects).delete_versions
        return [(it.key, it.versionid or None, it.delete_marker_versionid or None) for it in deleted]

    def copy(self, bucket, key, version, to):
        answer = self.client.bucket(bucket).copy_object(bucket, key, to, params={"versionId": version})
        return answer.versionid, answer.headers.get("x-oss-copy-source-version-id")

    def upload(self, bucket, key, bodies):
        oss = self.client.bucket(bucket)
        upload = oss.init_multipart_upload(key).upload_id
        parts = []
        for number, body in enumerate(bodies, 1):
            parts.append(oss2.models.PartInfo(number, oss.upload_part(key, upload, number, body).etag))
        return oss.complete_multipart_upload(key, upload, parts).versionid

    def page(self, bucket, key_marker="", version_marker="", size=1000, delimiter="", prefix=""):
        page = self.client.bucket(bucket).list_object_versions(
            prefix=prefix or "",
            delimiter=delimiter or "",
            key_marker=key_marker or "",
            versionid_marker=version_marker or "",
            max_keys=size,
        )
        found = [Listed(it.key, it.versionid, it.is_latest, False) for it in page.versions]
        found += [Listed(it.key, it.versionid, it.is_latest, True) for it in page.delete_marker]
        more = (page.next_key_marker, page.next_versionid_marker) if page.is_truncated else None
        return found, page.common_prefix, more


class Oss2Face(OssFace):
    """alibabacloud-oss-v2; what encrypts an object is given by oss2."""

    def __init__(self, client):
        super().__init__(client)
        self.v2 = second_sdk(client.endpoint)

    def switch(self, bucket, status):
        versioning = models.VersioningConfiguration(status=status)
        self.v2.put_bucket_versioning(models.PutBucketVersioningRequest(bucket, versioning))

    def status(self, bucket):
        return self.v2.get_bucket_versioning(models.GetBucketVersioningRequest(bucket)).version_status

    def get(self, bucket, key, version=None, mode="plain"):
        if mode == "customer":
            return super().get(bucket, key, version, mode)
        try:
            answer = self.v2.get_object(models.GetObjectRequest(bucket, key, version_id=version))
        except alibabacloud_oss_v2.exceptions.OperationError as error:
            cause = error.unwrap()
            raise Refused(cause.status_code, cause.code, cause.message) from error
        return answer.body.content, answer.version_id

    def delete(self, bucket, key, version=None):
        answer = self.v2.delete_object(models.DeleteObjectRequest(bucket, key, version_id=version))
        return answer.version_id, bool(answer.delete_marker)

    def delete_many(self, bucket, wanted):
        objects = [models.DeleteObject(key, version) for key, version in wanted]
        request = models.DeleteMultipleObjectsRequest(bucket, encoding_type="url", objects=objects)
        deleted = self.v2.delete_multiple_objects(request).deleted_objects
        return [(it.key, it.version_id, it.delete_marker_version_id) for it in deleted]

    def page(self, bucket, key_marker=None, version_marker=None, size=1000, delimiter=None, prefix=None):
        request = models.ListObjectVersionsRequest(
            bucket,
            delimiter=delimiter,
            key_marker=key_marker,
            version_id_marker=version_marker,
            max_keys=size,
            prefix=prefix,
            encoding_type="url",
        )
        page = self.v2.list_object_versions(request)
        found = [Listed(it.key, it.version_id, it.is_latest, False) for it in page.version or []]
        found += [Listed(it.key, it.version_id, it.is_latest, True) for it in page.delete_marker or []]
        groups = [it.prefix for it in page.common_prefixes or []]
        more = (page.next_key_marker, page.next_version_id_marker) if page.is_truncated else None
        return found, groups, more


class ObsFace:
    """esdk-obs-python, in the OBS dialect and as it falls back on V2."""

    marker_by_id = (405, "MethodNotAllowed")

    def __init__(self, client):
        self.client, self.obs, self.modes, self.prefix = client, client.client, client.modes, client.prefix

    def switch(self, bucket, status):
        self.client.check(self.obs.setBucketVersioning(bucket, status))

    def status(self, bucket):
        return self.client.check(self.obs.getBucketVersioning(bucket)).body

    def put(self, bucket, key, body, mode="plain"):
        return self.client.put(bucket, key, body, mode).body.versionId

    def get(self, bucket, key, version=None, mode="plain"):
        header = GetObjectHeader()
        if mode == "customer":
            header.sseHeader = self.client._sse(mode)
        answer = self.client.check(
            self.obs.getObject(
                bucket,
                key,
                getObjectRequest=GetObjectRequest(versionId=version),
                headers=header,
                loadStreamInMemory=True,
            )
        )
        return answer.body.buffer or b"", answer.body.versionId

    def delete(self, bucket, key, version=None):
        body = self.client.check(self.obs.deleteObject(bucket, key, versionId=version)).body
        return body.versionId, bool(body.deleteMarker)

    def delete_many(self, bucket, wanted):
        objects = [Object(key=key, versionId=version) for key, version in wanted]
        request = DeleteObjectsRequest(quiet=False, objects=objects)
        deleted = self.client.check(self.obs.deleteObjects(bucket, request)).body.deleted
        return [(it.key, it.versionId, it.deleteMarkerVersionId) for it in deleted]

    def copy(self, bucket, key, version, to):
        body = self.client.check(self.obs.copyObject(bucket, key, bucket, to, versionId=version)).body
        return body.versionId, body.copySourceVersionId

    def upload(self, bucket, key, bodies):
        upload = self.client.check(self.obs.initiateMultipartUpload(bucket, key)).body.uploadId
        parts = []
        for number, body in enumerate(bodies, 1):
            part = self.client.check(self.obs.uploadPart(bucket, key, number, upload, content=body)).body
            parts.append(CompletePart(partNum=number, etag=part.etag))
        request = CompleteMultipartUploadRequest(parts)
        return self.client.check(self.obs.completeMultipartUpload(bucket, key, upload, request)).body.versionId

    def page(self, bucket, key_marker=None, version_marker=None, size=1000, delimiter=None, prefix=None):
        asked = ListedVersions(
            prefix=prefix,
            key_marker=key_marker,
            version_id_marker=version_marker,
            max_keys=size,
            delimiter=delimiter,
            encoding_type="url",
        )
        body = self.client.check(self.obs.listVersions(bucket, version=asked)).body
        found = [Listed(it.key, it.versionId, it.isLatest, False) for it in body.versions]
        found += [Listed(it.key, it.versionId, it.isLatest, True) for it in body.markers]
        groups = [it.prefix for it in body.commonPrefixs]
        more = (body.head.nextKeyMarker, body.head.nextVersionIdMarker) if body.head.isTruncated else None
        return found, groups, more


FACES = {
    "s3-v4": S3Face,
    "s3-v4-tls": S3Face,
    "oss-v1": OssFace,
    "oss-v4": Oss2Face,
    "oss-v4-tls": OssFace,
    "obs": ObsFace,
    "obs-tls": ObsFace,
    "obs-fallback": ObsFace,
}


@pytest.fixture(params=list(FACES))
def face(request, clients):
    return FACES[request.param](clients[request.param])


@pytest.fixture
def bucket(face, new_bucket):
    face.client.create(new_bucket)
    return new_bucket


def refusal(operation, *arguments, **named):
    with pytest.raises(Refused) as caught:
        operation(*arguments, **named)
    return caught.value.status, caught.value.code


def everything(face, bucket, size=1000, **named):
    """All versions and common prefixes, by pages."""
    found, groups, more = [], [], (None, None)
    while more:
        page, prefixes, more = face.page(bucket, more[0], more[1], size, **named)
        assert len(page) + len(prefixes) <= size
        found += page
        groups += prefixes
    return found, groups


def test_a_history_is_kept(face, bucket):
    assert face.status(bucket) is None
    assert face.put(bucket, "k", b"before") is None
    assert face.get(bucket, "k") == (b"before", None)
    face.switch(bucket, "Enabled")
    assert face.status(bucket) == "Enabled"
    first, second = face.put(bucket, "k", b"first"), face.put(bucket, "k", b"second")
    assert first and second and first != second
    assert face.get(bucket, "k") == (b"second", second)
    assert face.get(bucket, "k", first) == (b"first", first)
    assert face.get(bucket, "k", "null") == (b"before", "null")
    marker, is_marker = face.delete(bucket, "k")
    assert is_marker
    assert refusal(face.get, bucket, "k") == (404, "NoSuchKey")
    assert refusal(face.get, bucket, "k", marker) == face.marker_by_id
    assert face.get(bucket, "k", second) == (b"second", second)
    assert face.client.keys(bucket) == []
    assert set(everything(face, bucket)[0]) == {
        Listed("k", marker, True, True),
        Listed("k", second, False, False),
        Listed("k", first, False, False),
        Listed("k", "null", False, False),
    }
    assert refusal(face.client.delete_bucket, bucket) == (409, "BucketNotEmpty")
    assert face.delete(bucket, "k", marker) == (marker, True)
    assert face.get(bucket, "k") == (b"second", second)
    assert face.delete(bucket, "k", second) == (second, False)
    assert face.get(bucket, "k") == (b"first", first)
    assert refusal(face.get, bucket, "k", second) == (404, "NoSuchVersion")
    assert face.delete_many(bucket, [("k", first), ("k", "null")]) == [("k", first, None), ("k", "null", None)]
    assert everything(face, bucket) == ([], [])
    face.client.delete_bucket(bucket)


def test_a_suspended_bucket_has_one_null_version(face, bucket):
    face.switch(bucket, "Enabled")
    kept = face.put(bucket, "k", b"kept")
    face.switch(bucket, "Suspended")
    assert face.status(bucket) == "Suspended"
    assert face.put(bucket, "k", b"one") == "null"
    assert face.put(bucket, "k", b"two") == "null"
    assert face.get(bucket, "k") == (b"two", "null")
    assert face.delete(bucket, "k") == ("null", True)
    assert refusal(face.get, bucket, "k", "null") == face.marker_by_id
    assert set(everything(face, bucket)[0]) == {Listed("k", "null", True, True), Listed("k", kept, False, False)}
    face.switch(bucket, "Enabled")
    last = face.put(bucket, "k", b"last")
    assert set(everything(face, bucket)[0]) == {
        Listed("k", last, True, False),
        Listed("k", "null", False, True),
        Listed("k", kept, False, False),
    }
    assert face.delete(bucket, "k", "null") == ("null", True)
    assert face.get(bucket, "k", kept) == (b"kept", kept)


def test_versions_in_every_method(face, bucket):
    face.switch(bucket, "Enabled")
    bodies = {mode: [mode.encode() * length for length in (1, 20_000)] for mode in face.modes}
    if not face.client.name.endswith("-tls"):
        # Keys of customers and of the key service may need TLS; the clients over TLS show them.
        bodies = {mode: bodies[mode] for mode in ("plain", "managed")}
    versions = {}
    for mode, texts in bodies.items():
        versions[mode] = [face.put(bucket, "k", text, mode) for text in texts]
    for mode, texts in bodies.items():
        for version, text in zip(versions[mode], texts):
            assert face.get(bucket, "k", version, mode) == (text, version)
    for version in itertools.chain(*versions.values()):
        assert face.delete(bucket, "k", version) == (version, False)
    assert everything(face, bucket) == ([], [])


def test_pages_end_anywhere(face, bucket):
    face.switch(bucket, "Enabled")
    expected = []
    for key in ("a b", "dir/1", "dir/2", "é"):
        versions = [face.put(bucket, key, str(n).encode()) for n in range(3)]
        marker = face.delete(bucket, key)[0]
        expected += [Listed(key, marker, True, True)]
        expected += [Listed(key, version, False, False) for version in reversed(versions)]
    for size in (1, 2, 3, 5, 1000):
        found, groups = everything(face, bucket, size)
        # A client keeps markers apart from other versions, so that of the order only that within each kind is left.
        kind = lambda wanted, listed: [it for it in listed if it.is_marker == wanted]
        assert groups == []
        for wanted in (False, True):
            assert kind(wanted, found) == kind(wanted, expected), size
    found, groups = everything(face, bucket, 2, delimiter="/")
    assert groups == ["dir/"] and len(found) == 8
    assert {it.key for it in everything(face, bucket, 3, prefix="dir/")[0]} == {"dir/1", "dir/2"}


def test_a_bucket_is_emptied_page_by_page(face, bucket):
    """Whoever deletes what a page lists goes on at a version that is not there any more."""
    face.switch(bucket, "Enabled")
    for key, n in itertools.product("ab", range(4)):
        face.put(bucket, key, str(n).encode())
        face.delete(bucket, key)
    more, deleted = (None, None), 0
    while more:
        found, _, more = face.page(bucket, more[0], more[1], 3)
        deleted += len(face.delete_many(bucket, [(it.key, it.version) for it in found]))
    assert deleted == 16
    face.client.delete_bucket(bucket)


def test_a_batch_makes_markers(face, bucket):
    face.switch(bucket, "Enabled")
    version = face.put(bucket, "a", b"a")
    face.put(bucket, "b", b"b")
    answered = face.delete_many(bucket, [("a", version), ("b", None)])
    assert sorted(answered)[0] == ("a", version, None)
    key, asked, marker = sorted(answered)[1]
    assert (key, asked) == ("b", None) and marker
    answered = face.delete_many(bucket, [("b", marker)])
    assert answered == [("b", marker, marker)]
    assert face.get(bucket, "b")[0] == b"b"


def test_copies_and_uploads_make_versions(face, bucket):
    face.switch(bucket, "Enabled")
    first = face.put(bucket, "k", b"first")
    face.put(bucket, "k", b"second")
    restored, source = face.copy(bucket, "k", first, "k")
    assert source == first and restored not in (None, first)
    assert face.get(bucket, "k") == (b"first", restored)
    parts = [b"a" * (5 << 20), b"b"]
    uploaded = face.upload(bucket, "k", parts)
    assert face.get(bucket, "k") == (b"".join(parts), uploaded)
    assert face.get(bucket, "k", first) == (b"first", first)
    assert len(everything(face, bucket)[0]) == 4
    face.switch(bucket, "Suspended")
    assert face.copy(bucket, "k", first, "k") == ("null", first)
    assert face.upload(bucket, "k", [b"null"]) == "null"
    assert face.get(bucket, "k", "null") == (b"null", "null")
    assert len(everything(face, bucket)[0]) == 5


def test_a_marker_says_so_in_headers(face, bucket):
    face.switch(bucket, "Enabled")
    face.put(bucket, "k", b"k")
    marker, _ = face.delete(bucket, "k")
    url = signed(face, bucket, "k")
    answer = requests.get(url, verify=False, timeout=60)
    assert answer.status_code == 404 and "NoSuchKey" in answer.text
    assert answer.headers[face.prefix + "delete-marker"] == "true"
    assert answer.headers[face.prefix + "version-id"] == marker
    answer = requests.get(signed(face, bucket, "k", marker), verify=False, timeout=60)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE")
    assert answer.headers[face.prefix + "delete-marker"] == "true"


def signed(face, bucket, key, version=None):
    if isinstance(face.client, S3):
        named = {"VersionId": version} if version else {}
        return face.boto.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key, **named})
    params = {"versionId": version} if version else {}
    if isinstance(face.client, Oss):
        return face.client.bucket(bucket).sign_url("GET", key, 60, params=params)
    assert isinstance(face.client, Obs)
    return face.obs.createSignedUrl("GET", bucket, key, expires=60, queryParams=params).signedUrl


def test_a_version_is_not_just_any_text(face, bucket):
    status, code = refusal(face.get, bucket, "k", "no-version")
    assert (status, code) == (400, "InvalidArgument")
    assert refusal(face.get, bucket, "k", "0" * 32) == (404, "NoSuchVersion")


@pytest.fixture
def boto(clients):
    return clients["s3-v4"].client


@pytest.fixture
def s3_bucket(boto, new_bucket):
    boto.create_bucket(Bucket=new_bucket)
    return new_bucket


def refused(boto, operation, **named):
    with pytest.raises(boto.exceptions.ClientError) as caught:
        operation(**named)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]


@pytest.mark.parametrize("versioning", [None, "Enabled", "Suspended"])
def test_s3_writes_and_deletions_on_conditions(boto, s3_bucket, versioning):
    if versioning:
        boto.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": versioning})
    named = {"Bucket": s3_bucket, "Key": "k"}
    assert refused(boto, boto.put_object, **named, Body=b"1", IfMatch='"00"') == (404, "NoSuchKey")
    assert refused(boto, boto.delete_object, **named, IfMatch="*") == (412, "PreconditionFailed")
    tag = boto.put_object(**named, Body=b"1", IfNoneMatch="*")["ETag"]
    assert refused(boto, boto.put_object, **named, Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    other = boto.put_object(**named, Body=b"2", IfMatch=tag)["ETag"]
    assert refused(boto, boto.put_object, **named, Body=b"3", IfMatch=tag) == (412, "PreconditionFailed")
    assert refused(boto, boto.delete_object, **named, IfMatch=tag) == (412, "PreconditionFailed")
    batch = {"Bucket": s3_bucket, "Delete": {"Objects": [{"Key": "k", "ETag": tag}]}}
    assert [it["Code"] for it in boto.delete_objects(**batch)["Errors"]] == ["PreconditionFailed"]
    assert boto.get_object(**named)["Body"].read() == b"2"
    boto.delete_object(**named, IfMatch=other)
    assert refused(boto, boto.get_object, **named) == (404, "NoSuchKey")
    # A delete marker is no object.
    tag = boto.put_object(**named, Body=b"3", IfNoneMatch="*")["ETag"]
    batch["Delete"]["Objects"][0]["ETag"] = tag
    assert "Errors" not in boto.delete_objects(**batch)


def test_s3_deletions_need_no_second_factor(boto, s3_bucket):
    asked = {"Status": "Enabled", "MFADelete": "Enabled"}
    answer = refused(boto, boto.put_bucket_versioning, Bucket=s3_bucket, VersioningConfiguration=asked)
    assert answer == (501, "NotImplemented")
    assert "Status" not in boto.get_bucket_versioning(Bucket=s3_bucket)


def test_oss_overwriting_can_be_forbidden_where_it_loses_something(clients, new_bucket):
    client = clients["oss-v4"]
    client.create(new_bucket)
    bucket, forbidden = client.bucket(new_bucket), {"x-oss-forbid-overwrite": "true"}
    bucket.put_object("k", b"1", headers=forbidden)
    with pytest.raises(oss2.exceptions.OssError) as caught:
        bucket.put_object("k", b"2", headers=forbidden)
    assert (caught.value.status, caught.value.code) == (409, "FileAlreadyExists")
    bucket.put_bucket_versioning(BucketVersioningConfig(status="Enabled"))
    assert bucket.put_object("k", b"2", headers=forbidden).versionid
    assert bucket.get_object("k").read() == b"2"
    assert bucket.get_bucket_info().versioning_status == "Enabled"


def test_a_customers_key_opens_its_own_version_only(clients, new_bucket):
    face = S3Face(clients["s3-v4-tls"])
    face.client.create(new_bucket)
    face.switch(new_bucket, "Enabled")
    version = face.put(new_bucket, "k", b"sealed", "customer")
    plain = face.put(new_bucket, "k", b"plain")
    assert face.get(new_bucket, "k", version, "customer") == (b"sealed", version)
    assert refusal(face.get, new_bucket, "k", version)[0] == 400
    assert refusal(face.get, new_bucket, "k", plain, "customer")[0] == 400
    other = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": CUSTOMER_KEY[::-1]}
    wrong = refused(face.boto, face.boto.get_object, Bucket=new_bucket, Key="k", VersionId=version, **other)
    assert wrong == (403, "AccessDenied")


def test_the_aws_cli_walks_through_a_history(server, new_bucket, tmp_path):
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }
    program = [str(pathlib.Path(sys.executable).with_name("aws")), "--endpoint-url", f"http://127.0.0.1:{server.http}"]

    def aws(*arguments):
        done = subprocess.run([*program, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    named = ("--bucket", new_bucket, "--key", "k")
    aws("s3", "mb", f"s3://{new_bucket}")
    aws("s3api", "put-bucket-versioning", "--bucket", new_bucket, "--versioning-configuration", "Status=Enabled")
    versions = []
    for text in ("one", "two"):
        (tmp_path / text).write_text(text)
        versions.append(aws("s3api", "put-object", *named, "--body", str(tmp_path / text))["VersionId"])
    aws("s3", "rm", f"s3://{new_bucket}/k")
    listed = aws("s3api", "list-object-versions", "--bucket", new_bucket, "--page-size", "1")
    assert [it["VersionId"] for it in listed["Versions"]] == versions[::-1]
    assert [it["IsLatest"] for it in listed["DeleteMarkers"]] == [True]
    read = aws("s3api", "get-object", *named, "--version-id", versions[0], str(tmp_path / "read"))
    assert read["VersionId"] == versions[0] and (tmp_path / "read").read_text() == "one"
    marker = listed["DeleteMarkers"][0]["VersionId"]
    deleted = aws("s3api", "delete-object", *named, "--version-id", marker)
    assert deleted == {"DeleteMarker": True, "VersionId": marker}
    objects = {"Objects": [{"Key": "k", "VersionId": version} for version in versions]}
    aws("s3api", "delete-objects", "--bucket", new_bucket, "--delete", json.dumps(objects))
    aws("s3", "rb", f"s3://{new_bucket}")
