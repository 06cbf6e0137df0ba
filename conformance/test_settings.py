"""Documents of buckets and objects, put, read and enforced through the vendors' own SDKs."""

import oss2
from obs import ACL, Grant, Grantee, Group, Owner, Permission, TagInfo
from oss2.models import Tagging, TaggingRule

from clients import Obs, Oss, S3, refused


# Tags.


def pairs(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def test_tags_of_an_s3_bucket(s3, new_bucket):
    s3.create(new_bucket)
    sdk = s3.client
    assert refused(s3._call, sdk.get_bucket_tagging, Bucket=new_bucket) == (404, "NoSuchTagSet")
    tags = [{"Key": "team", "Value": "x y"}, {"Key": "ä/ö", "Value": ""}]
    sdk.put_bucket_tagging(Bucket=new_bucket, Tagging={"TagSet": tags})
    assert sdk.get_bucket_tagging(Bucket=new_bucket)["TagSet"] == tags
    sdk.delete_bucket_tagging(Bucket=new_bucket)
    assert refused(s3._call, sdk.get_bucket_tagging, Bucket=new_bucket) == (404, "NoSuchTagSet")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    assert refused(s3._call, sdk.put_bucket_tagging, Bucket=new_bucket, Tagging=twice) == (400, "InvalidTag")


def test_tags_of_an_s3_object(s3, new_bucket):
    s3.create(new_bucket)
    sdk = s3.client
    sdk.put_object(Bucket=new_bucket, Key="k", Body=b"body", Tagging="a=1&b%20c=%C3%A9")
    assert pairs(sdk.get_object_tagging(Bucket=new_bucket, Key="k")["TagSet"]) == {"a": "1", "b c": "é"}
    assert sdk.get_object(Bucket=new_bucket, Key="k")["TagCount"] == 2
    before = sdk.head_object(Bucket=new_bucket, Key="k")
    sdk.put_object_tagging(Bucket=new_bucket, Key="k", Tagging={"TagSet": [{"Key": "z", "Value": "9"}]})
    after = sdk.head_object(Bucket=new_bucket, Key="k")
    assert pairs(sdk.get_object_tagging(Bucket=new_bucket, Key="k")["TagSet"]) == {"z": "9"}
    assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
    sdk.delete_object_tagging(Bucket=new_bucket, Key="k")
    assert sdk.get_object_tagging(Bucket=new_bucket, Key="k")["TagSet"] == []
    assert "TagCount" not in sdk.get_object(Bucket=new_bucket, Key="k")
    eleven = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    put = sdk.put_object_tagging
    assert refused(s3._call, put, Bucket=new_bucket, Key="k", Tagging=eleven) == (400, "BadRequest")
    long = {"TagSet": [{"Key": "k" * 129, "Value": ""}]}
    assert refused(s3._call, put, Bucket=new_bucket, Key="k", Tagging=long) == (400, "InvalidTag")
    assert refused(s3._call, put, Bucket=new_bucket, Key="none", Tagging={"TagSet": []}) == (404, "NoSuchKey")
    assert sdk.get_object(Bucket=new_bucket, Key="k")["Body"].read() == b"body"


def oss_rule(tags):
    rule = TaggingRule()
    for key, value in tags.items():
        rule.add(key, value)
    return Tagging(rule)


def test_tags_of_an_oss_bucket(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {}
    answer = bucket.put_bucket_tagging(oss_rule({"a": "1", "b": "2", "c c": "3"}))
    assert answer.status == 200
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"a": "1", "b": "2", "c c": "3"}
    bucket.delete_bucket_tagging({"tagging": "a,c c"})
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"b": "2"}
    assert bucket.delete_bucket_tagging().status == 204
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {}


def test_tags_of_an_oss_object(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    bucket.put_object("k", b"body", headers={"x-oss-tagging": "a=1&b=%3A"})
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"a": "1", "b": ":"}
    assert bucket.head_object("k").headers["x-oss-tagging-count"] == "2"
    bucket.put_object_tagging("k", oss_rule({"x": "y"}))
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"x": "y"}
    assert bucket.delete_object_tagging("k").status == 204
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {}
    eleven = oss_rule({str(number): "v" for number in range(11)})
    assert refused(oss.call, bucket.put_object_tagging, "k", eleven)[0] == 400
    assert refused(oss.call, bucket.get_object_tagging, "none") == (404, "NoSuchKey")


def obs_tags(tags):
    info = TagInfo()
    for key, value in tags.items():
        info.addTag(key, value)
    return info


