"""OBS through its own SDK: virtual hosts in the OBS dialect, and the fallback that the SDK takes on an IP address."""

import hashlib
import base64

import pytest
import requests
from obs import CreateBucketHeader, DeleteObjectsRequest, Object, ObsClient

from clients import CUSTOMER_KEY, Obs, Refused
from strongroom import ACCESS_KEY, SECRET_KEY


@pytest.fixture(params=["obs", "obs-tls", "obs-fallback"])
def client(request, clients):
    return clients[request.param]


def refused(answer):
    assert answer.status >= 300, "this must be refused"
    return answer.status, answer.errorCode


def test_the_probe_tells_the_dialect(server, clients, new_bucket):
    answer = requests.head(f"http://127.0.0.1:{server.http}/?apiversion", headers={"Host": f"localhost:{server.http}"}, timeout=5)
    assert answer.status_code == 200 and answer.headers["x-obs-api"] >= "3.0"
    host = {"Host": f"{new_bucket}.localhost:{server.http}"}
    assert requests.head(f"http://127.0.0.1:{server.http}/?apiversion", headers=host, timeout=5).status_code == 404
    clients["obs"].create(new_bucket)
    assert requests.head(f"http://127.0.0.1:{server.http}/?apiversion", headers=host, timeout=5).status_code == 200


def test_bucket_encryption(client, bucket):
    sdk = client.client
    missing = (404, "NoSuchEncryptionConfiguration" if client.prefix == "x-obs-" else "ServerSideEncryptionConfigurationNotFoundError")
    assert refused(sdk.getBucketEncryption(bucket)) == missing
    client.check(sdk.setBucketEncryption(bucket, "kms"))
    assert sdk.getBucketEncryption(bucket).body.encryption == "kms"
    key = "522d6070-5ad3-4765-9737-9312ddc72cdb"
    client.check(sdk.setBucketEncryption(bucket, "kms", key=key))
    assert sdk.getBucketEncryption(bucket).body.key == key
    client.check(sdk.setBucketEncryption(bucket, "AES256"))
    assert sdk.getBucketEncryption(bucket).body.encryption == "AES256"
    assert sdk.deleteBucketEncryption(bucket).status == 204
    assert sdk.deleteBucketEncryption(bucket).status == 204
    assert refused(sdk.getBucketEncryption(bucket)) == missing


def test_what_an_object_answers(client, bucket):
    sdk, prefix = client.client, client.prefix
    kms = "kms" if prefix == "x-obs-" else "aws:kms"
    for mode, value in [("plain", None), ("managed", "AES256"), ("kms", kms)]:
        body = client.put(bucket, mode, b"body", mode).body
        assert body.sseKms == value, mode
        assert bool(body.sseKmsKey) == (mode == "kms"), mode
        head = sdk.getObjectMetadata(bucket, mode).body
        assert (head.sseKms, bool(head.sseKmsKey)) == (value, mode == "kms")
    put = client.put(bucket, "customer", b"body", "customer").body
    md5 = base64.b64encode(hashlib.md5(CUSTOMER_KEY).digest()).decode()
    assert (put.sseC, put.sseCKeyMd5, put.sseKms) == ("AES256", md5, None)


def test_key_ids_are_answered_in_their_full_form(server, clients, bucket, client):
    key = server.command("key", "create")["id"]
    from obs import PutObjectHeader, SseKmsHeader

    header = PutObjectHeader(sseHeader=SseKmsHeader(encryption="kms", key=key))
    full = client.check(client.client.putContent(bucket, "k", "body", headers=header)).body.sseKmsKey
    assert full.endswith(f"key/{key}") and full != key
    assert full.startswith("arn:aws:kms:us-east-1:" if client.prefix == "x-amz-" else "us-east-1:")
    again = PutObjectHeader(sseHeader=SseKmsHeader(encryption="kms", key=full))
    assert client.check(client.client.putContent(bucket, "k2", "body", headers=again)).body.sseKmsKey == full
    server.command("key", "disable", key)
    assert refused(client.client.getObject(bucket, "k", loadStreamInMemory=True)) == (400, "KMS.DisabledException")
    assert refused(client.client.putContent(bucket, "k3", "body", headers=header)) == (400, "KMS.DisabledException")
    server.command("key", "enable", key)
    assert client.get(bucket, "k") == b"body"
    unknown = PutObjectHeader(sseHeader=SseKmsHeader(encryption="kms", key="522d6070-5ad3-4765-9737-9312ddc72cdb"))
    assert refused(client.client.putContent(bucket, "k4", "body", headers=unknown)) == (400, "KMS.NotFoundException")


