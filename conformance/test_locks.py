"""Object lock, retention, legal hold and policies on whole buckets through the vendors' SDKs."""

import base64
import datetime
import hashlib

import alibabacloud_oss_v2
import oss2
import pytest
import requests
from alibabacloud_oss_v2 import models
from botocore.exceptions import ClientError
from obs import (
    AppendObjectContent,
    DeleteObjectsRequest,
    GetObjectRequest,
    Object,
    ObjectLockConfiguration,
    ObjectLockRule,
)

from clients import S3, Refused


def later(**time):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**time)).replace(microsecond=0)


def refused(operation, *arguments, **named):
    """The status and the code of a refusal, whichever SDK tells of it."""
    try:
        answer = operation(*arguments, **named)
    except Refused as error:
        return error.status, error.code
    except oss2.exceptions.OssError as error:
        return error.status, error.code
    except alibabacloud_oss_v2.exceptions.OperationError as error:
        return error.unwrap().status_code, error.unwrap().code
    if getattr(answer, "status", 200) < 300:
        pytest.fail(f"{operation} succeeded: {answer}")
    return answer.status, answer.errorCode


def boto(client):
    """Its operations, with refusals as such."""

    def call(name, **arguments):
        return client._call(getattr(client.client, name), **arguments)

    return call


LOCKED = (403, "AccessDenied")


@pytest.fixture(params=["s3-v4", "s3-v4-tls"])
def s3(request, clients):
    return boto(clients[request.param])


@pytest.fixture
def locking(s3, new_bucket):
    """A bucket whose versions can be locked."""
    s3("create_bucket", Bucket=new_bucket, ObjectLockEnabledForBucket=True)
    return new_bucket


def test_s3_a_bucket_that_locks_keeps_versions(s3, locking):
    assert s3("get_bucket_versioning", Bucket=locking)["Status"] == "Enabled"
    assert s3("get_object_lock_configuration", Bucket=locking)["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"
    }
    suspended = {"Bucket": locking, "VersioningConfiguration": {"Status": "Suspended"}}
    assert refused(s3, "put_bucket_versioning", **suspended) == (409, "InvalidBucketState")


def test_s3_a_bucket_comes_to_lock_if_it_keeps_versions(s3, new_bucket):
    s3("create_bucket", Bucket=new_bucket)
    lock = {"Bucket": new_bucket, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    missing = (404, "ObjectLockConfigurationNotFoundError")
    assert refused(s3, "get_object_lock_configuration", Bucket=new_bucket) == missing
    assert refused(s3, "put_object_lock_configuration", **lock) == (409, "InvalidBucketState")
    asked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": later(days=1)}
    assert refused(s3, "put_object", Bucket=new_bucket, Key="k", Body=b"x", **asked) == (400, "InvalidRequest")
    s3("put_bucket_versioning", Bucket=new_bucket, VersioningConfiguration={"Status": "Enabled"})
    s3("put_object_lock_configuration", **lock)
    s3("put_object", Bucket=new_bucket, Key="k", Body=b"x", **asked)


def test_s3_the_buckets_retention(s3, locking):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3("put_object_lock_configuration", Bucket=locking, ObjectLockConfiguration=configuration)
    assert s3("get_object_lock_configuration", Bucket=locking)["ObjectLockConfiguration"] == configuration
    s3("put_object", Bucket=locking, Key="put", Body=b"x")
    s3("copy_object", Bucket=locking, Key="copied", CopySource={"Bucket": locking, "Key": "put"})
    upload = {"Bucket": locking, "Key": "parts"}
    upload["UploadId"] = s3("create_multipart_upload", **upload)["UploadId"]
    part = s3("upload_part", **upload, PartNumber=1, Body=b"x")["ETag"]
    s3("complete_multipart_upload", **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    for key in ("put", "copied", "parts"):
        head = s3("head_object", Bucket=locking, Key=key)
        assert head["ObjectLockMode"] == "GOVERNANCE"
        assert abs(head["ObjectLockRetainUntilDate"] - later(days=3)) < datetime.timedelta(minutes=5)
        assert "ObjectLockLegalHoldStatus" not in head
        gone = {"Bucket": locking, "Key": key, "VersionId": head["VersionId"]}
        assert refused(s3, "delete_object", **gone) == LOCKED
        s3("delete_object", **gone, BypassGovernanceRetention=True)
    assert "Versions" not in s3("list_object_versions", Bucket=locking)
    for days, code in ((0, "InvalidArgument"), (36501, "InvalidArgument")):
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}}
        wrong = {"Bucket": locking, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}
        assert refused(s3, "put_object_lock_configuration", **wrong) == (400, code)


