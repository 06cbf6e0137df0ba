"""Bucket keys through boto3 and Huawei's SDK: what they spare the key service, and the context they are decided and told by."""

import base64
import json
import os

import pytest
from botocore.exceptions import ClientError
from obs import PutObjectHeader, SseKmsHeader

from clients import S3
from keys import aws

OBS_FLAG = "server-side-encryption-bucket-key-enabled"
KIBI = 1024


@pytest.fixture(scope="module")
def kms(server):
    return aws(server)


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def s3(clients, new_bucket):
    clients["s3-v4-tls"].create(new_bucket)
    return clients["s3-v4-tls"].client


@pytest.fixture
def calls(server):
    """How often an act makes the server ask the key service for keys of objects. (All calls are those of the reaper too.)"""

    def total():
        metrics = server.metrics()
        return sum(metrics[f"strongroom_key_service_{kind}_total"] for kind in ("data_keys", "unwraps"))

    def count(act):
        before = total()
        act()
        return total() - before

    return count


def sealed(key, bucket_key=None):
    flag = {} if bucket_key is None else {"BucketKeyEnabled": bucket_key}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, **flag}


def default(s3, bucket, key, bucket_key, algorithm="aws:kms"):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": bucket_key}
    if key:
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = key
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"


def test_ten_writes_are_one_call_with_the_header(s3, new_bucket, key, calls):
    def write(**more):
        return [s3.put_object(Bucket=new_bucket, Key=f"k{n}", Body=os.urandom(n * 20 * KIBI), **more) for n in range(10)]

    answers = []
    assert calls(lambda: answers.extend(write(**sealed(key, True)))) == 1
    assert all(answer["BucketKeyEnabled"] is True for answer in answers)
    assert calls(lambda: [s3.get_object(Bucket=new_bucket, Key=f"k{n}")["Body"].read() for n in range(10)]) <= 2
    head = s3.head_object(Bucket=new_bucket, Key="k1")
    assert head["BucketKeyEnabled"] is True and head["SSEKMSKeyId"] == key
    assert calls(lambda: answers.extend(write(**sealed(key)))) == 10
    assert "BucketKeyEnabled" not in answers[-1]


def test_the_buckets_default_is_inherited(s3, new_bucket, key, calls):
    default(s3, new_bucket, key, True)
    put = lambda name, **more: s3.put_object(Bucket=new_bucket, Key=name, Body=b"x", **more)
    answers = []
    assert calls(lambda: answers.extend(put(f"k{n}") for n in range(10))) == 1
    assert all(answer["BucketKeyEnabled"] is True for answer in answers)
    assert calls(lambda: answers.append(put("open", **sealed(key)))) == 0
    assert answers[-1]["BucketKeyEnabled"] is True
    assert calls(lambda: answers.append(put("refused", **sealed(key, False)))) == 1
    assert "BucketKeyEnabled" not in answers[-1]
    copied = s3.copy_object(Bucket=new_bucket, Key="copied", CopySource=f"{new_bucket}/refused")
    assert copied["BucketKeyEnabled"] is True
    default(s3, new_bucket, None, True, algorithm="AES256")
    assert calls(lambda: answers.extend(put(f"m{n}") for n in range(3))) == 3
    assert "BucketKeyEnabled" not in answers[-1], "a key that the service manages has none"


