"""The search for secrets, which every server that stops is put to, finds what it looks for."""

import base64
import urllib.parse

import pytest
import requests
from botocore.exceptions import ClientError

import keys
import leaks
from clients import CUSTOMER_KEY, S3
from strongroom import ACCESS_KEY, KEPT, SECRET_KEY, Strongroom


def test_everything_is_logged(server, clients, new_bucket):
    clients["s3-v4-tls"].create(new_bucket)
    assert " TRACE " in server.log_text()


def test_what_passed_is_known_in_every_spelling(server, clients, new_bucket):
    client = clients["obs-tls"]
    client.create(new_bucket)
    client.put(new_bucket, "k", b"text", "customer")
    numbers = ", ".join(map(str, CUSTOMER_KEY))
    text = base64.b64encode(CUSTOMER_KEY)
    in_url = urllib.parse.quote(text, safe="")
    for spelled in (CUSTOMER_KEY, CUSTOMER_KEY.hex(), text, numbers, in_url, urllib.parse.quote(in_url, safe="")):
        spelled = spelled.encode() if isinstance(spelled, str) else spelled
        assert leaks.found_in(b"{ key: [" + spelled + b"] }", leaks.noted()), "in whatever server it is used"
    pair = {"access": {"key": ACCESS_KEY}, "secret": {"key": SECRET_KEY}}
    token = keys.token(server, {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}).headers["X-Subject-Token"]
    issued = server.command("token", "issue", "--duration", "900")
    kms = keys.aws(server)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    shown = [SECRET_KEY, token, token.split(".")[1], issued["secret_key"], issued["token"], made.hex()]
    assert all(leaks.found_in(secret.encode()) for secret in shown)
    assert not leaks.found_in(f"{ACCESS_KEY} {issued['access_key']} {key} {new_bucket}".encode())


def test_secrets_are_kept_sealed_alone(tmp_path):
    """Of all that identities know, nothing is in any file but the one whose purpose it is."""
    server = Strongroom(data=tmp_path / "data").start()
    made = [
        server.command("user", "create", "ann"),
        server.command("access-key", "create", "ann"),
        server.command("account", "create"),
        server.command("token", "issue", "--duration", "900"),
    ]
    server.stop()
    files = [path for path in server.data.rglob("*") if path.is_file() and path.name != "admin.token"]
    kept = {path: path.read_bytes() for path in files}
    assert any(made[0]["access_key"].encode() in data for data in kept.values()), "what is not secret can be found"
    for secret in [SECRET_KEY, *(answer[name] for answer in made for name in ("secret_key", "token") if answer.get(name))]:
        assert not [path for path, data in kept.items() if secret.encode() in data]
    for path, data in kept.items():
        if path.relative_to(server.data).as_posix() not in KEPT:
            assert not leaks.found_in(data), path


def test_a_refused_signature_shows_no_secret_of_what_was_signed(server, new_bucket):
    """What would have been signed is told, but for what is secret in it, in headers and in URLs."""
    issued = server.command("token", "issue", "--duration", "900")
    wrong = S3(server, tls=True, access_key=issued["access_key"], secret_key="wrong").client
    wrong._request_signer._credentials.token = issued["token"]
    sealed = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": CUSTOMER_KEY}
    with pytest.raises(ClientError) as caught:
        wrong.put_object(Bucket=new_bucket, Key="k", Body=b"text", **sealed)
    told = caught.value.response["Error"]
    assert told["Code"] == "SignatureDoesNotMatch"
    assert "customer-key:(not shown)" in told["CanonicalRequest"]
    assert "security-token:(not shown)" in told["CanonicalRequest"]
    url = wrong.generate_presigned_url("get_object", Params={"Bucket": new_bucket, "Key": "k"})
    told = requests.get(url, verify=server.ca, timeout=30)
    assert told.status_code == 403 and "X-Amz-Security-Token=(not shown)" in told.text
    assert told.content in leaks.refusals() and not leaks.found_in(leaks.refusals())
