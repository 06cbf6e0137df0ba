"""The answers of the real AWS, replayed: for every step that this server's operations reach, status, code, message,
headers and body are equal, masked values apart."""

import base64
import hashlib
import json
import pathlib
import re

import pytest
from botocore.exceptions import ClientError

from clients import S3

RECORDED = json.loads((pathlib.Path(__file__).parent / "oracle" / "aws-s3-encryption.json").read_text())

# What differs because it must: times, and what this server is called.
IGNORED = {"LastModified", "ResponseMetadata", "Location", "UploadId"}
# Steps that are replayed under no name of their own, and why.
ELSEWHERE = {
    "create-kms-key": "AWS KMS's DescribeKey: a key of this server's own stands for it; test_oracle_kms.py replays that service",
    "managed-kms-key": "AWS KMS's DescribeKey of the default key, as above",
    "get-bucket-no-encryption": "its document is masked in the recording: the test says what it must be",
}

KEY = b"\x01" * 32
OTHER = b"\x02" * 32


def md5(key):
    return base64.b64encode(hashlib.md5(key).digest()).decode()


def sse_c(key=KEY, **changes):
    """The three parameters of SSE-C as they travel: given the digest, boto3 does not encode the key itself."""
    encoded = base64.b64encode(key).decode()
    given = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": encoded, "SSECustomerKeyMD5": md5(key), **changes}
    return {name: value for name, value in given.items() if value is not None}


def has_random_tag(answer):
    """Tags of objects under SSE-KMS and SSE-C are random, here as in the recording; all others are the MD5."""
    return "SSECustomerAlgorithm" in answer or answer.get("ServerSideEncryption") == "aws:kms"


class Replay:
    """One recorded test: `step` makes a call and compares its answer with the recorded one."""

    def __init__(self, name, clients, bucket, server):
        self.recorded = RECORDED[name]["recorded-content"]
        self.s3, self.bucket, self.server = clients["s3-v4"].client, bucket, server
        self.masked, self.replayed = {}, set()

    def __getattr__(self, operation):
        method = getattr(self.s3, operation)

        def call(step, **arguments):
            arguments.setdefault("Bucket", self.bucket)
            return self.compare(step, self.answer(method, arguments))

        return call

    @staticmethod
    def answer(method, arguments):
        try:
            answer = method(**arguments)
        except ClientError as error:
            answer = error.response
        if "Body" in answer:
            answer["Body"] = answer["Body"].read().decode()
        return answer

    def compare(self, step, answer):
        expected = self.recorded[step]
        self.replayed.add(step)
        status = expected["ResponseMetadata"]["HTTPStatusCode"]
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, (step, answer)
        self.equal(step, self.visible(expected), self.visible(answer))
        return answer

    @staticmethod
    def visible(answer):
        return {name: value for name, value in answer.items() if name not in IGNORED}

    def equal(self, path, expected, actual):
        if isinstance(expected, dict):
            assert isinstance(actual, dict) and set(expected) == set(actual), (path, expected, actual)
            for name, value in expected.items():
                if name in IGNORED:
                    continue
                if name == "ETag" and has_random_tag(expected):
                    assert re.fullmatch(r'"[0-9a-f]{32}(-\d+)?"', actual[name]), (path, actual[name])
                else:
                    self.equal(f"{path}.{name}", value, actual[name])
        elif isinstance(expected, list):
            assert len(expected) == len(actual), (path, expected, actual)
            for number, pair in enumerate(zip(expected, actual)):
                self.equal(f"{path}[{number}]", *pair)
        elif isinstance(expected, str):
            self.equal_text(path, expected, actual)
        else:
            assert expected == actual, (path, expected, actual)

    def equal_text(self, path, expected, actual):
        """`<…>` and the recording's account stand for anything, but for the same thing all through the test."""
        pieces = re.split(r"(<[^<>]*>|111111111111)", expected)
        pattern = "".join("(.+?)" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces))
        match = re.fullmatch(pattern, actual)
        assert match, (path, expected, actual)
        for mask, value in zip(pieces[1::2], match.groups()):
            assert self.masked.setdefault(mask, value) == value, (path, mask, self.masked[mask], value)


