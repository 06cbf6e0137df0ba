"""The acceptance list distilled from the OSS SDK suites: 24 rows, and each is in the name of its test. Rows 14 and 15 are in
test_append.py, 16 and 17 in test_uploads.py, 20 in test_copy.py."""

import pathlib
import re

import oss2
import pytest
import requests
from alibabacloud_oss_v2 import models
from oss2.models import ReplicationRule, ServerSideEncryptionRule

from clients import Oss, Refused
from forms import MAKERS

CMK = "9468da86-3509-4f8d-a61e-6eab1eac1234"


@pytest.fixture(params=["oss-v1", "oss-v4", "oss-v4-tls"])
def client(request, clients):
    return clients[request.param]


@pytest.fixture
def handle(client, bucket):
    return client.bucket(bucket)


def rule(algorithm, key=None, data=None):
    made = ServerSideEncryptionRule()
    made.sse_algorithm, made.kms_master_keyid, made.kms_data_encryption = algorithm, key, data
    return made


def refusal(operation, *arguments, **named):
    with pytest.raises(Refused) as caught:
        Oss.call(operation, *arguments, **named)
    return caught.value.status, caught.value.code


def stored(handle):
    """The rule as GetBucketEncryption has it; the same as GetBucketInfo has it."""
    got = handle.get_bucket_encryption()
    info = handle.get_bucket_info().bucket_encryption_rule
    assert info.sse_algorithm == got.sse_algorithm
    assert (info.kms_master_keyid or None) == (got.kms_master_keyid or None)
    assert (info.kms_data_encryption or None) == (got.kms_data_encryption or None)
    return got.sse_algorithm, got.kms_master_keyid or None, got.kms_data_encryption or None


def test_01_a_fresh_bucket_has_no_rule(handle):
    assert refusal(handle.get_bucket_encryption) == (404, "NoSuchServerSideEncryptionRule")
    with pytest.raises(oss2.exceptions.NoSuchServerSideEncryptionRule):
        handle.get_bucket_encryption()


def test_02_a_key_without_kms_is_refused(handle):
    assert refusal(handle.put_bucket_encryption, rule("AES256", "test")) == (400, "InvalidArgument")
    assert refusal(handle.put_bucket_encryption, rule("SM4", "test")) == (400, "InvalidArgument")


def test_03_an_unknown_method_is_refused(handle):
    assert refusal(handle.put_bucket_encryption, rule("random")) == (400, "InvalidEncryptionAlgorithmError")


@pytest.mark.parametrize("key", [None, ""])
def test_04_kms_without_a_key(handle, key):
    handle.put_bucket_encryption(rule("KMS", key))
    assert stored(handle) == ("KMS", None, None)


@pytest.mark.parametrize("key", ["test_wrong", "123", "1234"])
def test_05_a_key_is_stored_verbatim(handle, key):
    handle.put_bucket_encryption(rule("KMS", key))
    assert stored(handle) == ("KMS", key, None)
    with pytest.raises(Refused):
        Oss.call(handle.put_object, "k", b"x")


@pytest.mark.parametrize("key", [None, "123"])
def test_06_kms_with_sm4(handle, key):
    handle.put_bucket_encryption(rule("KMS", key, "SM4"))
    assert stored(handle) == ("KMS", key, "SM4")


@pytest.mark.parametrize("algorithm", ["AES256", "SM4"])
def test_07_a_data_cipher_without_kms_is_dropped(handle, algorithm):
    handle.put_bucket_encryption(rule(algorithm, "", "SM4"))
    assert stored(handle) == (algorithm, None, None)


def test_08_deleting_the_rule_twice(handle):
    handle.put_bucket_encryption(rule("AES256"))
    assert handle.delete_bucket_encryption().status == 204
    assert handle.delete_bucket_encryption().status == 204
    assert handle.get_bucket_info().bucket_encryption_rule.sse_algorithm is None
    assert refusal(handle.get_bucket_encryption) == (404, "NoSuchServerSideEncryptionRule")


def test_09_a_rule_without_a_method(handle):
    status, _ = refusal(handle.put_bucket_encryption, rule(""))
    assert status == 400


def test_10_a_bucket_made_with_encryption_headers(client, new_bucket):
    handle = client.bucket(new_bucket)
    handle.create_bucket(
        headers={
            "x-oss-server-side-encryption": "KMS",
            "x-oss-server-side-encryption-key-id": CMK,
            "x-oss-server-side-data-encryption": "SM4",
        }
    )
    assert stored(handle) == ("KMS", CMK, "SM4")