def test_s3_compliance(s3, locking):
    until = later(days=2)
    asked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    version = s3("put_object", Bucket=locking, Key="k", Body=b"first", **asked)["VersionId"]
    s3("put_object", Bucket=locking, Key="k", Body=b"second")
    marker = s3("delete_object", Bucket=locking, Key="k")
    assert marker["DeleteMarker"]
    kept = {"Bucket": locking, "Key": "k", "VersionId": version}
    assert refused(s3, "delete_object", **kept) == LOCKED
    assert refused(s3, "delete_object", **kept, BypassGovernanceRetention=True) == LOCKED
    answer = s3("get_object", **kept)
    assert answer["Body"].read() == b"first"
    assert (answer["ObjectLockMode"], answer["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", until)
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
    assert s3("get_object_retention", **kept)["Retention"] == retention
    for weaker in (
        {"Mode": "COMPLIANCE", "RetainUntilDate": later(days=1)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": later(days=3)},
        {},
    ):
        put = {**kept, "Retention": weaker, "BypassGovernanceRetention": True}
        assert refused(s3, "put_object_retention", **put) == LOCKED
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": later(days=3)}
    s3("put_object_retention", **kept, Retention=longer)
    assert s3("get_object_retention", **kept)["Retention"] == longer
    s3("delete_object", Bucket=locking, Key="k", VersionId=marker["VersionId"])
    assert refused(s3, "delete_bucket", Bucket=locking) == (409, "BucketNotEmpty")


def test_s3_governance_and_legal_hold_in_a_batch(s3, locking):
    governed = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": later(days=1)}
    put = lambda key, **asked: s3("put_object", Bucket=locking, Key=key, Body=b"x", **asked)["VersionId"]  # noqa: E731
    versions = {
        "free": put("free"),
        "governed": put("governed", **governed),
        "held": put("held", ObjectLockLegalHoldStatus="ON"),
    }
    assert s3("get_object_legal_hold", Bucket=locking, Key="held")["LegalHold"] == {"Status": "ON"}
    assert s3("head_object", Bucket=locking, Key="held")["ObjectLockLegalHoldStatus"] == "ON"

    def delete(**more):
        objects = [{"Key": key, "VersionId": version} for key, version in versions.items()]
        answer = s3("delete_objects", Bucket=locking, Delete={"Objects": objects}, **more)
        deleted = {it["Key"] for it in answer.get("Deleted", [])}
        return deleted, {it["Key"]: it["Code"] for it in answer.get("Errors", [])}

    assert delete() == ({"free"}, {"governed": "AccessDenied", "held": "AccessDenied"})
    assert delete(BypassGovernanceRetention=True) == ({"free", "governed"}, {"held": "AccessDenied"})
    s3("put_object_legal_hold", Bucket=locking, Key="held", LegalHold={"Status": "OFF"})
    assert delete() == ({"free", "governed", "held"}, {})
    s3("delete_bucket", Bucket=locking)


def test_s3_what_is_said_wrong(s3, locking):
    put = {"Bucket": locking, "Key": "k", "Body": b"x"}
    wrong = (400, "InvalidArgument")
    assert refused(s3, "put_object", **put, ObjectLockMode="COMPLIANCE") == wrong
    assert refused(s3, "put_object", **put, ObjectLockRetainUntilDate=later(days=1)) == wrong
    past = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": later(days=-1)}
    assert refused(s3, "put_object", **put, **past) == wrong
    other = {"ObjectLockMode": "compliance", "ObjectLockRetainUntilDate": later(days=1)}
    assert refused(s3, "put_object", **put, **other) == wrong
    s3("put_object", **put)
    missing = (404, "NoSuchObjectLockConfiguration")
    assert refused(s3, "get_object_retention", Bucket=locking, Key="k") == missing
    held = {"Bucket": locking, "Key": "k", "LegalHold": {"Status": "on"}}
    assert refused(s3, "put_object_legal_hold", **held) == (400, "MalformedXML")


def test_s3_what_is_kept_needs_a_digest(server, locking):
    """What cannot be deleted had better be what was sent. The SDK is told to leave its checksums out."""
    client = S3(server, request_checksum_calculation="when_required").client
    calls = set()

    def strip(request, **_):
        for name in [name for name in request.headers if "checksum" in name.lower() or name.lower() == "content-md5"]:
            del request.headers[name]
        # The same for each attempt at one call: a busy machine may drop a connection.
        calls.add(request.context["retries"]["invocation-id"])

    client.meta.events.register("before-sign.s3", strip)
    until = later(days=1)
    lock = {"ObjectLockEnabled": "Enabled"}
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    named = {"Bucket": locking, "Key": "k"}
    client.put_object(**named, Body=b"x")
    for wish in ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}, {"ObjectLockLegalHoldStatus": "ON"}):
        with pytest.raises(ClientError) as caught:
            client.put_object(**named, Body=b"y", **wish)
        error = caught.value.response
        assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (400, "InvalidRequest")
        assert error["Error"]["Message"].startswith("Content-MD5 OR x-amz-checksum- HTTP header is required")
    for change in (
        lambda: client.put_object_lock_configuration(Bucket=locking, ObjectLockConfiguration=lock),
        lambda: client.put_object_retention(**named, Retention=retention),
        lambda: client.put_object_legal_hold(**named, LegalHold={"Status": "ON"}),
    ):
        with pytest.raises(ClientError) as caught:
            change()
        error = caught.value.response
        assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (400, "InvalidRequest")
        assert "Content-MD5" in error["Error"]["Message"]
    client.meta.events.unregister("before-sign.s3", strip)
    assert len(calls) == 6, "each was sent without one"
    assert client.get_object(**named)["Body"].read() == b"x"
    digest = base64.b64encode(hashlib.md5(b"z").digest()).decode()
    client.put_object(**named, Body=b"z", ContentMD5=digest, ObjectLockLegalHoldStatus="ON")
    client.put_object_legal_hold(**named, LegalHold={"Status": "OFF"})


