"""Inventories: configured and read through the vendors' own SDKs; the reports that the server writes when it is told to, and how
they are encrypted."""

import csv
import gzip
import hashlib
import io
import json
import time
import urllib.parse

import obs as obs_sdk
import pytest
from oss2 import models

from clients import refused


def write_reports(server):
    """All reports, after what the server may be writing by itself."""
    while server.command("inventory", "status")["state"] == "running":
        time.sleep(0.05)
    run = server.command("inventory", "run")
    assert (run["state"], run["troubles"]) == ("finished", 0)
    return run


def s3_inventory(id, destination, **more):
    return {
        "Id": id,
        "IsEnabled": True,
        "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{destination}", "Format": "CSV", "Prefix": "in"}},
        "Schedule": {"Frequency": "Daily"},
        "IncludedObjectVersions": "Current",
        "OptionalFields": ["Size", "ETag", "StorageClass", "IsMultipartUploaded", "EncryptionStatus", "BucketKeyStatus"],
        **more,
    }


def put(s3, bucket, inventory):
    operation = s3.client.put_bucket_inventory_configuration
    s3._call(operation, Bucket=bucket, Id=inventory["Id"], InventoryConfiguration=inventory)


def drop(s3, bucket, id):
    s3.client.delete_bucket_inventory_configuration(Bucket=bucket, Id=id)


def report(s3, bucket, prefix):
    """The manifest of the newest report, and its rows as dictionaries. Everything is held against its checksum."""
    keys = s3.keys(bucket, prefix)
    manifests = sorted(key for key in keys if key.endswith("/manifest.json"))
    text = s3.get(bucket, manifests[-1])
    checksum = s3.get(bucket, manifests[-1].replace("manifest.json", "manifest.checksum"))
    assert checksum.decode() == hashlib.md5(text).hexdigest()
    manifest = json.loads(text)
    columns = [name.strip() for name in manifest["fileSchema"].split(",")]
    rows = []
    for file in manifest["files"]:
        body = s3.get(bucket, file["key"])
        assert (len(body), hashlib.md5(body).hexdigest()) == (file["size"], file["MD5checksum"].lower())
        body = gzip.decompress(body) if file["key"].endswith(".gz") else body
        rows += [dict(zip(columns, row, strict=True)) for row in csv.reader(io.StringIO(body.decode()))]
    for row in rows:
        row["Key"] = urllib.parse.unquote(row["Key"])
    return manifest, rows


# Configurations.


def test_s3_configurations_come_back_as_they_were_put(s3, new_bucket):
    s3.create(new_bucket)
    read = s3.client.get_bucket_inventory_configuration
    assert refused(s3._call, read, Bucket=new_bucket, Id="none") == (404, "NoSuchConfiguration")
    inventory = s3_inventory("report-1", new_bucket, Filter={"Prefix": "a/"}, IncludedObjectVersions="All")
    inventory["Destination"]["S3BucketDestination"]["Encryption"] = {"SSES3": {}}
    put(s3, new_bucket, inventory)
    assert read(Bucket=new_bucket, Id="report-1")["InventoryConfiguration"] == inventory
    for number in range(104):
        put(s3, new_bucket, s3_inventory(f"x{number:03}", new_bucket, IsEnabled=False))
    listed = s3.client.list_bucket_inventory_configurations(Bucket=new_bucket)
    assert (len(listed["InventoryConfigurationList"]), listed["IsTruncated"]) == (100, True)
    token = listed["NextContinuationToken"]
    rest = s3.client.list_bucket_inventory_configurations(Bucket=new_bucket, ContinuationToken=token)
    assert [found["Id"] for found in rest["InventoryConfigurationList"]] == [f"x{number:03}" for number in range(99, 104)]
    drop(s3, new_bucket, "report-1")
    assert refused(s3._call, read, Bucket=new_bucket, Id="report-1") == (404, "NoSuchConfiguration")
    remove = s3.client.delete_bucket_inventory_configuration
    assert refused(s3._call, remove, Bucket=new_bucket, Id="report-1") == (404, "NoSuchConfiguration")


@pytest.mark.parametrize(
    "change, answer",
    [
        ({"Id": "a b"}, (400, "InvalidArgument")),
        ({"OptionalFields": ["ObjectAccessControlList"]}, (501, "NotImplemented")),
        ({"Schedule": {"Frequency": "Hourly"}}, (400, "MalformedXML")),
    ],
)
def test_s3_configurations_that_make_no_sense(s3, new_bucket, change, answer):
    s3.create(new_bucket)
    assert refused(put, s3, new_bucket, s3_inventory("report", new_bucket, **change)) == answer
    nowhere = s3_inventory("report", "no-such-bucket-at-all")
    assert refused(put, s3, new_bucket, nowhere) == (400, "InvalidS3DestinationBucket")


