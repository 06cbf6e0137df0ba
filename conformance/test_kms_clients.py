"""Other clients of the key service: Alibaba's newer SDK with its newer signature, answers in XML, requests made twice; the `aws`
command line."""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest
import requests
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.models import Config
from darabonba.exceptions import ResponseException

from keys import aws
from strongroom import ACCESS_KEY, REGION, SECRET_KEY


AWS = pathlib.Path(sys.executable).with_name("aws")


def newer(server, secret=SECRET_KEY):
    """alibabacloud-kms20160120, which signs by ACS3-HMAC-SHA256."""
    config = Config(access_key_id=ACCESS_KEY, access_key_secret=secret, region_id=REGION)
    config.endpoint, config.protocol = f"127.0.0.1:{server.kms}", "http"
    return Client(config)


def test_alibabas_newer_sdk(server):
    kms = newer(server)
    key = kms.create_key(models.CreateKeyRequest(description="newer")).body.key_metadata.key_id
    assert kms.describe_key(models.DescribeKeyRequest(key_id=key)).body.key_metadata.description == "newer"
    listed = kms.list_keys(models.ListKeysRequest(page_size=100)).body.keys.key
    assert key in [entry.key_id for entry in listed]
    kms.create_alias(models.CreateAliasRequest(key_id=key, alias_name="alias/newer-sdk"))
    context = {"tenant": "a b+c", "ü": "*~"}
    data = models.GenerateDataKeyRequest(key_id="alias/newer-sdk", encryption_context=context)
    made = kms.generate_data_key(data).body
    opened = kms.decrypt(models.DecryptRequest(ciphertext_blob=made.ciphertext_blob, encryption_context=context)).body
    assert opened.plaintext == made.plaintext and opened.key_id == key
    plaintext = base64.b64encode(b"x" * 6000).decode()
    sealed = kms.encrypt(models.EncryptRequest(key_id=key, plaintext=plaintext)).body.ciphertext_blob
    assert kms.decrypt(models.DecryptRequest(ciphertext_blob=sealed)).body.plaintext == plaintext
    kms.disable_key(models.DisableKeyRequest(key_id=key))
    with pytest.raises(ResponseException) as refused:
        kms.encrypt(models.EncryptRequest(key_id=key, plaintext=plaintext))
    assert (refused.value.status_code, refused.value.code) == (409, "Rejected.Disabled")
    with pytest.raises(ResponseException) as refused:
        newer(server, "wrong").describe_key(models.DescribeKeyRequest(key_id=key))
    assert refused.value.code == "SignatureDoesNotMatch"


def rpc(server, nonce, **parameters):
    """An RPC request, signed as Alibaba's documents say."""
    common = {
        "Version": "2016-01-20",
        "AccessKeyId": ACCESS_KEY,
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": nonce,
    }
    signed = {**common, **parameters}
    canonical = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in sorted(signed.items()))
    text = f"GET&%2F&{quoted(canonical)}".encode()
    signature = base64.b64encode(hmac.digest(f"{SECRET_KEY}&".encode(), text, hashlib.sha1)).decode()
    return requests.Request("GET", f"http://127.0.0.1:{server.kms}/", params={**signed, "Signature": signature}).prepare()


def quoted(text):
    return requests.utils.quote(text, safe="-_.~")


def send(request):
    with requests.Session() as session:
        return session.send(request, timeout=30)


def test_a_request_is_made_once(server):
    request = rpc(server, "once-1", Action="ListKeys", Format="JSON")
    assert send(request).status_code == 200
    repeated = send(request)
    assert (repeated.status_code, repeated.json()["Code"]) == (400, "SignatureNonceUsed")
    reused = send(rpc(server, "once-1", Action="ListAliases", Format="JSON"))
    assert reused.json()["Code"] == "SignatureNonceUsed", "also with another request"
    assert send(rpc(server, "once-2", Action="ListKeys", Format="JSON")).status_code == 200


def test_answers_in_xml(server):
    key = aws(server).create_key(Description="<&>")["KeyMetadata"]["KeyId"]
    answer = send(rpc(server, "xml-1", Action="DescribeKey", KeyId=key, Format="XML"))
    root = ET.fromstring(answer.content)
    assert answer.headers["Content-Type"] == "text/xml;charset=utf-8" and root.tag == "KMS"
    assert (root.findtext("KeyMetadata/KeyId"), root.findtext("KeyMetadata/Description")) == (key, "<&>")
    assert root.findtext("RequestId")
    keys = ET.fromstring(send(rpc(server, "xml-2", Action="ListKeys", PageSize="2", Format="xml")).content)
    assert len(keys.findall("Keys/Key/KeyId")) == 2
    refused = send(rpc(server, "xml-3", Action="DescribeKey", KeyId="alias/none", Format="XML"))
    error = ET.fromstring(refused.content)
    assert (refused.status_code, error.tag, error.findtext("Code")) == (404, "Error", "Forbidden.AliasNotFound")


@pytest.fixture
def cli(server, tmp_path):
    """Runs `aws kms …` and answers its document, or what it complains of."""

    def run(*arguments, fails=False):
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }
        program = [AWS, "--endpoint-url", f"http://127.0.0.1:{server.kms}", "kms", *arguments]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout or "null")

    return run


def test_the_aws_command_line(cli, tmp_path):
    """Keys, data, grants, policies and material, as AWS's manual has them typed."""
    key = cli("create-key", "--description", "by command", "--tags", "TagKey=a,TagValue=b")["KeyMetadata"]["KeyId"]
    cli("create-alias", "--alias-name", "alias/command", "--target-key-id", key)
    assert [alias["AliasName"] for alias in cli("list-aliases", "--key-id", key)["Aliases"]] == ["alias/command"]
    (tmp_path / "plain").write_bytes(b"\x00secret")
    plain = f"fileb://{tmp_path}/plain"
    sealed = cli("encrypt", "--key-id", "alias/command", "--plaintext", plain, "--encryption-context", "a=1")
    (tmp_path / "sealed").write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    blob = ("--ciphertext-blob", f"fileb://{tmp_path}/sealed")
    opened = cli("decrypt", *blob, "--encryption-context", "a=1")
    assert base64.b64decode(opened["Plaintext"]) == b"\x00secret" and opened["KeyId"].endswith(key)
    assert "InvalidCiphertextException" in cli("decrypt", *blob, fails=True)
    assert len(base64.b64decode(cli("generate-data-key", "--key-id", key, "--key-spec", "AES_128")["Plaintext"])) == 16
    grant = cli("create-grant", "--key-id", key, "--grantee-principal", "arn:aws:iam::123456789012:user/ann",
                "--operations", "Decrypt", "Encrypt", "--constraints", "EncryptionContextSubset={a=1}")
    (listed,) = cli("list-grants", "--key-id", key)["Grants"]
    assert listed["Constraints"] == {"EncryptionContextSubset": {"a": "1"}}
    cli("revoke-grant", "--key-id", key, "--grant-id", grant["GrantId"])
    policy = cli("get-key-policy", "--key-id", key, "--policy-name", "default", "--output", "json")["Policy"]
    cli("put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", policy)
    cli("enable-key-rotation", "--key-id", key, "--rotation-period-in-days", "90")
    assert cli("get-key-rotation-status", "--key-id", key)["RotationPeriodInDays"] == 90
    cli("disable-key", "--key-id", key)
    assert "DisabledException" in cli("encrypt", "--key-id", key, "--plaintext", plain, fails=True)
    assert cli("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")["KeyState"] == "PendingDeletion"
