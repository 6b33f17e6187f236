"""A mailbox on an IMAP server: reads what is not marked as seen, by UID, and marks it once it was taken.

`imaps://user@host:993/folder`, or `imap://` where the server offers STARTTLS or is on this machine. The
password is never part of the address: it comes from IMAP_PASSWORD or the file that IMAP_PASSWORD_FILE names.
"""

from __future__ import annotations

import imaplib
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from agents.environment import UnreadableFile, value
from agents.prose.clean import one_line
from tasks.machine import Refused

SECONDS = 60.0  # for any one answer of the server
MOST_BYTES = 30_000_000  # of one mail; the rest is left out
PASSWORD = "IMAP_PASSWORD"
HERE = ("localhost", "127.0.0.1", "::1")
#: What ends a connection: a new one may work. `imaplib.IMAP4.abort` is one of IMAP4.error.
LOST = (OSError, imaplib.IMAP4.abort)


@dataclass
class Lying:
    """A mail on the server."""

    raw: bytes
    _box: Imap
    _uid: bytes

    def seen(self) -> None:
        """Mark it as seen on the server."""
        self._box.mark(self._uid)


class Imap:
    """One folder of one account. Connects at the first look and again after a connection was lost."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Refused(
                f"Cannot read mail from {one_line(url, 200)}: it is no address, or its port is no number."
            ) from None
        if parts.password is not None:
            raise Refused(
                f"The password must not stand in the address, where others can see it. Set {PASSWORD}, or "
                f"{PASSWORD}_FILE to a file that holds it, and write {parts.scheme}://user@host/folder."
            )
        if not parts.username or not parts.hostname:
            raise Refused("Cannot read mail: write imaps://user@host/folder. An @ in the user name is %40.")
        self.user, self.host = unquote(parts.username), parts.hostname
        self.safe = parts.scheme == "imaps"
        self.port = port or (993 if self.safe else 143)
        self.folder = unquote(parts.path.strip("/")) or "INBOX"
        self.name = f"{parts.scheme}://{parts.username}@{parts.hostname}/{self.folder}"
        self._password = _password(environment)
        self._server: imaplib.IMAP4 | None = None

    def letters(self) -> Iterator[Lying]:
        """What is not marked as seen, in the order of its UIDs. Raises OSError where the server is away."""
        try:
            server = self._connected()
            for uid in self._ask(server, "SEARCH", "UNSEEN")[0].split():
                if raw := self._fetch(server, uid):
                    yield Lying(raw, self, uid)
        except LOST as error:
            self.close()
            raise OSError(f"{self.host}: {_said(error)}") from None

    def mark(self, uid: bytes) -> None:
        """Mark one mail as seen. Where the connection is lost, the next look finds it again and its message
        known, and marks it then."""
        try:
            self._ask(self._connected(), "STORE", uid.decode(), "+FLAGS", r"(\Seen)")
        except LOST as error:
            self.close()
            raise OSError(f"{self.host}: {_said(error)}") from None

    def close(self) -> None:
        """Let go of the connection."""
        server, self._server = self._server, None
        if server is not None:
            _hang_up(server)

    def _connected(self) -> imaplib.IMAP4:
        if self._server is not None:
            self._server.noop()  # tells the server to show what came in meanwhile
            return self._server
        server = self._open()
        try:
            self._enter(server)
        except BaseException:
            _hang_up(server)
            raise
        self._server = server
        return server

    def _enter(self, server: imaplib.IMAP4) -> None:
        """Sign in and open the folder."""
        try:
            server.login(self.user, self._password)
            quoted = '"' + self.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
            answer, said = server.select(quoted)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise Refused(f"{self.host} refused {self.user}: {_said(error)}. Mend {PASSWORD}.") from None
        if answer != "OK":
            raise Refused(f"{self.host} has no folder {self.folder!r} for {self.user} ({_words(said[0])}).")

    def _open(self) -> imaplib.IMAP4:
        context = ssl.create_default_context()
        if self.safe:
            return imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=SECONDS)
        server = imaplib.IMAP4(self.host, self.port, timeout=SECONDS)
        if "STARTTLS" in server.capabilities:
            server.starttls(context)
        elif self.host not in HERE:
            server.logout()
            raise Refused(
                f"{self.host} offers no encryption, so the password is not sent there. Use imaps://."
            )
        return server

    def _fetch(self, server: imaplib.IMAP4, uid: bytes) -> bytes:
        """A mail without marking it (PEEK); b"" where it was removed meanwhile."""
        found = self._ask(server, "FETCH", uid.decode(), f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        return next((one[1] for one in found if isinstance(one, tuple)), b"")

    @staticmethod
    def _ask(server: imaplib.IMAP4, command: str, *arguments: str) -> list[Any]:
        try:
            answer, data = server.uid(command, *arguments)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise OSError(f"{command}: {error}") from None
        if answer != "OK":
            raise OSError(f"{command}: {data!r}")
        return [one for one in data if one is not None] or [b""]


def _hang_up(server: imaplib.IMAP4) -> None:
    """Say goodbye where somebody listens, and close the connection in any case."""
    with suppress(*LOST, imaplib.IMAP4.error):
        server.logout()
    with suppress(OSError):
        server.shutdown()


def _said(error: Exception) -> str:
    """What the server or the network said."""
    return (
        _words(error.args[0]) if len(error.args) == 1 else one_line(str(error), 200) or type(error).__name__
    )


def _words(said: Any) -> str:
    return one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said), 200)


def _password(environment: Mapping[str, str]) -> str:
    try:
        password = value(PASSWORD, environment)
    except UnreadableFile as error:
        raise Refused(str(error)) from None
    if password:
        return password
    raise Refused(f"Cannot sign in: set {PASSWORD}, or {PASSWORD}_FILE to a file that holds the password.")


def is_address(source: str) -> bool:
    """Whether a source is meant as an IMAP address."""
    return bool(re.match(r"imaps?://", source))


def find(source: str) -> Imap:
    """The mailbox at this address."""
    return Imap(source, os.environ)
