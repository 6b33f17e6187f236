"""A real IMAP server over a folder of .eml files: python -m tests.tasks.border.intake.imap_server FOLDER

FOLDER/1.eml ...     the mails; their number is their UID
FOLDER/flags.json    written: the flags of each UID, and how often each was fetched
FOLDER/drop          if there: the connection breaks in the middle of the next FETCH, and the file goes
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, cast

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import protocol, reactor
from twisted.mail import imap4
from zope.interface import implementer

USER, PASSWORD = "desk@korvel.example", "open sesame"


class Store:
    """The folder with its flags."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flags: dict[int, set[str]] = {}
        self.fetched: dict[int, int] = {}
        self.connection: Any = None

    def uids(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("*.eml"))

    def keep(self) -> None:
        told = {
            "flags": {str(uid): sorted(flags) for uid, flags in self.flags.items()},
            "fetched": {str(uid): times for uid, times in self.fetched.items()},
        }
        waiting = self.folder / ".flags"
        waiting.write_text(json.dumps(told))
        waiting.rename(self.folder / "flags.json")


@implementer(imap4.IMessage, imap4.IMessageFile)
class Mail:
    """One mail of the folder."""

    def __init__(self, store: Store, uid: int) -> None:
        self.store, self.uid = store, uid

    def getUID(self) -> int:
        return self.uid

    def getFlags(self) -> list[str]:
        return sorted(self.store.flags.get(self.uid, set()))

    def getInternalDate(self) -> str:
        return "Sat, 21 Nov 2026 07:00:00 +0000"

    def open(self) -> io.BytesIO:
        self.store.fetched[self.uid] = self.store.fetched.get(self.uid, 0) + 1
        self.store.keep()
        drop = self.store.folder / "drop"
        if drop.exists():
            drop.unlink()
            self.store.connection.transport.abortConnection()
        return io.BytesIO((self.store.folder / f"{self.uid}.eml").read_bytes())

    def getSize(self) -> int:
        return (self.store.folder / f"{self.uid}.eml").stat().st_size

    def getHeaders(self, negate: bool, *names: str) -> dict[str, str]:
        return {}

    def getBodyFile(self) -> io.BytesIO:
        return self.open()

    def isMultipart(self) -> bool:
        return False

    def getSubPart(self, part: int) -> Any:
        raise IndexError


@implementer(imap4.IMailbox)
class Box:
    """INBOX."""

    def __init__(self, files: Store) -> None:
        self.files = files

    def getFlags(self) -> list[str]:
        return ["\\Seen"]

    def getHierarchicalDelimiter(self) -> str:
        return "/"

    def getUIDValidity(self) -> int:
        return 7

    def getUIDNext(self) -> int:
        return max(self.files.uids(), default=0) + 1

    def getUID(self, message: int) -> int:
        return self.files.uids()[message - 1]

    def getMessageCount(self) -> int:
        return len(self.files.uids())

    def getRecentCount(self) -> int:
        return 0

    def getUnseenCount(self) -> int:
        return sum("\\Seen" not in self.files.flags.get(uid, set()) for uid in self.files.uids())

    def isWriteable(self) -> bool:
        return True

    def destroy(self) -> None: ...

    def requestStatus(self, names: Any) -> Any:
        return imap4.statusRequestHelper(self, names)

    def addListener(self, listener: Any) -> None: ...

    def removeListener(self, listener: Any) -> None: ...

    def addMessage(self, *given: Any) -> None: ...

    def expunge(self) -> list[int]:
        return []

    def fetch(self, messages: Any, uid: bool) -> list[tuple[int, Mail]]:
        return [(place, Mail(self.files, one)) for place, one in self._chosen(messages, uid)]

    def store(self, messages: Any, flags: Any, mode: int, uid: bool) -> dict[int, list[str]]:
        changed = {}
        for place, one in self._chosen(messages, uid):
            had = self.files.flags.setdefault(one, set())
            had |= set(flags) if mode >= 0 else set()
            changed[place] = sorted(had)
        self.files.keep()
        return changed

    def _chosen(self, messages: Any, uid: bool) -> list[tuple[int, int]]:
        uids = self.files.uids()
        messages.last = max(uids, default=0) if uid else len(uids)
        wanted = set(messages)
        return [(place, one) for place, one in enumerate(uids, 1) if (one if uid else place) in wanted]


class Account(imap4.MemoryAccount):
    def __init__(self, store: Store) -> None:
        super().__init__(USER)
        self.addMailbox("INBOX", Box(store))


@implementer(IRealm)
class Realm:
    def __init__(self, store: Store) -> None:
        self.store = store

    def requestAvatar(self, name: Any, mind: Any, *interfaces: Any) -> Any:
        return imap4.IAccount, Account(self.store), lambda: None


def main() -> None:
    store = Store(Path(sys.argv[1]))
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(USER.encode(), PASSWORD.encode())
    portal: Any = Portal(cast(Any, Realm(store)), [cast(Any, checker)])

    class Factory(protocol.ServerFactory):
        def buildProtocol(self, address: Any) -> Any:
            server: Any = imap4.IMAP4Server()
            server.portal = portal
            server.factory = self
            store.connection = server
            return server

    loop: Any = reactor
    port = loop.listenTCP(0, Factory(), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    loop.run()


if __name__ == "__main__":
    main()
