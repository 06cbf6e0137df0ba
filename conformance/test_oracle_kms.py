"""The answers of the real AWS KMS, replayed: status, type and message are equal, masked values apart.

A masked value may be anything, but the same mask is the same value within a test. Members that AWS has added to an answer
since it was recorded may be there besides."""

import datetime
import json
import os
import pathlib
import re

import pytest
from botocore.exceptions import ClientError

from keys import aws
from test_kms_aws import wrapped

RECORDED = json.loads((pathlib.Path(__file__).parent / "oracle" / "aws-kms-symmetric.json").read_text())

# What is not replayed, and why.
LEFT_OUT = {
    "test_import_key_asymmetric": "asymmetric keys are not supported",
    "test_rotate_key_on_demand_raises_error_given_key_with_imported_key_material":
        "AWS has answered otherwise since imported keys can be rotated; the later recordings are replayed",
}
ADDED_SINCE = {"KeyMaterialId", "SourceKeyMaterialId", "DestinationKeyMaterialId"}
KEPT = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
REPLAYED = {}


def replays(name):
    """Marks the replay of a recorded test."""

    def mark(function):
        REPLAYED[name] = function
        return function

    return mark


class Replay:
    """One recorded test: `step` compares an answer, or the outcome of a call, with the recorded one."""

    def __init__(self, name, server):
        self.recorded = RECORDED[name]["recorded-content"]
        self.kms, self.server = aws(server), server
        self.masked = {}

    def make(self, **arguments):
        return self.kms.create_key(**arguments)["KeyMetadata"]["KeyId"]

    def call(self, step, operation, **arguments):
        try:
            answer = operation(**arguments)
        except ClientError as error:
            answer = error.response
        self.step(step, answer)
        return answer

    def step(self, step, answer):
        self.equal(step, self.recorded.pop(step), answer)

    def equal(self, path, expected, actual):
        if isinstance(expected, dict):
            if "HTTPStatusCode" in expected:
                assert expected["HTTPStatusCode"] == actual["HTTPStatusCode"], (path, actual)
                return
            assert set(expected) == set(actual) - (ADDED_SINCE - set(expected)), (path, expected, actual)
            for name, value in expected.items():
                self.equal(f"{path}.{name}", value, actual[name])
        elif isinstance(expected, list):
            assert len(expected) == len(actual), (path, actual)
            for place, pair in enumerate(zip(expected, actual)):
                self.equal(f"{path}[{place}]", *pair)
        elif expected == "datetime":
            assert isinstance(actual, datetime.datetime), (path, actual)
        elif isinstance(expected, str):
            self.text(path, expected, actual)
        else:
            assert expected == actual, (path, expected, actual)

    def text(self, path, expected, actual):
        """A mask `<name>` stands for some text, always the same one; so do names of what is random in full."""
        if expected in ("ciphertext-blob", "plaintext", "public-key", "import-token"):
            assert actual, path
            return
        pieces = re.split(r"(<[^>]+>|1{12})", expected)
        masks = [piece for piece in pieces if re.fullmatch(r"<[^>]+>|1{12}", piece)]
        pattern = "".join("(.+?)" if piece in masks else re.escape(piece) for piece in pieces)
        found = re.fullmatch(pattern, actual, re.DOTALL)
        assert found, (path, expected, actual)
        for mask, value in zip(masks, found.groups()):
            # What an ARN is masked as, its end may be masked as elsewhere.
            known = self.masked.setdefault(mask, value)
            assert known.rsplit("/", 1)[-1] == value.rsplit("/", 1)[-1], (path, mask, known, value)


@replays("test_create_key")
def create_key(replay):
    key = replay.make(Description="test key 123")
    replay.step("describe-key", replay.kms.describe_key(KeyId=key)["KeyMetadata"])


def invalid_tag(name):
    def run(replay):
        tags = [{"TagKey": name, "TagValue": "value"}]
        replay.call("invalid-tag-key", replay.kms.create_key, Tags=tags)

    return run