@pytest.fixture
def replay(request, clients, new_bucket, server):
    clients["s3-v4"].create(new_bucket)
    replay = Replay(request.node.name.replace("replay_", ""), clients, new_bucket, server)
    failed = request.session.testsfailed
    yield replay
    if request.session.testsfailed == failed:
        left_out = set(replay.recorded) - replay.replayed
        assert left_out <= set(ELSEWHERE), f"recorded, and not replayed: {left_out}"


def test_every_recorded_test_is_replayed():
    here = {name.replace("replay_", "") for name in globals() if name.startswith("test_replay_")}
    assert here == set(RECORDED)


def without_md5(replay):
    """Stops boto3 from adding the MD5 of a customer's key, for the steps that leave it out."""
    copy = replay.s3
    events = copy.meta.events

    def strip(params, **_):
        params["headers"].pop("x-amz-server-side-encryption-customer-key-MD5", None)

    events.register("before-call.s3", strip)
    return lambda: events.unregister("before-call.s3", strip)


def test_replay_put_object_validation_sse_c(replay):
    put = lambda step, **sse: replay.put_object(step, Key="k", Body=b"test_data", **sse)
    put("put-obj-sse-c-wrong-algo", **sse_c(SSECustomerAlgorithm="KMS"))
    put("put-obj-sse-c-no-algo", **sse_c(SSECustomerAlgorithm=None))
    put("put-obj-sse-c-no-key", SSECustomerAlgorithm="AES256")
    put("put-obj-sse-c-wrong-key-size", **sse_c(b"short"))
    put("put-obj-sse-c-bad-md5", **sse_c(SSECustomerKeyMD5=md5(OTHER)))
    put("put-obj-sse-c-both-encryption", ServerSideEncryption="AES256", **sse_c())
    restore = without_md5(replay)
    put("put-obj-sse-c-no-md5", **sse_c())
    restore()


def test_replay_put_object_lifecycle_with_sse_c(replay):
    replay.put_object("put-obj-sse-c", Key="k", Body=b"test_data", **masked_md5(replay))
    replay.head_object("head-obj-sse-c", Key="k", **sse_c())
    replay.get_object("get-obj-sse-c", Key="k", ChecksumMode="ENABLED", **sse_c())
    attributes(replay, "get-obj-attrs-sse-c", ["ETag", "ObjectSize"])
    replay.delete_object("del-obj-sse-c", Key="k")


def attributes(replay, step, asked, **sse):
    """The recording does not tell the tags of objects under SSE-C."""
    if "ETag" in replay.recorded[step]:
        replay.recorded[step]["ETag"] = "<bare tag>"
    replay.get_object_attributes(step, Key="k", ObjectAttributes=asked, **(sse or sse_c()))


def masked_md5(replay):
    """The recorded customer key is not known, so its MD5 is taken for a masked value."""
    for step in replay.recorded.values():
        if "SSECustomerKeyMD5" in step:
            step["SSECustomerKeyMD5"] = "<md5>"
    return sse_c()


def test_replay_put_object_default_checksum_with_sse_c(replay):
    masked_md5(replay)
    # The recorded upload carried no checksum of its own, so the service computed its default one.
    quiet = S3(replay.server, request_checksum_calculation="when_required")
    quiet.client.put_object(Bucket=replay.bucket, Key="k", Body=b"test data..", **sse_c())
    replay.head_object("head-obj-sse-c", Key="k", ChecksumMode="ENABLED", **sse_c())
    replay.get_object("get-obj-sse-c", Key="k", ChecksumMode="ENABLED", **sse_c())
    attributes(replay, "get-obj-attrs-sse-c", ["ETag", "Checksum"])


