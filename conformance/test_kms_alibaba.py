"""Alibaba Cloud KMS as aliyun-python-sdk-kms speaks it: every operation that is built, and the answer of every state."""

import base64
import json
import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

import leaks
from keys import Alibaba, Refused


@pytest.fixture(scope="module")
def kms(server):
    return Alibaba(server)


def make(kms, **parameters):
    return kms.CreateKey(**parameters)["KeyMetadata"]["KeyId"]


def refused(status, code, call, **parameters):
    with pytest.raises(Refused) as caught:
        call(**parameters)
    assert (caught.value.status, caught.value.code) == (status, code), caught.value
    return caught.value.message


def state(kms, key):
    return kms.DescribeKey(KeyId=key)["KeyMetadata"]["KeyState"]


def encoded(data):
    return base64.b64encode(data).decode()


def test_a_key_is_made_described_and_listed(kms):
    made = kms.CreateKey(Description="mine", KeySpec="Aliyun_SM4")
    metadata = made["KeyMetadata"]
    assert made["RequestId"] and metadata["KeySpec"] == "Aliyun_SM4" and metadata["KeyState"] == "Enabled"
    for name in (metadata["KeyId"], metadata["Arn"]):
        assert kms.DescribeKey(KeyId=name)["KeyMetadata"] == metadata
    first = kms.ListKeys(PageNumber=1, PageSize=1)
    assert first["TotalCount"] >= 1 and len(first["Keys"]["Key"]) == 1
    last = kms.ListKeys(PageNumber=first["TotalCount"], PageSize=1)["Keys"]["Key"]
    assert last == [{"KeyId": metadata["KeyId"], "KeyArn": metadata["Arn"]}]
    kms.UpdateKeyDescription(KeyId=metadata["KeyId"], Description="other words")
    assert kms.DescribeKey(KeyId=metadata["KeyId"])["KeyMetadata"]["Description"] == "other words"


