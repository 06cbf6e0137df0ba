"""What a disk holds after the power goes: the storage calls of a process, recorded by strace, and images built from them.

The model is stricter than the file systems in use. Data of a file is on the disk once a sync of that file, begun after the write had
ended, has ended. A name is on the disk once a sync of its folder has. Everything else may be there, or not, or, for data, in
part: any of its sectors of 512 bytes.
"""

import os
import re

SECTOR = 512

TRACED = (
    "openat,open,creat,mkdir,mkdirat,close,dup,dup2,dup3,fcntl,write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,"
    "truncate,fallocate,fsync,fdatasync,syncfs,sync,msync,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,"
    "unlinkat,rmdir,copy_file_range,sendfile,splice"
)

# Enough for any write of the server.
STRING_BYTES = 1 << 24

_LINE = re.compile(r"^(\d+) +(\d+\.\d+) (.*)$", re.S)
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.S)
_CALL = re.compile(r"^(\w+)\((.*)\) += +(-?\d+|\?)(?:<[^>]*>)?.*?(?:<(\d+\.\d+)>)?$", re.S)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


def strace(log):
    """What to put before a command to have it recorded."""
    return ["strace", "-f", "-qq", "-ttt", "-T", "-xx", "-s", str(STRING_BYTES), "-e", f"trace={TRACED}",
            "-e", "signal=none", "-o", str(log)]


class File:
    """A file or folder: what was done to it, in order."""

    def __init__(self, folder):
        self.folder = folder
        # (begun, ended, kind, offset, bytes or length)
        self.changes = []
        # (begun, ended) of every sync
        self.syncs = []
        self.length = 0


