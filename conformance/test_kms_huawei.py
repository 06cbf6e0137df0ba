"""Huawei Cloud KMS (DEW) as huaweicloudsdkkms speaks it, signed by AK/SK, and every key in all three faces."""

import base64
import hashlib
import logging
import os

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.http.http_client import HttpClient
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkkms.v2 import KmsClient, model

import leaks
from keys import Alibaba, Huawei, Refused, aws, default_project, token
from strongroom import ACCESS_KEY, REGION, SECRET_KEY


@pytest.fixture(scope="module")
def kms(server):
    return Huawei(server)


def make(kms, alias, **fields):
    return kms.create_key(key_alias=alias, **fields)["key_info"]["key_id"]


def refused(status, code, call, *arguments, **fields):
    with pytest.raises(Refused) as caught:
        call(*arguments, **fields)
    assert (caught.value.status, caught.value.code) == (status, code), caught.value


def info(kms, key):
    return kms.call("list_key_detail", "ListKeyDetail", key_id=key)["key_info"]


def test_a_key_is_made_described_and_listed(kms):
    key = make(kms, "hw/made", key_description="mine")
    shown = info(kms, key)
    assert (shown["key_alias"], shown["key_description"], shown["key_state"]) == ("hw/made", "mine", "2")
    assert (shown["key_spec"], shown["default_key_flag"], shown["key_rotation_enabled"]) == ("AES_256", "0", "false")
    assert info(kms, "alias/hw/made") == shown
    listed = kms.list_keys(limit="1000", marker="", key_spec="ALL")
    assert key in listed["keys"] and shown in listed["key_details"] and listed["truncated"] == "false"
    first = kms.list_keys(limit="1")
    assert len(first["keys"]) == 1
    refused(400, "KMS.1104", kms.create_key, key_alias="hw/made")
    refused(400, "KMS.1101", kms.create_key, key_alias="no blanks")
    renamed = kms.update_key_alias(key_id=key, key_alias="hw/renamed")["key_info"]
    assert renamed["key_alias"] == "hw/renamed" and info(kms, key)["key_alias"] == "hw/renamed"
    kms.update_key_description(key_id=key, key_description="other words")
    assert info(kms, key)["key_description"] == "other words"


def test_states(kms):
    key = make(kms, "hw/states")
    refused(400, "KMS.1201", kms.enable_key, key_id=key)
    assert kms.disable_key(key_id=key)["key_info"]["key_state"] == "3"
    refused(400, "KMS.1301", kms.disable_key, key_id=key)
    refused(400, "KMS.0209", kms.create_datakey, key_id=key, datakey_length="512")
    refused(400, "KMS.1501", kms.cancel_key_deletion, key_id=key)
    refused(400, "KMS.1401", kms.call, "delete_key", "DeleteKey", key_id=key, pending_days="6")
    assert kms.call("delete_key", "DeleteKey", key_id=key, pending_days="7")["key_state"] == "4"
    refused(400, "KMS.1402", kms.call, "delete_key", "DeleteKey", key_id=key, pending_days="7")
    refused(400, "KMS.1201", kms.enable_key, key_id=key)
    refused(400, "KMS.0210", kms.encrypt_data, key_id=key, plain_text="x")
    assert info(kms, key)["scheduled_deletion_date"]
    assert kms.cancel_key_deletion(key_id=key)["key_state"] == "3"
    assert kms.enable_key(key_id=key)["key_info"]["key_state"] == "2"