def test_replay_sse_c_with_versioning(replay):
    keys = {1: KEY, 2: OTHER}
    for name, step in replay.recorded.items():
        if "SSECustomerKeyMD5" in step:
            step["SSECustomerKeyMD5"] = md5(keys[1 if name.endswith("version-1") else 2])
    replay.s3.put_bucket_versioning(Bucket=replay.bucket, VersioningConfiguration={"Status": "Enabled"})
    made = {
        number: replay.put_object(f"put-obj-sse-c-version-{number}", Key="k", Body=f"version{number}", **sse_c(key))
        for number, key in keys.items()
    }
    get = lambda step, key, **named: replay.get_object(step, Key="k", ChecksumMode="ENABLED", **named, **sse_c(key))
    get("get-obj-sse-c-last-version", OTHER)
    get("get-obj-sse-c-last-version-wrong-key", KEY)
    for number, key in keys.items():
        get(f"get-obj-sse-c-version-{number}", key, VersionId=made[number]["VersionId"])


def test_replay_object_retrieval_sse_c(replay):
    masked_md5(replay)
    replay.put_object("put-obj-sse-c", Key="k", Body=b"test_data", **sse_c())
    get = lambda step, **sse: replay.get_object(step, Key="k", **sse)
    get("get-obj-no-sse-c")
    get("get-obj-sse-c-wrong-algo", **sse_c(SSECustomerAlgorithm="KMS"))
    get("get-obj-sse-c-wrong-key", **sse_c(OTHER))
    get("get-obj-sse-c-wrong-key-size", **sse_c(b"short"))
    get("get-obj-sse-c-bad-md5", **sse_c(SSECustomerKeyMD5=md5(OTHER)))
    replay.head_object("head-obj-sse-c-wrong-algo", Key="k", **sse_c(SSECustomerAlgorithm="KMS"))
    wrong = sse_c(SSECustomerAlgorithm="KMS")
    attributes(replay, "get-obj-attrs-sse-c-wrong-algo", ["ETag"], **wrong)
    restore = without_md5(replay)
    get("get-obj-sse-c-no-md5", **sse_c())
    replay.head_object("head-obj-sse-c-no-md5", Key="k", **sse_c())
    restore()


def rule(algorithm, key=None, bucket_key=True):
    default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}]}


def put_rule(replay, step, configuration, **more):
    return replay.put_bucket_encryption(step, ServerSideEncryptionConfiguration=configuration, **more)


def test_replay_s3_bucket_encryption_sse_s3(replay):
    put_rule(replay, "put-bucket-enc", rule("AES256"))
    replay.put_object("put-object-encrypted", Key="k", Body=b"test-encrypted")
    replay.head_object("head-object-encrypted", Key="k")
    replay.get_object("get-object-encrypted", Key="k", ChecksumMode="ENABLED")


def test_replay_s3_bucket_encryption_sse_kms(replay):
    key = replay.server.command("key", "create")["id"]
    put_rule(replay, "put-bucket-enc", rule("aws:kms", key))
    replay.get_bucket_encryption("get-bucket-enc")
    replay.put_object("put-object-encrypted", Key="k", Body=b"test-encrypted")
    replay.head_object("head-object-encrypted", Key="k")
    replay.get_object("get-object-encrypted", Key="k", ChecksumMode="ENABLED")
    put_rule(replay, "put-bucket-enc-bucket-key-disabled", rule("aws:kms", key, bucket_key=False))
    replay.put_object("put-object-encrypted-bucket-key-disabled", Key="k", Body=b"test-encrypted")


def test_replay_s3_bucket_encryption_sse_kms_aws_managed_key(replay):
    put_rule(replay, "put-bucket-enc", rule("aws:kms"))
    replay.get_bucket_encryption("get-bucket-enc")
    replay.put_object("put-object-encrypted", Key="k", Body=b"test-encrypted")
    replay.head_object("head-object-encrypted", Key="k")
    replay.get_object("get-object-encrypted", Key="k", ChecksumMode="ENABLED")


