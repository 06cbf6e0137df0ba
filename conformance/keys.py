"""Clients of the key service, one for each vendor's face, all of one server and one account."""

import boto3
from botocore.config import Config

from strongroom import ACCESS_KEY, REGION, SECRET_KEY


def aws(server, access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION):
    """boto3's client of AWS KMS."""
    return boto3.client(
        "kms",
        endpoint_url=f"http://127.0.0.1:{server.kms}",
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"max_attempts": 1}),
    )