REPLAYED["test_create_key_with_invalid_tag_key[lowercase_prefix]"] = invalid_tag("aws:key1")
REPLAYED["test_create_key_with_invalid_tag_key[uppercase_prefix]"] = invalid_tag("AWS:key1")
REPLAYED["test_create_key_with_invalid_tag_key[too_long_key]"] = invalid_tag("a" * 129)


@replays("test_create_key_with_too_many_tags_raises_error")
def too_many_tags(replay):
    tags = [{"TagKey": f"key{number}", "TagValue": "value"} for number in range(51)]
    replay.call("invalid-tag-key", replay.kms.create_key, Tags=tags)


def numbered(*numbers):
    return [{"TagKey": f"tag{number}", "TagValue": f"value{number}"} for number in numbers]


@replays("test_create_key_with_tag_and_untag")
def tag_and_untag(replay):
    key = replay.make(Tags=numbered(1, 2))
    replay.step("list-resource-tags", replay.kms.list_resource_tags(KeyId=key)["Tags"])
    replay.kms.untag_resource(KeyId=key, TagKeys=["tag1", "tag2"])
    replay.step("list-resource-tags-after-all-untagged", replay.kms.list_resource_tags(KeyId=key)["Tags"])


@replays("test_untag_key_partially")
def untag_partially(replay):
    key = replay.make(Tags=numbered(1, 2, 3))
    replay.step("list-resource-tags", replay.kms.list_resource_tags(KeyId=key)["Tags"])
    replay.kms.untag_resource(KeyId=key, TagKeys=["tag2"])
    replay.step("list-resource-tags-after-partially-untagged", replay.kms.list_resource_tags(KeyId=key)["Tags"])


@replays("test_update_and_add_tags_on_tagged_key")
def update_tags(replay):
    key = replay.make(Tags=numbered(1, 2, 3))
    replay.step("list-resource-tags", replay.kms.list_resource_tags(KeyId=key)["Tags"])
    replay.kms.tag_resource(KeyId=key, Tags=[{"TagKey": "tag2", "TagValue": "updated_value2"}, *numbered(4, 5)])
    replay.step("list-resource-tags-after-tags-updated", replay.kms.list_resource_tags(KeyId=key)["Tags"])


@replays("test_describe_with_alias_arn")
def describe_by_alias(replay):
    made = replay.kms.create_key(Description="test - description")["KeyMetadata"]
    replay.step("created-key", made)
    replay.kms.create_alias(AliasName="alias/oracle-describe", TargetKeyId=made["KeyId"])
    arn = replay.kms.list_aliases(KeyId=made["KeyId"])["Aliases"][0]["AliasArn"]
    replay.call("describe-key", replay.kms.describe_key, KeyId=arn)


@replays("test_encryption_context_generate_data_key")
def context_of_data_key(replay):
    made = replay.kms.generate_data_key(KeyId=replay.make(), KeySpec="AES_256", EncryptionContext={"context-key": "v"})
    replay.call("decrypt-without-encryption-context", replay.kms.decrypt, CiphertextBlob=made["CiphertextBlob"])


@replays("test_generate_data_key")
def data_key(replay):
    replay.call("generate-data-key-result", replay.kms.generate_data_key, KeyId=replay.make(), KeySpec="AES_256")


@replays("test_generate_data_key_without_plaintext")
def hidden_data_key(replay):
    operation = replay.kms.generate_data_key_without_plaintext
    replay.call("generate-data-key-without-plaintext", operation, KeyId=replay.make(), KeySpec="AES_256")


def random_bytes(count):
    def run(replay):
        drawn = replay.kms.generate_random(NumberOfBytes=count)["Plaintext"]
        replay.step("result_length", len(drawn))

    return run


for count in (1, 12, 44):
    REPLAYED[f"test_generate_random[{count}]"] = random_bytes(count)


@replays("test_generate_random_invalid_number_of_bytes[1025]")
def too_many_random_bytes(replay):
    replay.call("generate-random-exc", replay.kms.generate_random, NumberOfBytes=1025)