def test_s3_what_is_kept_is_wrapped_anew(s3, locking, server):
    asked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": later(days=1)}
    before = s3("put_object", Bucket=locking, Key="k", Body=b"secret", ServerSideEncryption="AES256", **asked)
    kms = boto(S3(server, tls=True))
    copied = kms("copy_object", Bucket=locking, Key="k", CopySource=f"{locking}/k", ServerSideEncryption="aws:kms")
    key = copied["SSEKMSKeyId"]
    kept = {"Bucket": locking, "Key": "k", "VersionId": before["VersionId"]}
    kms("update_object_encryption", **kept, ObjectEncryption={"SSEKMS": {"KMSKeyArn": key}})
    after = kms("get_object", **kept)
    assert (after["Body"].read(), after["ETag"]) == (b"secret", before["ETag"])
    assert (after["ServerSideEncryption"], after["ObjectLockMode"]) == ("aws:kms", "COMPLIANCE")
    assert refused(s3, "delete_object", **kept) == LOCKED


@pytest.fixture
def obs(clients):
    return clients["obs"].client


def test_obs(obs, new_bucket):
    created = obs.createBucket(new_bucket, extensionHeaders={"x-obs-bucket-object-lock-enabled": "true"})
    assert created.status < 300, created
    found = obs.getBucketObjectLock(new_bucket).body
    assert (found.objectLockEnabled, found.rule) == ("Enabled", None)
    rule = ObjectLockConfiguration(objectLockEnabled="Enabled", rule=ObjectLockRule(days=2))
    assert obs.setBucketObjectLock(new_bucket, rule).status < 300
    found = obs.getBucketObjectLock(new_bucket).body.rule
    assert (found.mode, found.days, found.years) == ("COMPLIANCE", "2", None)
    written = obs.putContent(new_bucket, "k", "first")
    version = dict(written.header)["version-id"]
    head = dict(obs.getObjectMetadata(new_bucket, "k").header)
    assert head["object-lock-mode"] == "COMPLIANCE"
    assert head["object-lock-retain-until-date"].endswith("Z")
    assert refused(obs.deleteObject, new_bucket, "k", version) == LOCKED
    batch = obs.deleteObjects(new_bucket, DeleteObjectsRequest(False, [Object("k", version)])).body
    assert [(it.key, it.code) for it in batch.error] == [("k", "AccessDenied")]
    millis = int(later(days=5).timestamp() * 1000)
    assert obs.putObjectRetention(new_bucket, "k", "COMPLIANCE", str(millis), version).status < 300
    shorter = later(days=3).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert refused(obs.putObjectRetention, new_bucket, "k", "COMPLIANCE", shorter, version) == LOCKED
    assert refused(obs.putObjectRetention, new_bucket, "k", "GOVERNANCE", shorter, version) == (400, "MalformedXML")
    assert refused(obs.setBucketVersioning, new_bucket, "Suspended") == (409, "InvalidBucketState")
    assert obs.deleteObject(new_bucket, "k").status < 300
    named = GetObjectRequest(versionId=version)
    assert obs.getObject(new_bucket, "k", getObjectRequest=named, loadStreamInMemory=True).body.buffer == b"first"


