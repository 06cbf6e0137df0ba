"""The examples of the README, as pasted."""

import os
import re
import subprocess
import sys

import pytest

from strongroom import ACCESS_KEY, ROOT, SECRET_KEY

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_there_is_an_example_for_every_dialect():
    assert [re.search(r"import (oss2|boto3)|from (obs)", text).group() for text in EXAMPLES] == [
        "from obs",
        "import oss2",
        "import boto3",
    ]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_works_as_pasted(server, number):
    text = EXAMPLES[number].replace("127.0.0.1:9000", f"127.0.0.1:{server.http}")
    keys = {"STRONGROOM_ROOT_ACCESS_KEY": ACCESS_KEY, "STRONGROOM_ROOT_SECRET_KEY": SECRET_KEY}
    done = subprocess.run(
        [sys.executable, "-c", text], env={**os.environ, **keys}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout


def test_the_commands_of_the_readme(server):
    made = server.command("key", "create", "--spec", "sm4", "--alias", "readme")
    assert made["spec"] == "SM4"
    assert any(key["id"] == made["id"] for key in server.command("key", "list")["keys"])
    assert server.command("user", "create", "readme")["secret_key"]
    server.command("user", "delete", "readme")
