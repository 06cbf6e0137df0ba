"""Amazon S3 through boto3: what the recorded answers do not reach."""

import base64
import datetime
import hashlib
import zlib

import boto3
import pytest
import requests
from botocore.config import Config

from clients import CUSTOMER_KEY, S3, Refused
from strongroom import ACCESS_KEY, REGION, SECRET_KEY


@pytest.fixture(params=["s3-v4", "s3-v4-tls"])
def client(request, clients):
    return clients[request.param]


def refusal(operation, *arguments, **named):
    with pytest.raises(Refused) as caught:
        operation(*arguments, **named)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_kept_and_checked(client, bucket, algorithm):
    name = f"Checksum{algorithm}"
    put = client.client.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    got = client.client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello" and got[name] == put[name]


def test_a_given_checksum_must_fit(client, bucket):
    right = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    client.client.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumSHA256=right)
    with pytest.raises(client.client.exceptions.ClientError) as caught:
        client.client.put_object(Bucket=bucket, Key="k", Body=b"hullo", ChecksumSHA256=right)
    assert caught.value.response["Error"]["Code"] == "BadDigest"
    assert client.get(bucket, "k") == b"hello"


def test_streams_of_unknown_length_travel_in_chunks(clients, new_bucket):
    """Over TLS boto3 sends an unsigned payload with a trailing checksum, in aws-chunked framing."""
    client = clients["s3-v4-tls"]
    client.create(new_bucket)
    body = bytes(range(256)) * 4096
    put = client.client.put_object(Bucket=new_bucket, Key="k", Body=body, ChecksumAlgorithm="CRC32")
    assert put["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    got = client.client.get_object(Bucket=new_bucket, Key="k")
    assert got["Body"].read() == body
    assert "aws-chunked" not in got.get("ContentEncoding", "")


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_presigned_urls(server, new_bucket, signature):
    client = S3(server, signature=signature)
    client.create(new_bucket)
    sign = lambda method: client.client.generate_presigned_url(
        method, Params={"Bucket": new_bucket, "Key": "a b/é+c"}, ExpiresIn=60
    )
    assert requests.put(sign("put_object"), data=b"body", timeout=10).status_code == 200
    assert requests.get(sign("get_object"), timeout=10).content == b"body"
    assert requests.get(sign("get_object").replace("a%20b", "a%20c"), timeout=10).status_code == 403


def test_a_presigned_url_expires(server, new_bucket):
    client = S3(server)
    client.create(new_bucket)
    client.put(new_bucket, "k", b"x")
    url = client.client.generate_presigned_url("get_object", Params={"Bucket": new_bucket, "Key": "k"}, ExpiresIn=1)
    import time

    time.sleep(2.1)
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 403 and "<Code>AccessDenied</Code>" in answer.text


def test_virtual_hosts(server, new_bucket):
    config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    client = boto3.client(
        "s3",
        endpoint_url=f"http://localhost:{server.http}",
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=config,
    )
    client.create_bucket(Bucket=new_bucket)
    client.put_object(Bucket=new_bucket, Key="dir/k", Body=b"body")
    assert client.get_object(Bucket=new_bucket, Key="dir/k")["Body"].read() == b"body"


def test_conditions(client, bucket):
    tag = client.put(bucket, "k", b"body")["ETag"]
    get = lambda **more: client._call(client.client.get_object, Bucket=bucket, Key="k", **more)
    assert get(IfMatch=tag)["Body"].read() == b"body"
    assert refusal(get, IfMatch='"0123"')[0] == 412
    assert refusal(get, IfNoneMatch=tag)[0] == 304
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    assert refusal(get, IfModifiedSince=tomorrow)[0] == 304
    assert refusal(get, IfUnmodifiedSince=tomorrow - datetime.timedelta(days=9))[0] == 412
    put = lambda **more: client._call(client.client.put_object, Bucket=bucket, Key="k", Body=b"new", **more)
    assert refusal(put, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(put, IfMatch='"0123"') == (412, "PreconditionFailed")
    put(IfMatch=tag)
    assert client.get(bucket, "k") == b"new"


def test_response_overrides_and_metadata(client, bucket):
    client.client.put_object(
        Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain", CacheControl="no-store", Metadata={"one": "1 2"}
    )
    got = client.client.get_object(Bucket=bucket, Key="k", ResponseContentType="image/png")
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("image/png", "no-store", {"one": "1 2"})


def test_listing_both_versions(client, bucket):
    keys = [f"{folder}/{number}" for folder in "abc" for number in range(5)] + ["top"]
    for key in keys:
        client.put(bucket, key, b"x")
    for method, token in (("list_objects", "Marker"), ("list_objects_v2", "ContinuationToken")):
        found, prefixes, more = [], [], {}
        while True:
            page = getattr(client.client, method)(Bucket=bucket, Delimiter="/", MaxKeys=2, **more)
            found += [item["Key"] for item in page.get("Contents", [])]
            prefixes += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
            if not page["IsTruncated"]:
                break
            more = {token: page["NextMarker" if token == "Marker" else "NextContinuationToken"]}
        assert (found, prefixes) == (["top"], ["a/", "b/", "c/"]), method
    pages = client.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    assert [item["Key"] for page in pages for item in page["Contents"]] == keys
    after = client.client.list_objects_v2(Bucket=bucket, StartAfter="b/3")
    assert after["Contents"][0]["Key"] == "b/4"


def test_batch_deletion(client, bucket):
    for key in ("a", "b&<c>", "é"):
        client.put(bucket, key, b"x")
    batch = {"Objects": [{"Key": key} for key in ("a", "b&<c>", "é", "absent")]}
    answer = client.client.delete_objects(Bucket=bucket, Delete=batch)
    assert sorted(item["Key"] for item in answer["Deleted"]) == ["a", "absent", "b&<c>", "é"]
    assert client.keys(bucket) == []


def test_ranges(client, bucket):
    client.put(bucket, "k", b"0123456789")
    get = lambda span: client._call(client.client.get_object, Bucket=bucket, Key="k", Range=span)
    for span, body, shown in [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=0-18446744073709551615", b"0123456789", "bytes 0-9/10"),
    ]:
        answer = get(span)
        assert (answer["Body"].read(), answer["ContentRange"]) == (body, shown)
    assert refusal(get, "bytes=10-") == (416, "InvalidRange")


def test_who_may_not(server, client, bucket):
    assert refusal(S3(server, secret_key="wrong").keys, bucket) == (403, "SignatureDoesNotMatch")
    assert refusal(S3(server, access_key="UNKNOWN").keys, bucket) == (403, "InvalidAccessKeyId")
    anonymous = requests.get(f"http://127.0.0.1:{server.http}/{bucket}", timeout=5)
    assert anonymous.status_code == 403 and "<Code>AccessDenied</Code>" in anonymous.text


def test_a_user_has_the_rights_that_a_policy_gives(server, bucket, clients):
    made = server.command("user", "create", f"user-{bucket}")
    user = S3(server, access_key=made["access_key"], secret_key=made["secret_key"])
    assert refusal(user.keys, bucket) == (403, "AccessDenied")
    server.command("policy", "attach", "Administrator", f"user/user-{bucket}")
    user.put(bucket, "k", b"body", "kms")
    assert clients["s3-v4"].get(bucket, "k") == b"body"
    server.command("user", "delete", f"user-{bucket}")
    assert refusal(user.keys, bucket) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("query", ["logging", "website"])
def test_what_is_not_built_says_so(server, client, bucket, query):
    operation = {
        "logging": client.client.get_bucket_logging,
        "website": client.client.get_bucket_website,
    }[query]
    assert refusal(client._call, operation, Bucket=bucket) == (501, "NotImplemented")


def test_object_describe_shows_no_key(server, client, bucket):
    client.put(bucket, "k", b"body" * 50_000, "kms")
    described = server.command("object", "describe", bucket, "k")
    assert described["suite"] == "aes-256-gcm" and described["chunks"] == 4
    client.put(bucket, "c", b"body", "customer")
    text = str(server.command("object", "describe", bucket, "c"))
    assert CUSTOMER_KEY.hex() not in text and base64.b64encode(CUSTOMER_KEY).decode() not in text


def test_key_service_calls_stay_within_their_budget(server, clients, new_bucket):
    client = clients["s3-v4"]
    client.create(new_bucket)
    client.put(new_bucket, "warm", b"x", "kms")
    calls = lambda: sum(v for n, v in server.metrics().items() if n.startswith("strongroom_key_service_calls_total"))
    before = calls()
    client.put(new_bucket, "k", b"x" * 100_000, "kms")
    assert calls() - before == 1
    before = calls()
    client.get(new_bucket, "k")
    assert calls() - before <= 1
    before = calls()
    client.head(new_bucket, "k")
    client.keys(new_bucket)
    assert calls() == before


def test_a_bucket_may_block_customers_keys(clients, bucket):
    client, sdk = clients["s3-v4"], clients["s3-v4"].client
    client.put(bucket, "before", b"body", "customer")
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}

    def put(rule):
        sdk.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def read():
        return sdk.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]

    assert "BlockedEncryptionTypes" not in read()
    put(rule)
    assert read()["BlockedEncryptionTypes"]["EncryptionType"] == ["SSE-C"]
    assert read()["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    for name in ["s3-v4", "oss-v4", "obs"]:
        with pytest.raises(Refused) as refused:
            clients[name].put(bucket, "k", b"body", "customer")
        assert (refused.value.status, refused.value.code) == (403, "AccessDenied"), name
        if name == "s3-v4":
            assert "has blocked upload requests that specify Server Side Encryption" in refused.value.message
    assert client.get(bucket, "before", "customer") == b"body"
    client.put(bucket, "k", b"body", "kms")
    put(default)
    assert read()["BlockedEncryptionTypes"]["EncryptionType"] == ["SSE-C"], "what a document leaves out stays"
    put({**default, "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}})
    assert "BlockedEncryptionTypes" not in read()
    client.put(bucket, "k", b"body", "customer")
