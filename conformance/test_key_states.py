"""Every state of a key against every operation, in every face and every dialect: docs/KEYS.md is what comes of it.

`STRONGROOM_UPDATE_DOCS=1` writes the page; without it the page must be what the server answers."""

import base64
import itertools
import json
import os
import pathlib

import oss2
import pytest
from botocore.exceptions import ClientError
from obs import AppendObjectContent, CompleteMultipartUploadRequest, CompletePart

from clients import S3, Obs, Oss
from clients import Refused as ObjectRefused
from keys import Alibaba, Huawei, Refused, aws
from strongroom import Strongroom
from test_kms_aws import wrapped

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "KEYS.md"
BEGIN, END = "<!-- states: begin -->\n", "<!-- states: end -->"
STATES = ("enabled", "disabled", "pending deletion", "pending import")
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def own():
    """A server of its own: its keys are many."""
    process = Strongroom().start()
    yield process
    process.stop()


def key_in(boto, state):
    """A fresh key in a state, and what it sealed before."""
    if state == "pending import":
        key = boto.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
        material = {**wrapped(boto, key, os.urandom(32)), "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
        boto.import_key_material(**material)
    else:
        key = boto.create_key()["KeyMetadata"]["KeyId"]
    return key, boto.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]


def turn(boto, key, state):
    {
        "enabled": lambda: None,
        "disabled": lambda: boto.disable_key(KeyId=key),
        "pending deletion": lambda: boto.schedule_key_deletion(KeyId=key, PendingWindowInDays=7),
        "pending import": lambda: boto.delete_imported_key_material(KeyId=key),
    }[state]()


def answer(call):
    """`ok`, or the status and code of what was said instead."""
    try:
        call()
        return "ok"
    except (Refused, ObjectRefused) as error:
        return f"{error.status} {error.code}"
    except ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"


def operations(server, boto, key, sealed):
    """What is done to the key, by name, in each face; None is what a face does not have."""
    ali, hw, text, new = Alibaba(server), Huawei(server), base64.b64encode(sealed).decode(), next(numbers)
    other = "for everybody"
    context = {"GranteePrincipal": "arn:aws:iam::123456789012:user/ann", "Operations": ["Decrypt"]}
    sizes = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    hw_import = {"wrapping_algorithm": "RSAES_OAEP_SHA_256"}
    tag = {"key": "a", "value": "b"}
    ali_tag = json.dumps([{"TagKey": "a", "TagValue": "b"}])
    return {
        "describe": (
            lambda: boto.describe_key(KeyId=key),
            lambda: ali.DescribeKey(KeyId=key),
            lambda: hw.call("list_key_detail", "ListKeyDetail", key_id=key),
        ),
        "enable": (
            lambda: boto.enable_key(KeyId=key),
            lambda: ali.EnableKey(KeyId=key),
            lambda: hw.enable_key(key_id=key),
        ),
        "disable": (
            lambda: boto.disable_key(KeyId=key),
            lambda: ali.DisableKey(KeyId=key),
            lambda: hw.disable_key(key_id=key),
        ),
        "schedule deletion": (
            lambda: boto.schedule_key_deletion(KeyId=key, PendingWindowInDays=7),
            lambda: ali.ScheduleKeyDeletion(KeyId=key, PendingWindowInDays=7),
            lambda: hw.call("delete_key", "DeleteKey", key_id=key, pending_days="7"),
        ),
        "cancel deletion": (
            lambda: boto.cancel_key_deletion(KeyId=key),
            lambda: ali.CancelKeyDeletion(KeyId=key),
            lambda: hw.cancel_key_deletion(key_id=key),
        ),
        "encrypt": (
            lambda: boto.encrypt(KeyId=key, Plaintext=b"x"),
            lambda: ali.Encrypt(KeyId=key, Plaintext="eA=="),
            lambda: hw.encrypt_data(key_id=key, plain_text="x"),
        ),
        "decrypt": (
            lambda: boto.decrypt(CiphertextBlob=sealed),
            lambda: ali.Decrypt(CiphertextBlob=text),
            lambda: hw.decrypt_data(cipher_text=text),
        ),
        "data key": (
            lambda: boto.generate_data_key(KeyId=key, KeySpec="AES_256"),
            lambda: ali.GenerateDataKey(KeyId=key),
            lambda: hw.create_datakey(key_id=key, datakey_length="256"),
        ),
        "re-encrypt": (
            lambda: boto.re_encrypt(CiphertextBlob=sealed, DestinationKeyId=f"alias/{other.replace(' ', '-')}"),
            lambda: ali.ReEncrypt(CiphertextBlob=text, DestinationKeyId=f"alias/{other.replace(' ', '-')}"),
            lambda: hw.re_encrypt(cipher_text=text, destination_key_id=f"alias/{other.replace(' ', '-')}"),
        ),
        "new alias": (
            lambda: boto.create_alias(AliasName=f"alias/aws{new}", TargetKeyId=key),
            lambda: ali.CreateAlias(AliasName=f"alias/ali{new}", KeyId=key),
            lambda: hw.create_alias(alias=f"alias/hw{new}", key_id=key),
        ),
        "alias moved to it": (
            lambda: boto.update_alias(AliasName="alias/moving", TargetKeyId=key),
            lambda: ali.UpdateAlias(AliasName="alias/moving", KeyId=key),
            lambda: hw.associate_alias(alias="alias/moving", target_key_id=key),
        ),
        "description": (
            lambda: boto.update_key_description(KeyId=key, Description="d"),
            lambda: ali.UpdateKeyDescription(KeyId=key, Description="d"),
            lambda: hw.update_key_description(key_id=key, key_description="d"),
        ),
        "tag": (
            lambda: boto.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
            lambda: ali.TagResource(KeyId=key, Tags=ali_tag),
            lambda: hw.create_kms_tag(key_id=key, tag=tag),
        ),
        "rotate now": (
            lambda: boto.rotate_key_on_demand(KeyId=key),
            lambda: ali.CreateKeyVersion(KeyId=key),
            lambda: hw.rotate_on_demand(key_id=key),
        ),
        "rotate by itself": (
            lambda: boto.enable_key_rotation(KeyId=key),
            lambda: ali.UpdateRotationPolicy(KeyId=key, EnableAutomaticRotation=True, RotationInterval="365d"),
            lambda: hw.enable_key_rotation(key_id=key),
        ),
        "grant": (
            lambda: boto.create_grant(KeyId=key, **context),
            None,
            lambda: hw.create_grant(key_id=key, grantee_principal="u" * 32, operations=["describe-key"]),
        ),
        "import parameters": (
            lambda: boto.get_parameters_for_import(KeyId=key, **sizes),
            lambda: ali.GetParametersForImport(KeyId=key, **sizes),
            lambda: hw.call("create_parameters_for_import", "CreateParametersForImport", key_id=key, **hw_import),
        ),
        "delete material": (
            lambda: boto.delete_imported_key_material(KeyId=key),
            lambda: ali.DeleteKeyMaterial(KeyId=key),
            lambda: hw.delete_imported_key_material(key_id=key),
        ),
    }


