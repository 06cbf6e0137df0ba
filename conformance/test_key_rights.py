"""Who may use a master key: policies of keys, grants, other accounts, projects; on the key service and under objects."""

import json
import subprocess

import obs
import oss2
import pytest
import requests
from botocore.exceptions import ClientError

from clients import S3, Obs, Oss, Refused
from keys import Alibaba, Huawei, aws, default_project
from keys import Refused as KeyRefused
from strongroom import BINARY

OTHER_PROJECT = "0123456789abcdef0123456789abcdef"


class Person:
    """A user, or the root of another account, of no rights to any key, and its clients of every dialect."""

    def __init__(self, server, made):
        self.server, self.pair = server, (made["access_key"], made["secret_key"])
        self.kms = aws(server, *self.pair)
        self.s3 = S3(server, tls=True, access_key=self.pair[0], secret_key=self.pair[1])
        self.oss = Oss(server, tls=True, access_key=self.pair[0], secret_key=self.pair[1])
        self.obs = Obs(server, tls=True, access_key=self.pair[0], secret_key=self.pair[1])


def run(server, *arguments):
    done = subprocess.run([BINARY, *arguments], env=server.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def attach(server, folder, name, holder, *statements):
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    run(server, "policy", "put", name, "--file", str(file))
    run(server, "policy", "attach", name, holder)


def allow(*actions, resource="*"):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


@pytest.fixture(scope="module")
def kms(server):
    return aws(server)


@pytest.fixture(scope="module")
def account(kms):
    """The account's number, as it is in the names of its keys."""
    return kms.create_key()["KeyMetadata"]["AWSAccountId"]


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def person(server, tmp_path_factory):
    """A user that may do everything with buckets and objects, and nothing with keys."""
    made = server.command("user", "create", "rights-pat")
    folder = tmp_path_factory.mktemp("rights")
    attach(server, folder, "rights-objects", "user/rights-pat", allow("s3:*"))
    return Person(server, made)


@pytest.fixture
def arn(account):
    return f"arn:aws:iam::{account}:user/rights-pat"


@pytest.fixture(scope="module")
def stranger(server):
    """The root of another account, which may do there what it likes."""
    made = server.command("account", "create")
    other = Person(server, made)
    other.account = made["account"]
    return other


def code(call, *arguments, **named):
    """The status and the code of a refusal."""
    try:
        call(*arguments, **named)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    except (Refused, KeyRefused) as refused:
        return refused.status, refused.code
    return "allowed"


DENIED = (400, "AccessDeniedException")
FORBIDDEN = (403, "AccessDenied")


def test_a_grant_lets_its_grantee_seal_and_open(kms, key, person, arn):
    other = person.kms
    assert code(other.encrypt, KeyId=key, Plaintext=b"x") == DENIED
    terms = {"GranteePrincipal": arn, "Operations": ["Encrypt", "Decrypt"]}
    grant = kms.create_grant(KeyId=key, Constraints={"EncryptionContextSubset": {"team": "blue"}}, **terms)
    context = {"team": "blue", "item": "7"}
    sealed = other.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert code(other.encrypt, KeyId=key, Plaintext=b"x") == DENIED
    assert code(other.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"team": "red"}) == DENIED
    assert code(other.generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext=context) == DENIED
    # Also when the ciphertext alone names the key.
    assert other.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"] == b"x"
    theirs = kms.create_key()["KeyMetadata"]["KeyId"]
    closed = kms.encrypt(KeyId=theirs, Plaintext=b"y", EncryptionContext=context)["CiphertextBlob"]
    assert code(other.decrypt, CiphertextBlob=closed, EncryptionContext=context) == DENIED
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert code(other.decrypt, CiphertextBlob=sealed, EncryptionContext=context) == DENIED