def test_obs_appends_nothing_where_versions_lock(obs, new_bucket):
    obs.createBucket(new_bucket, extensionHeaders={"x-obs-bucket-object-lock-enabled": "true"})
    piece = AppendObjectContent(content="x", position=0)
    assert refused(obs.appendObject, new_bucket, "log", piece) == LOCKED


IMMUTABLE = (409, "FileImmutable")


@pytest.fixture
def oss(clients, new_bucket):
    """oss2 on a bucket of its own."""
    clients["oss-v4"].create(new_bucket)
    return clients["oss-v4"].bucket(new_bucket)


def test_oss_a_policy_keeps_the_whole_bucket(oss):
    assert refused(oss.get_bucket_worm) == (404, "NoSuchWORMConfiguration")
    assert refused(oss.abort_bucket_worm) == (404, "NoSuchWORMConfiguration")
    oss.put_object("k", b"first")
    first = oss.init_bucket_worm(1).worm_id
    oss.abort_bucket_worm()
    oss.put_object("k", b"second")
    worm = oss.init_bucket_worm(1).worm_id
    assert worm != first
    assert refused(oss.complete_bucket_worm, first) == (404, "NoSuchWORMConfiguration")
    oss.complete_bucket_worm(worm)
    oss.extend_bucket_worm(worm, 2)
    found = oss.get_bucket_worm()
    assert (found.worm_id, found.state, found.retention_period_days) == (worm, "Locked", 2)
    assert found.creation_date.endswith(".000Z")
    assert refused(oss.extend_bucket_worm, worm, 1) == (400, "InvalidWORMConfiguration")
    assert refused(oss.abort_bucket_worm) == (403, "WORMConfigurationLocked")
    assert refused(oss.put_object, "k", b"third") == IMMUTABLE
    assert refused(oss.copy_object, oss.bucket_name, "k", "k", {"x-oss-metadata-directive": "REPLACE"}) == IMMUTABLE
    assert refused(oss.delete_object, "k") == IMMUTABLE
    assert refused(oss.append_object, "k", 6, b"x")[0] == 409
    oss.put_object("new", b"x")
    oss.append_object("log", 0, b"x")
    assert refused(oss.append_object, "log", 1, b"y") == IMMUTABLE
    enabled = oss2.models.BucketVersioningConfig(status="Enabled")
    assert refused(oss.put_bucket_versioning, enabled) == (400, "InvalidWORMConfiguration")
    assert oss.get_object("k").read() == b"second"