def test_in_parts_copied_and_wrapped_anew(s3, new_bucket, kms, key, calls):
    body = os.urandom(6 * KIBI * KIBI)
    begun = s3.create_multipart_upload(Bucket=new_bucket, Key="parts", **sealed(key, True))
    assert begun["BucketKeyEnabled"] is True
    where = {"Bucket": new_bucket, "Key": "parts", "UploadId": begun["UploadId"]}
    halves = [body[: 5 * KIBI * KIBI], body[5 * KIBI * KIBI :]]
    parts = [s3.upload_part(PartNumber=n, Body=half, **where) for n, half in enumerate(halves, 1)]
    assert all(part["BucketKeyEnabled"] is True for part in parts)
    named = [{"PartNumber": n, "ETag": part["ETag"]} for n, part in enumerate(parts, 1)]
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": named}, **where)
    assert done["BucketKeyEnabled"] is True
    assert s3.get_object(Bucket=new_bucket, Key="parts")["Body"].read() == body
    other = kms.create_key()["KeyMetadata"]["Arn"]
    encryption = {"SSEKMS": {"KMSKeyArn": other, "BucketKeyEnabled": True}}
    s3.put_object(Bucket=new_bucket, Key="first", Body=b"x", **sealed(other, True))
    for name in ("one", "two"):
        s3.copy_object(Bucket=new_bucket, Key=name, CopySource=f"{new_bucket}/parts", **sealed(key, True))
        s3.update_object_encryption(Bucket=new_bucket, Key=name, ObjectEncryption=encryption)
        got = s3.get_object(Bucket=new_bucket, Key=name)
        assert (got["SSEKMSKeyId"], got["BucketKeyEnabled"], got["Body"].read()) == (other, True, body)
    kms.disable_key(KeyId=key)
    assert s3.get_object(Bucket=new_bucket, Key="two")["Body"].read() == body
    assert code(s3.get_object, Bucket=new_bucket, Key="parts") == "KMS.DisabledException"
    assert code(s3.put_object, Bucket=new_bucket, Key="new", Body=b"x", **sealed(key, True)) == "KMS.DisabledException"


def test_huaweis_header_and_its_buckets_default(clients, new_bucket, key, calls):
    client = clients["obs-tls"].client
    kms = SseKmsHeader(encryption="kms", key=key.split("/")[1])
    ordered = {"x-obs-server-side-encryption": "kms", "x-obs-server-side-encryption-kms-key-id": key.split("/")[1]}
    made = client.createBucket(new_bucket, extensionHeaders={**ordered, f"x-obs-{OBS_FLAG}": "true"})
    assert made.status < 300, made

    def put(name, **more):
        answer = client.putContent(new_bucket, name, b"x", **more)
        assert answer.status == 200, answer
        return dict(answer.header)

    answers = []
    assert calls(lambda: answers.extend(put(f"d{n}") for n in range(5))) == 1
    asked = {"headers": PutObjectHeader(sseHeader=kms), "extensionHeaders": {f"x-obs-{OBS_FLAG}": "true"}}
    assert calls(lambda: answers.extend(put(f"k{n}", **asked) for n in range(5))) == 0
    assert all(answer[OBS_FLAG] == "true" for answer in answers)
    assert clients["obs-tls"].head(new_bucket, "k1")[OBS_FLAG] == "true"
    refused = {**asked, "extensionHeaders": {f"x-obs-{OBS_FLAG}": "false"}}
    assert calls(lambda: answers.append(put("none", **refused))) == 1
    assert OBS_FLAG not in answers[-1]
    assert clients["obs-tls"].get(new_bucket, "k1") == b"x"
    assert clients["oss-v4-tls"].get(new_bucket, "k1") == b"x"