def test_tags_of_an_obs_bucket(obs, new_bucket):
    obs.create(new_bucket)
    sdk = obs.client
    missing = sdk.getBucketTagging(new_bucket)
    assert (missing.status, missing.errorCode) == (404, "NoSuchTagSet")
    assert obs.check(sdk.setBucketTagging(new_bucket, obs_tags({"a": "1", "b": "ü"}))).status == 204
    found = obs.check(sdk.getBucketTagging(new_bucket)).body.tagSet
    assert {tag.key: tag.value for tag in found} == {"a": "1", "b": "ü"}
    assert obs.check(sdk.deleteBucketTagging(new_bucket)).status == 204
    assert sdk.getBucketTagging(new_bucket).errorCode == "NoSuchTagSet"
    many = sdk.setBucketTagging(new_bucket, obs_tags({str(number): "v" for number in range(51)}))
    assert many.status == 400


def test_tags_of_an_obs_object(obs, new_bucket):
    obs.create(new_bucket)
    sdk = obs.client
    obs.put(new_bucket, "k", b"body")
    assert obs.check(sdk.setObjectTagging(new_bucket, "k", {"a": "1", "b": "2"})).status == 200
    found = obs.check(sdk.getObjectTagging(new_bucket, "k")).body.tags
    assert {tag.key: tag.value for tag in found} == {"a": "1", "b": "2"}
    assert obs.head(new_bucket, "k")
    assert obs.check(sdk.deleteObjectTagging(new_bucket, "k")).status == 204
    missing = sdk.getObjectTagging(new_bucket, "k")
    if obs.prefix == "x-obs-":
        assert (missing.status, missing.errorCode) == (404, "NoSuchTagSet")
    else:
        assert missing.status == 200


# Access control lists.