def test_oss_v2_a_policy(clients, new_bucket):
    clients["oss-v4"].create(new_bucket)
    oss = clients["oss-second"].sdk
    days = models.InitiateWormConfiguration(retention_period_in_days=3)
    made = oss.initiate_bucket_worm(models.InitiateBucketWormRequest(new_bucket, days)).worm_id
    found = oss.get_bucket_worm(models.GetBucketWormRequest(new_bucket)).worm_configuration
    assert (found.worm_id, found.state, found.retention_period_in_days) == (made, "InProgress", 3)
    oss.complete_bucket_worm(models.CompleteBucketWormRequest(new_bucket, made))
    longer = models.ExtendWormConfiguration(retention_period_in_days=4)
    oss.extend_bucket_worm(models.ExtendBucketWormRequest(new_bucket, made, longer))
    found = oss.get_bucket_worm(models.GetBucketWormRequest(new_bucket)).worm_configuration
    assert (found.state, found.retention_period_in_days) == ("Locked", 4)
    locked = (403, "WORMConfigurationLocked")
    assert refused(oss.abort_bucket_worm, models.AbortBucketWormRequest(new_bucket)) == locked


def test_oss_v2_versions_are_locked(clients, new_bucket):
    clients["oss-v4"].create(new_bucket)
    oss = clients["oss-second"].sdk
    read = models.GetBucketObjectWormConfigurationRequest(new_bucket)
    assert refused(oss.get_bucket_object_worm_configuration, read)[0] == 404
    default = models.ObjectWormConfigurationRuleDefaultRetention(mode="COMPLIANCE", days=1)
    rule = models.ObjectWormConfigurationRule(default_retention=default)
    worm = models.ObjectWormConfiguration(object_worm_enabled="Enabled", rule=rule)
    write = models.PutBucketObjectWormConfigurationRequest(new_bucket, worm)
    assert refused(oss.put_bucket_object_worm_configuration, write)[0] == 409
    enabled = models.VersioningConfiguration(status="Enabled")
    oss.put_bucket_versioning(models.PutBucketVersioningRequest(new_bucket, enabled))
    oss.put_bucket_object_worm_configuration(write)
    found = oss.get_bucket_object_worm_configuration(read).object_worm_configuration
    assert (found.object_worm_enabled, found.rule.default_retention.days) == ("Enabled", 1)
    put = models.PutObjectRequest(new_bucket, "k", body=b"x", object_worm_legal_hold="ON")
    version = oss.put_object(put).version_id
    head = oss.head_object(models.HeadObjectRequest(new_bucket, "k"))
    assert (head.object_worm_mode, head.object_worm_legal_hold) == ("COMPLIANCE", "ON")
    until = later(days=3).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    retention = models.Retention(mode="COMPLIANCE", retain_until_date=until)
    oss.put_object_retention(models.PutObjectRetentionRequest(new_bucket, "k", version, retention=retention))
    found = oss.get_object_retention(models.GetObjectRetentionRequest(new_bucket, "k", version)).retention
    assert (found.mode, found.retain_until_date) == ("COMPLIANCE", until)
    hold = models.LegalHold(status="OFF")
    oss.put_object_legal_hold(models.PutObjectLegalHoldRequest(new_bucket, "k", version, hold))
    held = oss.get_object_legal_hold(models.GetObjectLegalHoldRequest(new_bucket, "k", version)).legal_hold
    assert held.status == "OFF"
    delete = models.DeleteObjectRequest(new_bucket, "k", version_id=version)
    assert refused(oss.delete_object, delete) == IMMUTABLE
    append = models.AppendObjectRequest(new_bucket, "log", position=0, body=b"x")
    assert refused(oss.append_object, append) == IMMUTABLE


def test_a_form_asks_for_retention(clients, new_bucket):
    """A browser's form in a bucket that locks."""
    s3 = clients["s3-v4"].client
    s3.create_bucket(Bucket=new_bucket, ObjectLockEnabledForBucket=True)
    until = later(days=1)
    fields = {
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    conditions = [{name: value} for name, value in fields.items()]
    post = s3.generate_presigned_post(new_bucket, "k", Fields=fields, Conditions=conditions)
    answer = requests.post(post["url"], data=post["fields"], files={"file": b"x"}, timeout=60)
    assert answer.status_code == 204, answer.text
    head = s3.head_object(Bucket=new_bucket, Key="k")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", until)