class Recording:
    """The calls below `root`, parsed."""

    def __init__(self, log, root):
        self.root = os.path.realpath(root)
        self.files = [File(folder=True)]
        # (begun, ended, kind, path, file): changes of names, in order
        self.names = []
        self.current = {self.root: 0}
        self.descriptors = {}
        unfinished = {}
        with open(log, encoding="ascii", errors="replace") as lines:
            for line in lines:
                pid, time, rest = _LINE.match(line.rstrip("\n")).groups()
                time = float(time)
                resumed = _RESUMED.match(rest)
                if rest.endswith("<unfinished ...>"):
                    head = rest[: -len("<unfinished ...>")].rstrip()
                    unfinished[pid] = (time, head)
                    if head.startswith("close("):
                        # The number is free before the call returns: another thread may have it by then.
                        self._close(time, time, head[len("close(") :], 0)
                    continue
                begun = time
                if resumed:
                    begun, head = unfinished.pop(pid)
                    if head.startswith("close("):
                        continue
                    rest = head + resumed.group(2)
                call = _CALL.match(rest)
                if call is None:
                    continue
                name, arguments, result, took = call.groups()
                if result == "?" or int(result) < 0:
                    continue
                ended = time if resumed else begun + float(took or 0)
                self._take(begun, ended, name, arguments, int(result))

    def _take(self, begun, ended, name, arguments, result):
        handler = getattr(self, f"_{name}", None)
        assert handler or name in ("sync_file_range", "msync"), f"{name} is not modelled"
        if handler:
            handler(begun, ended, arguments, result)

    # Names.

    def _path(self, arguments, nth=0):
        """The nth path among the arguments, made absolute by the descriptor before it."""
        found = list(_TEXT.finditer(arguments))[nth]
        assert not found.group(2), "a string was cut off"
        text = bytes.fromhex(found.group(1).replace("\\x", "")).decode()
        before = arguments[: found.start()].rstrip(", ").rsplit(",", 1)[-1].strip()
        number = re.match(r"^(\d+)", before)
        if not text.startswith("/") and number:
            holder = self.descriptors.get(int(number.group(1)))
            text = os.path.join(holder["path"], text) if holder else "/outside/" + text
        return os.path.normpath(text)

    def _inside(self, path):
        return path == self.root or path.startswith(self.root + "/")

    def _make(self, begun, ended, path, folder):
        self.files.append(File(folder))
        self.current[path] = len(self.files) - 1
        self.names.append((begun, ended, "make", path, len(self.files) - 1))

    def _openat(self, begun, ended, arguments, result):
        path = self._path(arguments)
        if not self._inside(path):
            self.descriptors.pop(result, None)
            return
        if path not in self.current:
            assert "O_CREAT" in arguments, f"{path} was opened and never made"
            self._make(begun, ended, path, folder=False)
        file = self.current[path]
        self.descriptors[result] = {"file": file, "path": path, "at": 0, "append": "O_APPEND" in arguments}
        if "O_TRUNC" in arguments and self.files[file].length:
            self._cut(begun, ended, file, 0)

    _open = _openat

    def _mkdirat(self, begun, ended, arguments, _):
        path = self._path(arguments)
        if self._inside(path) and path not in self.current:
            self._make(begun, ended, path, folder=True)

    _mkdir = _mkdirat

    def _renameat2(self, begun, ended, arguments, _):
        old, new = self._path(arguments, 0), self._path(arguments, 1)
        if not self._inside(old):
            return
        file = self.current.pop(old)
        self.current[new] = file
        if self.files[file].folder:
            for path in [path for path in self.current if path.startswith(old + "/")]:
                self.current[new + path[len(old):]] = self.current.pop(path)
        self.names.append((begun, ended, "rename", (old, new), file))

    _rename = _renameat = _renameat2

    def _linkat(self, begun, ended, arguments, _):
        old, new = self._path(arguments, 0), self._path(arguments, 1)
        if self._inside(new):
            self.current[new] = self.current[old]
            self.names.append((begun, ended, "make", new, self.current[old]))

    _link = _linkat

    def _unlinkat(self, begun, ended, arguments, _):
        path = self._path(arguments)
        if self._inside(path):
            self.names.append((begun, ended, "remove", path, self.current.pop(path)))

    _unlink = _rmdir = _unlinkat

    # Descriptors.

    def _number(self, arguments):
        return int(re.match(r"^(\d+)", arguments).group(1))

    def _close(self, _begun, _ended, arguments, _result):
        self.descriptors.pop(self._number(arguments), None)

    def _dup(self, _begun, _ended, arguments, result):
        if self._number(arguments) in self.descriptors:
            self.descriptors[result] = self.descriptors[self._number(arguments)]

    _dup2 = _dup3 = _dup

    def _fcntl(self, begun, ended, arguments, result):
        if "F_DUPFD" in arguments:
            self._dup(begun, ended, arguments, result)

    def _lseek(self, _begun, _ended, arguments, result):
        if self._number(arguments) in self.descriptors:
            self.descriptors[self._number(arguments)]["at"] = result

    # Data.

    def _data(self, arguments, result):
        pieces = []
        for found in _TEXT.finditer(arguments):
            assert not found.group(2), "a write was cut off"
            pieces.append(bytes.fromhex(found.group(1).replace("\\x", "")))
        return b"".join(pieces)[:result]

    def _put(self, begun, ended, descriptor, offset, data):
        file = self.files[descriptor["file"]]
        file.changes.append((begun, ended, "write", offset, data))
        file.length = max(file.length, offset + len(data))

    def _write(self, begun, ended, arguments, result):
        descriptor = self.descriptors.get(self._number(arguments))
        if descriptor:
            offset = self.files[descriptor["file"]].length if descriptor["append"] else descriptor["at"]
            self._put(begun, ended, descriptor, offset, self._data(arguments, result))
            descriptor["at"] = offset + result

    _writev = _write

    def _pwrite64(self, begun, ended, arguments, result):
        descriptor = self.descriptors.get(self._number(arguments))
        if descriptor:
            offset = int(arguments.rsplit(",", 1)[1])
            self._put(begun, ended, descriptor, offset, self._data(arguments, result))

    def _cut(self, begun, ended, file, length):
        self.files[file].changes.append((begun, ended, "length", 0, length))
        self.files[file].length = length

    def _ftruncate(self, begun, ended, arguments, _):
        descriptor = self.descriptors.get(self._number(arguments))
        if descriptor:
            self._cut(begun, ended, descriptor["file"], int(arguments.rsplit(",", 1)[1]))

    def _fallocate(self, begun, ended, arguments, _):
        descriptor = self.descriptors.get(self._number(arguments))
        if descriptor:
            _, mode, offset, length = [part.strip() for part in arguments.split(",")]
            assert mode == "0", f"fallocate mode {mode} is not modelled"
            file = self.files[descriptor["file"]]
            if int(offset) + int(length) > file.length:
                self._cut(begun, ended, descriptor["file"], int(offset) + int(length))

    def _fsync(self, begun, ended, arguments, _):
        descriptor = self.descriptors.get(self._number(arguments))
        if descriptor:
            self.files[descriptor["file"]].syncs.append((begun, ended))

    _fdatasync = _fsync

    # Images.

    def image(self, cut, target, choose):
        """Writes what the disk holds if the power goes at `cut` into `target`. `choose` says of each change that no sync has
        covered whether it is there: True, False, or "torn"."""
        names = self._names_at(cut, choose)
        for path, file in sorted(names.items()):
            place = os.path.join(target, os.path.relpath(path, self.root))
            if self.files[file].folder:
                os.makedirs(place, exist_ok=True)
                continue
            if not os.path.isdir(os.path.dirname(place)):
                continue
            with open(place, "wb") as out:
                self._data_at(self.files[file], cut, choose, out)
            os.chmod(place, 0o600)

    def _is_synced(self, file, ended, cut):
        return any(begun >= ended and done <= cut for begun, done in file.syncs)

    def _names_at(self, cut, choose):
        names = {self.root: 0}
        live = {self.root: 0}
        dropped = False
        for begun, ended, kind, path, file in self.names:
            if begun > cut:
                break
            paths = path if kind == "rename" else (path,)
            folders = [live.get(os.path.dirname(place)) for place in paths]
            if kind == "rename":
                live[paths[1]] = live.pop(paths[0])
            elif kind == "make":
                live[path] = file
            else:
                live.pop(path)
            synced = [folder is not None and self._is_synced(self.files[folder], ended, cut) for folder in folders]
            # Names change in order: what comes behind a change that was dropped is dropped as well, unless it was synced.
            if not synced[-1] and (dropped or not choose("name")):
                dropped = True
                continue
            if kind == "remove":
                names.pop(path, None)
                continue
            names[paths[-1]] = file
            # A file that was given another name is known by both until the folder of the first is synced, too.
            if kind == "rename" and (synced[0] or choose("name")):
                names.pop(paths[0], None)
        return names

    def _data_at(self, file, cut, choose, out):
        for begun, ended, kind, offset, value in file.changes:
            if begun > cut:
                break
            there = self._is_synced(file, ended, cut) or choose("data")
            if not there:
                continue
            if kind == "length":
                out.truncate(value)
                continue
            whole = there is True
            for start in range(0, len(value), SECTOR if not whole else max(len(value), 1)):
                piece = value[start : start + SECTOR] if not whole else value
                if whole or choose("sector"):
                    out.seek(offset + start)
                    out.write(piece)