def test_replay_s3_default_bucket_encryption(replay):
    replay.get_bucket_encryption("default-bucket-encryption")
    replay.delete_bucket_encryption("delete-bucket-encryption")
    replay.delete_bucket_encryption("delete-bucket-encryption-idempotent")
    # The recording masks the document of this last answer; a bucket falls back to the rule it was made with.
    answer = replay.s3.get_bucket_encryption(Bucket=replay.bucket)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ServerSideEncryptionConfiguration"] == rule("AES256", bucket_key=False)


def test_replay_s3_default_bucket_encryption_exc(replay):
    missing = {"Bucket": "bucket-that-nobody-made"}
    replay.get_bucket_encryption("get-bucket-enc-no-bucket", **missing)
    replay.delete_bucket_encryption("delete-bucket-enc-no-bucket", **missing)
    put_rule(replay, "put-bucket-enc-no-bucket", rule("AES256"), **missing)
    put_rule(replay, "put-bucket-encryption-no-rules", {"Rules": []})
    put_rule(replay, "put-bucket-encryption-two-rules", {"Rules": rule("AES256")["Rules"] * 2})
    put_rule(replay, "put-bucket-encryption-kms-with-aes", rule("AES256", "key"))


def test_replay_s3_sse_bucket_key_default(replay):
    key = replay.server.command("key", "create")["id"]
    replay.put_object("put-obj-default-before-setting", Key="before", Body=b"test-sse")
    replay.get_object("get-obj-default-before-setting", Key="before", ChecksumMode="ENABLED")
    put_rule(replay, "put-bucket-encryption", rule("aws:kms", key))
    replay.get_bucket_encryption("get-bucket-encryption")
    replay.get_object("get-obj-default-after-setting", Key="before", ChecksumMode="ENABLED")
    replay.put_object("put-obj-after-setting", Key="after", Body=b"test-sse")
    replay.get_object("get-obj-after-setting", Key="after", ChecksumMode="ENABLED")


def test_replay_s3_sse_default_kms_key(replay, clients):
    second = f"{replay.bucket}-2"
    clients["s3-v4"].create(second)
    kms = {"ServerSideEncryption": "aws:kms"}
    replay.put_object("put-obj-default-kms-s3-key", Key="k", Body=b"test-sse", **kms)
    replay.get_object("get-obj-default-kms-s3-key", Key="k", ChecksumMode="ENABLED")
    replay.put_object("put-obj-default-kms-s3-key-bucket-2", Bucket=second, Key="k", Body=b"test-sse", **kms)
    replay.get_object("get-obj-default-kms-s3-key-bucket-2", Bucket=second, Key="k", ChecksumMode="ENABLED")
    put_rule(replay, "put-bucket-encryption-default-kms-s3-key", rule("aws:kms"))
    replay.get_bucket_encryption("get-bucket-encryption-default-kms-s3-key")
    replay.put_object("put-obj-default-kms-s3-key-from-bucket", Key="k2", Body=b"test-sse")
    replay.get_object("get-obj-default-kms-s3-key-from-bucket", Key="k2", ChecksumMode="ENABLED")


def test_replay_s3_sse_validate_kms_key(replay):
    kms = {"ServerSideEncryption": "aws:kms"}
    put = lambda step, key: replay.put_object(step, Key="k", Body=b"x", SSEKMSKeyId=key, **kms)
    account = replay.server.command("key", "create")["account"]
    unknown = "134f2428-cec1-4b25-a1ae-9048164dba47"
    put("put-obj-wrong-kms-key", "fake-key-id")
    put("put-obj-wrong-kms-key-real-uuid", unknown)
    put("put-obj-wrong-kms-key-real-uuid-arn", f"arn:aws:kms:us-east-1:{account}:key/{unknown}")
    put("put-obj-different-region-kms-key", f"arn:aws:kms:us-west-2:{account}:key/{unknown}")
    replay.masked.pop("<uuid:1>", None)
    put("put-obj-different-region-kms-key-no-arn", "234f2428-cec1-4b25-a1ae-9048164dba47")
    replay.s3.put_object(Bucket=replay.bucket, Key="plain", Body=b"x")
    source = f"{replay.bucket}/plain"
    replay.copy_object("copy-obj-wrong-kms-key", Key="k", CopySource=source, SSEKMSKeyId="fake-key-id", **kms)
    replay.create_multipart_upload("create-multipart-wrong-kms-key", Key="k", SSEKMSKeyId="fake-key-id", **kms)


