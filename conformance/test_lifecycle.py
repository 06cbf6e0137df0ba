"""Lifecycle rules: put and read through the vendors' own SDKs, and followed by the server when it is told to.

Time is never moved here: what has to go goes by rules with dates that are past, and days are the business of the engine's tests.
"""

import datetime
import time

import obs as obs_sdk
import oss2
import pytest
from oss2 import models

from clients import refused

PAST = datetime.date(2020, 1, 1)
PAST_TIME = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


def follow(server):
    """A whole run of the rules, after the one that the server may be at by itself."""
    while server.command("lifecycle", "status")["state"] == "running":
        time.sleep(0.05)
    run = server.command("lifecycle", "run")
    assert (run["state"], run["done"]["troubles"]) == ("finished", 0)
    return run["done"]


def put_rules(client, bucket, *rules):
    client._call(client.client.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": rules})


# Documents.


def test_s3_rules_come_back_as_they_were_put(s3, new_bucket):
    s3.create(new_bucket)
    read = s3.client.get_bucket_lifecycle_configuration
    assert refused(s3._call, read, Bucket=new_bucket) == (404, "NoSuchLifecycleConfiguration")
    rules = [
        {
            "ID": "everything",
            "Filter": {
                "And": {
                    "Prefix": "logs/",
                    "Tags": [{"Key": "class", "Value": "x"}],
                    "ObjectSizeGreaterThan": 1,
                    "ObjectSizeLessThan": 1000,
                }
            },
            "Status": "Enabled",
            "Expiration": {"Days": 30},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
        },
        {"ID": "by date", "Filter": {"Prefix": "tmp/"}, "Status": "Disabled", "Expiration": {"Date": PAST_TIME}},
        {
            "ID": "uploads",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]
    put_rules(s3, new_bucket, *rules)
    read_back = s3.client.get_bucket_lifecycle_configuration(Bucket=new_bucket)["Rules"]
    assert [{**rule} for rule in read_back] == rules
    put_rules(s3, new_bucket, {"Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}})
    [only] = s3.client.get_bucket_lifecycle_configuration(Bucket=new_bucket)["Rules"]
    assert only["ID"], "a rule without a name gets one"
    s3.client.delete_bucket_lifecycle(Bucket=new_bucket)
    s3.client.delete_bucket_lifecycle(Bucket=new_bucket)
    assert refused(s3._call, read, Bucket=new_bucket) == (404, "NoSuchLifecycleConfiguration")


def test_s3_rules_of_the_first_form(s3, new_bucket):
    s3.create(new_bucket)
    rules = [{"ID": "old", "Prefix": "logs/", "Status": "Enabled", "Expiration": {"Days": 30}}]
    s3.client.put_bucket_lifecycle(Bucket=new_bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.client.get_bucket_lifecycle(Bucket=new_bucket)["Rules"] == rules


@pytest.mark.parametrize(
    "change, answer",
    [
        ({"Expiration": {"Days": 0}}, (400, "InvalidArgument")),
        ({"Expiration": {"Date": datetime.datetime(2020, 1, 1, 5, tzinfo=datetime.timezone.utc)}}, (400, "InvalidArgument")),
        ({"Expiration": {"Days": 1, "Date": PAST_TIME}}, (400, "MalformedXML")),
        ({"Status": "enabled"}, (400, "MalformedXML")),
        ({"ID": "i" * 256}, (400, "InvalidArgument")),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, (501, "NotImplemented")),
        ({"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
         (400, "InvalidRequest")),
    ],
)
def test_s3_rules_that_make_no_sense(s3, bucket_of_s3, change, answer):
    rule = {"ID": "r", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}, **change}
    assert refused(put_rules, s3, bucket_of_s3, rule) == answer


@pytest.fixture
def bucket_of_s3(s3, new_bucket):
    s3.create(new_bucket)
    return new_bucket


def test_oss_rules(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    assert refused(oss.call, bucket.get_bucket_lifecycle) == (404, "NoSuchLifecycle")
    excluded = models.FilterNot("logs/keep", models.FilterNotTag("a", "b"))
    rules = [
        models.LifecycleRule(
            "days",
            "logs/",
            expiration=models.LifecycleExpiration(days=3),
            tagging=models.Tagging(tag_rule("class", "x")),
            noncurrent_version_expiration=models.NoncurrentVersionExpiration(9),
            filter=models.LifecycleFilter([excluded], 100, 200),
        ),
        models.LifecycleRule(
            "dates",
            "tmp/",
            status=models.LifecycleRule.DISABLED,
            expiration=models.LifecycleExpiration(created_before_date=PAST),
            abort_multipart_upload=models.AbortMultipartUpload(days=5),
        ),
    ]
    bucket.put_bucket_lifecycle(models.BucketLifecycle(rules))
    days, dates = bucket.get_bucket_lifecycle().rules
    assert (days.id, days.prefix, days.status, days.expiration.days) == ("days", "logs/", "Enabled", 3)
    assert days.tagging.tag_set.tagging_rule == {"class": "x"}
    assert days.noncurrent_version_expiration.noncurrent_days == 9
    assert (days.filter.object_size_greater_than, days.filter.object_size_less_than) == (100, 200)
    [left_out] = days.filter.filter_not
    assert (left_out.prefix, left_out.tag.key, left_out.tag.value) == ("logs/keep", "a", "b")
    assert (dates.status, dates.expiration.created_before_date) == ("Disabled", PAST)
    assert dates.abort_multipart_upload.days == 5
    bucket.delete_bucket_lifecycle()
    assert refused(oss.call, bucket.get_bucket_lifecycle) == (404, "NoSuchLifecycle")


def tag_rule(key, value):
    rule = models.TaggingRule()
    rule.add(key, value)
    return rule


def test_oss_rules_may_not_overlap_unless_they_are_let(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    rules = [
        models.LifecycleRule("outer", "test", expiration=models.LifecycleExpiration(days=200)),
        models.LifecycleRule("inner", "test/log", expiration=models.LifecycleExpiration(days=100)),
    ]
    put = bucket.put_bucket_lifecycle
    assert refused(oss.call, put, models.BucketLifecycle(rules)) == (400, "InvalidRequest")
    put(models.BucketLifecycle(rules), headers={"x-oss-allow-same-action-overlap": "true"})
    assert len(bucket.get_bucket_lifecycle().rules) == 2


def test_obs_rules(obs, new_bucket):
    obs.create(new_bucket)
    read = lambda: obs.check(obs.client.getBucketLifecycle(new_bucket)).body.lifecycleConfig.rule
    assert refused(read) == (404, "NoSuchLifecycleConfiguration")
    rules = [
        obs_sdk.Rule(
            id="days",
            prefix="logs/",
            status="Enabled",
            expiration=obs_sdk.Expiration(days=60),
            noncurrentVersionExpiration=obs_sdk.NoncurrentVersionExpiration(noncurrentDays=4),
        ),
        obs_sdk.Rule(
            id="date",
            prefix="tmp/",
            status="Disabled",
            expiration=obs_sdk.Expiration(date=obs_sdk.DateTime(2030, 1, 1)),
            abortIncompleteMultipartUpload=obs_sdk.AbortIncompleteMultipartUpload(daysAfterInitiation=2),
        ),
    ]
    obs.check(obs.client.setBucketLifecycle(new_bucket, obs_sdk.Lifecycle(rule=rules)))
    days, date = read()
    assert (days.id, days.prefix, days.status, days.expiration.days) == ("days", "logs/", "Enabled", 60)
    assert days.noncurrentVersionExpiration.noncurrentDays == 4
    assert (date.status, date.expiration.date[:10]) == ("Disabled", "2030/01/01")
    assert date.abortIncompleteMultipartUpload.daysAfterInitiation == 2
    obs.check(obs.client.deleteBucketLifecycle(new_bucket))
    assert refused(read) == (404, "NoSuchLifecycleConfiguration")


# What they do.


def test_what_is_due_goes_and_nothing_else(server, s3, new_bucket):
    s3.create(new_bucket)
    for key, mode in [("tmp/a", "plain"), ("tmp/b", "kms"), ("tmp/c", "customer"), ("kept", "managed")]:
        s3.put(new_bucket, key, b"x" * 70_000, mode)
    s3.client.put_object(Bucket=new_bucket, Key="tagged", Body=b"x", Tagging="class=x")
    upload = s3.client.create_multipart_upload(Bucket=new_bucket, Key="tmp/open")["UploadId"]
    put_rules(
        s3,
        new_bucket,
        {"ID": "1", "Filter": {"Prefix": "tmp/"}, "Status": "Enabled", "Expiration": {"Date": PAST_TIME}},
        {
            "ID": "2",
            "Filter": {"Tag": {"Key": "class", "Value": "x"}},
            "Status": "Enabled",
            "Expiration": {"Date": PAST_TIME},
        },
        {"ID": "3", "Filter": {"Prefix": ""}, "Status": "Disabled", "Expiration": {"Date": PAST_TIME}},
        {
            "ID": "4",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    )
    done = follow(server)
    assert (done["expired"], done["uploads"]) == (4, 0)
    assert s3.keys(new_bucket) == ["kept"]
    uploads = s3.client.list_multipart_uploads(Bucket=new_bucket)["Uploads"]
    assert [found["UploadId"] for found in uploads] == [upload], "it began today"
    s3.client.abort_multipart_upload(Bucket=new_bucket, Key="tmp/open", UploadId=upload)
    s3.client.delete_bucket_lifecycle(Bucket=new_bucket)


def test_where_versions_are_kept(server, s3, new_bucket):
    s3.create(new_bucket)
    s3.client.put_bucket_versioning(Bucket=new_bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put(new_bucket, "k", b"one")
    s3.put(new_bucket, "k", b"two")
    s3.delete(new_bucket, "lone")
    rule = {"ID": "r", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Date": PAST_TIME}}
    put_rules(s3, new_bucket, rule)
    done = follow(server)
    assert (done["marked"], done["markers"], done["expired"]) == (1, 1, 0)
    listed = s3.client.list_object_versions(Bucket=new_bucket)
    assert len(listed["Versions"]) == 2 and [marker["Key"] for marker in listed["DeleteMarkers"]] == ["k"]
    assert follow(server)["marked"] == 0, "it is deleted already"
    s3.client.delete_bucket_lifecycle(Bucket=new_bucket)


def test_rules_of_oss_and_obs_are_followed(server, oss, obs, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    for key in ["tmp/a", "tmp/keep/b", "kept"]:
        bucket.put_object(key, b"x")
    tomorrow = datetime.date.today() + datetime.timedelta(days=2)
    everything_so_far = models.LifecycleExpiration(created_before_date=tomorrow)
    rule = models.LifecycleRule(
        "r", "tmp/", expiration=everything_so_far, filter=models.LifecycleFilter([models.FilterNot("tmp/keep/")])
    )
    bucket.put_bucket_lifecycle(models.BucketLifecycle([rule]))
    assert follow(server)["expired"] == 0, "what was written today goes at midnight"
    bucket.put_bucket_lifecycle(
        models.BucketLifecycle([models.LifecycleRule("r", "tmp/", expiration=models.LifecycleExpiration(date=PAST),
                                                     filter=models.LifecycleFilter([models.FilterNot("tmp/keep/")]))])
    )
    assert follow(server)["expired"] == 1
    assert [found.key for found in oss2.ObjectIterator(bucket)] == ["kept", "tmp/keep/b"]
    past = obs_sdk.Expiration(date=obs_sdk.DateTime(2020, 1, 1))
    rules = [obs_sdk.Rule(id="r", prefix="tmp/", status="Enabled", expiration=past)]
    obs.check(obs.client.setBucketLifecycle(new_bucket, obs_sdk.Lifecycle(rule=rules)))
    assert follow(server)["expired"] == 1
    assert obs.keys(new_bucket) == ["kept"]
    obs.check(obs.client.deleteBucketLifecycle(new_bucket))


def test_answers_tell_when_an_object_goes(s3, oss, obs, new_bucket):
    s3.create(new_bucket)
    date = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
    rule = {"ID": "end of/time", "Filter": {"Prefix": "logs/"}, "Status": "Enabled", "Expiration": {"Date": date}}
    put_rules(s3, new_bucket, rule)
    told = 'expiry-date="Thu, 01 Jan 2099 00:00:00 GMT", rule-id="end%20of/time"'
    sdk = s3.client
    assert sdk.put_object(Bucket=new_bucket, Key="logs/a", Body=b"x")["Expiration"] == told
    assert sdk.head_object(Bucket=new_bucket, Key="logs/a")["Expiration"] == told
    assert sdk.get_object(Bucket=new_bucket, Key="logs/a")["Expiration"] == told
    assert "Expiration" not in sdk.put_object(Bucket=new_bucket, Key="other", Body=b"x")
    upload = sdk.create_multipart_upload(Bucket=new_bucket, Key="logs/p")["UploadId"]
    part = sdk.upload_part(Bucket=new_bucket, Key="logs/p", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    completed = sdk.complete_multipart_upload(Bucket=new_bucket, Key="logs/p", UploadId=upload, MultipartUpload=parts)
    assert completed["Expiration"] == told
    copied = sdk.copy_object(Bucket=new_bucket, Key="logs/c", CopySource=f"{new_bucket}/other")
    assert copied["Expiration"] == told
    assert oss.bucket(new_bucket).head_object("logs/a").headers["x-oss-expiration"] == told
    answer = obs.check(obs.client.getObjectMetadata(new_bucket, "logs/a"))
    # This SDK decodes what it is told.
    assert dict(answer.header)["expiration"] == told.replace("%20", " ")