def test_lists_of_an_s3_bucket_and_object(s3, new_bucket):
    sdk = s3.client
    sdk.create_bucket(Bucket=new_bucket, ACL="public-read")
    acl = sdk.get_bucket_acl(Bucket=new_bucket)
    owner = acl["Owner"]
    full = {"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    assert acl["Grants"] == [full, {"Grantee": everyone, "Permission": "READ"}]
    policy = {"Owner": owner, "Grants": [full, {"Grantee": everyone, "Permission": "READ_ACP"}]}
    sdk.put_bucket_acl(Bucket=new_bucket, AccessControlPolicy=policy)
    assert sdk.get_bucket_acl(Bucket=new_bucket)["Grants"] == policy["Grants"]
    sdk.put_bucket_acl(Bucket=new_bucket, ACL="private")
    assert sdk.get_bucket_acl(Bucket=new_bucket)["Grants"] == [full]

    sdk.put_object(Bucket=new_bucket, Key="k", Body=b"body", ACL="public-read-write")
    permissions = [grant["Permission"] for grant in sdk.get_object_acl(Bucket=new_bucket, Key="k")["Grants"]]
    assert permissions == ["FULL_CONTROL", "READ", "WRITE"]
    sdk.put_object_acl(Bucket=new_bucket, Key="k", GrantRead=f'id="{owner["ID"]}", uri="{everyone["URI"]}"')
    grants = sdk.get_object_acl(Bucket=new_bucket, Key="k")["Grants"]
    assert [(grant["Grantee"]["Type"], grant["Permission"]) for grant in grants] == [
        ("CanonicalUser", "READ"),
        ("Group", "READ"),
    ]
    sdk.put_object_acl(Bucket=new_bucket, Key="k", ACL="authenticated-read")
    assert len(sdk.get_object_acl(Bucket=new_bucket, Key="k")["Grants"]) == 2
    stranger = {"Owner": {"ID": "0" * 64}, "Grants": [full]}
    put = sdk.put_object_acl
    assert refused(s3._call, put, Bucket=new_bucket, Key="k", AccessControlPolicy=stranger)[0] == 403
    assert refused(s3._call, put, Bucket=new_bucket, Key="k", GrantRead="someone") == (400, "InvalidArgument")
    both = {"ACL": "private", "GrantRead": f'id="{owner["ID"]}"'}
    assert refused(s3._call, put, Bucket=new_bucket, Key="k", **both) == (400, "InvalidRequest")


def test_lists_of_an_oss_bucket_and_object(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    assert bucket.get_bucket_acl().acl == "private"
    bucket.put_object("k", b"body")
    assert bucket.get_object_acl("k").acl == "default"
    for word in (oss2.BUCKET_ACL_PUBLIC_READ, oss2.BUCKET_ACL_PUBLIC_READ_WRITE, oss2.BUCKET_ACL_PRIVATE):
        bucket.put_bucket_acl(word)
        assert bucket.get_bucket_acl().acl == word
        bucket.put_object_acl("k", word)
        assert bucket.get_object_acl("k").acl == word
    bucket.put_object_acl("k", oss2.OBJECT_ACL_DEFAULT)
    assert bucket.get_object_acl("k").acl == "default"
    bucket.put_object("l", b"body", headers={"x-oss-object-acl": "public-read"})
    assert bucket.get_object_acl("l").acl == "public-read"
    assert refused(oss.call, bucket.put_bucket_acl, "everything") == (400, "InvalidArgument")


def test_lists_of_an_obs_bucket_and_object(obs, new_bucket):
    obs.create(new_bucket)
    sdk = obs.client
    before = obs.check(sdk.getBucketAcl(new_bucket)).body
    owner = before.owner.owner_id
    assert [(grant.grantee.grantee_id, grant.permission) for grant in before.grants] == [(owner, "FULL_CONTROL")]
    grants = [
        Grant(Grantee(grantee_id=owner), Permission.FULL_CONTROL),
        Grant(Grantee(group=Group.ALL_USERS), Permission.READ, delivered=True),
    ]
    obs.check(sdk.setBucketAcl(new_bucket, ACL(Owner(owner), grants)))
    after = obs.check(sdk.getBucketAcl(new_bucket)).body.grants
    assert [grant.permission for grant in after] == ["FULL_CONTROL", "READ"]
    if obs.prefix == "x-obs-":
        assert (after[1].grantee.group, after[1].delivered) == ("Everyone", True)
    obs.check(sdk.setBucketAcl(new_bucket, aclControl="private"))
    assert len(obs.check(sdk.getBucketAcl(new_bucket)).body.grants) == 1
    obs.put(new_bucket, "k", b"body")
    assert len(obs.check(sdk.getObjectAcl(new_bucket, "k")).body.grants) == 1
    obs.check(sdk.setObjectAcl(new_bucket, "k", aclControl="public-read"))
    assert [grant.permission for grant in obs.check(sdk.getObjectAcl(new_bucket, "k")).body.grants] == [
        "FULL_CONTROL",
        "READ",
    ]
    obs.check(sdk.setObjectAcl(new_bucket, "k", ACL(Owner(owner), grants[:1])))
    assert len(obs.check(sdk.getObjectAcl(new_bucket, "k")).body.grants) == 1


# What a bucket holds.


def test_quota_class_and_usage_of_an_obs_bucket(obs, new_bucket):
    obs.create(new_bucket)
    sdk = obs.client
    assert obs.check(sdk.getBucketQuota(new_bucket)).body.quota == 0
    obs.put(new_bucket, "a", b"x" * 600)
    info = obs.check(sdk.getBucketStorageInfo(new_bucket)).body
    assert (int(info.size), int(info.objectNumber)) == (600, 1)
    obs.check(sdk.setBucketQuota(new_bucket, 1000))
    assert obs.check(sdk.getBucketQuota(new_bucket)).body.quota == 1000
    assert refused(obs.put, new_bucket, "b", b"y" * 401) == (403, "InsufficientStorageSpace")
    obs.put(new_bucket, "b", b"y" * 400)
    assert refused(obs.put, new_bucket, "c", b"z") == (403, "InsufficientStorageSpace")
    obs.delete(new_bucket, "a")
    obs.put(new_bucket, "c", b"z" * 600)
    obs.check(sdk.setBucketQuota(new_bucket, 0))
    obs.put(new_bucket, "d", b"d" * 5000)

    obs.check(sdk.setBucketStoragePolicy(new_bucket, "WARM"))
    warm = obs.check(sdk.getBucketStoragePolicy(new_bucket)).body.storageClass
    assert warm in ("WARM", "STANDARD_IA")
    obs.put(new_bucket, "warm", b"body")
    listed = {item.key: item.storageClass for item in obs.check(sdk.listObjects(new_bucket)).body.contents}
    assert listed["warm"] == warm and listed["b"] == "STANDARD"


def test_a_quota_holds_in_every_dialect(client, bucket, clients):
    owner = clients["obs"]
    owner.check(owner.client.setBucketQuota(bucket, 10))
    client.put(bucket, "k", b"x" * 10)
    code = "QuotaExceeded" if isinstance(client, Oss) else "InsufficientStorageSpace"
    assert refused(client.put, bucket, "more", b"y") == (403, code)
    assert refused(client.copy, bucket, "k", bucket, "copy") == (403, code)
    client.delete(bucket, "k")
    client.put(bucket, "more", b"y" * 10)
    owner.check(owner.client.setBucketQuota(bucket, 0))


def test_statistics_of_an_oss_bucket(oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    bucket.put_object("a", b"x" * 10)
    bucket.put_object("b", b"y" * 5, headers={"x-oss-storage-class": "IA"})
    stat = bucket.get_bucket_stat()
    assert (stat.storage_size_in_bytes, stat.object_count) == (15, 2)
    assert (stat.standard_storage, stat.infrequent_access_storage) == (10, 5)
