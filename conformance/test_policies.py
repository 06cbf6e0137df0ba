"""Who may do what: bucket policies in three languages, public lists, users' policies, tokens, rights to keys."""

import json
import subprocess
import urllib.error
import urllib.request

import oss2
import pytest
from botocore.exceptions import ClientError

from clients import S3, Obs, Refused, refused
from strongroom import BINARY, REGION


def admin(server, *arguments):
    """Runs a command that may be refused."""
    return subprocess.run([BINARY, *arguments], env=server.environment(), capture_output=True, text=True, timeout=60)


def as_json(server, *arguments):
    return server.command(*arguments)


@pytest.fixture
def s3(clients):
    return clients["s3-v4-tls"].client


def client_of(server, access_key, secret_key, token=None):
    client = S3(server, tls=True, access_key=access_key, secret_key=secret_key).client
    if token:
        credentials = client._request_signer._credentials
        credentials.token = token
    return client


def code(call, *arguments, **named):
    with pytest.raises(ClientError) as refused:
        call(*arguments, **named)
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def ann(server, request):
    """A user of no rights, and a client that signs as it."""
    name = "ann-" + str(abs(hash(request.node.name)) % 10**9)
    made = as_json(server, "user", "create", name)
    yield name, client_of(server, made["access_key"], made["secret_key"])
    admin(server, "user", "delete", name)


def attach(server, tmp_path, name, holder, statements):
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    for arguments in (["policy", "put", name, "--file", str(file)], ["policy", "attach", name, holder]):
        done = admin(server, *arguments)
        assert done.returncode == 0, done.stderr


def get_plain(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http}{path}") as answer:
        return answer.read()