def test_a_grant_by_a_grantee_is_no_wider_and_can_be_retired(kms, key, person, arn, account):
    other, bob = person.kms, f"arn:aws:iam::{account}:user/bob"
    made = kms.create_grant(KeyId=key, GranteePrincipal=arn, RetiringPrincipal=arn, Operations=["Decrypt", "CreateGrant"])
    passed = other.create_grant(KeyId=key, GranteePrincipal=bob, Operations=["Decrypt"])
    assert code(other.create_grant, KeyId=key, GranteePrincipal=bob, Operations=["Encrypt"]) == DENIED
    assert code(other.list_grants, KeyId=key) == DENIED
    assert {grant["GrantId"] for grant in kms.list_grants(KeyId=key)["Grants"]} == {made["GrantId"], passed["GrantId"]}
    assert code(other.revoke_grant, KeyId=key, GrantId=passed["GrantId"]) == DENIED
    assert code(other.retire_grant, KeyId=key, GrantId=passed["GrantId"]) == DENIED
    other.retire_grant(GrantToken=made["GrantToken"])
    assert [grant["GrantId"] for grant in kms.list_grants(KeyId=key)["Grants"]] == [passed["GrantId"]]


def test_a_keys_policy_decides(kms, key, person, arn, account):
    root = f"arn:aws:iam::{account}:root"
    statement = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}

    def put(*statements, **more):
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document, **more)

    use = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"}
    put(statement, use)
    sealed = person.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert person.kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    assert code(person.kms.describe_key, KeyId=key) == DENIED
    put(statement, {**use, "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"})
    assert code(kms.decrypt, CiphertextBlob=sealed) == DENIED
    for locked in (use, {**statement, "Action": "kms:Describe*"}):
        assert code(put, locked) == (400, "MalformedPolicyDocumentException")
    for wrong in ({**use, "Principal": "nobody"}, {"Effect": "Allow"}, {**use, "Condition": {"Odd": {"aws:SourceIp": "1"}}}):
        assert code(put, statement, wrong) == (400, "MalformedPolicyDocumentException"), wrong
    # Whoever insists may lock everybody out.
    put(use, BypassPolicyLockoutSafetyCheck=True)
    assert code(kms.describe_key, KeyId=key) == DENIED
    assert person.kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"


def test_an_alias_is_no_way_around(server, kms, key, person, tmp_path):
    kms.create_alias(AliasName="alias/rights-around", TargetKeyId=key)
    deny = {"Effect": "Deny", "Action": "kms:*", "Resource": key}
    attach(server, tmp_path, "rights-deny", "user/rights-pat", allow("kms:Encrypt"), deny)
    assert code(person.kms.encrypt, KeyId="alias/rights-around", Plaintext=b"x") == DENIED
    assert code(person.kms.encrypt, KeyId=key, Plaintext=b"x") == DENIED
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.update_alias(AliasName="alias/rights-around", TargetKeyId=other)
    person.kms.encrypt(KeyId="alias/rights-around", Plaintext=b"x")
    run(server, "policy", "detach", "rights-deny", "user/rights-pat")


def test_objects_ask_for_the_key_on_every_path(kms, key, person, arn, clients, new_bucket):
    """What a grant allows can be done, and nothing else: writing, reading, copying, parts."""
    owner, user = clients["s3-v4-tls"].client, person.s3.client
    owner.create_bucket(Bucket=new_bucket)
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    place = {"Bucket": new_bucket, "Key": "k"}
    big = b"b" * (5 << 20)
    owner.put_object(Body=big, ChecksumAlgorithm="SHA256", **place, **sealed)

    def put():
        user.put_object(Bucket=new_bucket, Key="written", Body=b"w", **sealed)

    def get():
        return user.get_object(**place)["Body"].read()

    def copy_from():
        user.copy_object(Bucket=new_bucket, Key="copied", CopySource=place, ServerSideEncryption="AES256")

    def copy_to():
        user.copy_object(Bucket=new_bucket, Key="copied", CopySource={"Bucket": new_bucket, "Key": "clear"}, **sealed)

    def begin():
        user.create_multipart_upload(Bucket=new_bucket, Key="begun", **sealed)

    upload = owner.create_multipart_upload(Bucket=new_bucket, Key="m", **sealed)["UploadId"]
    into = {"Bucket": new_bucket, "Key": "m", "UploadId": upload}

    def part():
        return user.upload_part(PartNumber=1, Body=big, **into)["ETag"]

    def part_copy():
        user.upload_part_copy(PartNumber=2, CopySource=place, **into)

    def complete():
        etag = owner.upload_part(PartNumber=1, Body=big, **into)["ETag"]
        user.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}, **into)

    def head_checksum():
        user.head_object(ChecksumMode="ENABLED", **place)

    owner.put_object(Bucket=new_bucket, Key="clear", Body=b"c")
    writes, reads = (put, copy_to, begin), (get, copy_from, part, part_copy, complete)
    for call in (*writes, *reads):
        assert code(call) == FORBIDDEN, call.__name__
    assert code(head_checksum)[0] == 403
    assert user.head_object(**place)["ContentLength"] == len(big)
    writing = kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["GenerateDataKey"])
    for call in reads:
        assert code(call) == FORBIDDEN, call.__name__
    for call in writes:
        call()
    kms.revoke_grant(KeyId=key, GrantId=writing["GrantId"])
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])
    for call in writes:
        assert code(call) == FORBIDDEN, call.__name__
    head_checksum()
    assert get() == big
    for call in (copy_from, part, part_copy, complete):
        call()


