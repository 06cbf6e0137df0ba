"""Rules for pages of other origins, put by the vendors' SDKs and asked after as browsers do; and what nobody may make public."""

import oss2
import requests
from alibabacloud_oss_v2 import models
from obs import CorsRule
from oss2.models import BucketCors

from clients import refused

PAGE = "https://app.example.com"
OTHER = "https://evil.example.org"


def url(server, bucket, key=""):
    return f"http://127.0.0.1:{server.http}/{bucket}/{key}".rstrip("/")


def preflight(address, origin=PAGE, method="PUT", headers=None):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return requests.options(address, headers={name: value for name, value in asked.items() if value}, timeout=10)


def test_rules_of_an_s3_bucket(server, s3, new_bucket):
    sdk = s3.client
    s3.create(new_bucket)
    assert refused(s3._call, sdk.get_bucket_cors, Bucket=new_bucket) == (404, "NoSuchCORSConfiguration")
    off = preflight(url(server, new_bucket, "k"))
    assert off.status_code == 403 and "<Code>AccessForbidden</Code>" in off.text and "not enabled" in off.text
    rules = [
        {
            "ID": "app",
            "AllowedOrigins": ["https://*.example.com"],
            "AllowedMethods": ["PUT", "POST"],
            "AllowedHeaders": ["x-amz-*", "Content-Type"],
            "ExposeHeaders": ["ETag", "x-amz-request-id"],
            "MaxAgeSeconds": 600,
        },
        {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
    ]
    put = {"Bucket": new_bucket, "CORSConfiguration": {"CORSRules": rules}}
    sdk.put_bucket_cors(**put)
    assert sdk.get_bucket_cors(Bucket=new_bucket)["CORSRules"] == rules

    allowed = preflight(url(server, new_bucket, "dir/k"), headers="X-Amz-Date, content-type")
    assert allowed.status_code == 200 and allowed.content == b""
    assert allowed.headers["Access-Control-Allow-Origin"] == PAGE
    assert allowed.headers["Access-Control-Allow-Methods"] == "PUT, POST"
    assert allowed.headers["Access-Control-Allow-Headers"] == "x-amz-date, content-type"
    assert allowed.headers["Access-Control-Expose-Headers"] == "ETag, x-amz-request-id"
    assert allowed.headers["Access-Control-Max-Age"] == "600"
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in allowed.headers["Vary"]
    for address, asked in [
        (url(server, new_bucket), {"origin": OTHER}),
        (url(server, new_bucket), {"headers": "authorization"}),
        (url(server, new_bucket), {"method": "DELETE"}),
    ]:
        answer = preflight(address, **asked)
        assert answer.status_code == 403 and "<Code>AccessForbidden</Code>" in answer.text, asked
        assert "<ResourceType>BUCKET</ResourceType>" in answer.text
        assert "Access-Control-Allow-Origin" not in answer.headers
    for asked in [{"origin": None}, {"method": None}, {"method": "PATCH"}]:
        answer = preflight(url(server, new_bucket, "k"), **asked)
        assert answer.status_code == 400 and "<Code>BadRequest</Code>" in answer.text, asked

    read = sdk.generate_presigned_url("get_object", Params={"Bucket": new_bucket, "Key": "k"})
    missing = requests.get(read, headers={"Origin": OTHER}, timeout=10)
    assert (missing.status_code, missing.headers["Access-Control-Allow-Origin"]) == (404, "*")
    assert "Access-Control-Allow-Credentials" not in missing.headers
    assert preflight(read, origin=OTHER, method="GET").status_code == 200
    write = sdk.generate_presigned_url("put_object", Params={"Bucket": new_bucket, "Key": "k"})
    written = requests.put(write, data=b"body", headers={"Origin": PAGE}, timeout=10)
    assert (written.status_code, written.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert written.headers["Access-Control-Expose-Headers"] == "ETag, x-amz-request-id"
    stranger = requests.put(write, data=b"body", headers={"Origin": OTHER}, timeout=10)
    assert stranger.status_code == 200 and "Access-Control-Allow-Origin" not in stranger.headers
    assert "Origin" in stranger.headers["Vary"]
    denied = requests.get(url(server, new_bucket, "k"), headers={"Origin": OTHER}, timeout=10)
    assert (denied.status_code, denied.headers["Access-Control-Allow-Origin"]) == (403, "*")
    forged = requests.get(read.replace("Signature=", "Signature=0"), headers={"Origin": OTHER}, timeout=10)
    assert (forged.status_code, forged.headers["Access-Control-Allow-Origin"]) == (403, "*")
    alone = requests.get(read, timeout=10)
    assert not {"Vary", "Access-Control-Allow-Origin"} & set(alone.headers)

    sdk.delete_bucket_cors(Bucket=new_bucket)
    assert refused(s3._call, sdk.get_bucket_cors, Bucket=new_bucket) == (404, "NoSuchCORSConfiguration")
    assert not {"Vary", "Access-Control-Allow-Origin"} & set(requests.get(read, headers={"Origin": OTHER}, timeout=10).headers)


def test_rules_that_may_not_be(s3, new_bucket):
    s3.create(new_bucket)

    def put(count=1, **changes):
        rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], **changes}
        rules = {"CORSRules": [rule] * count}
        return refused(s3._call, s3.client.put_bucket_cors, Bucket=new_bucket, CORSConfiguration=rules)

    assert put(AllowedMethods=["OPTIONS"]) == (400, "InvalidRequest")
    assert put(AllowedOrigins=["https://*.*"]) == (400, "InvalidRequest")
    assert put(AllowedHeaders=["x-*-*"]) == (400, "InvalidRequest")
    assert put(ExposeHeaders=["x-*"]) == (400, "InvalidRequest")
    assert put(count=101) == (400, "MalformedXML")