def echo(headers):
    return (
        headers.get("x-oss-server-side-encryption"),
        headers.get("x-oss-server-side-data-encryption"),
        headers.get("x-oss-server-side-encryption-key-id") is not None,
    )


@pytest.mark.parametrize(
    "method, data, expected",
    [
        (None, None, (None, None, False)),
        ("KMS", None, ("KMS", None, True)),
        ("AES256", None, ("AES256", None, False)),
        ("SM4", None, ("SM4", None, False)),
        ("KMS", "SM4", ("KMS", "SM4", True)),
        ("AES256", "SM4", ("AES256", None, False)),
        ("SM4", "SM4", ("SM4", None, False)),
        (None, "SM4", (None, None, False)),
    ],
)
def test_11_and_12_what_an_object_answers(handle, method, data, expected):
    headers = {"x-oss-server-side-encryption": method, "x-oss-server-side-data-encryption": data}
    headers = {name: value for name, value in headers.items() if value}
    assert echo(handle.put_object("k", b"body", headers=headers).headers) == expected
    assert echo(handle.head_object("k").headers) == expected
    assert echo(handle.get_object("k").headers) == expected


def test_13_an_unknown_header_value(handle):
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        handle.put_object("k", b"x", headers={"x-oss-server-side-encryption": "Invalid-Server-Side-Encryption"})
    assert (caught.value.status, caught.value.code) == (400, "InvalidEncryptionAlgorithmError")
    assert caught.value.message.startswith("The Encryption request you specified is not valid. Supported value: AES25")


METHODS = ("encryption", "data-encryption", "encryption-key-id")


def told(answer):
    """The method, the cipher and the key that an answer tells of."""
    return [answer.headers.get(f"x-oss-server-side-{name}") for name in METHODS]


def test_18_and_19_a_copy_is_encrypted_as_it_asks(handle):
    headers = {"x-oss-server-side-encryption": "KMS", "x-oss-server-side-data-encryption": "SM4", "x-oss-meta-a": "b"}
    handle.put_object("k", b"x", headers=headers)
    assert told(handle.head_object("k"))[:2] == ["KMS", "SM4"]
    handle.copy_object(handle.bucket_name, "k", "plain")
    head = handle.head_object("plain")
    assert told(head) == [None, None, None] and head.headers["x-oss-meta-a"] == "b"
    handle.copy_object(handle.bucket_name, "k", "aes", headers={"x-oss-server-side-encryption": "AES256"})
    assert told(handle.head_object("aes")) == ["AES256", None, None]


def test_21_a_form_names_a_key_that_its_policy_does_not(server, clients, handle):
    key = server.command("key", "create")["id"]
    fields = {"x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": key}
    maker = MAKERS["oss-v4"](server, clients)
    url, form = maker.make(handle.bucket_name, "k", uncovered=fields)
    assert maker.post(url, form, b"body").status_code in (200, 204)
    assert told(handle.get_object("k")) == ["KMS", None, key]


def test_24_replication_is_not_built(handle):
    """The list has a disabled rule that names a key of the replica's; what is half there would be worse than nothing."""
    replica = ReplicationRule(rule_id="r", target_bucket_name="other", target_bucket_location="x", replica_kms_keyid=CMK)
    assert refusal(handle.put_bucket_replication, replica) == (501, "NotImplemented")
    assert refusal(handle.get_bucket_replication) == (501, "NotImplemented")


def test_every_row_has_its_test():
    here = pathlib.Path(__file__).parent
    files = ("test_oss_acceptance.py", "test_append.py", "test_uploads.py", "test_copy.py")
    names = re.findall(r"^def test_(?:oss_)?(\d\d)_(?:and_(\d\d)_)?", "\n".join((here / name).read_text() for name in files), re.M)
    assert sorted(int(row) for name in names for row in name if row) == list(range(1, 25))


def test_23_a_copy_in_parts_by_the_second_sdk(clients, new_bucket):
    client = clients["oss-second"]
    client.create(new_bucket)
    body = bytes(range(256)) * 1200
    client.put(new_bucket, "k", body, mode="kms")
    copier = client.sdk.copier(part_size=102_400, multipart_copy_threshold=102_400)
    request = models.CopyObjectRequest(new_bucket, "t", source_bucket=new_bucket, source_key="k")
    copier.copy(request)
    assert client.head(new_bucket, "t")["x-oss-object-type"] == "Multipart"
    assert client.get(new_bucket, "t") == body
    copier.copy(request, multipart_copy_threshold=1 << 20)
    assert client.head(new_bucket, "t")["x-oss-object-type"] == "Normal"


