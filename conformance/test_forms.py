"""Browser forms: every dialect and signature, every encryption, every way of being answered and of being refused."""

import json
import random
import re
import time
import xml.etree.ElementTree as xml

import pytest
import requests

from forms import MAKERS, Alibaba, expiration

READERS = ["s3-v4", "oss-v4", "obs"]
MODES = ["plain", "managed", "managed-sm4", "kms", "kms-sm4", "customer"]


@pytest.fixture(params=MAKERS)
def maker(request, server, clients):
    return MAKERS[request.param](server, clients)


@pytest.fixture
def bucket(maker, new_bucket):
    maker.client.create(new_bucket)
    return new_bucket


def refused(answer):
    """Status, code and message of an error document."""
    assert answer.status_code >= 400, answer.text
    document = xml.fromstring(answer.content)
    return answer.status_code, document.findtext("Code"), document.findtext("Message")


@pytest.mark.parametrize("mode", MODES)
def test_every_encryption(maker, clients, bucket, mode):
    if mode not in maker.modes:
        pytest.skip(f"{maker.name} cannot ask for {mode}")
    for size in [0, 5, 65_536, 300_000]:
        body, key = random.Random(size).randbytes(size), f"dir/{mode} {size}+é.bin"
        url, fields = maker.make(bucket, key, maker.fields(mode))
        answer = maker.post(url, fields, body)
        assert answer.status_code == 204 and not answer.content, answer.text
        head = maker.client.head(bucket, key, mode)
        head = {name.lower(): value for name, value in head.items()}
        etag = head.get("etag")
        assert answer.headers["etag"].strip('"') == etag.strip('"')
        echo = f"{maker.prefix}server-side-encryption"
        if mode == "customer":
            assert answer.headers[f"{echo}-customer-algorithm"] == "AES256" and echo not in answer.headers
        elif mode != "plain":
            assert answer.headers[echo] == maker.methods[mode]
            assert bool(re.search("key-id", " ".join(answer.headers))) == mode.startswith("kms")
        for name in READERS:
            assert clients[name].get(bucket, key, mode) == body, (name, size)


def test_a_large_file_is_streamed(maker, bucket):
    body = random.Random(1).randbytes(1_000_000) * 40
    url, fields = maker.make(bucket, "large", maker.fields("kms"))
    assert maker.post(url, fields, body).status_code == 204
    assert maker.client.get(bucket, "large", "kms") == body


def test_what_is_kept_beside_the_file(maker, bucket):
    fields = {
        "Content-Type": "image/png",
        "Cache-Control": "no-cache",
        "Content-Disposition": "attachment; filename=x.png",
        f"{maker.prefix}meta-colour": "green",
        f"{maker.prefix}meta-Size": "5",
        maker.acl: "private",
    }
    url, made = maker.make(bucket, "k", fields)
    assert maker.post(url, made, b"body").status_code == 204
    head = {name.lower(): value for name, value in maker.client.head(bucket, "k").items()}
    # The part's own type has more weight in OSS; the OBS SDK shows headers without the prefix.
    assert head["content-type"] == ("text/plain" if maker.prefix == "x-oss-" else "image/png")
    assert head["cache-control"] == "no-cache" and head["content-disposition"] == "attachment; filename=x.png"
    metadata = {name.rsplit("meta-", 1)[-1]: value for name, value in head.items()}
    assert metadata["colour"] == "green" and metadata["size"] == "5"


def test_the_files_name_stands_in_the_key(maker, bucket):
    url, fields = maker.make(bucket, "up/${filename}", more=[["starts-with", "$key", "up/"]])
    if "key" in fields and maker.name.startswith("obs"):
        # The SDK of OBS demands the key literally; forms with a variable are made without one.
        url, fields = maker.make(bucket, None)
        fields["key"] = "up/${filename}"
    assert maker.post(url, fields, b"body", name="C:\\dir\\a b.txt").status_code == 204
    assert maker.client.get(bucket, "up/a b.txt") == b"body"


def test_statuses_and_documents(maker, bucket):
    for wanted, status in [("200", 200), ("201", 201), ("204", 204), ("404", 204)]:
        url, fields = maker.make(bucket, "a b/é", {"success_action_status": wanted})
        answer = maker.post(url, fields, b"body")
        assert answer.status_code == status
        if status != 201:
            assert not answer.content
            continue
        document = {child.tag: child.text for child in xml.fromstring(answer.content)}
        location = f"{url.rstrip('/')}/a%20b/%C3%A9"
        assert document == {"Bucket": bucket, "Key": "a b/é", "Location": location, "ETag": answer.headers["ETag"]}
        assert answer.headers["Content-Type"] == "application/xml" and answer.headers["Location"] == location