def test_rules_of_an_oss_bucket(server, oss, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    assert refused(oss.call, bucket.get_bucket_cors) == (404, "NoSuchCORSConfiguration")
    rule = oss2.models.CorsRule([PAGE], ["GET", "PUT"], ["*"], ["x-oss-request-id"], 30)
    bucket.put_bucket_cors(BucketCors([rule]))
    found = bucket.get_bucket_cors()
    assert [vars(found) for found in found.rules] == [vars(rule)] and found.response_vary is False
    asked = preflight(url(server, new_bucket, "k"), headers="authorization,x-oss-date")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert asked.headers["Server"] == "AliyunOSS" and asked.headers["Access-Control-Max-Age"] == "30"
    other = preflight(url(server, new_bucket, "k"), origin=OTHER, headers="x-oss-date")
    assert other.status_code == 403 and "<Code>AccessForbidden</Code>" in other.text and "<RequestId>" in other.text
    bucket.put_object("k", b"body")
    read = bucket.sign_url("GET", "k", 60, slash_safe=True)
    assert "Vary" not in requests.get(read, timeout=10).headers
    crossed = requests.get(read, headers={"Origin": PAGE}, timeout=10)
    assert (crossed.content, crossed.headers["Access-Control-Allow-Origin"]) == (b"body", PAGE)
    rules = BucketCors([rule])
    rules.response_vary = True
    bucket.put_bucket_cors(rules)
    assert bucket.get_bucket_cors().response_vary is True
    assert "Origin" in requests.get(read, timeout=10).headers["Vary"]
    assert refused(oss.call, bucket.put_bucket_cors, BucketCors([rule] * 21))[0] == 400
    assert bucket.delete_bucket_cors().status == 204
    assert refused(oss.call, bucket.get_bucket_cors) == (404, "NoSuchCORSConfiguration")


def test_rules_by_the_second_oss_sdk(clients, new_bucket):
    second = clients["oss-second"]
    second.create(new_bucket)
    ask, sdk = second.ask, second.sdk
    assert refused(ask, sdk.get_bucket_cors, models.GetBucketCorsRequest(new_bucket)) == (404, "NoSuchCORSConfiguration")
    rule = models.CORSRule(
        allowed_origins=[PAGE],
        allowed_methods=["PUT", "GET"],
        allowed_headers=["x-oss-*"],
        expose_headers=["ETag"],
        max_age_seconds=7,
    )
    rules = models.CORSConfiguration(cors_rules=[rule], response_vary=True)
    ask(sdk.put_bucket_cors, models.PutBucketCorsRequest(new_bucket, cors_configuration=rules))
    found = ask(sdk.get_bucket_cors, models.GetBucketCorsRequest(new_bucket)).cors_configuration
    assert found.response_vary is True and [vars(found) for found in found.cors_rules] == [vars(rule)]

    def option(**asked):
        asked = {"origin": PAGE, "access_control_request_method": "PUT"} | asked
        return ask(sdk.option_object, models.OptionObjectRequest(new_bucket, "k", **asked))

    answer = option(access_control_request_headers="x-oss-date")
    assert (answer.access_control_allow_origin, answer.access_control_allow_methods) == (PAGE, "PUT, GET")
    assert (answer.access_control_allow_headers, answer.access_control_max_age) == ("x-oss-date", 7)
    assert refused(option, origin=OTHER) == (403, "AccessForbidden")
    ask(sdk.delete_bucket_cors, models.DeleteBucketCorsRequest(new_bucket))
    assert refused(option) == (403, "AccessForbidden")
    stat = ask(sdk.get_bucket_stat, models.GetBucketStatRequest(new_bucket))
    assert (stat.storage, stat.object_count, stat.multi_part_upload_count) == (0, 0, 0)

    block = models.PutBucketPublicAccessBlockRequest(
        new_bucket, public_access_block_configuration=models.PublicAccessBlockConfiguration(block_public_access=True)
    )
    ask(sdk.put_bucket_public_access_block, block)
    read = models.GetBucketPublicAccessBlockRequest(new_bucket)
    answer = ask(sdk.get_bucket_public_access_block, read)
    assert answer.public_access_block_configuration.block_public_access is True
    public = models.PutBucketAclRequest(new_bucket, acl="public-read")
    assert refused(ask, sdk.put_bucket_acl, public) == (403, "AccessDenied")
    ask(sdk.delete_bucket_public_access_block, models.DeleteBucketPublicAccessBlockRequest(new_bucket))
    ask(sdk.put_bucket_acl, public)


def test_rules_of_an_obs_bucket(server, obs, new_bucket):
    obs.create(new_bucket)
    sdk = obs.client
    missing = sdk.getBucketCors(new_bucket)
    assert (missing.status, missing.errorCode) == (404, "NoSuchCORSConfiguration")
    rules = [
        CorsRule(
            id="101",
            allowedMethod=["PUT", "HEAD", "GET"],
            allowedOrigin=["https://app.example.com", "obs.hostname1"],
            allowedHeader=["x-obs-*", "authorization"],
            maxAgeSecond=100,
            exposeHeader=["ETag"],
        ),
        CorsRule(id="102", allowedMethod=["DELETE"], allowedOrigin=["*"]),
    ]
    assert obs.check(sdk.setBucketCors(new_bucket, rules)).status == 200
    found = obs.check(sdk.getBucketCors(new_bucket)).body
    assert [(rule.id, rule.allowedMethod, rule.maxAgeSecond) for rule in found] == [
        ("101", ["PUT", "HEAD", "GET"], 100),
        ("102", ["DELETE"], None),
    ]
    asked = preflight(url(server, new_bucket, "k"), headers="authorization, x-obs-date")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert asked.headers["Server"] == "OBS" and "x-obs-request-id" in asked.headers
    lasting = preflight(url(server, new_bucket, "k?x-obs-a"), origin=OTHER, method="DELETE")
    assert (lasting.status_code, lasting.headers["Access-Control-Max-Age"]) == (200, "3000")
    refusal = preflight(url(server, new_bucket, "k"), origin=OTHER, headers="x-obs-date")
    assert refusal.status_code == 403 and "<Code>AccessForbidden</Code>" in refusal.text
    assert obs.check(sdk.deleteBucketCors(new_bucket)).status == 204
    assert sdk.getBucketCors(new_bucket).status == 404


# What nobody may make public.

ALL = {
    name: True for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
}


def public_policy(bucket):
    statement = f'{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{bucket}/*"}}'
    return f'{{"Version":"2012-10-17","Statement":[{statement}]}}'


def test_a_block_refuses_what_is_public(s3, new_bucket):
    sdk = s3.client
    s3.create(new_bucket)
    named = {"Bucket": new_bucket}
    assert refused(s3._call, sdk.get_public_access_block, **named) == (404, "NoSuchPublicAccessBlockConfiguration")
    acls = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    sdk.put_public_access_block(PublicAccessBlockConfiguration=acls, **named)
    assert sdk.get_public_access_block(**named)["PublicAccessBlockConfiguration"] == acls
    denied = (403, "AccessDenied")
    for word in ("public-read", "public-read-write", "authenticated-read"):
        assert refused(s3._call, sdk.put_bucket_acl, ACL=word, **named) == denied
        assert refused(s3._call, sdk.put_object, Key="k", Body=b"body", ACL=word, **named) == denied
        assert refused(s3._call, sdk.create_multipart_upload, Key="k", ACL=word, **named) == denied
    sdk.put_object(Key="k", Body=b"body", ACL="private", **named)
    assert refused(s3._call, sdk.put_object_acl, Key="k", ACL="public-read", **named) == denied
    copy = {"Key": "c", "CopySource": {"Bucket": new_bucket, "Key": "k"}, "ACL": "public-read"}
    assert refused(s3._call, sdk.copy_object, **copy, **named) == denied
    sdk.put_bucket_policy(Policy=public_policy(new_bucket), **named)
    sdk.put_public_access_block(PublicAccessBlockConfiguration=ALL, **named)
    assert refused(s3._call, sdk.put_bucket_policy, Policy=public_policy(new_bucket), **named) == denied
    assert sdk.get_bucket_policy_status(**named)["PolicyStatus"]["IsPublic"] is True
    sdk.delete_public_access_block(**named)
    assert refused(s3._call, sdk.get_public_access_block, **named) == (404, "NoSuchPublicAccessBlockConfiguration")


def test_a_block_takes_back_what_was_public(server, s3, new_bucket):
    sdk = s3.client
    s3.create(new_bucket)
    named = {"Bucket": new_bucket}
    address = lambda key: url(server, new_bucket, key)
    sdk.put_object(Key="listed", Body=b"listed", ACL="public-read", **named)
    sdk.put_object(Key="k", Body=b"body", **named)
    sdk.put_bucket_policy(Policy=public_policy(new_bucket), **named)

    def reachable(**switches):
        block = {name: False for name in ALL} | switches
        sdk.put_public_access_block(PublicAccessBlockConfiguration=block, **named)
        return [requests.get(address(key), timeout=10).status_code for key in ("listed", "k")]

    assert reachable() == [200, 200]
    assert reachable(BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True) == [200, 200]
    assert reachable(RestrictPublicBuckets=True) == [200, 403]
    assert reachable(IgnorePublicAcls=True, RestrictPublicBuckets=True) == [403, 403]
    assert sdk.get_object(Key="k", **named)["Body"].read() == b"body"


def test_a_block_of_an_oss_bucket(server, oss, s3, new_bucket):
    oss.create(new_bucket)
    bucket = oss.bucket(new_bucket)
    assert bucket.get_bucket_public_access_block().block_public_access is False
    bucket.put_object("k", b"body", headers={"x-oss-object-acl": "public-read"})
    assert requests.get(url(server, new_bucket, "k"), timeout=10).status_code == 200
    bucket.put_bucket_public_access_block(True)
    assert bucket.get_bucket_public_access_block().block_public_access is True
    assert requests.get(url(server, new_bucket, "k"), timeout=10).status_code == 403
    assert refused(oss.call, bucket.put_bucket_acl, "public-read") == (403, "AccessDenied")
    assert refused(oss.call, bucket.put_object_acl, "k", "public-read") == (403, "AccessDenied")
    found = s3.client.get_public_access_block(Bucket=new_bucket)["PublicAccessBlockConfiguration"]
    assert found == ALL
    assert bucket.delete_bucket_public_access_block().status == 204
    assert bucket.get_bucket_public_access_block().block_public_access is False
    assert requests.get(url(server, new_bucket, "k"), timeout=10).status_code == 200