def test_replay_s3_sse_validate_kms_key_state(replay):
    key = replay.server.command("key", "create")["id"]
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    replay.put_object("success-put-object-sse", Key="k", Body=b"test-sse", **kms)
    replay.get_object("success-get-object-sse", Key="k", ChecksumMode="ENABLED")
    replay.server.command("key", "disable", key)
    replay.get_object("get-obj-disabled-key", Key="k")
    replay.put_object("put-obj-disabled-key", Key="k", Body=b"test-sse", **kms)
    replay.server.command("key", "enable", key)
    replay.server.command("key", "schedule-deletion", key, "--days", "7")
    replay.get_object("get-obj-pending-deletion-key", Key="k")


def test_replay_copy_in_place_with_bucket_encryption(replay):
    put_rule(replay, "put-bucket-encryption", rule("AES256", bucket_key=False))
    replay.put_object("put-obj", Key="k", Body=b"")
    # It changes nothing, but the bucket was given a rule.
    replay.copy_object("copy-obj", Key="k", CopySource=f"{replay.bucket}/k")


def test_replay_copy_object_kms(replay):
    key = replay.server.command("key", "create")["id"]
    replay.s3.put_object(Bucket=replay.bucket, Key="k", Body=b"hello world")
    replay.get_object("get-object", Key="k", ChecksumMode="ENABLED")
    # The recording does not tell the tags of objects under SSE-KMS.
    replay.recorded["copy-object"]["CopyObjectResult"]["ETag"] = "<tag>"
    replay.recorded["get-copied-object"]["ETag"] = "<tag>"
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "BucketKeyEnabled": True}
    replay.copy_object("copy-object", Key="t", CopySource=f"{replay.bucket}/k", **kms)
    replay.get_object("get-copied-object", Key="t", ChecksumMode="ENABLED")


def of_source(given):
    return {f"CopySource{name}": value for name, value in given.items()}


def test_replay_copy_object_with_sse_c(replay):
    replay.put_object("put-obj-sse-c", Key="k", Body=b"test_data", **masked_md5(replay))
    replay.get_object("get-obj-no-sse-c-param", Key="k")
    for step in ("copy-obj-sse-c", "copy-obj-sse-c-target-no-sse-c"):
        replay.recorded[step]["CopyObjectResult"]["ETag"] = "<tag>" if step == "copy-obj-sse-c" else md5_tag(b"test_data")
    copy = lambda step, **sse: replay.copy_object(step, Key="t", CopySource=f"{replay.bucket}/k", **sse)
    copy("copy-obj-no-src-sse-c", **sse_c())
    copy("copy-obj-wrong-src-sse-c-algo", **of_source(sse_c(SSECustomerAlgorithm="KMS")))
    copy("copy-obj-wrong-target-sse-c-algo", **of_source(sse_c()), **sse_c(SSECustomerAlgorithm="KMS"))
    copy("copy-obj-target-double-encryption", ServerSideEncryption="AES256", **of_source(sse_c()), **sse_c())
    copy("copy-obj-sse-c", **of_source(sse_c()), **sse_c())
    copy("copy-obj-sse-c-target-no-sse-c", **of_source(sse_c()))


