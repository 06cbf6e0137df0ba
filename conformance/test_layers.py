"""Two layers of encryption (`aws:kms:dsse`), through boto3; and what the other dialects make of such objects."""

import io
import json
import os
import urllib.request

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError

from clients import CUSTOMER_KEY, Refused

TWICE = {"ServerSideEncryption": "aws:kms:dsse"}
MEBI = 1024 * 1024


@pytest.fixture
def s3(clients, new_bucket):
    client = clients["s3-v4-tls"]
    client.create(new_bucket)
    return client


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    described = refused.value.response
    return described["ResponseMetadata"]["HTTPStatusCode"], described["Error"]["Code"]


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_001])
def test_what_is_put_comes_back(s3, new_bucket, clients, size):
    body, sdk = os.urandom(size), s3.client
    put = sdk.put_object(Bucket=new_bucket, Key="k", Body=body, ChecksumAlgorithm="SHA256", **TWICE)
    got = sdk.get_object(Bucket=new_bucket, Key="k", ChecksumMode="ENABLED")
    head = sdk.head_object(Bucket=new_bucket, Key="k")
    assert got["Body"].read() == body
    for answer in (put, got, head):
        assert answer["ServerSideEncryption"] == "aws:kms:dsse"
        assert answer["SSEKMSKeyId"] == put["SSEKMSKeyId"] and ":key/" in answer["SSEKMSKeyId"]
        assert "BucketKeyEnabled" not in answer
    assert got["ChecksumSHA256"] == put["ChecksumSHA256"]
    if size > 1:
        span = sdk.get_object(Bucket=new_bucket, Key="k", Range=f"bytes={size // 2}-{size // 2 + 9}")
        assert span["Body"].read() == body[size // 2 : size // 2 + 10]
    assert clients["obs-tls"].get(new_bucket, "k") == body
    assert clients["oss-v4-tls"].get(new_bucket, "k") == body
    assert clients["oss-v4-tls"].head(new_bucket, "k")["x-oss-server-side-encryption"] == "KMS"
    assert clients["obs-tls"].head(new_bucket, "k")["server-side-encryption"] == "kms"


def test_the_key_and_the_bucket_key_flag(s3, new_bucket, server):
    key, sdk = server.command("key", "create")["id"], s3.client
    arguments = {"SSEKMSKeyId": key, "BucketKeyEnabled": True, "SSEKMSEncryptionContext": "eyJhIjoiYiJ9"}
    put = sdk.put_object(Bucket=new_bucket, Key="k", Body=b"abc", **TWICE, **arguments)
    assert put["SSEKMSKeyId"].endswith(f":key/{key}") and "BucketKeyEnabled" not in put
    server.command("key", "disable", key)
    assert refusal(sdk.get_object, Bucket=new_bucket, Key="k") == (400, "KMS.DisabledException")
    server.command("key", "enable", key)
    assert s3.get(new_bucket, "k") == b"abc"


def test_in_parts(s3, new_bucket):
    body, sdk = os.urandom(11 * MEBI), s3.client
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * MEBI, multipart_chunksize=5 * MEBI)
    sdk.upload_fileobj(io.BytesIO(body), new_bucket, "k", ExtraArgs=TWICE, Config=config)
    head = sdk.head_object(Bucket=new_bucket, Key="k")
    assert head["ServerSideEncryption"] == "aws:kms:dsse" and head["ETag"].endswith('-3"')
    assert s3.get(new_bucket, "k") == body
    assert s3.get(new_bucket, "k", first=5 * MEBI - 3, last=5 * MEBI + 3) == body[5 * MEBI - 3 : 5 * MEBI + 4]
    begun = sdk.create_multipart_upload(Bucket=new_bucket, Key="t", **TWICE)
    assert begun["ServerSideEncryption"] == "aws:kms:dsse"
    part = sdk.upload_part_copy(
        Bucket=new_bucket, Key="t", UploadId=begun["UploadId"], PartNumber=1, CopySource=f"{new_bucket}/k"
    )
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    done = sdk.complete_multipart_upload(
        Bucket=new_bucket, Key="t", UploadId=begun["UploadId"], MultipartUpload={"Parts": parts}
    )
    assert part["ServerSideEncryption"] == done["ServerSideEncryption"] == "aws:kms:dsse"
    assert s3.get(new_bucket, "t") == body


