"""The vendors' own SDKs behind one face, so that a scenario can be told once for every dialect.

A mode is a way of encrypting an object; `modes` lists those that the dialect can ask for in a request."""

import base64
import hashlib
import io

import alibabacloud_oss_v2
import boto3
import oss2
from alibabacloud_oss_v2 import models
from botocore.config import Config
from obs import CopyObjectHeader, GetObjectHeader, ObsClient, PutObjectHeader, SseCHeader, SseKmsHeader

import leaks
from strongroom import ACCESS_KEY, REGION, SECRET_KEY

CUSTOMER_KEY = hashlib.sha256(b"a customer's key").digest()
leaks.note(CUSTOMER_KEY, "a customer's key", for_good=True)


class Refused(Exception):
    """An answer that is not a success: the HTTP status and the dialect's code and message."""

    def __init__(self, status, code, message=""):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


def refused(operation, *arguments, **named):
    """The status and code with which an operation is refused."""
    try:
        answer = operation(*arguments, **named)
    except Refused as error:
        return error.status, error.code
    raise AssertionError(f"{operation} succeeded: {answer}")


class S3:
    """boto3."""

    modes = ("plain", "managed", "kms", "customer")

    def __init__(self, server, signature="s3v4", tls=False, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **more):
        self.name = f"s3-{signature}{'-tls' if tls else ''}"
        endpoint = f"https://127.0.0.1:{server.https}" if tls else f"http://127.0.0.1:{server.http}"
        settings = {"retries": {"max_attempts": 1}, "read_timeout": 120, **more}
        config = Config(signature_version=signature, s3={"addressing_style": "path"}, **settings)
        self.client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            verify=server.ca if tls else None,
            config=config,
        )

    def _call(self, operation, **arguments):
        try:
            return operation(**arguments)
        except self.client.exceptions.ClientError as error:
            described = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise Refused(status, described["Code"], described.get("Message", "")) from error

    @staticmethod
    def _read_arguments(mode):
        if mode == "customer":
            return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": CUSTOMER_KEY}
        return {}

    def _write_arguments(self, mode):
        return {
            "managed": {"ServerSideEncryption": "AES256"},
            "kms": {"ServerSideEncryption": "aws:kms"},
        }.get(mode, self._read_arguments(mode))

    def create(self, bucket):
        self._call(self.client.create_bucket, Bucket=bucket)

    def delete_bucket(self, bucket):
        self._call(self.client.delete_bucket, Bucket=bucket)

    def put(self, bucket, key, body, mode="plain", metadata=None):
        arguments = self._write_arguments(mode)
        return self._call(
            self.client.put_object, Bucket=bucket, Key=key, Body=body, Metadata=metadata or {}, **arguments
        )

    def get(self, bucket, key, mode="plain", first=None, last=None):
        arguments = self._read_arguments(mode)
        if first is not None:
            arguments["Range"] = f"bytes={first}-{last}"
        return self._call(self.client.get_object, Bucket=bucket, Key=key, **arguments)["Body"].read()

    def head(self, bucket, key, mode="plain"):
        answer = self._call(self.client.head_object, Bucket=bucket, Key=key, **self._read_arguments(mode))
        return answer["ResponseMetadata"]["HTTPHeaders"]

    def copy(self, source, key, bucket, target, mode="plain", source_mode="plain", metadata=None):
        arguments = self._write_arguments(mode)
        for name, value in self._read_arguments(source_mode).items():
            arguments[f"CopySource{name}"] = value
        if metadata is not None:
            arguments.update(Metadata=metadata, MetadataDirective="REPLACE")
        where = {"Bucket": source, "Key": key}
        return self._call(self.client.copy_object, Bucket=bucket, Key=target, CopySource=where, **arguments)

    def delete(self, bucket, key):
        self._call(self.client.delete_object, Bucket=bucket, Key=key)

    def keys(self, bucket, prefix=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return self._call(lambda: [item["Key"] for page in pages for item in page.get("Contents", [])])


class Oss:
    """oss2."""

    modes = ("plain", "managed", "managed-sm4", "kms", "kms-sm4", "customer")

    def __init__(self, server, version="v4", tls=False, access_key=ACCESS_KEY, secret_key=SECRET_KEY):
        self.name = f"oss-{version}{'-tls' if tls else ''}"
        self.endpoint = f"https://127.0.0.1:{server.https}" if tls else f"http://127.0.0.1:{server.http}"
        auth = {"v1": oss2.Auth, "v2": oss2.AuthV2, "v4": oss2.AuthV4}[version]
        self.auth = auth(access_key, secret_key)
        self.session = oss2.Session()
        if tls:
            # A bundle of authorities that the environment names would take precedence over the server's own.
            self.session.session.trust_env = False
            self.session.session.verify = server.ca

    def bucket(self, name):
        return oss2.Bucket(
            self.auth, self.endpoint, name, region="cn-hangzhou", session=self.session, connect_timeout=120
        )

    def service(self):
        return oss2.Service(self.auth, self.endpoint, region="cn-hangzhou", session=self.session)

    @staticmethod
    def call(operation, *arguments, **named):
        try:
            return operation(*arguments, **named)
        except oss2.exceptions.OssError as error:
            raise Refused(error.status, error.code, error.message) from error

    @staticmethod
    def read_headers(mode):
        if mode != "customer":
            return {}
        prefix = "x-oss-server-side-encryption-customer"
        return {
            f"{prefix}-algorithm": "AES256",
            f"{prefix}-key": base64.b64encode(CUSTOMER_KEY).decode(),
            f"{prefix}-key-MD5": base64.b64encode(hashlib.md5(CUSTOMER_KEY).digest()).decode(),
        }

    def headers(self, mode):
        values = {"managed": "AES256", "managed-sm4": "SM4", "kms": "KMS", "kms-sm4": "KMS"}
        headers = self.read_headers(mode)
        if mode in values:
            headers["x-oss-server-side-encryption"] = values[mode]
        if mode == "kms-sm4":
            headers["x-oss-server-side-data-encryption"] = "SM4"
        return headers

    def create(self, bucket):
        self.call(self.bucket(bucket).create_bucket)

    def delete_bucket(self, bucket):
        self.call(self.bucket(bucket).delete_bucket)

    def put(self, bucket, key, body, mode="plain", metadata=None):
        headers = self.headers(mode)
        headers.update({f"x-oss-meta-{name}": value for name, value in (metadata or {}).items()})
        return self.call(self.bucket(bucket).put_object, key, body, headers=headers)

    def get(self, bucket, key, mode="plain", first=None, last=None):
        span = None if first is None else (first, last)
        return self.call(self.bucket(bucket).get_object, key, byte_range=span, headers=self.read_headers(mode)).read()

    def head(self, bucket, key, mode="plain"):
        return self.call(self.bucket(bucket).head_object, key, headers=self.read_headers(mode)).headers

    def copy(self, source, key, bucket, target, mode="plain", source_mode="plain", metadata=None):
        headers = self.headers(mode)
        for name, value in self.read_headers(source_mode).items():
            headers[name.replace("x-oss-", "x-oss-copy-source-")] = value
        if metadata is not None:
            headers["x-oss-metadata-directive"] = "REPLACE"
            headers.update({f"x-oss-meta-{name}": value for name, value in metadata.items()})
        return self.call(self.bucket(bucket).copy_object, source, key, target, headers=headers)

    def delete(self, bucket, key):
        self.call(self.bucket(bucket).delete_object, key)

    def keys(self, bucket, prefix=""):
        return [item.key for item in oss2.ObjectIteratorV2(self.bucket(bucket), prefix=prefix)]


def second_sdk(endpoint):
    """alibabacloud-oss-v2 itself. It tries once."""
    config = alibabacloud_oss_v2.config.load_default()
    config.credentials_provider = alibabacloud_oss_v2.credentials.StaticCredentialsProvider(ACCESS_KEY, SECRET_KEY)
    config.region, config.endpoint, config.retry_max_attempts = "cn-hangzhou", endpoint, 1
    return alibabacloud_oss_v2.Client(config)


class OssSecond(Oss):
    """alibabacloud-oss-v2, the SDK that comes after oss2; what it is not asked for here, oss2 does."""

    def __init__(self, server):
        super().__init__(server)
        self.name = "oss-second"
        self.sdk = second_sdk(self.endpoint)

    @staticmethod
    def ask(operation, request):
        """What the SDK answers; its errors are told as those of the others."""
        try:
            return operation(request)
        except alibabacloud_oss_v2.exceptions.OperationError as error:
            cause = error.unwrap()
            if not isinstance(cause, alibabacloud_oss_v2.exceptions.ServiceError):
                raise
            raise Refused(cause.status_code, cause.code, cause.message) from error

    def create(self, bucket):
        self.ask(self.sdk.put_bucket, models.PutBucketRequest(bucket))

    def delete_bucket(self, bucket):
        self.ask(self.sdk.delete_bucket, models.DeleteBucketRequest(bucket))

    def put(self, bucket, key, body, mode="plain", metadata=None):
        request = models.PutObjectRequest(bucket, key, body=body, metadata=metadata, headers=self.headers(mode))
        return self.ask(self.sdk.put_object, request)

    def get(self, bucket, key, mode="plain", first=None, last=None):
        span = None if first is None else f"bytes={first}-{last}"
        request = models.GetObjectRequest(bucket, key, range_header=span, headers=self.read_headers(mode))
        return self.ask(self.sdk.get_object, request).body.content

    def head(self, bucket, key, mode="plain"):
        request = models.HeadObjectRequest(bucket, key, headers=self.read_headers(mode))
        return self.ask(self.sdk.head_object, request).headers

    def copy(self, source, key, bucket, target, mode="plain", source_mode="plain", metadata=None):
        headers = self.headers(mode)
        for name, value in self.read_headers(source_mode).items():
            headers[name.replace("x-oss-", "x-oss-copy-source-")] = value
        request = models.CopyObjectRequest(
            bucket,
            target,
            source_bucket=source,
            source_key=key,
            metadata=metadata,
            metadata_directive=None if metadata is None else "REPLACE",
            headers=headers,
        )
        return self.ask(self.sdk.copy_object, request)

    def delete(self, bucket, key):
        self.ask(self.sdk.delete_object, models.DeleteObjectRequest(bucket, key))

    def keys(self, bucket, prefix=""):
        pages = self.sdk.list_objects_v2_paginator()
        listed = lambda request: [item.key for page in pages.iter_page(request) for item in page.contents or []]
        return self.ask(listed, models.ListObjectsV2Request(bucket, prefix=prefix))


class Obs:
    """esdk-obs-python: with virtual hosts in the OBS dialect, or as it falls back on an IP address (V2, x-amz-)."""

    modes = ("plain", "managed", "kms", "kms-sm4", "customer")

    def __init__(self, server, virtual=True, tls=False, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **more):
        self.name = f"obs-{'virtual' if virtual else 'fallback'}{'-tls' if tls else ''}"
        self.prefix = "x-obs-" if virtual else "x-amz-"
        if not virtual:
            # The fallback has no header for the data cipher: what it calls SSE-KMS is AES-256.
            self.modes = ("plain", "managed", "kms", "customer")
        host = "localhost" if virtual else "127.0.0.1"
        port = server.https if tls else server.http
        self.client = ObsClient(
            access_key_id=access_key,
            secret_access_key=secret_key,
            server=f"{'https' if tls else 'http'}://{host}:{port}",
            ssl_verify=server.ca if tls else False,
            max_retry_count=0,
            **more,
        )

    @staticmethod
    def check(answer):
        if answer.status >= 300:
            raise Refused(answer.status, answer.errorCode, answer.errorMessage)
        return answer

    @staticmethod
    def _sse(mode):
        return {
            "managed": SseKmsHeader(encryption="AES256"),
            "kms": SseKmsHeader(encryption="kms"),
            "kms-sm4": SseKmsHeader(encryption="kms"),
            "customer": SseCHeader(encryption="AES256", key=CUSTOMER_KEY),
        }.get(mode)

    def create(self, bucket):
        self.check(self.client.createBucket(bucket))

    def delete_bucket(self, bucket):
        self.check(self.client.deleteBucket(bucket))

    def put(self, bucket, key, body, mode="plain", metadata=None):
        extension = {f"{self.prefix}server-side-data-encryption": "SM4"} if mode == "kms-sm4" else None
        header = PutObjectHeader(sseHeader=self._sse(mode))
        content = io.BytesIO(body)
        header.contentLength = len(body)
        return self.check(
            self.client.putContent(
                bucket, key, content, metadata=metadata, headers=header, extensionHeaders=extension
            )
        )

    def get(self, bucket, key, mode="plain", first=None, last=None):
        header = GetObjectHeader(range=None if first is None else f"{first}-{last}")
        if mode == "customer":
            header.sseHeader = self._sse(mode)
        answer = self.check(self.client.getObject(bucket, key, loadStreamInMemory=True, headers=header))
        return answer.body.buffer or b""

    def head(self, bucket, key, mode="plain"):
        sse = self._sse(mode) if mode == "customer" else None
        return dict(self.check(self.client.getObjectMetadata(bucket, key, sseHeader=sse)).header)

    def copy(self, source, key, bucket, target, mode="plain", source_mode="plain", metadata=None):
        extension = {f"{self.prefix}server-side-data-encryption": "SM4"} if mode == "kms-sm4" else {}
        if source_mode == "customer":
            # The SDK spells a key of bytes as Python does, `b'…'`, when it is the source's.
            prefix = f"{self.prefix}copy-source-server-side-encryption-customer-"
            encode = lambda value: base64.b64encode(value).decode()
            extension[f"{prefix}algorithm"] = "AES256"
            extension[f"{prefix}key"] = encode(CUSTOMER_KEY)
            extension[f"{prefix}key-MD5"] = encode(hashlib.md5(CUSTOMER_KEY).digest())
        header = CopyObjectHeader(destSseHeader=self._sse(mode))
        header.directive = "COPY" if metadata is None else "REPLACE"
        return self.check(
            self.client.copyObject(
                source, key, bucket, target, metadata=metadata, headers=header, extensionHeaders=extension
            )
        )

    def delete(self, bucket, key):
        self.check(self.client.deleteObject(bucket, key))

    def keys(self, bucket, prefix=""):
        found, marker = [], None
        while True:
            page = self.check(self.client.listObjects(bucket, prefix=prefix or None, marker=marker)).body
            found += [item.key for item in page.contents]
            if not page.is_truncated:
                return found
            marker = page.next_marker