def test_appends_ask_for_the_key(kms, key, person, arn, clients, new_bucket):
    owner = clients["oss-v4-tls"].bucket(new_bucket)
    owner.create_bucket()
    headers = {"x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": key.rsplit("/", 1)[1]}
    owner.append_object("a", 0, b"first", headers=headers)
    append = person.oss.bucket(new_bucket).append_object
    for _ in range(2):
        with pytest.raises(oss2.exceptions.OssError) as refused:
            append("a", 5, b"more")
        assert (refused.value.status, refused.value.code) == (403, "AccessDenied")
        assert "kms" in refused.value.message
        kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Encrypt"])
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])
    append("a", 5, b"more")
    assert owner.get_object("a").read() == b"firstmore"


def test_other_accounts_need_the_key_owners_consent(kms, key, stranger, clients, new_bucket):
    owner, other = clients["s3-v4-tls"].client, stranger.s3.client
    owner.create_bucket(Bucket=new_bucket)
    owner.put_object(Bucket=new_bucket, Key="k", Body=b"k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key, ACL="public-read")
    root = f"arn:aws:iam::{stranger.account}:root"
    everything = {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    resources = [f"arn:aws:s3:::{new_bucket}", f"arn:aws:s3:::{new_bucket}/*"]
    owner.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps({"Statement": [{**everything, "Resource": resources}]}))
    place = {"Bucket": new_bucket, "Key": "k"}
    # Neither a list nor a policy of the bucket reaches what is under a key, in whatever dialect, and be it only its head.
    assert code(other.get_object, **place) == FORBIDDEN
    assert code(other.head_object, **place)[0] == 403
    assert code(stranger.oss.get, new_bucket, "k") == FORBIDDEN
    assert code(stranger.obs.get, new_bucket, "k") == FORBIDDEN
    mine = {"ServerSideEncryption": "aws:kms"}
    assert code(other.put_object, Bucket=new_bucket, Key="w", Body=b"w", SSEKMSKeyId=key, **mine) == FORBIDDEN
    assert code(stranger.kms.encrypt, KeyId=key, Plaintext=b"x") == DENIED
    grant = kms.create_grant(KeyId=key, GranteePrincipal=root, Operations=["Decrypt", "GenerateDataKey", "DescribeKey"])
    assert other.get_object(**place)["Body"].read() == b"k"
    assert stranger.oss.get(new_bucket, "k") == b"k" and stranger.obs.get(new_bucket, "k") == b"k"
    other.put_object(Bucket=new_bucket, Key="w", Body=b"w", SSEKMSKeyId=key, **mine)
    assert owner.get_object(Bucket=new_bucket, Key="w")["Body"].read() == b"w"
    assert stranger.kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    assert code(stranger.kms.disable_key, KeyId=key) == DENIED
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert code(other.get_object, **place) == FORBIDDEN
    consent = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:Decrypt", "Resource": "*"}
    usual = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    usual["Statement"].append(consent)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(usual))
    assert other.get_object(**place)["Body"].read() == b"k"
    assert code(other.put_object, Bucket=new_bucket, Key="w", Body=b"w", SSEKMSKeyId=key, **mine) == FORBIDDEN


