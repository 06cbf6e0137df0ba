"""AWS KMS as boto3 speaks it: every operation that is built, and the answers to what may not be."""

import os

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

import leaks
from keys import aws


@pytest.fixture(scope="module")
def kms(server):
    return aws(server)


@pytest.fixture
def key(kms):
    return kms.create_key(Description="for a test")["KeyMetadata"]["KeyId"]


def refused(code, call, *words, **arguments):
    """The call fails with that code, and its message has those words."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    for word in words:
        assert word in error.get("Message", ""), error


def test_a_key_is_made_described_and_listed(kms):
    made = kms.create_key(Description="mine", Tags=[{"TagKey": "team", "TagValue": "blue"}])["KeyMetadata"]
    assert made["KeyState"] == "Enabled" and made["Enabled"] and made["Description"] == "mine"
    for name in (made["KeyId"], made["Arn"]):
        assert kms.describe_key(KeyId=name)["KeyMetadata"] == made
    listed = [key for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}) for key in page["Keys"]]
    assert {"KeyId": made["KeyId"], "KeyArn": made["Arn"]} in listed
    assert len({key["KeyId"] for key in listed}) == len(listed)
    tags = kms.list_resource_tags(KeyId=made["KeyId"])["Tags"]
    assert tags == [{"TagKey": "team", "TagValue": "blue"}]


def test_states_and_deletion(kms, key):
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    refused("DisabledException", kms.encrypt, "is disabled.", KeyId=key, Plaintext=b"x")
    kms.enable_key(KeyId=key)
    kms.encrypt(KeyId=key, Plaintext=b"x")
    planned = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert planned["KeyState"] == "PendingDeletion" and planned["PendingWindowInDays"] == 7
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["DeletionDate"] == planned["DeletionDate"]
    for call in (kms.enable_key, kms.disable_key, kms.schedule_key_deletion, kms.enable_key_rotation):
        refused("KMSInvalidStateException", call, "is pending deletion.", KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    refused("KMSInvalidStateException", kms.cancel_key_deletion, "is not pending deletion.", KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    refused("ValidationException", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=6)


def test_aliases(kms, key):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/conformance", TargetKeyId=key)
    refused("AlreadyExistsException", kms.create_alias, "alias/conformance", AliasName="alias/conformance", TargetKeyId=other)
    found = kms.list_aliases(KeyId=key)["Aliases"]
    assert [(alias["AliasName"], alias["TargetKeyId"]) for alias in found] == [("alias/conformance", key)]
    kms.update_alias(AliasName="alias/conformance", TargetKeyId=other)
    assert kms.describe_key(KeyId="alias/conformance")["KeyMetadata"]["KeyId"] == other
    assert kms.describe_key(KeyId=found[0]["AliasArn"])["KeyMetadata"]["KeyId"] == other
    kms.delete_alias(AliasName="alias/conformance")
    refused("NotFoundException", kms.describe_key, "alias/conformance is not found.", KeyId="alias/conformance")
    refused("NotFoundException", kms.delete_alias, AliasName="alias/conformance")
    refused("NotFoundException", kms.update_alias, AliasName="alias/conformance", TargetKeyId=key)
    refused("AccessDeniedException", kms.create_alias, AliasName="alias/aws/mine", TargetKeyId=key)


def test_sealing_with_and_without_a_context(kms, key):
    context = {"purpose": "test", "tenant": "42"}
    sealed = kms.encrypt(KeyId=key, Plaintext=b"a secret", EncryptionContext=context)
    assert sealed["KeyId"].endswith(f":key/{key}")
    for named in ({}, {"KeyId": key}):
        opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context, **named)
        assert opened["Plaintext"] == b"a secret" and opened["KeyId"] == sealed["KeyId"]
    blob = sealed["CiphertextBlob"]
    changed = blob[:-1] + bytes([blob[-1] ^ 1])
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=changed, EncryptionContext=context)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"nonsense")
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    refused("IncorrectKeyException", kms.decrypt, CiphertextBlob=blob, EncryptionContext=context, KeyId=other)
    moved = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=other)
    assert moved["SourceKeyId"].endswith(key) and moved["KeyId"].endswith(other)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"a secret"


def test_data_keys(kms, key):
    for arguments, length in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 77}, 77)):
        made = kms.generate_data_key(KeyId=key, **arguments)
        assert len(made["Plaintext"]) == length
        assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
        hidden = kms.generate_data_key_without_plaintext(KeyId=key, **arguments)
        assert "Plaintext" not in hidden
        assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == length
    for arguments in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
        refused("ValidationException", kms.generate_data_key, "number of bytes or key spec", KeyId=key, **arguments)


def test_a_dry_run_says_what_would_be(kms, key):
    refused("DryRunOperationException", kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True)
    refused("DryRunOperationException", kms.generate_data_key, KeyId=key, KeySpec="AES_256", DryRun=True)
    operations = {"GranteePrincipal": "arn:aws:iam::123456789012:user/ann", "Operations": ["Decrypt"]}
    refused("DryRunOperationException", kms.create_grant, KeyId=key, DryRun=True, **operations)
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_rotation_keeps_what_older_versions_sealed(kms, key):
    first = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key)
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 180
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] != first
    assert kms.decrypt(CiphertextBlob=sealed)["KeyMaterialId"] == first
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert [rotation["RotationType"] for rotation in rotations] == ["ON_DEMAND"]
    everything = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [entry["KeyMaterialId"] for entry in everything][0] == first and len(everything) == 2
    kms.disable_key_rotation(KeyId=key)
    assert not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_tags_description_and_policy(kms, key):
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    kms.update_key_description(KeyId=key, Description="other words")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "other words"
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    assert "Enable IAM User Permissions" in kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}'
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == policy
    refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key, Policy="{")


def test_grants(kms, key):
    terms = {
        "GranteePrincipal": "arn:aws:iam::123456789012:user/ann",
        "RetiringPrincipal": "arn:aws:iam::123456789012:user/bob",
        "Operations": ["Decrypt", "DescribeKey"],
        "Constraints": {"EncryptionContextSubset": {"tenant": "42"}},
        "Name": "once",
    }
    made = kms.create_grant(KeyId=key, **terms)
    assert kms.create_grant(KeyId=key, **terms)["GrantId"] == made["GrantId"], "the same name and terms are one grant"
    (listed,) = kms.list_grants(KeyId=key)["Grants"]
    for name, value in terms.items():
        assert listed[name] == value
    retirable = kms.list_retirable_grants(RetiringPrincipal=terms["RetiringPrincipal"])["Grants"]
    assert made["GrantId"] in [grant["GrantId"] for grant in retirable]
    kms.retire_grant(GrantToken=made["GrantToken"])
    second = kms.create_grant(KeyId=key, **{**terms, "Name": "twice"})["GrantId"]
    kms.revoke_grant(KeyId=key, GrantId=second)
    refused("NotFoundException", kms.revoke_grant, KeyId=key, GrantId=second)
    assert kms.list_grants(KeyId=key)["Grants"] == []


def wrapped(kms, key, material, size="RSA_2048"):
    """Import parameters, and the material wrapped as they say."""
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec=size)
    public = load_der_public_key(given["PublicKey"])
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    leaks.note(material, "material to import")
    return {"KeyId": key, "ImportToken": given["ImportToken"], "EncryptedKeyMaterial": public.encrypt(material, oaep)}


def test_imported_material(kms):
    made = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]
    key, material = made["KeyId"], os.urandom(32)
    assert made["KeyState"] == "PendingImport" and not made["Enabled"]
    refused("KMSInvalidStateException", kms.encrypt, "is pending import.", KeyId=key, Plaintext=b"x")
    refused("ValidationException", kms.import_key_material, **wrapped(kms, key, material))
    kept = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    refused("InvalidCiphertextException", kms.import_key_material, **wrapped(kms, key, material[:31]), **kept)
    for size in ("RSA_3072", "RSA_4096"):
        kms.import_key_material(**wrapped(kms, key, material, size), **kept)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    sealed = kms.encrypt(KeyId=key, Plaintext=b"under my own key")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key)
    refused("KMSInvalidStateException", kms.decrypt, "is pending import.", CiphertextBlob=sealed)
    refused("IncorrectKeyMaterialException", kms.import_key_material, **wrapped(kms, key, os.urandom(32)), **kept)
    kms.import_key_material(**wrapped(kms, key, material), **kept)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"under my own key"
    token = {**wrapped(kms, key, material), "KeyId": kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]}
    refused("InvalidImportTokenException", kms.import_key_material, **token, **kept)
    own = kms.create_key()["KeyMetadata"]["KeyId"]
    arguments = {"KeyId": own, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    refused("UnsupportedOperationException", kms.get_parameters_for_import, "origin is AWS_KMS", **arguments)


def test_what_is_not_supported_says_so(kms, key):
    for arguments in (
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"MultiRegion": True},
        {"Origin": "AWS_CLOUDHSM"},
    ):
        refused("UnsupportedOperationException", kms.create_key, **arguments)
    refused("UnsupportedOperationException", kms.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")
    refused("UnsupportedOperationException", kms.sign, KeyId=key, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
    refused("UnsupportedOperationException", kms.get_public_key, KeyId=key)


def test_a_wrong_signature_is_nobody(server, kms, key):
    refused("InvalidSignatureException", aws(server, secret_key="wrong").describe_key, KeyId=key)
    refused("UnrecognizedClientException", aws(server, access_key="AKNOBODY00000000000X").describe_key, KeyId=key)


def test_a_user_and_the_default_key(server, clients, bucket_of_kms, kms):
    alias = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert alias["KeyManager"] == "AWS"
    refused("UnsupportedOperationException", kms.disable_key, KeyId=alias["KeyId"])
    own = kms.create_key()["KeyMetadata"]
    s3 = clients["s3-v4"].client
    arguments = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": own["Arn"]}
    s3.put_object(Bucket=bucket_of_kms, Key="k", Body=b"sealed", **arguments)
    kms.disable_key(KeyId=own["KeyId"])
    refused("KMS.DisabledException", s3.get_object, Bucket=bucket_of_kms, Key="k")
    kms.enable_key(KeyId=own["KeyId"])
    kms.rotate_key_on_demand(KeyId=own["KeyId"])
    assert s3.get_object(Bucket=bucket_of_kms, Key="k")["Body"].read() == b"sealed"


@pytest.fixture
def bucket_of_kms(clients, new_bucket):
    """A bucket with an object under the account's default key, which exists from then on."""
    s3 = clients["s3-v4"].client
    s3.create_bucket(Bucket=new_bucket)
    s3.put_object(Bucket=new_bucket, Key="first", Body=b"x", ServerSideEncryption="aws:kms")
    return new_bucket
