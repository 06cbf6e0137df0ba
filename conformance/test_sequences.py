"""Random sequences of everything that changes an object, each step in a dialect and by a method of its own, against a model in
memory: bodies, sizes, versions, listings, what encrypts, and what is refused while a key is disabled.

`STRONGROOM_SEQUENCES=500` tries as many sequences of other steps than those that are always tried."""

import os
import random
from dataclasses import dataclass, field

import pytest

from clients import Refused
from keys import aws
from test_append import append
from test_copy import told
from test_uploads import ByObs, ByOss, ByS3, body, least
from test_versions import ObsFace, OssFace, S3Face, everything

MORE = int(os.environ.get("STRONGROOM_SEQUENCES", "0"))
SEEDS = range(1000, 1000 + MORE) if MORE else range(12)
STEPS = 100
CLIENTS = ["s3-v4", "oss-v1", "oss-v4", "obs", "obs-fallback"]
GROWERS = [name for name in CLIENTS if not name.startswith("s3")]
MODES = ["plain", "plain", "managed", "managed-sm4", "kms", "kms-sm4", "customer"]
KEYS = ["a b", "dir/ü"]
SIZES = [0, 1, 5_000, 65_536, 65_537, 150_000]
PART_SIZES = [1, 70_000, 110_000, 110_001]
FACES = {"s3": S3Face, "os": OssFace, "ob": ObsFace}
UPLOADERS = {"s3": ByS3, "os": ByOss, "ob": ByObs}


@dataclass
class Sealed:
    """How something is encrypted."""

    mode: str
    # The master key, if it is one that the sequence made.
    key: str | None = None


@dataclass
class Version:
    """One version of an object; a delete marker has no body."""

    id: str
    body: bytes | None
    sealed: Sealed = field(default_factory=lambda: Sealed("plain"))
    metadata: str | None = None
    # Who appends to it, and asking for what.
    grows: tuple | None = None


@dataclass
class Upload:
    client: str
    key: str
    id: str
    mode: str
    sealed: Sealed
    parts: dict = field(default_factory=dict)


