"""Mails as they come over the wire, and the IMAP server as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.databases import ROOT

DANA = "Dana Whitfield <dana@northlight.example>"
QUESTION = "Hello,\n\nhow do I restore a file that I deleted?\n\nDana\n"


def a_mail(text: str = QUESTION, **headers: str) -> bytes:
    """A plain mail; a header of the value "" is left out, and _ in a name stands for a hyphen."""
    mail = EmailMessage()
    given = {
        "From": DANA,
        "To": "support@korvel.example",
        "Subject": "Deleted file",
        "Message_ID": "<1@northlight>",
    }
    for name, value in (given | headers).items():
        if value:
            mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


class Server:
    """The IMAP server over a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"imap://desk%40korvel.example@127.0.0.1:{port}/INBOX"

    def put(self, number: int, raw: bytes) -> None:
        """Let a mail arrive."""
        waiting = self.folder / f".{number}"
        waiting.write_bytes(raw)
        waiting.rename(self.folder / f"{number}.eml")

    def seen(self) -> set[int]:
        """The mails that are marked as seen."""
        return {int(uid) for uid, flags in self._told()["flags"].items() if "\\Seen" in flags}

    def fetched(self, uid: int) -> int:
        """How often a mail was fetched."""
        return int(self._told()["fetched"].get(str(uid), 0))

    def drop_the_next_fetch(self) -> None:
        (self.folder / "drop").touch()

    def _told(self) -> dict[str, Any]:
        file = self.folder / "flags.json"
        return json.loads(file.read_text()) if file.exists() else {"flags": {}, "fetched": {}}  # type: ignore[no-any-return]


@contextmanager
def an_imap_server(folder: Path) -> Iterator[Server]:
    """A server with an empty INBOX."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.tasks.border.intake.imap_server", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield Server(folder, int(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(10)