@pytest.mark.parametrize("spec, digest", [("AES_256", "sha256"), ("SM4", "sm3")])
def test_data_keys(kms, spec, digest):
    key = make(kms, f"hw/datakeys/{spec}", key_spec=spec)
    made = kms.create_datakey(key_id=key, datakey_length="512")
    plain = bytes.fromhex(made["plain_text"])
    assert len(plain) == 64
    opened = kms.decrypt_datakey(key_id=key, cipher_text=made["cipher_text"], datakey_cipher_length="64")
    assert opened["data_key"] == made["plain_text"] and opened["datakey_length"] == "64"
    if digest in hashlib.algorithms_available:
        assert opened["datakey_dgst"] == hashlib.new(digest, plain).hexdigest()
    hidden = kms.create_datakey_without_plaintext(key_id=key, key_spec="AES_128")
    assert not hidden.get("plain_text")
    assert kms.decrypt_datakey(key_id=key, cipher_text=hidden["cipher_text"], datakey_cipher_length="16")
    text = made["plain_text"] + opened["datakey_dgst"]
    sealed = kms.encrypt_datakey(key_id=key, plain_text=text, datakey_plain_length="64")
    again = kms.decrypt_datakey(key_id=key, cipher_text=sealed["cipher_text"], datakey_cipher_length="64")
    assert again["data_key"] == made["plain_text"]
    wrong = made["plain_text"] + "00" * 32
    refused(400, "KMS.2103", kms.encrypt_datakey, key_id=key, plain_text=wrong, datakey_plain_length="64")
    refused(400, "KMS.2104", kms.encrypt_datakey, key_id=key, plain_text=text, datakey_plain_length="32")
    refused(400, "KMS.2101", kms.encrypt_datakey, key_id=key, plain_text="xy", datakey_plain_length="64")
    cipher = made["cipher_text"]
    refused(400, "KMS.2204", kms.decrypt_datakey, key_id=key, cipher_text=cipher, datakey_cipher_length="32")
    refused(400, "KMS.1901", kms.create_datakey, key_id=key, datakey_length="8200")
    refused(400, "KMS.1903", kms.create_datakey, key_id=key, datakey_length="12")
    refused(400, "KMS.1902", kms.create_datakey, key_id=key, key_spec="AES_512")


def test_data(kms):
    key, other = make(kms, "hw/data"), make(kms, "hw/data/other")
    more = {"additional_authenticated_data": "for me"}
    sealed = kms.encrypt_data(key_id=key, plain_text="a secret – with words", **more)
    opened = kms.decrypt_data(cipher_text=sealed["cipher_text"], **more)
    assert opened["plain_text"] == "a secret – with words" and opened["key_id"] == key
    assert base64.b64decode(opened["plain_text_base64"]).decode() == opened["plain_text"]
    refused(400, "KMS.2201", kms.decrypt_data, cipher_text=sealed["cipher_text"])
    refused(400, "KMS.2201", kms.decrypt_data, cipher_text=base64.b64encode(b"x" * 100).decode())
    moved = kms.re_encrypt(
        source_key_id=key,
        cipher_text=sealed["cipher_text"],
        source_additional_authenticated_data="for me",
        destination_key_id=other,
    )
    assert kms.decrypt_data(cipher_text=moved["cipher_text"])["key_id"] == other
    drawn = kms.create_random(random_data_length="512")
    assert len(bytes.fromhex(drawn["random_data"])) == 64
    refused(400, "KMS.1802", kms.create_random, random_data_length="9")


def test_rotation(kms):
    key = make(kms, "hw/rotation")
    sealed = kms.encrypt_data(key_id=key, plain_text="old")["cipher_text"]
    refused(400, "KMS.0313", kms.update_key_rotation_interval, key_id=key, rotation_interval=30)
    kms.enable_key_rotation(key_id=key)
    kms.update_key_rotation_interval(key_id=key, rotation_interval=30)
    refused(400, "KMS.3001", kms.update_key_rotation_interval, key_id=key, rotation_interval=29)
    kms.rotate_on_demand(key_id=key)
    status = kms.show_key_rotation_status(key_id=key)
    assert status["key_rotation_enabled"] is True
    assert (status["rotation_interval"], status["number_of_rotations"]) == (30, 1)
    assert kms.decrypt_data(cipher_text=sealed)["plain_text"] == "old"
    kms.disable_key_rotation(key_id=key)
    external = make(kms, "hw/rotation/external", origin="external")
    refused(400, "KMS.0312", kms.enable_key_rotation, key_id=external)


def test_grants(kms):
    key = make(kms, "hw/grants")
    who = "13gg44z4g2sglzk0egw0u726zoyzvrs8"
    terms = {"grantee_principal": who, "operations": ["describe-key", "create-datakey"], "name": "one"}
    grant = kms.create_grant(key_id=key, retiring_principal=who, **terms)["grant_id"]
    assert len(grant) == 64
    (listed,) = kms.list_grants(key_id=key, limit="10")["grants"]
    assert listed["grantee_principal"] == who and listed["operations"] == terms["operations"]
    refused(400, "KMS.2401", kms.create_grant, key_id=key, grantee_principal=who, operations=["create-grant"])
    kms.call("cancel_grant", "CancelGrant", key_id=key, grant_id=grant)
    refused(400, "KMS.2501", kms.call, "cancel_grant", "CancelGrant", key_id=key, grant_id=grant)
    assert kms.list_retirable_grants(limit="10")["grants"] == []