class Sequence:
    """One bucket, two master keys, and what should be in them."""

    def __init__(self, server, clients, bucket, seed):
        self.server, self.every, self.bucket = server, clients, bucket
        self.chance = random.Random(seed)
        # Made in the dialect that gives a new bucket no default of its own.
        clients["obs"].create(bucket)
        self.kms = aws(server)
        self.masters = [self.kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
        self.disabled = set()
        self.versioning = None
        self.default = None
        self.histories = {key: [] for key in KEYS}
        self.uploads = []
        self.steps = []
        # Appending is for buckets that never kept versions: half of the sequences have one.
        switches = [] if seed % 2 else [(2, self.switch_versions)]
        self.weighted = switches + [
            (8, self.put),
            (6, self.append),
            (6, self.copy),
            (3, self.begin_upload),
            (9, self.write_part),
            (5, self.complete),
            (1, self.abort),
            (3, self.delete),
            (3, self.delete_version),
            (5, self.change_default),
            (5, self.switch_key),
            (8, self.read),
            (4, self.read_version),
            (4, self.look),
            (2, self.list_versions),
            (1, self.list_uploads),
        ]

    def run(self):
        for _ in range(STEPS):
            [step] = self.chance.choices([it for _, it in self.weighted], [weight for weight, _ in self.weighted])
            step()
            present = sorted(key for key in KEYS if self.latest(key))
            assert self.any_client(CLIENTS)[1].keys(self.bucket) == present
        self.all_reads_back()

    def all_reads_back(self):
        """Whatever it came to, in every dialect, once the keys are enabled."""
        for key in self.disabled:
            self.kms.enable_key(KeyId=key)
        self.disabled.clear()
        for name in CLIENTS:
            self.list_versions(name)
            for key in KEYS:
                self.look(name, key)
                self.read(name, key)

    # What is drawn.

    def any(self, choices):
        return self.chance.choice(choices)

    def any_client(self, names, wanted=None):
        name = wanted or self.any(names)
        return name, self.every[name]

    def any_body(self, sizes):
        return body(self.any(sizes), self.chance.randrange(250))

    def any_mode(self, client):
        """A mode that the dialect has."""
        return self.any([mode for mode in MODES if mode in client.modes])

    def note(self, *what):
        self.steps.append(what)

    # What is asked, and what should come of it.

    def sealed(self, mode):
        return Sealed(mode) if mode != "plain" else self.default or Sealed("plain")

    def latest(self, key):
        history = self.histories[key]
        return history[0] if history and history[0].body is not None else None

    def expect(self, works, call, *arguments, **named):
        """What the call answers; none if it is refused, as it should be. A fault, or no answer, is no refusal."""
        try:
            answer = call(*arguments, **named)
        except Refused as refused:
            assert not works and 400 <= refused.status < 500, f"refused, and should not be, or not so: {refused}"
            return None
        assert works, f"it should be refused: {answer}"
        return answer

    def usable(self, *sealed):
        return not any(it.key in self.disabled for it in sealed)

    def added(self, key, version):
        """A version on top of the others, in the way of the bucket."""
        history = self.histories[key]
        if self.versioning != "Enabled":
            version.id = "null"
            history[:] = [it for it in history if it.id != "null"]
        else:
            listed, _ = everything(self.face("oss-v4"), self.bucket, prefix=key)
            [version.id] = [it.version for it in listed if it.key == key and it.is_latest]
            assert version.id not in {it.id for it in history}, "every version has an id of its own"
        history.insert(0, version)

    def face(self, client):
        return FACES[client[:2]](self.every[client])

    def mode_of(self, client, mode):
        """The mode, or one that the dialect has."""
        return mode if mode in self.every[client].modes else "kms"

    # Writing.

    def put(self):
        name, client = self.any_client(CLIENTS)
        key, text, mode = self.any(KEYS), self.any_body(SIZES), self.any_mode(client)
        sealed, metadata = self.sealed(mode), f"colour-{len(self.steps)}"
        self.note("put", name, key, len(text), mode)
        if self.expect(self.usable(sealed), client.put, self.bucket, key, text, mode, {"m": metadata}) is not None:
            self.added(key, Version("", text, sealed, metadata))

    def append(self):
        if self.versioning:
            return
        key, text = self.any(KEYS), self.any_body(SIZES)
        found = self.latest(key)
        name, client = self.any_client(GROWERS, found and found.grows and found.grows[0])
        mode = found.grows[1] if found and found.grows else self.any_mode(client)
        sealed = found.sealed if found else self.sealed(mode)
        works = self.usable(sealed) and (found is None or found.grows is not None)
        position = len(found.body) if found else 0
        self.note("append", name, key, position, len(text), mode)
        if self.expect(works, append, client, self.bucket, key, position, text, mode) is None:
            return
        if found:
            found.body += text
        else:
            self.added(key, Version("", text, sealed, grows=(name, mode)))

    def copy(self):
        name, client = self.any_client(CLIENTS)
        source, to = self.chance.sample(KEYS, 2)
        found, mode = self.latest(source), self.any_mode(client)
        sealed = self.sealed(mode)
        named = {"source_mode": "customer"} if found and found.sealed.mode == "customer" else {}
        works = found is not None and self.usable(found.sealed, sealed)
        self.note("copy", name, source, to, mode)
        if self.expect(works, client.copy, self.bucket, source, self.bucket, to, mode, **named):
            self.added(to, Version("", found.body, sealed, found.metadata))

    # Uploads in parts.

    def uploader(self, name):
        return UPLOADERS[name[:2]](self.every[name])

    def begin_upload(self):
        name, client = self.any_client(CLIENTS)
        key, mode = self.any(KEYS), self.any_mode(client)
        sealed = self.sealed(mode)
        self.note("begin", name, key, mode)
        if upload := self.expect(self.usable(sealed), self.uploader(name).begin, self.bucket, key, mode):
            self.uploads.append(Upload(name, key, upload, mode, sealed))

    def write_part(self):
        if not self.uploads:
            return
        upload, number, text = self.any(self.uploads), self.any([1, 2, 3]), self.any_body(PART_SIZES)
        named = (self.bucket, upload.key, upload.id, number, text, upload.mode)
        self.note("part", upload.client, upload.id, number, len(text))
        if tag := self.expect(self.usable(upload.sealed), self.uploader(upload.client).part, *named):
            upload.parts[number] = (tag, text)

    def complete(self):
        ready = [upload for upload in self.uploads if upload.parts]
        if not ready:
            return
        upload = self.any(ready)
        parts = sorted(upload.parts.items())
        large = all(len(text) >= least(self.every[upload.client]) for _, (_, text) in parts[:-1])
        named = [(number, tag) for number, (tag, _) in parts]
        works = large and self.usable(upload.sealed)
        self.note("complete", upload.client, upload.id, upload.key)
        call = self.uploader(upload.client).complete
        if self.expect(works, call, self.bucket, upload.key, upload.id, named):
            self.uploads.remove(upload)
            self.added(upload.key, Version("", b"".join(text for _, (_, text) in parts), upload.sealed))

    def abort(self):
        if not self.uploads:
            return
        upload = self.any(self.uploads)
        self.note("abort", upload.client, upload.id)
        self.uploader(upload.client).abort(self.bucket, upload.key, upload.id)
        self.uploads.remove(upload)

    # Deleting.

    def delete(self):
        name, key = self.any(CLIENTS), self.any(KEYS)
        self.note("delete", name, key)
        self.face(name).delete(self.bucket, key)
        if self.versioning is None:
            self.histories[key].clear()
        else:
            self.added(key, Version("", None))

    def delete_version(self):
        every = [(key, version) for key, history in self.histories.items() for version in history]
        if not every:
            return
        name, (key, version) = self.any(CLIENTS), self.any(every)
        self.note("delete version", name, key, version.id)
        self.face(name).delete(self.bucket, key, version.id)
        self.histories[key].remove(version)

    # What goes on around.

    def switch_versions(self):
        name, status = self.any(CLIENTS), self.any(["Enabled", "Suspended"])
        self.note("versioning", name, status)
        self.face(name).switch(self.bucket, status)
        self.versioning = status

    def change_default(self):
        to = self.any([None, Sealed("managed"), *(Sealed("kms", master) for master in self.masters)])
        self.note("default", to)
        self.default = to
        if to is None:
            oss = self.every["oss-v4"]
            oss.call(oss.bucket(self.bucket).delete_bucket_encryption)
            return
        by = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": to.key} if to.key else {"SSEAlgorithm": "AES256"}
        rules = [{"ApplyServerSideEncryptionByDefault": by}]
        s3 = self.every["s3-v4"].client
        s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def switch_key(self):
        key = self.any(self.masters)
        self.note("switch", key)
        if key in self.disabled:
            self.kms.enable_key(KeyId=key)
            self.disabled.remove(key)
        else:
            self.kms.disable_key(KeyId=key)
            self.disabled.add(key)

    # Reading.

    def read(self, name=None, key=None):
        name, client = self.any_client(CLIENTS, name)
        key = key or self.any(KEYS)
        found = self.latest(key)
        mode = "customer" if found and found.sealed.mode == "customer" else "plain"
        self.note("read", name, key)
        works = found is not None and self.usable(found.sealed)
        text = self.expect(works, client.get, self.bucket, key, mode)
        if text is None:
            return
        assert text == found.body
        if text:
            first = self.chance.randrange(len(text))
            last = first + self.chance.randrange(70_000)
            assert client.get(self.bucket, key, mode, first, last) == text[first : last + 1], (first, last)

    def read_version(self):
        every = [(key, it) for key, history in self.histories.items() for it in history if it.body is not None]
        if not every:
            return
        name, (key, version) = self.any(CLIENTS), self.any(every)
        mode = "customer" if version.sealed.mode == "customer" else "plain"
        self.note("read version", name, key, version.id)
        call = self.face(name).get
        answer = self.expect(self.usable(version.sealed), call, self.bucket, key, version.id, mode)
        assert answer is None or answer[0] == version.body

    def look(self, name=None, key=None):
        name, client = self.any_client(CLIENTS, name)
        key = key or self.any(KEYS)
        found = self.latest(key)
        mode = "customer" if found and found.sealed.mode == "customer" else "plain"
        self.note("look", name, key)
        head = self.expect(found is not None, client.head, self.bucket, key, mode)
        if head is None:
            return
        head = {field.lower(): value for field, value in dict(head).items()}
        assert int(head["content-length"]) == len(found.body)
        assert found.metadata is None or found.metadata in head.values()
        if found.sealed.mode in client.modes:
            assert told(head) == found.sealed.mode

    def list_versions(self, name=None):
        name = name or self.any(CLIENTS)
        self.note("list", name)
        listed, _ = everything(self.face(name), self.bucket)
        expected = {
            (key, version.id, place == 0, version.body is None)
            for key, history in self.histories.items()
            for place, version in enumerate(history)
        }
        assert {tuple(it) for it in listed} == expected and len(listed) == len(expected)

    def list_uploads(self):
        name = self.any(CLIENTS)
        self.note("list uploads", name)
        uploads = self.uploader(name).uploads(self.bucket)
        assert sorted(uploads) == sorted((upload.key, upload.id) for upload in self.uploads)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_sequence(seed, server, clients, new_bucket):
    sequence = Sequence(server, clients, new_bucket, seed)
    try:
        sequence.run()
    except Exception as error:
        error.add_note("\n".join(map(str, sequence.steps)))
        raise