def test_a_bucket_policy_is_kept_as_written_and_goes_when_deleted(s3, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    assert code(s3.get_bucket_policy, Bucket=new_bucket) == "NoSuchBucketPolicy"
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Open",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{new_bucket}/open/*",
                }
            ],
        }
    )
    s3.put_bucket_policy(Bucket=new_bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=new_bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=new_bucket)["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket=new_bucket)
    assert code(s3.get_bucket_policy, Bucket=new_bucket) == "NoSuchBucketPolicy"
    for malformed in ["", "[", '{"Statement":[]}', '{"Statement":[{"Effect":"Allow"}]}', text.replace(new_bucket, "another")]:
        if malformed:
            assert code(s3.put_bucket_policy, Bucket=new_bucket, Policy=malformed) == "MalformedPolicy", malformed


def test_strangers_read_what_a_policy_or_a_list_opens(server, s3, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    s3.put_object(Bucket=new_bucket, Key="open/a", Body=b"a")
    s3.put_object(Bucket=new_bucket, Key="closed", Body=b"c")
    s3.put_object(Bucket=new_bucket, Key="listed", Body=b"l", ACL="public-read")
    policy = {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{new_bucket}/open/*"}
        ]
    }
    s3.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps(policy))
    assert get_plain(server, f"/{new_bucket}/open/a") == b"a"
    assert get_plain(server, f"/{new_bucket}/listed") == b"l"
    for closed in (f"/{new_bucket}/closed", f"/{new_bucket}/none", f"/{new_bucket}"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get_plain(server, closed)
        assert refused.value.code == 403, closed


def test_what_is_under_a_master_key_is_never_public(server, s3, clients, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    s3.put_object(Bucket=new_bucket, Key="k", Body=b"k", ACL="public-read", ServerSideEncryption="aws:kms")
    for mark, status, words in [
        ("", 400, "require AWS Signature Version 4"),
        ("?x-oss-anything=1", 403, "forbidden by kms"),
        ("?x-obs-anything=1", 403, "cannot be accessed anonymously"),
    ]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            get_plain(server, f"/{new_bucket}/k{mark}")
        assert (refused.value.code, words in refused.value.read().decode()) == (status, True), mark


def test_uploads_without_encryption_are_denied(clients, s3, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    policy = {
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{new_bucket}/*",
                "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
            }
        ]
    }
    s3.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps(policy))
    assert code(s3.put_object, Bucket=new_bucket, Key="k", Body=b"") == "AccessDenied"
    assert code(s3.put_object, Bucket=new_bucket, Key="k", Body=b"", ServerSideEncryption="AES256") == "AccessDenied"
    s3.put_object(Bucket=new_bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms")
    # What was settled when an upload began is not asked for again with its parts.
    upload = s3.create_multipart_upload(Bucket=new_bucket, Key="m", ServerSideEncryption="aws:kms")["UploadId"]
    part = s3.upload_part(Bucket=new_bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=new_bucket, Key="m", UploadId=upload, MultipartUpload=parts)
    assert code(s3.create_multipart_upload, Bucket=new_bucket, Key="m") == "AccessDenied"


# As the pages on SSE-KMS of OBS have it, in its own form and in that of S3, but for the bucket's name.
PAGES_ON_SSE_KMS = {
    "obs": """
{
"Statement": [
{
"Sid": "DenyUnEncryptedObjectUploads",
"Effect": "Deny",
"Principal": "*",
"Action": "PutObject",
"Resource": "YourBucket/*",
"Condition": {
"StringNotEquals": {
"x-obs-server-side-encryption": "kms"
}
}
}
]
}
""",
    "s3": """
{ "Version":"2008-10-17", "Id":"PutObjPolicy", "Statement": [ { "Sid": "DenyUnEncryptedObjectUploads", "Effect": "Deny",
"Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::YourBucket/*", "Condition": { "StringNotEquals": {
"s3:x-amz-server-side-encryption": "aws:kms" } } } ] }
""",
}


@pytest.mark.parametrize("put_as", ["obs-tls", "s3-v4-tls"])
@pytest.mark.parametrize("form", list(PAGES_ON_SSE_KMS))
def test_the_policy_of_the_page_on_sse_kms(clients, new_bucket, form, put_as):
    """Whatever dialect it is written in and uploads come in, and whatever the bucket's default would do."""
    owner, client = clients["obs-tls"], clients[put_as]
    owner.create(new_bucket)
    text = PAGES_ON_SSE_KMS[form].replace("YourBucket", new_bucket)
    Obs.check(owner.client.setBucketPolicy(new_bucket, text))
    Obs.check(owner.client.setBucketEncryption(new_bucket, "kms"))
    for mode in ("plain", "managed"):
        assert refused(client.put, new_bucket, "k", b"k", mode) == (403, "AccessDenied")
    client.put(new_bucket, "k", b"k", "kms")
    assert client.get(new_bucket, "k", "kms") == b"k"


def test_a_token_is_good_in_every_dialect(server, clients, new_bucket):
    """Each SDK sends it in its own header; without it, and with another, the access key is none."""
    clients["obs-tls"].create(new_bucket)
    clients["obs-tls"].put(new_bucket, "k", b"k")
    issued = as_json(server, "token", "issue", "--duration", "900")
    pair = issued["access_key"], issued["secret_key"]

    def by_obs(token):
        return Obs(server, tls=True, access_key=pair[0], secret_key=pair[1], security_token=token).get(new_bucket, "k")

    def by_oss(token):
        auth = oss2.StsAuth(*pair, token, auth_version="v4")
        bucket = oss2.Bucket(auth, f"http://127.0.0.1:{server.http}", new_bucket, region=REGION, is_path_style=True)
        try:
            return bucket.get_object("k").read()
        except oss2.exceptions.OssError as error:
            raise Refused(error.status, error.code) from error

    def by_s3(token):
        try:
            return client_of(server, *pair, token).get_object(Bucket=new_bucket, Key="k")["Body"].read()
        except ClientError as error:
            raise Refused(error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]) from error

    altered = issued["token"][:-2] + "00"
    in_words_of = {by_obs: (403, "InvalidToken"), by_oss: (403, "InvalidSecurityToken"), by_s3: (400, "InvalidToken")}
    for get, answer in in_words_of.items():
        assert get(issued["token"]) == b"k"
        assert refused(get, altered) == answer
    # Without a token there is no such access key.
    for get in (by_obs, by_s3):
        assert refused(get, None) == (403, "InvalidAccessKeyId")


def test_a_user_has_the_rights_of_its_policies_and_no_others(server, s3, ann, tmp_path, new_bucket):
    name, client = ann
    s3.create_bucket(Bucket=new_bucket)
    s3.put_object(Bucket=new_bucket, Key="plain", Body=b"p")
    s3.put_object(Bucket=new_bucket, Key="sealed", Body=b"s", ServerSideEncryption="aws:kms")
    assert code(client.get_object, Bucket=new_bucket, Key="plain") == "AccessDenied"
    objects = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{new_bucket}/*"}
    attach(server, tmp_path, f"objects-{name}", f"user/{name}", [objects])
    assert client.get_object(Bucket=new_bucket, Key="plain")["Body"].read() == b"p"
    assert code(client.get_object, Bucket=new_bucket, Key="none") == "AccessDenied"
    assert code(client.list_objects_v2, Bucket=new_bucket) == "AccessDenied"
    # Rights to the object are none to its key.
    assert code(client.get_object, Bucket=new_bucket, Key="sealed") == "AccessDenied"
    assert code(client.put_object, Bucket=new_bucket, Key="w", Body=b"", ServerSideEncryption="aws:kms") == "AccessDenied"
    client.head_object(Bucket=new_bucket, Key="sealed")
    keys = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}
    attach(server, tmp_path, f"keys-{name}", f"user/{name}", [keys])
    assert client.get_object(Bucket=new_bucket, Key="sealed")["Body"].read() == b"s"
    client.put_object(Bucket=new_bucket, Key="w", Body=b"", ServerSideEncryption="aws:kms")


def test_groups_pass_their_policies_on(server, s3, ann, tmp_path, new_bucket):
    name, client = ann
    group = f"g-{name}"
    s3.create_bucket(Bucket=new_bucket)
    assert admin(server, "group", "create", group).returncode == 0
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{new_bucket}"}
    attach(server, tmp_path, f"list-{name}", f"group/{group}", [listing])
    assert code(client.list_objects_v2, Bucket=new_bucket) == "AccessDenied"
    assert admin(server, "group", "add", group, name).returncode == 0
    client.list_objects_v2(Bucket=new_bucket)
    assert admin(server, "group", "delete", group).returncode == 1, "it has a member"
    assert admin(server, "policy", "delete", f"list-{name}").returncode == 1, "it is attached"
    assert admin(server, "group", "remove", group, name).returncode == 0
    assert code(client.list_objects_v2, Bucket=new_bucket) == "AccessDenied"


def test_access_keys_rotate(server, ann, tmp_path):
    name, _ = ann
    attach(server, tmp_path, f"all-{name}", f"user/{name}", [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    made = as_json(server, "access-key", "create", name)
    second = client_of(server, made["access_key"], made["secret_key"])
    second.list_buckets()
    assert admin(server, "access-key", "disable", name, made["access_key"]).returncode == 0
    assert code(second.list_buckets) == "InvalidAccessKeyId"
    assert admin(server, "access-key", "enable", name, made["access_key"]).returncode == 0
    second.list_buckets()
    assert len(as_json(server, "access-key", "list", name)["access_keys"]) == 2
    assert admin(server, "access-key", "delete", name, made["access_key"]).returncode == 0
    assert code(second.list_buckets) == "InvalidAccessKeyId"


def test_a_token_does_what_its_session_allows(server, s3, tmp_path, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    policy = tmp_path / "session.json"
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListAllMyBuckets"], "Resource": "*"}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    issued = as_json(server, "token", "issue", "--duration", "900", "--policy", str(policy))
    client = client_of(server, issued["access_key"], issued["secret_key"], issued["token"])
    client.list_buckets()
    assert code(client.put_object, Bucket=new_bucket, Key="k", Body=b"") == "AccessDenied"
    wrong = client_of(server, issued["access_key"], issued["secret_key"], issued["token"][:-2] + "00")
    assert code(wrong.list_buckets) == "InvalidToken"
    without = client_of(server, issued["access_key"], issued["secret_key"])
    assert code(without.list_buckets) == "InvalidAccessKeyId"


def test_a_dry_run_names_the_statement(server, s3, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    policy = {
        "Statement": [
            {
                "Sid": "Sealed",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{new_bucket}/*",
                "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}},
            }
        ]
    }
    s3.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps(policy))
    ask = ["policy", "simulate", "--principal", "root", "--action", "s3:PutObject", "--resource", f"{new_bucket}/k"]
    refused = as_json(server, *ask)
    assert refused == {"allowed": False, "decision": "denied: by statement 1 (Sealed) of the bucket's policy"}
    allowed = as_json(server, *ask, "--header", "x-amz-server-side-encryption: AES256")
    assert allowed == {"allowed": True, "decision": "allowed: by statement 1 of the policy Administrator"}


def test_accounts_are_apart(server, s3, new_bucket):
    s3.create_bucket(Bucket=new_bucket)
    s3.put_object(Bucket=new_bucket, Key="k", Body=b"k")
    made = as_json(server, "account", "create")
    other = client_of(server, made["access_key"], made["secret_key"])
    assert other.list_buckets()["Buckets"] == []
    assert code(other.get_object, Bucket=new_bucket, Key="k") == "AccessDenied"
    assert code(other.create_bucket, Bucket=new_bucket) == "BucketAlreadyExists"
    grant = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{made['account']}:root"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{new_bucket}/*",
            }
        ]
    }
    s3.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps(grant))
    assert other.get_object(Bucket=new_bucket, Key="k")["Body"].read() == b"k"
    assert code(other.put_object, Bucket=new_bucket, Key="k", Body=b"") == "AccessDenied"