def test_sm4_is_answered(clients, new_bucket):
    client = clients["obs"]
    client.create(new_bucket)
    client.put(new_bucket, "k", b"body", "kms-sm4")
    headers = client.head(new_bucket, "k")
    assert {name.lower(): value for name, value in headers.items()}["server-side-data-encryption"] == "SM4"


def test_a_customer_key_is_needed_again(client, bucket):
    client.put(bucket, "k", b"body", "customer")
    expected = (400, "InvalidEncryptionAlgorithmError") if client.prefix == "x-obs-" else (400, "InvalidRequest")
    assert refused(client.client.getObject(bucket, "k", loadStreamInMemory=True)) == expected
    assert client.client.getObjectMetadata(bucket, "k").status == 400
    assert client.get(bucket, "k", "customer") == b"body"


def test_bucket_defaults_apply_and_touch_nothing_old(client, bucket):
    sdk = client.client
    client.put(bucket, "before", b"body")
    client.check(sdk.setBucketEncryption(bucket, "kms"))
    client.put(bucket, "after", b"body")
    assert sdk.getObjectMetadata(bucket, "before").body.sseKms is None
    assert sdk.getObjectMetadata(bucket, "after").body.sseKms in ("kms", "aws:kms")
    client.put(bucket, "explicit", b"body", "managed")
    assert sdk.getObjectMetadata(bucket, "explicit").body.sseKms == "AES256"
    client.check(sdk.deleteBucketEncryption(bucket))
    assert sdk.getObjectMetadata(bucket, "after").body.sseKms in ("kms", "aws:kms")
    assert client.get(bucket, "after") == b"body"


def test_tags_are_the_digest_of_plain_objects_alone(client, bucket):
    plain = client.put(bucket, "plain", b"hello").body.etag
    assert plain == '"5d41402abc4b2a76b9719d911017c592"'
    sealed = client.put(bucket, "kms", b"hello", "kms").body.etag
    assert len(sealed) == 34 and sealed != plain


def test_listing_and_batch_deletion(client, bucket):
    keys = ["a/1", "a/2", "b", "c d+é&.txt"]
    for key in keys:
        client.put(bucket, key, b"x", metadata={"name": "value"})
    assert client.keys(bucket) == keys
    page = client.client.listObjects(bucket, delimiter="/").body
    assert [item.prefix for item in page.commonPrefixs] == ["a/"]
    request = DeleteObjectsRequest(quiet=False, objects=[Object(key=key) for key in keys])
    assert len(client.check(client.client.deleteObjects(bucket, request)).body.deleted) == len(keys)
    assert client.keys(bucket) == []


def test_conditions_and_missing_things(client, bucket):
    assert refused(client.client.getObject(bucket, "none", loadStreamInMemory=True)) == (404, "NoSuchKey")
    assert client.client.getObjectMetadata(bucket, "none").status == 404
    assert refused(client.client.listObjects("no-such-bucket-here"))[0] == 404
    client.put(bucket, "k", b"body")
    assert refused(client.client.deleteBucket(bucket)) == (409, "BucketNotEmpty")


def test_a_presigned_url_asks_for_encryption_in_its_query(server, clients, new_bucket):
    client = clients["obs"]
    client.create(new_bucket)
    signed = client.client.createSignedUrl(
        "PUT", new_bucket, "dir/k", expires=60, queryParams={"x-obs-server-side-encryption": "kms"}
    )
    answer = requests.put(signed.signedUrl, data=b"body", headers=signed.actualSignedRequestHeaders, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-obs-server-side-encryption"] == "kms"
    assert "x-obs-server-side-encryption-kms-key-id" in answer.headers
    assert client.get(new_bucket, "dir/k") == b"body"


def test_v4_of_this_sdk(server, new_bucket):
    client = Obs(server, virtual=False, signature="v4")
    client.create(new_bucket)
    client.put(new_bucket, "a b/é", b"body", "kms")
    assert client.get(new_bucket, "a b/é") == b"body"


def test_a_wrong_secret_is_refused(server, clients, new_bucket):
    clients["obs"].create(new_bucket)
    for virtual in (True, False):
        intruder = Obs(server, virtual=virtual, secret_key="wrong")
        with pytest.raises(Refused) as caught:
            intruder.keys(new_bucket)
        assert (caught.value.status, caught.value.code) == (403, "SignatureDoesNotMatch")
        stranger = Obs(server, virtual=virtual, access_key="UNKNOWN")
        with pytest.raises(Refused) as caught:
            stranger.keys(new_bucket)
        assert (caught.value.status, caught.value.code) == (403, "InvalidAccessKeyId")
