"""Programs that check every digest for themselves, from Debian packages: rclone, restic, s3cmd, s3fs.

Each works on a bucket whose default encryption is SSE-KMS with SM4 or a managed key, so that nothing it reads back was stored in
the clear.
"""

import contextlib
import filecmp
import os
import pathlib
import shutil
import subprocess
import time

import boto3
import pytest

from real_tree import real_tree
from strongroom import ACCESS_KEY, REGION, SECRET_KEY

FILES_MAX = 120
SECONDS_MAX = 300


@pytest.fixture
def tree(tmp_path):
    """A folder with some of the machine's own files, an empty one, and names that need escaping."""
    root = tmp_path / "tree"
    for path, name in real_tree(FILES_MAX):
        copy = root / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for name in ("empty", "a space", "plus+and&and=", "日本語.txt", "percent%20", "deep/er/still"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * (name != "empty"))
    (root / "several-parts.bin").write_bytes(os.urandom(1 << 20) * 23)
    return root


ENCRYPTIONS = {
    "aes": "AES256",
    "kms": "aws:kms",
}


@pytest.fixture(params=list(ENCRYPTIONS))
def method(request):
    """The word for how the bucket encrypts."""
    return ENCRYPTIONS[request.param]


@pytest.fixture
def encrypted_bucket(method, server, new_bucket):
    """A bucket whose objects are sealed though the programs ask for nothing."""
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server.http}",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name=REGION,
    )
    client.create_bucket(Bucket=new_bucket)
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": method}}]
    client.put_bucket_encryption(Bucket=new_bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    return new_bucket


def run(*line, env=None, **named):
    """Runs a program that must succeed, and returns what it says."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, **named)
    assert done.returncode == 0, f"{line}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    return done.stdout + done.stderr


def assert_same(left, right):
    """Both folders hold the same files with the same bytes."""
    names = sorted(str(path.relative_to(left)) for path in left.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(right)) for path in right.rglob("*") if path.is_file())
    same, different, failed = filecmp.cmpfiles(left, right, names, shallow=False)
    assert (different, failed) == ([], []) and len(same) == len(names)


@pytest.mark.parametrize("provider", ["HuaweiOBS", "Alibaba", "AWS"])
def test_rclone(server, method, encrypted_bucket, tree, tmp_path, provider):
    remote = {
        "RCLONE_CONFIG": str(tmp_path / "empty.conf"),
        "RCLONE_CONFIG_R_TYPE": "s3",
        "RCLONE_CONFIG_R_PROVIDER": provider,
        "RCLONE_CONFIG_R_ACCESS_KEY_ID": ACCESS_KEY,
        "RCLONE_CONFIG_R_SECRET_ACCESS_KEY": SECRET_KEY,
        "RCLONE_CONFIG_R_ENDPOINT": f"http://localhost:{server.http}",
        "RCLONE_CONFIG_R_REGION": REGION,
        # For these providers rclone puts the bucket into the host's name, which few machines can resolve below localhost:
        # as a proxy the server is sent those names as they are.
        "http_proxy": f"http://127.0.0.1:{server.http}",
        # What rclone is not told of, it takes a tag for an MD5.
        "RCLONE_CONFIG_R_SERVER_SIDE_ENCRYPTION": method,
        "RCLONE_CONFIG_R_UPLOAD_CUTOFF": "8M",
        "RCLONE_CONFIG_R_CHUNK_SIZE": "5M",
    }
    (tmp_path / "empty.conf").touch()
    there = f"r:{encrypted_bucket}/some/where"
    run("rclone", "sync", str(tree), there, env=remote)
    run("rclone", "check", "--download", str(tree), there, env=remote)
    (tree / "empty").unlink()
    (tree / "a space").write_text("changed")
    run("rclone", "sync", str(tree), there, env=remote)
    run("rclone", "check", "--download", str(tree), there, env=remote)
    run("rclone", "copyto", f"{there}/several-parts.bin", f"r:{encrypted_bucket}/copied", env=remote)
    back = tmp_path / "back"
    run("rclone", "sync", there, str(back), env=remote)
    assert_same(tree, back)
    run("rclone", "purge", there, env=remote)
    assert run("rclone", "lsf", "--recursive", there, env=remote).strip() == ""


def test_restic(server, encrypted_bucket, tree, tmp_path):
    repository = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "RESTIC_REPOSITORY": f"s3:http://127.0.0.1:{server.http}/{encrypted_bucket}/backup",
        "RESTIC_PASSWORD": "a password of restic's own",
        "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
    }
    run("restic", "init", env=repository)
    run("restic", "backup", ".", env=repository, cwd=tree)
    (tree / "added later").write_text("more")
    run("restic", "backup", ".", env=repository, cwd=tree)
    run("restic", "check", "--read-data", env=repository)
    back = tmp_path / "back"
    run("restic", "restore", "latest", "--target", str(back), env=repository)
    assert_same(tree, back)
    run("restic", "forget", "--keep-last", "1", "--prune", env=repository)
    run("restic", "check", "--read-data", env=repository)


def test_s3cmd(server, encrypted_bucket, tree, tmp_path):
    configuration = tmp_path / "s3cmd.ini"
    configuration.write_text(
        f"""[default]
access_key = {ACCESS_KEY}
secret_key = {SECRET_KEY}
host_base = 127.0.0.1:{server.http}
host_bucket = 127.0.0.1:{server.http}
bucket_location = {REGION}
use_https = False
multipart_chunk_size_mb = 5
"""
    )

    def s3cmd(*arguments):
        return run("s3cmd", "-c", str(configuration), "--no-progress", *arguments)

    there = f"s3://{encrypted_bucket}/tree/"
    s3cmd("sync", f"{tree}/", there)
    back = tmp_path / "back"
    back.mkdir()
    s3cmd("sync", there, f"{back}/")
    assert_same(tree, back)
    s3cmd("cp", f"{there}several-parts.bin", f"s3://{encrypted_bucket}/copied")
    s3cmd("mv", f"{there}a space", f"s3://{encrypted_bucket}/moved")
    assert "several-parts.bin" in s3cmd("ls", "--recursive", there)
    s3cmd("del", "--recursive", "--force", f"s3://{encrypted_bucket}/")
    s3cmd("rb", f"s3://{encrypted_bucket}")


@contextlib.contextmanager
def mounted(server, bucket, folder, passwords):
    """The bucket as a folder."""
    passwords.write_text(f"{ACCESS_KEY}:{SECRET_KEY}")
    passwords.chmod(0o600)
    folder.mkdir()
    options = [
        f"passwd_file={passwords}",
        f"url=http://127.0.0.1:{server.http}",
        f"endpoint={REGION}",
        "use_path_request_style",
        "multipart_size=5",
        "singlepart_copy_limit=10",
    ]
    run("s3fs", bucket, str(folder), *(word for option in options for word in ("-o", option)))
    try:
        deadline = time.monotonic() + 20
        while not os.path.ismount(folder):
            assert time.monotonic() < deadline, "s3fs does not mount"
            time.sleep(0.1)
        yield folder
    finally:
        run("fusermount3", "-u", "-z", str(folder))


def change(root):
    """Renames, appends, writes into the middle of a file in several parts, and shortens another."""
    os.rename(root / "a space", root / "renamed")
    with open(root / "renamed", "ab") as file:
        file.write(b" and appended to")
    shutil.copyfile(root / "several-parts.bin", root / "shortened.bin")
    # s3fs copies the parts that it has not changed. (By its path alone, unopened, s3fs 1.90 shortens a file to zeros: it sends
    # them without having asked for the bytes.)
    with open(root / "several-parts.bin", "r+b") as file:
        file.seek(11_000_000)
        file.write(b"changed")
    with open(root / "shortened.bin", "r+b") as file:
        file.truncate(7_000_000)


def can_mount():
    """Whether the machine lets this user mount what a program serves."""
    device = pathlib.Path("/dev/fuse")
    return device.exists() and os.access(device, os.R_OK | os.W_OK)


@pytest.mark.skipif(not can_mount(), reason="no access to /dev/fuse here")
def test_s3fs(server, encrypted_bucket, tree, tmp_path):
    with mounted(server, encrypted_bucket, tmp_path / "mount", tmp_path / "passwords") as mount:
        shutil.copytree(tree, mount / "tree", copy_function=shutil.copyfile)
        change(mount / "tree")
    change(tree)
    with mounted(server, encrypted_bucket, tmp_path / "again", tmp_path / "passwords") as mount:
        assert_same(tree, mount / "tree")
        shutil.rmtree(mount / "tree")
        assert list(mount.iterdir()) == []
