"""A real tree of files under bucket-default SSE-KMS with SM4: what comes down is what went up."""

import hashlib

import pytest
from oss2.models import ServerSideEncryptionRule

from real_tree import real_tree

FILES_MIN = 2_000
FILES_MAX = 2_500


def test_a_real_tree(clients, new_bucket):
    files = real_tree(FILES_MAX)
    if len(files) < FILES_MIN:
        pytest.fail(f"only {len(files)} files to try with")
    writer, reader = clients["oss-v4"], clients["s3-v4"]
    writer.create(new_bucket)
    rule = ServerSideEncryptionRule()
    rule.sse_algorithm, rule.kms_data_encryption = "KMS", "SM4"
    writer.bucket(new_bucket).put_bucket_encryption(rule)
    digests = {}
    for path, key in files:
        body = path.read_bytes()
        digests[key] = hashlib.sha256(body).hexdigest()
        answer = writer.put(new_bucket, key, body)
        assert answer.headers["x-oss-server-side-data-encryption"] == "SM4"
    assert sorted(reader.keys(new_bucket), key=str.encode) == sorted(digests, key=str.encode)
    for key, expected in digests.items():
        assert hashlib.sha256(reader.get(new_bucket, key)).hexdigest() == expected, key