def key_table(server):
    """One row for each operation and face, one column for each state. Every answer is that of a fresh key."""
    boto = aws(server)
    everybody = boto.create_key()["KeyMetadata"]["KeyId"]
    for name in ("alias/for-everybody", "alias/moving"):
        boto.create_alias(AliasName=name, TargetKeyId=everybody)
    rows = {}
    names = list(operations(server, boto, everybody, b""))
    for state, face in itertools.product(STATES, range(3)):
        for name in names:
            key, sealed = key_in(boto, state)
            turn(boto, key, state)
            call = operations(server, boto, key, sealed)[name][face]
            rows.setdefault((name, face), []).append("–" if call is None else answer(call))
    lines = [f"| operation | face | {' | '.join(STATES)} |", "| --- | --- | --- | --- | --- | --- |"]
    for (name, face) in sorted(rows, key=lambda row: (names.index(row[0]), row[1])):
        lines.append(f"| {name} | {('AWS', 'Alibaba', 'Huawei')[face]} | {' | '.join(rows[name, face])} |")
    return lines


def object_operations(boto, dialect, bucket, key, other, upload):
    """What is done under the key, by name; what a dialect does not have is left out."""
    old, appended = f"old-{dialect.name}", f"appended-{dialect.name}"
    found = {
        "put": lambda: dialect.put(bucket, "new", b"x"),
        "get": lambda: dialect.get(bucket, old),
        "copy": lambda: dialect.copy(bucket, old, bucket, "copied"),
        "begin an upload": lambda: begin(dialect, bucket, "begun"),
        "write a part": lambda: part(dialect, bucket, upload),
        "complete an upload": lambda: complete(dialect, bucket, upload),
        "append": None,
        "rewrap to another": None,
        "rewrap to it": None,
        "head": lambda: dialect.head(bucket, old),
        "list": lambda: dialect.keys(bucket),
        "delete": lambda: dialect.delete(bucket, old),
    }
    if isinstance(dialect, S3):
        rewrap = lambda name, to: dialect.client.update_object_encryption(
            Bucket=bucket, Key=name, ObjectEncryption={"SSEKMS": {"KMSKeyArn": to}}
        )
        found["rewrap to another"] = lambda: rewrap(old, other)
        found["rewrap to it"] = lambda: rewrap(f"other-{dialect.name}", arn_of(boto, key))
    if isinstance(dialect, Oss):
        found["append"] = lambda: Oss.call(dialect.bucket(bucket).append_object, appended, 3, b"x")
    if isinstance(dialect, Obs):
        content = lambda: AppendObjectContent(content="x", position=3)
        found["append"] = lambda: Obs.check(dialect.client.appendObject(bucket, appended, content()))
    return found