def test_oss_configurations(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    assert refused(oss.call, bucket.get_bucket_inventory_configuration, "none") == (404, "NoSuchInventory")
    destination = models.InventoryBucketDestination(
        account_id="1000",
        role_arn="acs:ram::1000:role/AliyunOSSRole",
        bucket=new_bucket,
        inventory_format="CSV",
        prefix="in",
        sse_oss_encryption=models.InventoryServerSideEncryptionOSS(),
    )
    inventory = models.InventoryConfiguration(
        inventory_id="report",
        is_enabled=True,
        inventory_schedule=models.InventorySchedule(frequency="Weekly"),
        included_object_versions="Current",
        inventory_filter=models.InventoryFilter(prefix="a/", lower_size_bound=1, upper_size_bound=1000),
        optional_fields=["Size", "EncryptionStatus"],
        inventory_destination=models.InventoryDestination(bucket_destination=destination),
    )
    bucket.put_bucket_inventory_configuration(inventory)
    read = bucket.get_bucket_inventory_configuration("report")
    assert (read.inventory_id, read.is_enabled, read.included_object_versions) == ("report", True, "Current")
    assert (read.inventory_filter.prefix, read.inventory_schedule.frequency) == ("a/", "Weekly")
    assert (read.inventory_filter.lower_size_bound, read.inventory_filter.upper_size_bound) == ("1", "1000")
    assert read.optional_fields == ["Size", "EncryptionStatus"]
    told = read.inventory_destination.bucket_destination
    assert (told.bucket, told.prefix, told.account_id, told.role_arn) == (
        new_bucket, "in", "1000", "acs:ram::1000:role/AliyunOSSRole",
    )
    assert told.sse_oss_encryption is not None and told.sse_kms_encryption is None
    listed = bucket.list_bucket_inventory_configurations()
    assert [found.inventory_id for found in listed.inventory_configurations] == ["report"]
    bucket.delete_bucket_inventory_configuration("report")
    assert refused(oss.call, bucket.get_bucket_inventory_configuration, "report") == (404, "NoSuchInventory")


def obs_inventory(destination):
    return obs_sdk.InventoryConfiguration(
        inventoryId="report",
        isEnabled=True,
        objectVersion="All",
        filter=obs_sdk.InventoryFilter(prefix="a/"),
        frequency="Daily",
        destination=obs_sdk.InventoryDestination(bucket=destination, prefix="in", format="CSV"),
        optionalFields=["Size", "EncryptionStatus"],
    )


def test_obs_configurations(obs, new_bucket):
    obs.create(new_bucket)
    read = lambda: obs.check(obs.client.getBucketInventory(new_bucket, "report")).body
    missing = "NoSuchInventoryConfiguration" if obs.name.startswith("obs-virtual") else "NoSuchConfiguration"
    assert refused(read) == (404, missing)
    obs.check(obs.client.putBucketInventory(new_bucket, "report", obs_inventory(new_bucket)))
    body = read()
    assert (body.inventoryId, body.isEnabled, body.objectVersion, body.frequency) == ("report", True, "All", "Daily")
    assert (body.filter.prefix, body.optionalFields) == ("a/", ["Size", "EncryptionStatus"])
    assert body.destination.bucket.endswith(new_bucket) and body.destination.prefix == "in"
    listed = obs.check(obs.client.listBucketInventory(new_bucket)).body
    assert [found.inventoryId for found in listed.configurations] == ["report"]
    obs.check(obs.client.deleteBucketInventory(new_bucket, "report"))
    assert refused(read) == (404, missing)


# Reports.


def test_a_report_tells_how_everything_is_encrypted(server, s3, new_bucket):
    s3.create(new_bucket)
    target = f"{new_bucket}-reports"
    s3.create(target)
    bodies = {"plain ü": "managed", "kms": "kms", "customer": "customer"}
    for key, mode in bodies.items():
        s3.put(new_bucket, key, b"x" * 100, mode)
    sealed = {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True}
    s3.client.put_object(Bucket=new_bucket, Key="bucket key", Body=b"x" * 100, **sealed)
    key_id = server.command("key", "create")["id"]
    inventory = s3_inventory("daily", target)
    inventory["Destination"]["S3BucketDestination"]["Encryption"] = {"SSEKMS": {"KeyId": key_id}}
    put(s3, new_bucket, inventory)
    assert write_reports(server)["reports"] >= 1
    manifest, rows = report(s3, target, f"in/{new_bucket}/daily/")
    assert (manifest["sourceBucket"], manifest["destinationBucket"]) == (new_bucket, f"arn:aws:s3:::{target}")
    assert {row["Key"]: row["EncryptionStatus"] for row in rows} == {
        "plain ü": "SSE-S3", "kms": "SSE-KMS", "customer": "SSE-C", "bucket key": "SSE-KMS",
    }
    assert {row["Key"]: row["BucketKeyStatus"] for row in rows} == {
        "plain ü": "", "kms": "DISABLED", "customer": "", "bucket key": "ENABLED",
    }
    head = s3.client.head_object(Bucket=new_bucket, Key="plain ü")
    [row] = [row for row in rows if row["Key"] == "plain ü"]
    assert (row["Bucket"], row["Size"], f'"{row["ETag"]}"') == (new_bucket, "100", head["ETag"])
    for file in [manifest["files"][0]["key"], *s3.keys(target)]:
        stored = s3.client.head_object(Bucket=target, Key=file)
        assert stored["ServerSideEncryption"] == "aws:kms" and key_id in stored["SSEKMSKeyId"]
    drop(s3, new_bucket, "daily")


def test_a_report_of_all_versions(server, s3, new_bucket):
    s3.create(new_bucket)
    s3.client.put_bucket_versioning(Bucket=new_bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.client.put_object(Bucket=new_bucket, Key="v/k", Body=body)["VersionId"] for body in (b"1", b"22")]
    marker = s3.client.delete_object(Bucket=new_bucket, Key="v/k")["VersionId"]
    s3.put(new_bucket, "other", b"x")
    inventory = s3_inventory("all", new_bucket, IncludedObjectVersions="All", Filter={"Prefix": "v/"})
    put(s3, new_bucket, inventory)
    current = s3_inventory("current", new_bucket, Filter={"Prefix": "v/"})
    put(s3, new_bucket, current)
    write_reports(server)
    _, rows = report(s3, new_bucket, f"in/{new_bucket}/all/")
    told = [(row["VersionId"], row["IsLatest"], row["IsDeleteMarker"], row["Size"]) for row in rows]
    assert told == [(marker, "true", "true", ""), (ids[1], "false", "false", "2"), (ids[0], "false", "false", "1")]
    _, rows = report(s3, new_bucket, f"in/{new_bucket}/current/")
    assert rows == [], "what is deleted is not current"
    drop(s3, new_bucket, "all")
    drop(s3, new_bucket, "current")


def test_reports_in_the_form_of_oss_and_obs(server, s3, oss, obs, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    bucket.put_object("a/sealed", b"12345", headers={"x-oss-server-side-encryption": "AES256"})
    bucket.put_object("a/open", b"1")
    destination = models.InventoryBucketDestination(
        account_id="1", role_arn="acs:ram::1:role/r", bucket=new_bucket, inventory_format="CSV", prefix="oss",
        sse_kms_encryption=None, sse_oss_encryption=models.InventoryServerSideEncryptionOSS(),
    )
    inventory = models.InventoryConfiguration(
        inventory_id="report", is_enabled=True, inventory_schedule=models.InventorySchedule(frequency="Daily"),
        included_object_versions="Current", inventory_filter=models.InventoryFilter(prefix="a/"),
        optional_fields=["Size", "StorageClass", "EncryptionStatus"],
        inventory_destination=models.InventoryDestination(bucket_destination=destination),
    )
    bucket.put_bucket_inventory_configuration(inventory)
    write_reports(server)
    manifest, rows = report(s3, new_bucket, f"oss/{new_bucket}/report/")
    assert manifest["destinationBucket"] == new_bucket
    assert [(row["Key"], row["Size"], row["StorageClass"], row["EncryptionStatus"]) for row in rows] == [
        ("a/open", "1", "Standard", "false"), ("a/sealed", "5", "Standard", "true"),
    ]
    sealed = bucket.head_object(manifest["files"][0]["key"]).headers
    assert sealed["x-oss-server-side-encryption"] == "AES256"
    bucket.delete_bucket_inventory_configuration("report")
    obs.check(obs.client.putBucketInventory(new_bucket, "report", obs_inventory(new_bucket)))
    write_reports(server)
    _, rows = report(s3, new_bucket, f"in/{new_bucket}/report/")
    managed = "SSE-OBS" if obs.name.startswith("obs-virtual") else "SSE-S3"
    assert [(row["Key"], row["IsLatest"], row["EncryptionStatus"]) for row in rows] == [
        ("a/open", "true", "NOT-SSE"), ("a/sealed", "true", managed),
    ]
    obs.check(obs.client.deleteBucketInventory(new_bucket, "report"))


def test_a_destination_that_is_gone_is_counted_and_holds_up_nobody(server, s3, new_bucket):
    s3.create(new_bucket)
    gone = f"{new_bucket}-gone"
    s3.create(gone)
    put(s3, new_bucket, s3_inventory("a-lost", gone))
    put(s3, new_bucket, s3_inventory("b-kept", new_bucket))
    s3.delete_bucket(gone)
    while server.command("inventory", "status")["state"] == "running":
        time.sleep(0.05)
    server.command("inventory", "run", "--detach")
    while (run := server.command("inventory", "status"))["state"] == "running":
        time.sleep(0.05)
    assert (run["state"], run["troubles"]) == ("finished", 1)
    assert report(s3, new_bucket, f"in/{new_bucket}/b-kept/")[1] == []
    drop(s3, new_bucket, "a-lost")
    drop(s3, new_bucket, "b-kept")