def test_redirects(maker, bucket):
    page = "http://example.com/done"
    for target, joint in [(page, "?"), (f"{page}?a=b", "&")]:
        url, fields = maker.make(bucket, "a b", {"success_action_redirect": target})
        answer = maker.post(url, fields, b"body")
        tag = answer.headers["ETag"].replace('"', "%22")
        assert answer.status_code == 303 and not answer.content
        assert answer.headers["Location"] == f"{target}{joint}bucket={bucket}&key=a%20b&etag={tag}"
    url, fields = maker.make(bucket, "a b", {"success_action_redirect": "no page"})
    assert maker.post(url, fields, b"body").status_code == 204


def test_names_of_fields_in_any_case(maker, bucket):
    url, fields = maker.make(bucket, "k", {f"{maker.prefix}meta-a": "1"})
    shouted = {name.upper(): value for name, value in fields.items()}
    assert maker.post(url, shouted, b"body").status_code == 204


def test_an_expired_form(maker, bucket):
    url, fields = maker.make(bucket, "k", seconds=1)
    time.sleep(2.1)
    expected = (403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    assert refused(maker.post(url, fields, b"body")) == expected


def test_a_condition_that_is_not_met(maker, bucket):
    url, fields = maker.make(bucket, "k")
    message = 'Invalid according to Policy: Policy Condition failed: ["eq", "$key", "k"]'
    assert refused(maker.post(url, {**fields, "key": "other"}, b"body")) == (403, "AccessDenied", message)
    url, fields = maker.make(bucket, "k", {"Content-Type": "image/png"})
    del fields["Content-Type"]
    assert refused(maker.post(url, fields, b"body"))[:2] == (403, "AccessDenied")
    url, fields = maker.make(bucket, "k", more=[["starts-with", f"${maker.prefix}meta-a", ""]])
    assert refused(maker.post(url, fields, b"body"))[:2] == (403, "AccessDenied")


def test_a_form_for_another_bucket(maker, bucket):
    url, fields = maker.make(bucket, "k")
    other = f"{bucket}-other"
    maker.client.create(other)
    answer = maker.post(url.replace(bucket, other), fields, b"body")
    assert refused(answer)[:2] == (403, "AccessDenied") and maker.client.keys(other) == []


def test_a_field_without_a_condition(maker, bucket):
    field = f"{maker.prefix}meta-smuggled"
    url, fields = maker.make(bucket, "k", uncovered={field: "1"})
    answer = maker.post(url, fields, b"body")
    if isinstance(maker, Alibaba):
        assert answer.status_code == 204, "OSS minds only what a condition names"
    else:
        message = f"Invalid according to Policy: Extra input fields: {field}"
        assert refused(answer) == (403, "AccessDenied", message)
    url, fields = maker.make(bucket, "k", uncovered={"x-ignore-me": "1"})
    assert maker.post(url, fields, b"body").status_code == 204


def test_sizes(maker, bucket):
    url, fields = maker.make(bucket, "k", more=[["content-length-range", 3, 100_000]])
    for size, code in [(2, "EntityTooSmall"), (100_001, "EntityTooLarge"), (5_000_000, "EntityTooLarge")]:
        assert refused(maker.post(url, fields, b"x" * size))[:2] == (400, code)
    assert maker.client.keys(bucket) == []
    for size in [3, 100_000]:
        assert maker.post(url, fields, b"x" * size).status_code == 204


def test_signatures_that_are_not_right(maker, bucket):
    url, fields = maker.make(bucket, "k")
    original = fields[maker.signature]
    if maker.signature == "token":
        access_key, signature, policy = original.split(":")
        wrong = ":".join([access_key, signature.swapcase(), policy])
    else:
        wrong = original[:-4] + "0000"
    answer = maker.post(url, {**fields, maker.signature: wrong}, b"body")
    assert refused(answer)[:2] == (403, "SignatureDoesNotMatch")
    without = {name: value for name, value in fields.items() if name != maker.signature}
    expected = (403, "AccessDenied") if maker.signature == "token" else (400, "InvalidArgument")
    assert refused(maker.post(url, without, b"body"))[:2] == expected
    text = {name: value.replace("AKCONFORMANCE", "AKNOBODY") for name, value in fields.items()}
    code = refused(maker.post(url, text, b"body"))[:2]
    # Where the policy names the credential, it is no longer met.
    assert code in [(403, "InvalidAccessKeyId"), (403, "AccessDenied")]
    assert maker.client.keys(bucket) == []


def test_anonymous_forms_have_no_rights(maker, bucket):
    url, _ = maker.make(bucket, "k")
    prefix = {f"{maker.prefix}meta-a": "1"}
    assert refused(maker.post(url, {"key": "k", **prefix}, b"body"))[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("mode", ["plain", "managed", "kms", "customer"])
def test_anonymous_forms_have_the_rights_that_a_policy_gives(maker, bucket, mode):
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:PutObject"], "Resource": [f"arn:aws:s3:::{bucket}/in/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    maker.client_s3.client.put_bucket_policy(Bucket=bucket, Policy=policy)
    url, _ = maker.make(bucket, "in/k")
    fields = {f"{maker.prefix}meta-a": "1", **maker.fields(mode)}
    assert refused(maker.post(url, {"key": "out/k", **fields}, b"body"))[:2] == (403, "AccessDenied")
    answer = maker.post(url, {"key": "in/k", **fields}, b"body")
    if mode == "kms":
        assert refused(answer)[0] in [400, 403], "nobody may use a master key without a signature"
    else:
        assert answer.status_code == 204 and maker.client.get(bucket, "in/k", mode) == b"body"


def test_forms_that_make_no_sense(maker, bucket):
    url, fields = maker.make(bucket, "k")
    no_key = {name: value for name, value in fields.items() if name != "key"}
    assert refused(maker.post(url, no_key, b"body"))[:2] == (400, "InvalidArgument")
    # Without a file; `requests` makes a form of fields alone when they are given as files without names.
    alone = requests.post(url, files={name: (None, value) for name, value in fields.items()}, timeout=10, verify=False)
    assert refused(alone)[0] == 400
    text = requests.post(url, data=b"no form", headers={"Content-Type": "text/plain"}, timeout=10, verify=False)
    assert refused(text)[1] in ["PreconditionFailed", "RequestIsNotMultiPartContent"]
    cut = requests.post(
        url,
        data=b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nnever ended',
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        timeout=10,
        verify=False,
    )
    assert refused(cut)[0] == 400
    long = {**fields, "x-ignore-long": "x" * 70_000}
    assert refused(maker.post(url, long, b"body"))[0] == 400
    assert maker.client.keys(bucket) == []


def test_policies_that_cannot_be_read(server, clients, new_bucket):
    maker = Alibaba(server, clients)
    maker.client.create(new_bucket)
    for policy in [
        {"conditions": []},
        {"expiration": expiration(60)},
        {"expiration": "tomorrow", "conditions": []},
        {"expiration": expiration(60), "conditions": [{}]},
        {"expiration": expiration(60), "conditions": [["content-length-range", 0]]},
    ]:
        answer = maker.post(maker.url(new_bucket), {"key": "k", **maker.signed(policy)}, b"body")
        assert refused(answer)[:2] == (400, "InvalidPolicyDocument"), policy


def test_what_encryption_refuses_is_refused_in_forms(maker, bucket):
    wrong = f"{maker.prefix}server-side-encryption"
    url, fields = maker.make(bucket, "k", {wrong: "ROT13"})
    assert refused(maker.post(url, fields, b"body"))[0] == 400
    url, fields = maker.make(bucket, "k", {**maker.fields("customer"), f"{wrong}-customer-key-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert refused(maker.post(url, fields, b"body"))[:2] == (400, "InvalidArgument")
    assert maker.client.keys(bucket) == []


def test_a_form_makes_a_version(maker, bucket):
    maker.client_s3.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = []
    for body in [b"one", b"two"]:
        url, fields = maker.make(bucket, "k", maker.fields("kms"))
        answer = maker.post(url, fields, body)
        versions.append(answer.headers[f"{maker.prefix}version-id"])
    first = maker.client_s3.client.get_object(Bucket=bucket, Key="k", VersionId=versions[0])
    assert first["Body"].read() == b"one" and maker.client.get(bucket, "k", "kms") == b"two"


def test_a_blocked_key_of_the_clients_own_is_blocked_in_forms(maker, bucket):
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    maker.client_s3.client.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    url, fields = maker.make(bucket, "k", maker.fields("customer"))
    assert refused(maker.post(url, fields, b"body"))[:2] == (403, "AccessDenied")


def test_a_buckets_default_seals_forms_too(server, clients, new_bucket):
    maker = MAKERS["s3-v4"](server, clients)
    maker.client.create(new_bucket)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    maker.client.client.put_bucket_encryption(
        Bucket=new_bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    url, fields = maker.make(new_bucket, "k")
    assert maker.post(url, fields, b"body").headers["x-amz-server-side-encryption"] == "aws:kms"