def arn_of(boto, key):
    return boto.describe_key(KeyId=key)["KeyMetadata"]["Arn"]


def begin(dialect, bucket, name):
    """Begins an upload in parts."""
    if isinstance(dialect, S3):
        return dialect._call(dialect.client.create_multipart_upload, Bucket=bucket, Key=name)["UploadId"]
    if isinstance(dialect, Oss):
        return Oss.call(dialect.bucket(bucket).init_multipart_upload, name).upload_id
    return Obs.check(dialect.client.initiateMultipartUpload(bucket, name)).body.uploadId


def part(dialect, bucket, upload):
    """Writes the only part of that upload, and answers its tag."""
    name, identity = upload
    if isinstance(dialect, S3):
        into = {"Bucket": bucket, "Key": name, "UploadId": identity, "PartNumber": 1}
        return dialect._call(dialect.client.upload_part, Body=b"p", **into)["ETag"]
    if isinstance(dialect, Oss):
        return Oss.call(dialect.bucket(bucket).upload_part, name, identity, 1, b"p").etag
    return Obs.check(dialect.client.uploadPart(bucket, name, 1, identity, content="p")).body.etag


def complete(dialect, bucket, upload):
    """Completes that upload of the part that it has."""
    name, identity = upload
    tag = upload.tag
    if isinstance(dialect, S3):
        parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        where = {"Bucket": bucket, "Key": name, "UploadId": identity}
        return dialect._call(dialect.client.complete_multipart_upload, MultipartUpload=parts, **where)
    if isinstance(dialect, Oss):
        info = [oss2.models.PartInfo(1, tag)]
        return Oss.call(dialect.bucket(bucket).complete_multipart_upload, name, identity, info)
    request = CompleteMultipartUploadRequest([CompletePart(1, tag)])
    return Obs.check(dialect.client.completeMultipartUpload(bucket, name, identity, request))


class Upload(tuple):
    """The name and the id of an upload that has one part, with that part's tag."""

    tag = None


def prepared(dialect, bucket):
    """What is under the key before its state changes: an object, one to append to, an upload with a part."""
    dialect.put(bucket, f"old-{dialect.name}", b"x" * 100)
    if isinstance(dialect, Oss):
        dialect.bucket(bucket).append_object(f"appended-{dialect.name}", 0, b"abc")
    if isinstance(dialect, Obs):
        content = AppendObjectContent(content="abc", position=0)
        Obs.check(dialect.client.appendObject(bucket, f"appended-{dialect.name}", content))
    name = f"upload-{dialect.name}"
    upload = Upload((name, begin(dialect, bucket, name)))
    upload.tag = part(dialect, bucket, upload)
    return upload


def object_table(server):
    """The same for objects under a key, which is their bucket's default."""
    boto = aws(server)
    dialects = {"S3": S3(server), "OSS": Oss(server), "OBS": Obs(server)}
    rows, order = {}, {}
    for state in STATES:
        key, _ = key_in(boto, state)
        bucket = f"states-{STATES.index(state)}"
        s3 = dialects["S3"]
        s3.create(bucket)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        s3.client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rule)
        uploads = {name: prepared(dialect, bucket) for name, dialect in dialects.items()}
        s3.put(bucket, f"other-{s3.name}", b"x", "kms")
        other = boto.create_key()["KeyMetadata"]["Arn"]
        turn(boto, key, state)
        for name, dialect in dialects.items():
            for operation, call in object_operations(boto, dialect, bucket, key, other, uploads[name]).items():
                order.setdefault(operation)
                rows.setdefault((operation, name), []).append("–" if call is None else answer(call))
    lines = [f"| operation | dialect | {' | '.join(STATES)} |", "| --- | --- | --- | --- | --- | --- |"]
    order = list(order)
    for operation, name in sorted(rows, key=lambda row: (order.index(row[0]), list(dialects).index(row[1]))):
        lines.append(f"| {operation} | {name} | {' | '.join(rows[operation, name])} |")
    return lines


def test_the_page_is_what_is_answered(own):
    keys = ["### Keys", "", *key_table(own)]
    objects = ["### Objects whose bucket seals under the key by default", "", *object_table(own)]
    made = "\n".join([*keys, "", *objects, ""])
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    documented, after = rest.split(END)
    if os.environ.get("STRONGROOM_UPDATE_DOCS"):
        PAGE.write_text(f"{before}{BEGIN}{made}{END}{after}")
    else:
        assert documented == made, "run the test once with STRONGROOM_UPDATE_DOCS=1"