def test_imported_material(kms):
    key, material = make(kms, "hw/import", origin="external"), os.urandom(32)
    assert info(kms, key)["key_state"] == "5"

    def importing(material):
        given = kms.call(
            "create_parameters_for_import", "CreateParametersForImport", key_id=key, wrapping_algorithm="RSAES_OAEP_SHA_256"
        )
        public = load_der_public_key(base64.b64decode(given["public_key"]))
        leaks.note(material, "material to import")
        wrapped = public.encrypt(material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        return {
            "key_id": key,
            "import_token": given["import_token"],
            "encrypted_key_material": base64.b64encode(wrapped).decode(),
        }

    kms.import_key_material(**importing(material))
    sealed = kms.encrypt_data(key_id=key, plain_text="mine")["cipher_text"]
    kms.delete_imported_key_material(key_id=key)
    assert info(kms, key)["key_state"] == "5"
    refused(400, "KMS.2606", kms.import_key_material, **importing(os.urandom(32)))
    kms.import_key_material(**importing(material))
    assert kms.decrypt_data(cipher_text=sealed)["plain_text"] == "mine"
    own = make(kms, "hw/import/none")
    with pytest.raises(Refused, match="KMS.0309"):
        kms.call("create_parameters_for_import", "CreateParametersForImport", key_id=own, wrapping_algorithm="RSAES_OAEP_SHA_256")


def test_tags_aliases_quotas(kms):
    key = make(kms, "hw/tags")
    kms.create_kms_tag(key_id=key, tag={"key": "team", "value": "blue"})
    kms.batch_create_kms_tags(key_id=key, action="create", tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    kms.batch_create_kms_tags(key_id=key, action="delete", tags=[{"key": "a"}])
    kms.delete_tag(key_id=key, key="b")
    assert [(tag["key"], tag["value"]) for tag in kms.show_kms_tags(key_id=key)["tags"]] == [("team", "blue")]
    assert "team" in [tag["key"] for tag in kms.list_kms_tags()["tags"]]
    found = kms.list_kms_by_tags(
        resource_instances="resource_instances", action="filter", tags=[{"key": "team", "values": ["blue"]}]
    )
    assert key in [resource["resource_id"] for resource in found["resources"]] and found["total_count"] >= 1
    made = kms.create_alias(key_id=key, alias="alias/hw/second")
    assert made["alias_urn"].endswith(":alias/hw/second")
    kms.associate_alias(alias="alias/hw/second", target_key_id=key)
    kms.delete_alias(aliases=["alias/hw/second"])
    assert kms.show_user_instances()["instance_num"] >= 1
    resources = kms.show_user_quotas()["quotas"]["resources"]
    assert {resource["type"] for resource in resources} == {"CMK", "grant_per_CMK"}


def test_failures(server, kms):
    refused(404, "KMS.0207", info, kms, "00000000-0000-4000-8000-000000000000")
    refused(400, "KMS.0205", info, kms, "nonsense")
    for spec in ("RSA_2048", "EC_P256", "SM2", "HMAC_256"):
        with pytest.raises(Refused, match="KMS.0331"):
            kms.create_key(key_alias=f"hw/{spec}", key_spec=spec)
    refused(401, "APIGW.0301", Huawei(server, secret_key="wrong").list_keys, limit="1")


def test_aliases_are_listed_and_versions_told(kms):
    key = make(kms, "hw/listed")
    (page,) = kms.list_aliases(key_id=key, limit="10", marker="")["body"]
    (alias,) = page["aliases"]
    assert (alias["alias"], alias["key_id"]) == ("alias/hw/listed", key)
    (current,) = kms.show_versions()["versions"]
    assert (current["id"], current["status"]) == ("v1.0", "CURRENT")
    assert kms.show_version(version_id="v1.0")["version"]["id"] == "v1.0"


def test_the_sdk_finds_its_project_and_its_domain(server):
    """Credentials without either ask the identity service, signed by the same key."""
    endpoint = f"http://127.0.0.1:{server.kms}"
    project = default_project(server)
    found = BasicCredentials(ACCESS_KEY, SECRET_KEY).with_iam_endpoint(endpoint)
    builder = KmsClient.new_builder().with_credentials(found)
    listed = builder.with_region(Region(REGION, endpoint)).build().list_keys(model.ListKeysRequest(model.ListKeysRequestBody()))
    assert listed.keys is not None and found.project_id == project
    domain = GlobalCredentials(ACCESS_KEY, SECRET_KEY).with_iam_endpoint(endpoint)
    domain.process_auth_params(HttpClient(HttpConfig(), HttpHandler(), None, logging.getLogger("domain")), REGION)
    assert domain.domain_id == project, "an account's default project has its domain's id"
    pair = {"access": {"key": ACCESS_KEY}, "secret": {"key": SECRET_KEY}}
    given = token(server, {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}).headers["X-Subject-Token"]

    def projects(token=given, **query):
        headers = {"X-Auth-Token": token}
        return requests.get(f"{endpoint}/v3/projects", params=query, headers=headers, timeout=30)

    (one,) = projects(name=REGION).json()["projects"]
    assert (one["id"], one["name"], one["domain_id"], one["enabled"]) == (project, REGION, domain.domain_id, True)
    assert projects().json()["projects"] == [one] and projects(name="elsewhere").json()["projects"] == []
    assert projects(token="nobody").status_code == 401
    wrong = BasicCredentials(ACCESS_KEY, "wrong").with_iam_endpoint(endpoint)
    BasicCredentials._CACHE.clear()
    with pytest.raises(SdkException):
        KmsClient.new_builder().with_credentials(wrong).with_region(Region(REGION, endpoint)).build()


def test_tokens_of_the_identity_service(server):
    """The two ways to a token, and what it is good for."""
    url = f"http://127.0.0.1:{server.kms}/v1.0/p/kms/list-keys"

    def listed(text):
        return requests.post(url, json={}, headers={"X-Auth-Token": text}, timeout=30)

    domain = {"name": "any"}
    user = {"name": ACCESS_KEY, "password": SECRET_KEY, "domain": domain}
    given = token(server, {"methods": ["password"], "password": {"user": user}})
    assert given.status_code == 201 and given.json()["token"]["expires_at"]
    pair = {"access": {"key": ACCESS_KEY}, "secret": {"key": SECRET_KEY}}
    other = token(server, {"methods": ["hw_ak_sk"], "hw_ak_sk": pair})
    for answer in (given, other):
        answer = listed(answer.headers["X-Subject-Token"])
        assert answer.status_code == 200 and "keys" in answer.json()
    for wrong in ({"password": "wrong"}, {"name": "nobody"}):
        assert token(server, {"methods": ["password"], "password": {"user": {**user, **wrong}}}).status_code == 401
    assert token(server, {"methods": ["totp"]}).status_code == 400
    text = given.headers["X-Subject-Token"]
    name, secret, rest = text.split(".", 2)
    for wrong in ("nonsense", text[:-4] + "AAAA", ".".join([name, "guessed", rest])):
        answer = listed(wrong)
        assert (answer.status_code, answer.json()["error"]["error_code"]) == (403, "KMS.0302"), wrong
    assert listed("").status_code == 403


def test_a_key_of_one_face_is_the_same_in_the_others(server, kms):
    """Made in one, sealed in another, opened in the third; a state set in one holds in all."""
    alibaba, boto = Alibaba(server), aws(server)
    key = make(kms, "hw/shared")
    assert boto.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert boto.describe_key(KeyId="alias/hw/shared")["KeyMetadata"]["KeyId"] == key
    sealed = boto.encrypt(KeyId=key, Plaintext=b"one service")["CiphertextBlob"]
    encoded = base64.b64encode(sealed).decode()
    assert base64.b64decode(alibaba.Decrypt(CiphertextBlob=encoded)["Plaintext"]) == b"one service"
    assert kms.decrypt_data(cipher_text=encoded)["plain_text"] == "one service"
    alibaba.DisableKey(KeyId=key)
    assert info(kms, key)["key_state"] == "3"
    with pytest.raises(boto.exceptions.DisabledException):
        boto.decrypt(CiphertextBlob=sealed)
    kms.enable_key(key_id=key)
    boto.rotate_key_on_demand(KeyId=key)
    assert len(alibaba.ListKeyVersions(KeyId=key)["KeyVersions"]["KeyVersion"]) == 2
    assert kms.show_key_rotation_status(key_id=key)["number_of_rotations"] == 1
    assert boto.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"one service"