@replays("test_get_key_in_different_region")
def other_region(replay):
    """The server is one region: the other one's answers are those of a server there."""
    recorded = replay.recorded
    made = replay.kms.create_key(Description="test key 123")["KeyMetadata"]
    elsewhere = made["Arn"].replace(":us-east-1:", ":us-west-2:")
    replay.masked.update({"<secondary-region>": "us-west-2", "<region>": "us-east-1"})
    replay.call("describe-key-diff-region-with-arn", replay.kms.describe_key, KeyId=elsewhere)
    nobody = "00000000-0000-4000-8000-000000000000"
    replay.masked["<key-id:1>"] = nobody
    replay.call("describe-key-diff-region-with-id", replay.kms.describe_key, KeyId=nobody)
    replay.masked.update({"<key-id:1>": made["KeyId"], "<secondary-region>": "us-east-1"})
    replay.call("describe-key-same-specific-region-with-arn", replay.kms.describe_key, KeyId=made["Arn"])
    replay.call("describe-key-same-specific-region-with-id", replay.kms.describe_key, KeyId=made["KeyId"])
    assert not recorded


@replays("test_import_key_material_raises_if_there_is_already_key_material_pending")
def pending_material(replay):
    key = replay.make(Origin="EXTERNAL", Description="test-key")
    first, second, third = os.urandom(32), os.urandom(32), os.urandom(32)
    operation, new = replay.kms.import_key_material, {"ImportType": "NEW_KEY_MATERIAL", **KEPT}
    replay.call("import-initial-material-response", operation, **wrapped(replay.kms, key, first), **new)
    replay.call("import-pending-material-response", operation, **wrapped(replay.kms, key, second), **new)
    replay.call("existing-pending-material-error", operation, **wrapped(replay.kms, key, third), **new)


@replays("test_key_enable_rotation_status[90]")
def rotation_status(replay):
    key = replay.make()
    replay.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    replay.call("match_response", replay.kms.get_key_rotation_status, KeyId=key)


@replays("test_key_rotations_limits")
def rotation_limit(replay):
    key = replay.make()
    for _ in range(10):
        replay.kms.rotate_key_on_demand(KeyId=key)
    replay.call("error-response", replay.kms.rotate_key_on_demand, KeyId=key)


@replays("test_plaintext_size_for_encrypt")
def too_long_a_plaintext(replay):
    replay.call("invalid-plaintext-size-encrypt", replay.kms.encrypt, KeyId=replay.make(), Plaintext=b"x" * 4097)


@replays("test_re_encrypt[SYMMETRIC_DEFAULT-SYMMETRIC_DEFAULT]")
def re_encrypt(replay):
    source, target = replay.make(), replay.make()
    sealed = replay.kms.encrypt(KeyId=source, Plaintext=b"test message 123 !%$@ 1234567890")["CiphertextBlob"]
    arguments = {"SourceKeyId": source, "DestinationKeyId": target, "CiphertextBlob": sealed}
    replay.call("test_re_encrypt", replay.kms.re_encrypt, **arguments)


def external(replay, step):
    made = replay.kms.create_key(Origin="EXTERNAL", Description="test-key")["KeyMetadata"]
    replay.step(step, made)
    return made["KeyId"]


@replays("test_rotate_key_on_demand_for_external_keys_decrypts_with_previous_material")
def rotation_of_imported_material(replay):
    kms, key = replay.kms, external(replay, "create-kms-external-key")
    first = {**wrapped(kms, key, os.urandom(32)), "ImportType": "NEW_KEY_MATERIAL", **KEPT}
    replay.call("import-key-material-response", kms.import_key_material, **first)
    sealed = replay.call("kms-encrypt-initial-response", kms.encrypt, KeyId=key, Plaintext=b"test")["CiphertextBlob"]
    second = {**wrapped(kms, key, os.urandom(32)), "ImportType": "NEW_KEY_MATERIAL", **KEPT}
    kms.import_key_material(**second)
    replay.call("rotate-key-on-demand-response", kms.rotate_key_on_demand, KeyId=key)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"test"