def test_what_each_state_allows(kms):
    """The table of the service's documents: `impact of CMK states`."""
    key = make(kms)
    sealed = kms.Encrypt(KeyId=key, Plaintext=encoded(b"x"))["CiphertextBlob"]
    use = [
        lambda: kms.Encrypt(KeyId=key, Plaintext=encoded(b"x")),
        lambda: kms.Decrypt(CiphertextBlob=sealed),
        lambda: kms.GenerateDataKey(KeyId=key),
        lambda: kms.ReEncrypt(CiphertextBlob=sealed, DestinationKeyId=key),
    ]
    kms.DisableKey(KeyId=key)
    for call in use:
        assert "the key state is Disabled" in refused(409, "Rejected.Disabled", call)
    refused(409, "Rejected.StateModifiedFailed", kms.CancelKeyDeletion, KeyId=key)
    kms.CreateAlias(KeyId=key, AliasName="alias/of-a-disabled-key")
    kms.ScheduleKeyDeletion(KeyId=key, PendingWindowInDays=7)
    assert state(kms, key) == "PendingDeletion"
    for call in use:
        refused(409, "Rejected.PendingDeletion", call)
    for call in (kms.EnableKey, kms.DisableKey):
        refused(409, "Rejected.StateModifiedFailed", call, KeyId=key)
    refused(409, "Rejected.StateModifiedFailed", kms.ScheduleKeyDeletion, KeyId=key, PendingWindowInDays=7)
    refused(409, "Rejected.StateModifiedFailed", kms.CreateAlias, KeyId=key, AliasName="alias/late")
    refused(409, "Rejected.PendingDeletion", kms.UpdateAlias, KeyId=key, AliasName="alias/of-a-disabled-key")
    kms.DeleteAlias(AliasName="alias/of-a-disabled-key")
    kms.CancelKeyDeletion(KeyId=key)
    assert state(kms, key) == "Disabled"
    external = make(kms, Origin="EXTERNAL")
    assert state(kms, external) == "PendingImport"
    refused(409, "Rejected.PendingImport", kms.Encrypt, KeyId=external, Plaintext=encoded(b"x"))
    refused(409, "Rejected.StateModifiedFailed", kms.EnableKey, KeyId=external)
    kms.ScheduleKeyDeletion(KeyId=external, PendingWindowInDays=30)
    kms.CancelKeyDeletion(KeyId=external)
    assert state(kms, external) == "PendingImport"


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "Aliyun_SM4"])
def test_sealing(kms, spec):
    key = make(kms, KeySpec=spec)
    context = json.dumps({"purpose": "test", "who": "me"})
    turned = json.dumps({"who": "me", "purpose": "test"})
    sealed = kms.Encrypt(KeyId=key, Plaintext=encoded(b"a secret"), EncryptionContext=context)
    opened = kms.Decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=turned)
    assert base64.b64decode(opened["Plaintext"]) == b"a secret"
    assert (opened["KeyId"], opened["KeyVersionId"]) == (key, sealed["KeyVersionId"])
    refused(400, "InvalidParameter", kms.Decrypt, CiphertextBlob=sealed["CiphertextBlob"])
    other = make(kms)
    moved = kms.ReEncrypt(
        CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext=context, DestinationKeyId=other
    )
    assert base64.b64decode(kms.Decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"]) == b"a secret"
    for parameters, length in (({}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)):
        made = kms.GenerateDataKey(KeyId=key, **parameters)
        assert len(base64.b64decode(made["Plaintext"])) == length
        assert kms.Decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
        assert "Plaintext" not in kms.GenerateDataKeyWithoutPlaintext(KeyId=key, **parameters)
    refused(400, "InvalidParameter", kms.GenerateDataKey, KeyId=key, NumberOfBytes=1025)


def test_versions_and_rotation(kms):
    key = make(kms)
    sealed = kms.Encrypt(KeyId=key, Plaintext=encoded(b"old"))
    kms.UpdateRotationPolicy(KeyId=key, EnableAutomaticRotation=True, RotationInterval="7d")
    metadata = kms.DescribeKey(KeyId=key)["KeyMetadata"]
    assert (metadata["AutomaticRotation"], metadata["RotationInterval"]) == ("Enabled", "604800s")
    version = kms.CreateKeyVersion(KeyId=key)["KeyVersion"]
    assert version["KeyVersionId"] != sealed["KeyVersionId"]
    listed = [entry["KeyVersionId"] for entry in kms.ListKeyVersions(KeyId=key)["KeyVersions"]["KeyVersion"]]
    assert listed == [sealed["KeyVersionId"], version["KeyVersionId"]]
    described = kms.DescribeKeyVersion(KeyId=key, KeyVersionId=listed[0])["KeyVersion"]
    assert described["KeyVersionId"] == listed[0]
    refused(404, "Forbidden.KeyVersionNotFound", kms.DescribeKeyVersion, KeyId=key, KeyVersionId="none")
    assert kms.Decrypt(CiphertextBlob=sealed["CiphertextBlob"])["KeyVersionId"] == listed[0]
    kms.UpdateRotationPolicy(KeyId=key, EnableAutomaticRotation=False)
    assert kms.DescribeKey(KeyId=key)["KeyMetadata"]["AutomaticRotation"] == "Disabled"
    external = make(kms, Origin="EXTERNAL")
    refused(400, "Unsupported.Origin", kms.UpdateRotationPolicy, KeyId=external, EnableAutomaticRotation=False)


def test_aliases_tags_policy_and_protection(kms):
    key, other = make(kms), make(kms)
    kms.CreateAlias(KeyId=key, AliasName="alias/conformance-oss")
    refused(400, "AliasAlreadyExists", kms.CreateAlias, KeyId=other, AliasName="alias/conformance-oss")
    assert [entry["AliasName"] for entry in kms.ListAliasesByKeyId(KeyId=key)["Aliases"]["Alias"]] == [
        "alias/conformance-oss"
    ]
    kms.UpdateAlias(KeyId=other, AliasName="alias/conformance-oss")
    assert kms.DescribeKey(KeyId="alias/conformance-oss")["KeyMetadata"]["KeyId"] == other
    listed = kms.ListAliases(PageSize=100)["Aliases"]["Alias"]
    assert "alias/conformance-oss" in [entry["AliasName"] for entry in listed]
    kms.DeleteAlias(AliasName="alias/conformance-oss")
    refused(404, "Forbidden.AliasNotFound", kms.DescribeKey, KeyId="alias/conformance-oss")
    kms.TagResource(KeyId=key, Tags='[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":"2"}]')
    kms.UntagResource(KeyId=key, TagKeys='["a"]')
    assert kms.ListResourceTags(KeyId=key)["Tags"]["Tag"] == [{"KeyId": key, "TagKey": "b", "TagValue": "2"}]
    policy = kms.GetKeyPolicy(KeyId=key, PolicyName="default")["Policy"].replace("kms default key policy", "ours")
    kms.SetKeyPolicy(KeyId=key, PolicyName="default", Policy=policy)
    assert kms.GetKeyPolicy(KeyId=key, PolicyName="default")["Policy"] == policy
    arn = kms.DescribeKey(KeyId=key)["KeyMetadata"]["Arn"]
    kms.SetDeletionProtection(ProtectedResourceArn=arn, EnableDeletionProtection=True)
    refused(409, "Rejected.DeletionProtection", kms.ScheduleKeyDeletion, KeyId=key, PendingWindowInDays=7)
    kms.SetDeletionProtection(ProtectedResourceArn=arn, EnableDeletionProtection=False)
    kms.ScheduleKeyDeletion(KeyId=key, PendingWindowInDays=7)


def test_imported_material(kms):
    key, material = make(kms, Origin="EXTERNAL"), os.urandom(32)

    def importing(key, material):
        given = kms.GetParametersForImport(
            KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )
        public = load_der_public_key(base64.b64decode(given["PublicKey"]))
        leaks.note(material, "material to import")
        wrapped = public.encrypt(material, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        return {
            "KeyId": key,
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": encoded(wrapped),
            "KeyMaterialExpireUnix": 0,
        }

    kms.ImportKeyMaterial(**importing(key, material))
    sealed = kms.Encrypt(KeyId=key, Plaintext=encoded(b"mine"))["CiphertextBlob"]
    kms.DeleteKeyMaterial(KeyId=key)
    refused(409, "Rejected.PendingImport", kms.Decrypt, CiphertextBlob=sealed)
    refused(400, "InvalidKeyMaterial", kms.ImportKeyMaterial, **importing(key, os.urandom(32)))
    refused(400, "InvalidImportToken", kms.ImportKeyMaterial, **{**importing(key, material), "ImportToken": "AAAA"})
    kms.ImportKeyMaterial(**importing(key, material))
    assert base64.b64decode(kms.Decrypt(CiphertextBlob=sealed)["Plaintext"]) == b"mine"
    own = make(kms)
    arguments = {"KeyId": own, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    refused(400, "Unsupported.Origin", kms.GetParametersForImport, **arguments)


def test_failures(server, kms):
    key = make(kms)
    refused(404, "Forbidden.KeyNotFound", kms.DescribeKey, KeyId="00000000-0000-4000-8000-000000000000")
    assert refused(400, "MissingParameter", kms.DescribeKey) == 'The parameter "KeyId" is needed but not provided.'
    refused(400, "InvalidParameter", kms.ScheduleKeyDeletion, KeyId=key, PendingWindowInDays=6)
    for spec in ("RSA_2048", "EC_P256", "EC_SM2"):
        refused(400, "UnsupportedOperation", kms.CreateKey, KeySpec=spec, KeyUsage="SIGN/VERIFY")
    refused(400, "UnsupportedOperation", kms.GetPublicKey, KeyId=key)
    refused(404, "InvalidAccessKeyId.NotFound", Alibaba(server, access_key="AKNOBODY").DescribeKey, KeyId=key)
    # The client's own words when what the server would have signed is what it signed itself.
    refused(400, "InvalidAccessKeySecret", Alibaba(server, secret_key="wrong").DescribeKey, KeyId=key)
    assert kms.DescribeAccountKmsStatus()["AccountStatus"] == "Enabled"
    assert kms.OpenKmsService()["RequestId"], "it is open already"
    assert kms.DescribeRegions()["Regions"]["Region"]
