"""The examples of the README, as pasted."""

import os
import re
import subprocess
import sys

import pytest

from strongroom import ACCESS_KEY, ROOT, SECRET_KEY, Strongroom

README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^\$ strongroom (.+)$", README, re.MULTILINE)


def test_there_is_an_example_for_every_dialect():
    assert [re.search(r"import (oss2|boto3)|from (obs)", text).group() for text in EXAMPLES] == [
        "from obs",
        "import oss2",
        "import boto3",
    ]


def run(server, example):
    text = example.replace("127.0.0.1:9000", f"127.0.0.1:{server.http}")
    keys = {"STRONGROOM_ROOT_ACCESS_KEY": ACCESS_KEY, "STRONGROOM_ROOT_SECRET_KEY": SECRET_KEY}
    done = subprocess.run(
        [sys.executable, "-c", text], env={**os.environ, **keys}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_works_as_pasted(server, number):
    run(server, EXAMPLES[number])


def test_the_commands_work_as_pasted():
    server = Strongroom().start()
    try:
        # One of them describes what the example of S3 has written.
        run(server, EXAMPLES[-1])
        made, listed, user, described = (server.command(*line.split()) for line in COMMANDS)
    finally:
        server.stop()
    assert made["spec"] == "SM4" and made["id"] in [key["id"] for key in listed["keys"]]
    assert user["name"] == "alice" and user["secret_key"]
    assert (described["bucket"], described["key"]) == ("s3-example", "greeting")