def test_copies_to_and_from_every_method(s3, new_bucket):
    body, sdk = os.urandom(70_000), s3.client
    for mode in s3.modes:
        s3.put(new_bucket, mode, body, mode=mode)
        source = {f"CopySource{name}": value for name, value in s3._read_arguments(mode).items()}
        there = f"{new_bucket}/{mode}"
        copied = sdk.copy_object(Bucket=new_bucket, Key="twice", CopySource=there, **TWICE, **source)
        assert copied["ServerSideEncryption"] == "aws:kms:dsse"
        assert s3.get(new_bucket, "twice") == body
        s3.copy(new_bucket, "twice", new_bucket, f"{mode}-back", mode=mode)
        assert s3.get(new_bucket, f"{mode}-back", mode=mode) == body
    onto_itself = sdk.copy_object(Bucket=new_bucket, Key="kms", CopySource=f"{new_bucket}/kms", **TWICE)
    assert onto_itself["ServerSideEncryption"] == "aws:kms:dsse"


def test_as_a_buckets_default(s3, new_bucket, server):
    key, sdk = server.command("key", "create")["id"], s3.client
    rule = {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}]
    sdk.put_bucket_encryption(Bucket=new_bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    answer = sdk.get_bucket_encryption(Bucket=new_bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert answer["ApplyServerSideEncryptionByDefault"] == rule
    put = sdk.put_object(Bucket=new_bucket, Key="k", Body=b"abc")
    assert (put["ServerSideEncryption"], "BucketKeyEnabled" in put) == ("aws:kms:dsse", False)
    assert put["SSEKMSKeyId"].endswith(f":key/{key}")
    assert "ServerSideEncryption" in sdk.create_multipart_upload(Bucket=new_bucket, Key="m")
    assert sdk.put_object(Bucket=new_bucket, Key="k", Body=b"abc", ServerSideEncryption="AES256")[
        "ServerSideEncryption"
    ] == "AES256"


def test_what_does_not_go_together(s3, new_bucket, clients):
    sdk = s3.client
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": CUSTOMER_KEY}
    assert refusal(sdk.put_object, Bucket=new_bucket, Key="k", **TWICE, **customer) == (400, "InvalidArgument")
    assert refusal(sdk.create_multipart_upload, Bucket=new_bucket, Key="k", **TWICE, **customer) == (
        400,
        "InvalidArgument",
    )
    sdk.put_object(Bucket=new_bucket, Key="k", Body=b"abc", **TWICE)
    assert refusal(sdk.get_object, Bucket=new_bucket, Key="k", **customer) == (400, "InvalidRequest")
    assert refusal(sdk.put_object, Bucket=new_bucket, Key="k", Body=b"", SSEKMSKeyId="nobodys-key", **TWICE) == (
        400,
        "KMS.NotFoundException",
    )
    with pytest.raises(Refused) as refused:
        clients["oss-v4-tls"].call(
            clients["oss-v4-tls"].bucket(new_bucket).put_object,
            "k",
            b"abc",
            headers={"x-oss-server-side-encryption": "aws:kms:dsse"},
        )
    assert refused.value.status == 400


def test_it_is_not_changed_in_place(s3, new_bucket, server):
    key, sdk = server.command("key", "create"), s3.client
    put = sdk.put_object(Bucket=new_bucket, Key="k", Body=b"abc", **TWICE)
    arn = put["SSEKMSKeyId"].rsplit("/", 1)[0] + "/" + key["id"]
    wish = {"SSEKMS": {"KMSKeyArn": arn}}
    assert refusal(sdk.update_object_encryption, Bucket=new_bucket, Key="k", ObjectEncryption=wish) == (
        400,
        "InvalidRequest",
    )
    assert s3.get(new_bucket, "k") == b"abc"


def test_a_policy_can_demand_it(s3, new_bucket):
    sdk = s3.client
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{new_bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms:dsse"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    sdk.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps(policy))
    assert refusal(sdk.put_object, Bucket=new_bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms") == (
        403,
        "AccessDenied",
    )
    sdk.put_object(Bucket=new_bucket, Key="k", Body=b"abc", **TWICE)


def test_by_a_signed_url(s3, new_bucket, server):
    url = s3.client.generate_presigned_url("put_object", Params={"Bucket": new_bucket, "Key": "k", **TWICE})
    import ssl

    request = urllib.request.Request(url, data=b"abc", method="PUT", headers={"x-amz-server-side-encryption": "aws:kms:dsse"})
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=server.ca)) as answer:
        assert answer.headers["x-amz-server-side-encryption"] == "aws:kms:dsse"
    assert s3.get(new_bucket, "k") == b"abc"
