"""Opens files of a task's workspace and of nowhere else, and only so much of them."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from agents.contract import Refused
from agents.prose.clean import UNREAD, clean
from agents.prose.encoding import decode

_OTHERS = (
    (b"{\\rtf", "RTF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "an archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)


@dataclass(frozen=True)
class Content:
    """A text file that was read. `cut` says that it was longer than allowed, `doubt` what of it could not be
    read for certain."""

    name: str
    text: str
    sha256: str
    cut: bool
    doubt: str = ""


def read_text(workspace: Path | None, name: str, most_bytes: int) -> Content:
    """Read a text file inside the workspace; `.gz` is unpacked. Raises `Refused` for anything else."""
    raw, cut = read_bytes(workspace, name, most_bytes)
    text, doubt = as_text(raw, name, cut=cut)
    return Content(name, text, hashlib.sha256(raw).hexdigest(), cut, doubt)


def read_bytes(workspace: Path | None, name: str, most_bytes: int) -> tuple[bytes, bool]:
    """The bytes of a file inside the workspace, `.gz` unpacked, and whether it had more. Raises `Refused`."""
    raw, cut = _read(workspace, name, most_bytes)
    return inflate(raw, most_bytes) if raw[:2] == b"\x1f\x8b" else (raw, cut)


def inflate(data: bytes, most_bytes: int) -> tuple[bytes, bool]:
    """Unpack gzip, every member of it, up to a size; whether there was more. Raises `Refused` if broken."""
    unpacked = bytearray()
    cut = False
    while data and not cut:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked += unpacker.decompress(data, most_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise Refused(f"The packed data is broken ({error}).") from None
        cut = len(unpacked) > most_bytes or not unpacker.eof
        data = unpacker.unused_data.lstrip(b"\0")  # members are padded with NUL where tapes were
        if not data.startswith(b"\x1f\x8b"):
            break
    return bytes(unpacked[:most_bytes]), cut


def as_text(raw: bytes, name: str, *declared: str, cut: bool = False) -> tuple[str, str]:
    """Decode text: (text, what is in doubt). Raises `Refused` for what is no text (pictures, archives)."""
    if what := next((what for mark, what in _OTHERS if raw.startswith(mark)), ""):
        raise Refused(f"{name!r} is not a text file but {what}. Save it as text or HTML and give that.")
    read = decode(raw, *declared, cut=cut)
    sample = read.text[:8_192]
    odd = sum((char < " " and char not in "\t\n\r\x0b\x0c\x1b") or char == UNREAD for char in sample)
    if odd * 50 > len(sample) + 50:
        raise Refused(f"{name!r} is not a text file. Text, Markdown, reStructuredText and HTML can be read.")
    return clean(read.text, len(raw) + 1), read.doubt


def _read(workspace: Path | None, name: str, most_bytes: int) -> tuple[bytes, bool]:
    path = _inside(workspace, name)
    try:
        # NONBLOCK: opening a FIFO without a writer would wait for ever before we could see what it is.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(
            f"Cannot read {name!r}: {error.strerror}. Read a file of the task's workspace."
        ) from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused(f"Cannot read {name!r}: it is not a regular file.")
        raw = file.read(most_bytes + 1)
    return raw[:most_bytes], len(raw) > most_bytes


def _inside(workspace: Path | None, name: str) -> Path:
    """The real path of a name, links followed, which must lie inside the workspace."""
    refused = Refused(
        f"Cannot read {name[:200]!r}: it lies outside the task's workspace. Name a file that came "
        "with the task."
    )
    if workspace is None or "\0" in name or "://" in name or not name.strip():
        raise refused
    try:
        root = workspace.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        inside = ".." not in Path(name).parts and not name.startswith("/")
        raise (
            Refused(f"Cannot read {name[:200]!r}: there is no such file in the task's workspace.")
            if inside
            else refused
        ) from None
    if not path.is_relative_to(root):
        raise refused
    return path