def test_every_requester_has_its_own(server, s3, new_bucket, key, calls, tmp_path):
    made = server.command("user", "create", "bucketkey-ann")
    file = tmp_path / "all.json"
    statements = [{"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    server.command("policy", "put", "bucketkey-all", "--file", str(file))
    server.command("policy", "attach", "bucketkey-all", "user/bucketkey-ann")
    ann = S3(server, tls=True, access_key=made["access_key"], secret_key=made["secret_key"]).client
    for client in (s3, ann):
        write = lambda n: client.put_object(Bucket=new_bucket, Key=f"k{n}", Body=b"x", **sealed(key, True))
        assert [calls(lambda: write(n)) for n in range(3)] == [1, 0, 0]


def records(server, request):
    return [line["record"] for line in server.command("audit", "query", "--request", request)["records"]]


@pytest.mark.parametrize("bucket_key", [False, True])
def test_the_context_names_the_object_or_the_bucket(server, s3, new_bucket, key, bucket_key):
    """`eyJhIjoiYiJ9` is `{"a":"b"}`."""
    arn = f"arn:aws:s3:::{new_bucket}" + ("" if bucket_key else "/dir/k")
    for known in (False, True):
        put = s3.put_object(
            Bucket=new_bucket, Key="dir/k", Body=b"x", SSEKMSEncryptionContext="eyJhIjoiYiJ9", **sealed(key, bucket_key)
        )
        [wrote] = records(server, put["ResponseMetadata"]["RequestId"])
        assert wrote["context"] == {"a": "b", "aws:s3:arn": arn}
        assert wrote.get("cached") == (known if bucket_key else None)
    got = s3.get_object(Bucket=new_bucket, Key="dir/k")
    [read] = records(server, got["ResponseMetadata"]["RequestId"])
    assert (read["action"], read["context"]) == ("DecryptDataKey", wrote["context"])
    # The answer shows what the client gave.
    assert put["SSEKMSEncryptionContext"] == "eyJhIjoiYiJ9"


def test_policies_and_grants_can_ask_for_the_place(server, kms, s3, new_bucket, tmp_path):
    made = server.command("user", "create", "bucketkey-bob")
    file = tmp_path / "bob.json"
    here = f"arn:aws:s3:::{new_bucket}"
    condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": [here, f"{here}/mine"]}}
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*", "Condition": condition},
    ]
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    server.command("policy", "put", "bucketkey-place", "--file", str(file))
    server.command("policy", "attach", "bucketkey-place", "user/bucketkey-bob")
    bob = S3(server, tls=True, access_key=made["access_key"], secret_key=made["secret_key"]).client
    key = kms.create_key()["KeyMetadata"]["Arn"]
    put = lambda name, bucket_key=False, **more: code(
        bob.put_object, Bucket=new_bucket, Key=name, Body=b"x", **sealed(key, bucket_key), **more
    )
    get = lambda name: code(bob.get_object, Bucket=new_bucket, Key=name)
    assert (put("mine"), put("other"), put("other", True)) == ("allowed", "AccessDenied", "allowed")
    # The place as the client would like it to be.
    forged = base64.b64encode(json.dumps({"aws:s3:arn": f"{here}/mine"}).encode()).decode()
    assert put("other", SSEKMSEncryptionContext=forged) == "AccessDenied"
    s3.put_object(Bucket=new_bucket, Key="theirs", Body=b"x", **sealed(key))
    assert (get("mine"), get("other"), get("theirs")) == ("allowed", "allowed", "AccessDenied")

    carol = server.command("user", "create", "bucketkey-carol")
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements[:1]}))
    server.command("policy", "put", "bucketkey-objects", "--file", str(file))
    server.command("policy", "attach", "bucketkey-objects", "user/bucketkey-carol")
    account = key.split(":")[4]
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=f"arn:aws:iam::{account}:user/bucketkey-carol",
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": {"aws:s3:arn": f"{here}/theirs"}},
    )
    carol = S3(server, tls=True, access_key=carol["access_key"], secret_key=carol["secret_key"]).client
    assert code(carol.get_object, Bucket=new_bucket, Key="theirs") == "allowed"
    assert code(carol.get_object, Bucket=new_bucket, Key="mine") == "AccessDenied"


def test_they_outlive_the_process(server, clients, new_bucket, key, calls):
    s3 = clients["s3-v4-tls"].client
    s3.create_bucket(Bucket=new_bucket)
    for n in range(3):
        s3.put_object(Bucket=new_bucket, Key=f"k{n}", Body=b"x" * n * 50 * KIBI, **sealed(key, True))
    server.kill()
    server.start()
    assert calls(lambda: [s3.get_object(Bucket=new_bucket, Key=f"k{n}")["Body"].read() for n in range(3)]) <= 2
    assert calls(lambda: s3.put_object(Bucket=new_bucket, Key="new", Body=b"x", **sealed(key, True))) == 1
