"""Symbolic links, by both of OSS's clients; and what the other dialects make of them."""

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest

from clients import Refused


@pytest.fixture(params=["oss-v1", "oss-v4"])
def oss(request, clients, new_bucket):
    client = clients[request.param]
    client.create(new_bucket)
    return client


@pytest.fixture
def second(clients):
    return clients["oss-second"].sdk


def refusal(call, *arguments, **named):
    with pytest.raises(oss2.exceptions.OssError) as caught:
        call(*arguments, **named)
    return caught.value.status, caught.value.code


def test_links_lead_to_their_targets(oss, new_bucket, clients):
    bucket = oss.bucket(new_bucket)
    for number, mode in enumerate(("plain", "managed", "managed-sm4", "kms", "kms-sm4")):
        body, target, link = mode.encode() * 30_000, f"folder/tärget +{number}%", f"links/{mode}"
        oss.put(new_bucket, target, body, mode=mode, metadata={"of": "target"})
        assert bucket.put_symlink(target, link, headers={"x-oss-meta-of": "link"}).status == 200
        assert bucket.get_symlink(link).target_key == target
        read = bucket.get_object(link)
        assert read.read() == body, "the client compares the CRC"
        head, own = bucket.head_object(link), bucket.head_object(target)
        assert (head.object_type, head.etag, head.content_length) == ("Symlink", own.etag, len(body))
        assert head.headers["x-oss-meta-of"] == "link"
        for header in ("x-oss-server-side-encryption", "x-oss-server-side-encryption-key-id", "x-oss-hash-crc64ecma"):
            assert head.headers.get(header) == own.headers.get(header)
        assert bucket.get_object(link, byte_range=(70_000, 70_009)).read() == body[70_000:70_010]
        assert bucket.get_object_meta(link).content_length == len(body)
    listed = {item.key: (item.type, item.size) for item in bucket.list_objects(prefix="links/").object_list}
    assert set(listed.values()) == {("Symlink", 0)} and len(listed) == 5
    for other in ("s3-v4-tls", "obs-tls"):
        assert clients[other].get(new_bucket, "links/kms") == b"kms" * 30_000


def test_the_errors_of_links(oss, new_bucket):
    bucket = oss.bucket(new_bucket)
    bucket.put_symlink("nothing", "a")
    bucket.put_symlink("a", "b")
    bucket.put_object("normal", b"abc")
    assert refusal(bucket.get_object, "a") == (404, "SymlinkTargetNotExist")
    assert refusal(bucket.head_object, "a") == (404, "SymlinkTargetNotExist")
    assert refusal(bucket.get_object, "b") == (400, "InvalidTargetType")
    assert refusal(bucket.get_symlink, "normal") == (400, "NotSymlink")
    assert refusal(bucket.get_symlink, "none") == (404, "NoSuchKey")
    keep = {"x-oss-forbid-overwrite": "true"}
    assert refusal(bucket.put_symlink, "normal", "a", headers=keep) == (409, "FileAlreadyExists")
    assert bucket.get_symlink("a").target_key == "nothing"
    bucket.put_symlink("normal", "a")
    assert bucket.get_object("a").read() == b"abc"
    bucket.delete_object("a")
    assert bucket.get_object("normal").read() == b"abc"


def test_a_copy_of_a_link_is_a_link(oss, new_bucket, clients):
    bucket = oss.bucket(new_bucket)
    bucket.put_object("target", b"abc")
    bucket.put_symlink("target", "link")
    bucket.copy_object(new_bucket, "link", "copy")
    assert bucket.get_symlink("copy").target_key == "target"
    clients["s3-v4-tls"].copy(new_bucket, "link", new_bucket, "content")
    assert refusal(bucket.get_symlink, "content") == (400, "NotSymlink")
    assert bucket.get_object("content").read() == b"abc"


def test_the_second_client_links(oss, second, new_bucket):
    second.put_object(oss_v2.PutObjectRequest(bucket=new_bucket, key="target", body=b"abc"))
    second.put_bucket_versioning(
        oss_v2.PutBucketVersioningRequest(
            bucket=new_bucket, versioning_configuration=oss_v2.VersioningConfiguration(status="Enabled")
        )
    )
    made = second.put_symlink(
        oss_v2.PutSymlinkRequest(bucket=new_bucket, key="link", target="target", metadata={"a": "b"})
    )
    read = second.get_symlink(oss_v2.GetSymlinkRequest(bucket=new_bucket, key="link"))
    assert (read.target, read.version_id, read.metadata["a"]) == ("target", made.version_id, "b")
    got = second.get_object(oss_v2.GetObjectRequest(bucket=new_bucket, key="link", version_id=made.version_id))
    assert (got.body.content, got.version_id, got.object_type) == (b"abc", made.version_id, "Symlink")


def test_links_can_be_refused(oss, new_bucket):
    with pytest.raises(Refused):
        oss.call(oss.bucket(new_bucket).put_symlink, "x" * 1025, "link")
