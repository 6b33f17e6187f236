"""Mailboxes on this machine: an mbox file, a Maildir folder, a single mail."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.prose.mail import is_mailbox, split
from tasks.machine import Refused

MOST_BYTES = 30_000_000  # of one mail; the rest is left out


@dataclass
class Lying:
    """A mail that was read from a file."""

    raw: bytes
    _mark: Callable[[], None] = lambda: None

    def seen(self) -> None:
        """Mark it in its mailbox, where that can be done."""
        self._mark()


class Single:
    """One mail in a file of its own. It is left as it is."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def letters(self) -> Iterator[Lying]:
        """The mail."""
        with self.path.open("rb") as file:
            yield Lying(file.read(MOST_BYTES))

    def close(self) -> None:
        """There is nothing to let go of."""


class Mbox:
    """An mbox file. It is only read: other programs may be writing to it, and the keys tell what is new."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)
        self._read: tuple[int, int] = (0, 0)  # size and time at which it was read to its end

    def letters(self) -> Iterator[Lying]:
        """All mails of the file; none where it has not changed since they were taken."""
        found = self.path.stat()
        now = (found.st_size, found.st_mtime_ns)
        if now == self._read:
            return
        with self.path.open("rb") as file:
            if now[0]:  # an empty file cannot be mapped
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as box:
                    yield from (Lying(raw[:MOST_BYTES]) for raw in split(box))
        self._read = now

    def close(self) -> None:
        """There is nothing to let go of."""


class Maildir:
    """A Maildir folder. A mail that was taken moves from `new` to `cur` and is marked as seen."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def letters(self) -> Iterator[Lying]:
        """What is not marked as seen, oldest first."""
        waiting = [
            path
            for folder in ("new", "cur")
            for path in (self.path / folder).iterdir()
            if path.is_file() and not path.name.startswith(".") and "S" not in path.name.partition(":2,")[2]
        ]
        for path in sorted(waiting, key=lambda path: (path.stat().st_mtime_ns, path.name)):
            with suppress(FileNotFoundError):  # another program has moved it; it is found under its new name
                with path.open("rb") as file:
                    raw = file.read(MOST_BYTES)
                yield Lying(raw, lambda path=path: self._seen(path))  # type: ignore[misc]

    def _seen(self, path: Path) -> None:
        base, _, flags = path.name.partition(":2,")
        with suppress(FileNotFoundError):
            os.rename(path, self.path / "cur" / f"{base}:2,{''.join(sorted({*flags, 'S'}))}")

    def close(self) -> None:
        """There is nothing to let go of."""


def find(source: str) -> Single | Mbox | Maildir:
    """The mailbox at a path. Refused where there is none."""
    path = Path(source).expanduser()
    if path.is_dir():
        if (path / "new").is_dir() and (path / "cur").is_dir():
            return Maildir(path)
        raise Refused(
            f"Cannot read mail from {source}: a Maildir folder has `new` and `cur`. Name one of those."
        )
    if not path.is_file():
        raise Refused(
            f"Cannot read mail from {source}: nothing is there. Name an mbox file, a Maildir folder, an .eml "
            "file or imaps://user@host/folder."
        )
    with path.open("rb") as file:
        begins = is_mailbox(file.read(10_000))
    return Mbox(path) if begins or path.suffix.lower() in (".mbox", ".mbx") else Single(path)
