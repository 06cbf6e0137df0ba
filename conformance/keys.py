"""Clients of the key service, one for each vendor's face, all of one server and one account."""

import importlib
import json

import boto3
import requests
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from botocore.config import Config
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkkms.v2 import KmsClient, model

import leaks
from strongroom import ACCESS_KEY, REGION, SECRET_KEY


def token(server, identity):
    """The answer of the small identity service to who asks for a token by `identity`."""
    document = {"auth": {"identity": identity}}
    return requests.post(f"http://127.0.0.1:{server.kms}/v3/auth/tokens", json=document, timeout=30)


def default_project(server, access_key=ACCESS_KEY, secret_key=SECRET_KEY):
    """The id of an account's default project."""
    pair = {"access": {"key": access_key}, "secret": {"key": secret_key}}
    return token(server, {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}).json()["token"]["project"]["id"]



def aws(server, access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION):
    """boto3's client of AWS KMS."""
    client = boto3.client(
        "kms",
        endpoint_url=f"http://127.0.0.1:{server.kms}",
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"max_attempts": 1}),
    )
    client.meta.events.register("provide-client-params.kms", lambda params, **_: leaks.note_fields(params, "a request"))
    client.meta.events.register("after-call.kms", lambda parsed, **_: leaks.note_fields(parsed, "an answer"))
    return client


class Refused(Exception):
    """What a face said in place of an answer."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Alibaba:
    """aliyun-python-sdk-kms: `client.CreateKey(Description="x")` sends a `CreateKeyRequest`."""

    def __init__(self, server, access_key=ACCESS_KEY, secret_key=SECRET_KEY):
        self.client = AcsClient(access_key, secret_key, REGION, auto_retry=False)
        self.endpoint = f"127.0.0.1:{server.kms}"

    def __getattr__(self, action):
        module = importlib.import_module(f"aliyunsdkkms.request.v20160120.{action}Request")

        def call(**parameters):
            request = getattr(module, f"{action}Request")()
            request.set_endpoint(self.endpoint)
            request.set_protocol_type("http")
            request.set_accept_format("JSON")
            leaks.note_fields(parameters, "a request")
            for name, value in parameters.items():
                getattr(request, f"set_{name}")(value)
            try:
                answer = json.loads(self.client.do_action_with_exception(request))
            except ServerException as error:
                raise Refused(error.http_status, error.error_code, error.message) from error
            leaks.note_fields(answer, "an answer")
            return answer

        return call


class Huawei:
    """huaweicloudsdkkms: `client.create_key(key_alias="x")` sends a `CreateKeyRequest` with that body."""

    def __init__(self, server, access_key=ACCESS_KEY, secret_key=SECRET_KEY, project=None):
        credentials = BasicCredentials(access_key, secret_key, project or default_project(server))
        endpoint = f"http://127.0.0.1:{server.kms}"
        self.client = KmsClient.new_builder().with_credentials(credentials).with_endpoint(endpoint).build()

    def call(self, operation, request, **fields):
        """Sends `<request>Request` with a body of those fields, or with them as parameters if it has no body."""
        leaks.note_fields(fields, "a request")
        kind = getattr(model, f"{request}Request")
        if "body" in kind.openapi_types:
            body = getattr(model, kind.openapi_types["body"])
            path = {name: fields.pop(name) for name in list(fields) if name in kind.openapi_types}
            sent = kind(body=body(**fields), **path)
        else:
            sent = kind(**fields)
        try:
            answer = getattr(self.client, operation)(sent).to_dict()
        except ClientRequestException as error:
            raise Refused(error.status_code, error.error_code, error.error_msg) from error
        leaks.note_fields(answer, "an answer")
        return answer

    def __getattr__(self, operation):
        request = "".join(part.capitalize() for part in operation.split("_"))
        return lambda **fields: self.call(operation, request, **fields)