def test_the_default_key_is_the_uploaders(stranger, clients, new_bucket):
    """What a stranger uploads under its default key, the bucket's owner cannot read."""
    owner, other = clients["s3-v4-tls"].client, stranger.s3.client
    owner.create_bucket(Bucket=new_bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{new_bucket}/*"}
    owner.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps({"Statement": [statement]}))
    written = other.put_object(Bucket=new_bucket, Key="k", Body=b"k", ServerSideEncryption="aws:kms")
    assert f":{stranger.account}:" in written["SSEKMSKeyId"]
    assert other.get_object(Bucket=new_bucket, Key="k")["Body"].read() == b"k"
    assert code(owner.get_object, Bucket=new_bucket, Key="k") == FORBIDDEN


def test_grants_on_huaweis_face(server, person, stranger, clients, new_bucket):
    """To a user by name, and to a whole domain; under objects of its own dialect too."""
    kms = Huawei(server)
    key = kms.create_key(key_alias="rights-huawei")["key_info"]["key_id"]
    user, domain = (Huawei(server, *who.pair, project=default_project(server)) for who in (person, stranger))
    assert code(user.create_datakey, key_id=key) == (403, "KMS.0306")
    operations = ["create-datakey", "decrypt-datakey", "retire-grant"]
    grant = kms.create_grant(key_id=key, grantee_principal="rights-pat", operations=operations)["grant_id"]
    made = user.create_datakey(key_id=key)
    digits = str(len(made["plain_text"]) // 2)
    opened = user.decrypt_datakey(key_id=key, cipher_text=made["cipher_text"], datakey_cipher_length=digits)
    assert opened["data_key"] == made["plain_text"]
    assert code(user.disable_key, key_id=key)[0] == 403
    person.obs.create(new_bucket)
    sealed = obs.PutObjectHeader(sseHeader=obs.SseKmsHeader(encryption="kms", key=key))
    Obs.check(person.obs.client.putContent(new_bucket, "k", "k", headers=sealed))
    assert person.obs.get(new_bucket, "k") == b"k"
    user.cancel_self_grant(key_id=key, grant_id=grant)
    assert code(person.obs.get, new_bucket, "k") == FORBIDDEN
    number = f"{int(stranger.account):032x}"
    terms = {"grantee_principal": number, "grantee_principal_type": "domain", "operations": ["describe-key"]}
    assert code(domain.list_key_detail, key_id=key)[0] == 403
    kms.create_grant(key_id=key, **terms)
    assert domain.list_key_detail(key_id=key)["key_info"]["key_id"] == key


def test_policies_on_alibabas_face(server, person, account):
    kms, user = Alibaba(server), Alibaba(server, *person.pair)
    key = kms.CreateKey()["KeyMetadata"]["KeyId"]
    assert code(user.DescribeKey, KeyId=key) == (403, "Forbidden.NoPermission")
    usual = json.loads(kms.GetKeyPolicy(KeyId=key, PolicyName="default")["Policy"])
    principal = {"RAM": [f"acs:ram::1{account.rjust(15, '0')}:user/rights-pat"]}
    usual["Statement"].append({"Effect": "Allow", "Principal": principal, "Action": ["kms:DescribeKey"], "Resource": ["*"]})
    kms.SetKeyPolicy(KeyId=key, PolicyName="default", Policy=json.dumps(usual))
    assert user.DescribeKey(KeyId=key)["KeyMetadata"]["KeyId"] == key
    assert code(user.DisableKey, KeyId=key) == (403, "Forbidden.NoPermission")
    assert kms.DescribeKey(KeyId=key)["KeyMetadata"]["KeyId"] == key
    assert code(kms.SetKeyPolicy, KeyId=key, PolicyName="default", Policy='{"Version":"1"}')[0] == 400


def test_a_key_of_another_project_needs_its_name(server, kms, clients, stranger, new_bucket):
    """Its project must be named on every upload, in the head or the bucket's default; and it serves its owner alone."""
    key = Huawei(server, project=OTHER_PROJECT).create_key(key_alias="rights-project")["key_info"]["key_id"]
    client = clients["obs-tls"].client
    Obs.check(client.createBucket(new_bucket))

    def put(project, key_id=key):
        header = obs.PutObjectHeader(sseHeader=obs.SseKmsHeader(encryption="kms", key=key_id))
        extension = {"x-obs-sse-kms-key-project-id": project} if project else None
        return Obs.check(client.putContent(new_bucket, "k", "k", headers=header, extensionHeaders=extension))

    missing = (400, "KMS.NotFoundException")
    assert code(put, None) == missing and code(put, default_project(server)) == missing
    answer = dict(put(OTHER_PROJECT).header)
    assert answer["sse-kms-key-project-id"] == OTHER_PROJECT
    assert clients["obs-tls"].get(new_bucket, "k") == b"k"
    usual = kms.create_key()["KeyMetadata"]["KeyId"]
    put(None, usual), put(default_project(server), usual)
    assert code(put, OTHER_PROJECT, usual) == missing
    document = (
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>kms</SSEAlgorithm>"
        "<KMSMasterKeyID>{}</KMSMasterKeyID>{}</ApplyServerSideEncryptionByDefault></Rule>"
        "</ServerSideEncryptionConfiguration>"
    )

    def default(project):
        """Sets the bucket's default by a signed URL, since the SDK has no field for the project."""
        url = client.createSignedUrl("PUT", new_bucket, specialParam="encryption").signedUrl
        body = document.format(key, f"<ProjectID>{project}</ProjectID>" if project else "")
        assert requests.put(url, data=body, verify=server.ca, timeout=30).status_code == 200

    default(None)
    assert code(clients["obs-tls"].put, new_bucket, "d", b"d") == missing
    default(OTHER_PROJECT)
    clients["obs-tls"].put(new_bucket, "d", b"d")
    assert clients["obs-tls"].get(new_bucket, "d") == b"d"
    # Whatever is granted, others cannot use it.
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    root = f"arn:aws:iam::{stranger.account}:root"
    kms.create_grant(KeyId=arn, GranteePrincipal=root, Operations=["Decrypt", "GenerateDataKey"])
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{new_bucket}/*"}
    owner = clients["s3-v4-tls"].client
    owner.put_bucket_policy(Bucket=new_bucket, Policy=json.dumps({"Statement": [statement]}))
    assert code(stranger.obs.get, new_bucket, "k") == FORBIDDEN
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}
    assert code(stranger.s3.client.put_object, Bucket=new_bucket, Key="w", Body=b"w", **sealed)[0] in (400, 403)


def test_the_log_names_the_missing_permission(server, kms, key, person, clients, new_bucket):
    owner = clients["s3-v4-tls"].client
    owner.create_bucket(Bucket=new_bucket)
    owner.put_object(Bucket=new_bucket, Key="k", Body=b"k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    refused = pytest.raises(ClientError)
    with refused as caught:
        person.s3.client.get_object(Bucket=new_bucket, Key="k")
    request = caught.value.response["ResponseMetadata"]["RequestId"]
    (line,) = [line for line in server.log_text().splitlines() if request.lower() in line.lower()][-1:]
    assert "DecryptDataKey" in line and key.rsplit("/", 1)[1] in line
    assert "DecryptDataKey" not in str(caught.value.response), "the caller is not told"


@pytest.mark.parametrize("dialect", ["s3-v4-tls", "oss-v4-tls", "oss-second", "obs-tls", "obs-fallback"])
def test_head_and_list_make_no_key_service_call(server, clients, new_bucket, dialect):
    client = clients[dialect]
    client.create(new_bucket)

    def calls():
        return sum(value for name, value in server.metrics().items() if name.startswith("strongroom_key_service_calls"))

    # The account's default key is there before anything is counted.
    client.put(new_bucket, "first", b"k", "kms")
    before = calls()
    client.put(new_bucket, "k", b"k", "kms")
    assert calls() == before + 1
    client.head(new_bucket, "k", "kms")
    assert client.keys(new_bucket) == ["first", "k"]
    clients["s3-v4-tls"].client.list_object_versions(Bucket=new_bucket)
    assert calls() == before + 1
    client.get(new_bucket, "k", "kms")
    assert calls() <= before + 2
