"""Browser forms of every dialect, as the SDKs make them, and by hand where an SDK makes none."""

import base64
import datetime
import hashlib
import hmac
import json

import requests

from clients import CUSTOMER_KEY, Obs
from strongroom import ACCESS_KEY, REGION, SECRET_KEY

CUSTOMER = {
    "customer-algorithm": "AES256",
    "customer-key": base64.b64encode(CUSTOMER_KEY).decode(),
    "customer-key-MD5": base64.b64encode(hashlib.md5(CUSTOMER_KEY).digest()).decode(),
}


def encoded(policy):
    return base64.b64encode(json.dumps(policy).encode()).decode()


def expiration(seconds):
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return until.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def sha1(secret, text):
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def scoped(secret, scope, text):
    """The signature of the fourth generation: a key derived for each word of the scope in turn."""
    key = secret.encode()
    for word in [*scope, text]:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key.hex()


class Maker:
    """Makes signed forms of one dialect; `reader` names the client that reads what they write."""

    prefix, methods, acl, tls = "x-amz-", {"managed": "AES256", "kms": "aws:kms"}, "acl", False

    def __init__(self, server, clients):
        self.server, self.client, self.client_s3 = server, clients[self.reader], clients["s3-v4"]

    def fields(self, mode):
        name = f"{self.prefix}server-side-encryption"
        if mode == "customer":
            return {f"{name}-{suffix}": value for suffix, value in CUSTOMER.items()}
        fields = {name: self.methods[mode]} if mode in self.methods else {}
        if mode.endswith("-sm4") and mode != "managed-sm4":
            fields[f"{self.prefix}server-side-data-encryption"] = "SM4"
        return fields

    @property
    def modes(self):
        return ("plain", "customer", *self.methods)

    def url(self, bucket):
        return f"http://{bucket}.localhost:{self.server.http}/"

    def post(self, url, fields, body, name="file name.txt", kind="text/plain", **named):
        verify = self.server.ca if url.startswith("https:") else None
        files = {"file": (name, body, kind)}
        return requests.post(url, data=fields, files=files, verify=verify, allow_redirects=False, timeout=120, **named)


class Boto(Maker):
    """boto3's `generate_presigned_post`."""

    def make(self, bucket, key, fields=None, more=(), seconds=300, uncovered=None):
        fields = dict(fields or {})
        conditions = [{name: value} for name, value in fields.items()] + list(more)
        made = self.client.client.generate_presigned_post(bucket, key, fields, conditions, seconds)
        return made["url"], made["fields"] | (uncovered or {})


class BotoV4(Boto):
    name, reader, signature = "s3-v4", "s3-v4", "x-amz-signature"


class BotoV4Tls(Boto):
    name, reader, signature = "s3-v4-tls", "s3-v4-tls", "x-amz-signature"


class BotoV2(Boto):
    name, reader, signature = "s3-v2", "s3-v2", "signature"


class Huawei(Maker):
    """esdk-obs-python's `createPostSignature`, on a host with a name: the OBS dialect."""

    name, reader, signature = "obs", "obs", "signature"
    prefix, methods = "x-obs-", {"managed": "AES256", "kms": "kms", "kms-sm4": "kms"}
    access_key = "AccessKeyId"

    def make(self, bucket, key, fields=None, more=(), seconds=300, uncovered=None):
        parameters = dict(fields or {})
        made = self.client.client.createPostSignature(bucket, key, seconds, parameters)
        policy, signature = made.policy, made.signature
        if more:
            document = json.loads(made.originPolicy)
            document["conditions"] += more
            policy = encoded(document)
            signature = sha1(SECRET_KEY, policy)
        signed = {self.access_key: made.accessKeyId, "policy": policy, "signature": signature}
        return self.url(bucket), {"key": key, **parameters, **signed, **(uncovered or {})}


class HuaweiToken(Huawei):
    """The same, all of the signature in one field."""

    name, signature = "obs-token", "token"

    def make(self, *arguments, **named):
        url, fields = super().make(*arguments, **named)
        parts = [fields.pop(name) for name in (self.access_key, "signature", "policy")]
        return url, {**fields, "token": ":".join(parts)}


class HuaweiFallback(Huawei):
    """The same as the SDK falls back on an IP address: S3's V2."""

    name, reader, access_key = "obs-fallback", "obs-fallback", "AWSAccessKeyId"
    prefix, methods = "x-amz-", {"managed": "AES256", "kms": "aws:kms"}

    def url(self, bucket):
        return f"http://127.0.0.1:{self.server.http}/{bucket}"


class HuaweiV4(Maker):
    """The same SDK told to sign by V4."""

    name, reader, signature = "obs-v4", "obs-v4", "x-amz-signature"

    def __init__(self, server, clients):
        super().__init__(server, clients | {"obs-v4": Obs(server, virtual=False, signature="v4", region=REGION)})

    def make(self, bucket, key, fields=None, more=(), seconds=300, uncovered=None):
        made = self.client.client.createPostSignature(bucket, key, seconds, dict(fields or {}))
        document = json.loads(made.originPolicy)
        document["conditions"] += more
        policy = encoded(document)
        signature = scoped(f"AWS4{SECRET_KEY}", made.credential.split("/")[1:], policy)
        signed = {
            # The SDK computes it, and drops it from what it answers.
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": made.credential,
            "x-amz-date": made.date,
            "policy": policy if more else made.policy,
            "x-amz-signature": signature if more else made.signature,
        }
        return self.url(bucket), {"key": key, **(fields or {}), **signed, **(uncovered or {})}

    def url(self, bucket):
        return f"http://127.0.0.1:{self.server.http}/{bucket}"


class Alibaba(Maker):
    """Forms of OSS, V1, as its documents make them; oss2 makes none."""

    name, reader, signature = "oss-v1", "oss-v1", "Signature"
    prefix, acl = "x-oss-", "x-oss-object-acl"
    methods = {"managed": "AES256", "managed-sm4": "SM4", "kms": "KMS", "kms-sm4": "KMS"}

    def make(self, bucket, key, fields=None, more=(), seconds=300, uncovered=None):
        conditions = [{"bucket": bucket}, ["eq", "$key", key] if "${" not in key else ["starts-with", "$key", ""]]
        conditions += [{name: value} for name, value in (fields or {}).items()] + list(more)
        signed = self.signed({"expiration": expiration(seconds), "conditions": conditions})
        return self.url(bucket), {"key": key, **(fields or {}), **signed, **(uncovered or {})}

    def signed(self, policy):
        text = encoded(policy)
        return {"OSSAccessKeyId": ACCESS_KEY, "policy": text, "Signature": sha1(SECRET_KEY, text)}


class AlibabaV4(Alibaba):
    """Forms of OSS, V4."""

    name, reader, signature = "oss-v4", "oss-v4", "x-oss-signature"

    def signed(self, policy):
        now = datetime.datetime.now(datetime.UTC)
        scope = [now.strftime("%Y%m%d"), "cn-hangzhou", "oss", "aliyun_v4_request"]
        fields = {
            "x-oss-signature-version": "OSS4-HMAC-SHA256",
            "x-oss-credential": "/".join([ACCESS_KEY, *scope]),
            "x-oss-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        policy["conditions"] += [{name: value} for name, value in fields.items()]
        text = encoded(policy)
        return {**fields, "policy": text, "x-oss-signature": scoped(f"aliyun_v4{SECRET_KEY}", scope, text)}


MAKERS = {
    maker.name: maker
    for maker in (BotoV4, BotoV4Tls, BotoV2, Huawei, HuaweiToken, HuaweiFallback, HuaweiV4, Alibaba, AlibabaV4)
}