def md5_tag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def test_replay_s3_copy_object_in_place_with_encryption(replay):
    key = replay.server.command("key", "create")["id"]
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "BucketKeyEnabled": True}
    replay.put_object("put-object-with-kms-encryption", Key="k", Body=b"test", **kms)
    replay.head_object("head-object", Key="k")
    copy = lambda step, **sse: replay.copy_object(step, Key="k", CopySource=f"{replay.bucket}/k", **sse)
    copy("copy-object-in-place-without-kms-sse")
    replay.head_object("head-copy-without-kms-sse", Key="k")
    # The recorded tag of the next copy is that of an object under SSE-KMS.
    replay.recorded["copy-object-in-place-with-sse"]["CopyObjectResult"]["ETag"] = "<tag>"
    replay.recorded["head-copy-with-sse"]["ETag"] = "<tag>"
    copy("copy-object-in-place-with-sse", ServerSideEncryption="aws:kms")
    replay.head_object("head-copy-with-sse", Key="k")
    copy("copy-object-in-place-with-aes", ServerSideEncryption="AES256")
    replay.head_object("head-copy-with-aes", Key="k")


def masked_multipart(replay):
    """What cannot be equal: the customer key's MD5, the names, who asked, and tags that are no MD5s of what is known."""
    masked_md5(replay)
    for step in replay.recorded.values():
        for name, mask in {"Key": "<key>", "Bucket": "<bucket>"}.items():
            if name in step:
                step[name] = mask
        for who in ("Owner", "Initiator"):
            if who in step:
                step[who] = {name: f"<{name} of {who}>" for name in step[who]}
        if "ETag" in step and "-" in step["ETag"]:
            step["ETag"] = '"<tag of the whole>"'
        for part in step.get("Parts", []):
            part["ETag"] = f'"<tag {part["PartNumber"]}>"'
    return sse_c()


def test_replay_multipart_upload_sse_c(replay):
    masked_multipart(replay)
    key = {"Key": "test-sse-c-multipart"}
    upload = replay.create_multipart_upload("create-mpu-sse-c", **key, **sse_c())["UploadId"]
    part = b"a" * (5 * 1024 * 1024 + 1)
    parts = []
    for number in range(3):
        answer = replay.upload_part(
            f"upload-part-{number}", **key, UploadId=upload, PartNumber=number + 1, Body=part, **sse_c()
        )
        parts.append({"PartNumber": number + 1, "ETag": answer["ETag"]})
    replay.list_parts("list-parts", **key, UploadId=upload)
    replay.complete_multipart_upload(
        "complete-multipart-checksum", **key, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    replay.get_object("get-obj-no-sse-c-param", **key)
    # The recording leaves the body out.
    body = replay.s3.get_object(Bucket=replay.bucket, **key, **sse_c())["Body"].read()
    assert body == part * 3
    replay.recorded["get-obj-sse-c"]["Body"] = body.decode()
    replay.get_object("get-obj-sse-c", **key, ChecksumMode="ENABLED", **sse_c())


def test_replay_multipart_upload_sse_c_validation(replay):
    masked_multipart(replay)
    key = {"Key": "test-sse-c-multipart"}
    plain = replay.create_multipart_upload("create-mpu-no-sse-c", **key)["UploadId"]
    keyed = replay.create_multipart_upload("create-mpu-sse-c", **key, **sse_c())["UploadId"]
    part = lambda step, upload, **sse: replay.upload_part(
        step, **key, UploadId=upload, PartNumber=1, Body=b"data", **sse
    )
    part("mpu-no-sse-c-upload-part-with-sse-c", plain, **sse_c())
    part("mpu-sse-c-upload-part-no-sse-c", keyed)
    part("mpu-sse-c-upload-part-wrong-sse-c", keyed, **sse_c(OTHER))


def test_replay_s3_multipart_upload_sse(replay):
    masked_multipart(replay)
    master = replay.server.command("key", "create")["id"]
    key = {"Key": "test-sse-field-multipart"}
    upload = replay.create_multipart_upload(
        "multi-sse-create-multipart",
        **key,
        ServerSideEncryption="aws:kms",
        BucketKeyEnabled=True,
        SSEKMSKeyId=master,
    )["UploadId"]
    part = replay.upload_part("multi-sse-upload-part", **key, UploadId=upload, PartNumber=1, Body=b"test-sse")
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    replay.complete_multipart_upload("multi-sse-compete-multipart", **key, UploadId=upload, MultipartUpload=named)
    replay.get_object("get-obj", **key, ChecksumMode="ENABLED")
