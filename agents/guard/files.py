"""Opens files of a task's workspace and of nowhere else, and only so much of them."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from agents.contract import Refused
from agents.prose.clean import clean


@dataclass(frozen=True)
class Content:
    """A text file that was read. `cut` says that it was longer than allowed."""

    name: str
    text: str
    sha256: str
    cut: bool


def read_text(workspace: Path | None, name: str, most_bytes: int) -> Content:
    """Read a text file inside the workspace; `.gz` is unpacked. Raises `Refused` for anything else."""
    raw, cut = _read(workspace, name, most_bytes)
    if raw[:2] == b"\x1f\x8b":
        raw, cut = inflate(raw, most_bytes)
    return Content(name, as_text(raw, name), hashlib.sha256(raw).hexdigest(), cut)


def inflate(data: bytes, most_bytes: int) -> tuple[bytes, bool]:
    """Unpack gzip up to a size; whether there was more. Raises `Refused` for broken data."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, most_bytes)
    except zlib.error as error:
        raise Refused(f"The packed data is broken ({error}).") from None
    return unpacked, bool(unpacker.unconsumed_tail) or not unpacker.eof


def as_text(raw: bytes, name: str) -> str:
    """Decode text. Raises `Refused` for what is no text (pictures, archives, programs)."""
    sample = raw[:8_192]
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return clean(raw.decode("utf-16", "replace"))
    control = sum(byte < 9 or (13 < byte < 32 and byte != 27) for byte in sample)
    if b"\0" in sample or control * 50 > len(sample) or sample.startswith((b"%PDF", b"PK\x03\x04")):
        raise Refused(f"{name!r} is not a text file. Text, Markdown, reStructuredText and HTML can be read.")
    for tail in range(4):  # the cut may have split the last character
        try:
            return clean(raw[: len(raw) - tail].decode("utf-8"), len(raw) + 1)
        except UnicodeDecodeError:
            continue
    return clean(raw.decode("latin-1"), len(raw) + 1)  # old files; every byte is a character in it


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