def test_22_the_default_key_is_named(handle):
    handle.put_object("k", b"x", headers={"x-oss-server-side-encryption": "KMS"})
    key = handle.head_object("k").headers["x-oss-server-side-encryption-key-id"]
    handle.put_object("k2", b"x", headers={"x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": key})
    assert handle.head_object("k2").headers["x-oss-server-side-encryption-key-id"] == key


def test_key_errors_of_the_key_service(server, handle):
    key = server.command("key", "create")["id"]
    headers = {"x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": key}
    handle.put_object("k", b"body", headers=headers)
    server.command("key", "disable", key)
    assert refusal(handle.put_object, "k2", b"x", headers=headers) == (409, "KeyDisabled")
    assert refusal(handle.get_object, "k") == (409, "KeyDisabled")
    server.command("key", "enable", key)
    assert handle.get_object("k").read() == b"body"
    server.command("key", "schedule-deletion", key, "--days", "7")
    assert refusal(handle.get_object, "k") == (409, "KeyPendingDeletion")
    server.command("key", "cancel-deletion", key)
    server.command("key", "enable", key)
    assert handle.get_object("k").read() == b"body"
    unknown = {**headers, "x-oss-server-side-encryption-key-id": CMK}
    assert refusal(handle.put_object, "k3", b"x", headers=unknown) == (404, "KeyNotFound")


def test_digests_are_those_of_the_plaintext(handle):
    for method in (None, "AES256", "KMS", "SM4"):
        headers = {"x-oss-server-side-encryption": method} if method else {}
        answer = handle.put_object("hello", b"hello", headers=headers)
        assert answer.etag == "5D41402ABC4B2A76B9719D911017C592"
        assert answer.headers["x-oss-hash-crc64ecma"] == "11177612005948864433"
        assert handle.head_object("hello").headers["Content-MD5"] == "XUFAKrxLKna5cZ2REBfFkg=="


def test_a_wrong_content_md5_stores_nothing(handle):
    wrong = {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    assert refusal(handle.put_object, "k", b"not empty", headers=wrong) == (400, "InvalidDigest")
    assert refusal(handle.get_object, "k") == (404, "NoSuchKey")


def test_listing(handle):
    keys = ["a/1", "a/2", "b", "c d+é&.txt"]
    for key in keys:
        handle.put_object(key, b"x")
    assert [item.key for item in oss2.ObjectIterator(handle)] == keys
    assert [item.key for item in oss2.ObjectIteratorV2(handle, max_keys=1)] == keys
    page = handle.list_objects(delimiter="/")
    assert (page.prefix_list, [item.key for item in page.object_list]) == (["a/"], ["b", "c d+é&.txt"])
    deleted = handle.batch_delete_objects(keys).deleted_keys
    assert sorted(deleted) == keys
    assert handle.list_objects().object_list == []


def test_an_objects_meta_is_what_its_writer_did_not_say(handle):
    headers = {"x-oss-meta-a": "1", "Content-Type": "text/x", "x-oss-server-side-encryption": "KMS"}
    put = handle.put_object("k", b"body", headers=headers)
    meta = handle.get_object_meta("k")
    assert (meta.content_length, meta.etag, meta.headers["x-oss-hash-crc64ecma"]) == (4, put.etag, str(put.crc))
    assert meta.last_modified and not [name for name in meta.headers if "meta-" in name.lower() or "encryption" in name.lower()]
    assert handle.object_exists("k") and not handle.object_exists("other")
    with pytest.raises(oss2.exceptions.NoSuchKey):
        handle.get_object_meta("other")


def test_a_presigned_url(server, client, handle):
    http = requests.Session()
    http.trust_env, http.verify = False, server.ca
    url = handle.sign_url("PUT", "dir/k", 60, headers={"x-oss-server-side-encryption": "KMS"}, slash_safe=True)
    answer = http.put(url, data=b"body", headers={"x-oss-server-side-encryption": "KMS"}, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-oss-server-side-encryption"] == "KMS"
    assert http.get(handle.sign_url("GET", "dir/k", 60), timeout=10).content == b"body"
    assert http.get(handle.sign_url("GET", "dir/k", 60) + "x", timeout=10).status_code == 403


def test_buckets_are_listed_with_all_that_oss2_needs(client, bucket):
    names = [item.name for item in oss2.BucketIterator(client.service())]
    assert bucket in names
    info = client.bucket(bucket).get_bucket_info()
    assert (info.name, info.acl.grant, info.storage_class) == (bucket, "private", "Standard")
    assert client.bucket(bucket).get_bucket_location().location