@replays("test_rotate_key_on_demand_updates_current_key_material_for_external_keys")
def current_imported_material(replay):
    kms, key = replay.kms, external(replay, "create-kms-external-key")
    replay.call("describe-empty-key-response", kms.describe_key, KeyId=key)
    arguments = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    replay.call("get-import-parameters-response", kms.get_parameters_for_import, KeyId=key, **arguments)
    new = {"ImportType": "NEW_KEY_MATERIAL", **KEPT}
    first = wrapped(kms, key, os.urandom(32))
    replay.call("import-key-material-response", kms.import_key_material, **first, **new)
    replay.call("describe-key-with-material-response", kms.describe_key, KeyId=key)
    replay.call("kms-encrypt-initial-response", kms.encrypt, KeyId=key, Plaintext=b"test")
    second = wrapped(kms, key, os.urandom(32))
    replay.call("import-new-key-material-response", kms.import_key_material, **second, **new)
    replay.call("describe-key-with-new-material-response", kms.describe_key, KeyId=key)
    replay.call("rotate-key-on-demand-response", kms.rotate_key_on_demand, KeyId=key)
    replay.call("describe-key-after-rotation", kms.describe_key, KeyId=key)
    replay.call("kms-encrypt-rotated-key-response", kms.encrypt, KeyId=key, Plaintext=b"test")
    # The names of both materials differ, and each is masked as itself.
    one, two = (replay.masked[f"<key-material-id:{number}>"] for number in (1, 2))
    assert one != two


@replays("test_rotate_key_on_demand_modifies_key_material")
def rotation_on_demand(replay):
    key = replay.make()
    replay.call("rotate-on-demand-response", replay.kms.rotate_key_on_demand, KeyId=key)


@replays("test_rotate_on_demand_returns_arn_for_key_id")
def rotation_answers_an_arn(replay):
    answer = replay.call("rotate-on-demand-aws-key", replay.kms.rotate_key_on_demand, KeyId=replay.make())
    assert answer["KeyId"].startswith("arn:aws:kms:")


@replays("test_rotate_key_on_demand_on_external_key_with_no_key_material[SYMMETRIC_DEFAULT]")
def rotation_without_material(replay):
    key = external(replay, "create-kms-external-key")
    replay.call("rotate-key-on-demand-error-response-SYMMETRIC_DEFAULT", replay.kms.rotate_key_on_demand, KeyId=key)


@replays("test_rotate_key_on_demand_raises_error_given_key_is_disabled")
def rotation_of_a_disabled_key(replay):
    key = replay.make()
    replay.kms.disable_key(KeyId=key)
    replay.call("error-response", replay.kms.rotate_key_on_demand, KeyId=key)


@replays("test_rotate_key_on_demand_raises_error_given_non_symmetric_key")
def rotation_of_another_kind(replay):
    """Keys that are not symmetric are refused when they are to be made, in the same words."""
    arguments = {"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY"}
    replay.call("error-response", replay.kms.create_key, **arguments)


@replays("test_rotate_key_on_demand_raises_for_no_pending_key_material")
def rotation_without_pending_material(replay):
    kms, key = replay.kms, replay.make(Origin="EXTERNAL")
    kms.import_key_material(**wrapped(kms, key, os.urandom(32)), ImportType="NEW_KEY_MATERIAL", **KEPT)
    replay.call("rotate-key-on-demand-invalid-state-error", kms.rotate_key_on_demand, KeyId=key)


@replays("test_rotate_key_on_demand_with_symmetric_key_and_automatic_rotation_disabled")
def rotation_while_automatic_is_off(replay):
    key = replay.make()
    replay.call("rotate-on-demand-response", replay.kms.rotate_key_on_demand, KeyId=key)
    replay.call("rotation-status-response-after-rotation", replay.kms.get_key_rotation_status, KeyId=key)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_replay(name, server):
    if name in LEFT_OUT:
        pytest.skip(LEFT_OUT[name])
    replay = Replay(name, server)
    REPLAYED[name](replay)
    assert not replay.recorded, f"steps that were not replayed: {list(replay.recorded)}"
