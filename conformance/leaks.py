"""Secrets that the tests share with a server: each is noted as it passes, and looked for in all that a server leaves.

What is noted of itself: what the CLI answers, headers with keys of customers and with tokens, and what the clients of the
key service send and get as plaintext. A test notes what it draws itself by `note`."""

import base64
import http.client
import re
import urllib.parse

# Shorter texts are no secrets of anybody's, and would be found by chance.
BYTES_MIN = 16
# The bodies of refusals that are kept, of each process of the tests.
REFUSALS_BYTES_MAX = 64 << 20

_SECRET_HEADERS = re.compile(r"customer-key$|security-token$|^x-auth-token$|^x-subject-token$|^authorization$")
_SECRET_FIELDS = re.compile(r"^(secret_key|token|plain_?text|data_key)$", re.IGNORECASE)

# What to look for: what it is, and when it was last seen, in notes.
_needles = {}
_notes = 0
_refusals = bytearray()


def note(secret, what, for_good=False):
    """`secret` is one: as it is, and in the ways in which bytes are written. It is looked for in what servers leave that began
    before, and in any if it is one `for_good`."""
    global _notes
    _notes += 1
    when = float("inf") if for_good else _notes
    raw = secret.encode() if isinstance(secret, str) else bytes(secret)
    if len(raw) < BYTES_MIN:
        return
    forms = [raw]
    if isinstance(secret, str):
        for decode in (bytes.fromhex, lambda text: base64.b64decode(text, validate=True)):
            try:
                forms.append(decode(secret))
            except ValueError:
                pass
    for form in [form for form in forms if len(form) >= BYTES_MIN]:
        for needle in {form, *(written.encode() for written in _spellings(form))}:
            _needles[needle] = (what, max(when, _needles.get(needle, ("", 0))[1]))


def _spellings(form):
    """As logs and errors write bytes: in hex, as lists of numbers, in base64, and that in a URL, or in one within one."""
    digits, text = form.hex(), base64.b64encode(form).decode()
    in_url = urllib.parse.quote(text.rstrip("="), safe="")
    return {
        digits,
        digits.upper(),
        str(list(form)),
        ", ".join(f"{byte:02x}" for byte in form),
        text.rstrip("="),
        base64.urlsafe_b64encode(form).decode().rstrip("="),
        in_url,
        urllib.parse.quote(in_url, safe=""),
    }


def noted():
    """How many secrets were noted so far: what a server is searched for begins there."""
    return _notes


def note_fields(document, what):
    """What is secret in the fields of an answer."""
    for name, value in (document or {}).items():
        if _SECRET_FIELDS.search(name) and isinstance(value, (str, bytes)):
            note(value, f"{name} of {what}")


def _note_header(name, value):
    name = name.decode("latin-1") if isinstance(name, bytes) else name
    value = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if not _SECRET_HEADERS.search(name.lower()):
        return
    if name.lower() == "authorization":
        # A signature is shown to whoever made it; what a bearer bears is the secret itself.
        scheme, _, value = value.partition(" ")
        if scheme.lower() != "bearer":
            return
    note(value, f"the header {name}")
    # A token of the identity service is an access key's id, which may be seen, its secret and its security token.
    for part in value.split(".")[1:]:
        note(part, f"a part of the header {name}")


def watch():
    """Notes the secret headers of every request and answer from now on, and keeps what refusals say."""
    asking, answering = http.client.HTTPConnection, http.client.HTTPResponse
    putheader, begin, read = asking.putheader, answering.begin, answering.read

    def noting_putheader(self, name, *values):
        for value in values:
            _note_header(name, value)
        return putheader(self, name, *values)

    def noting_begin(self):
        begin(self)
        for name, value in self.headers.items():
            _note_header(name, value)

    def keeping_read(self, *arguments, **named):
        data = read(self, *arguments, **named)
        if data and (self.status or 0) >= 400:
            assert len(_refusals) < REFUSALS_BYTES_MAX, "more refusals than are searched"
            _refusals.extend(data)
        return data

    asking.putheader, answering.begin, answering.read = noting_putheader, noting_begin, keeping_read


def found_in(data, since=0):
    """Which secrets, of those noted after so many, are in these bytes, each with what stands before it."""
    found = {}
    for needle, (what, when) in list(_needles.items()):
        at = data.find(needle) if when > since else -1
        if at >= 0:
            found[what] = bytes(data[max(0, at - 160) : at])
    return found


def refusals():
    """The bodies of all refusals that were read."""
    return bytes(_refusals)
