"""Whether this process sees the data folder and the database that the others see.

A site is one database and one data folder. The folder has a mark with the site's name (`sites/NAME`), and
every process keeps a file in it (`processes/TOKEN`) whose token is in its row of the database: who shares
both sees the files of all the others. It is proved at the start and every few seconds, in a thread of its
own, because a network folder that is lost may answer nothing at all.

Who has proved it must go on seeing those that were there before it; who has not must see everybody who
has. So of two folders the one in use wins, and a copy of it is found out although it has the mark.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import QuerySet

from tasks import database, folder
from tasks import log as events
from tasks.machine import Refused
from tasks.models import Process, Site

from . import child
from .workers import DatabaseNow

log = logging.getLogger(__name__)

LOOK = 5.0  # seconds between looks once it is proved
LOOK_AGAIN = 1.0  # seconds between looks until then
FRESH = 15.0  # seconds after which a process that said nothing does not count any more
HUNG = 10.0  # seconds after which a folder that does not answer counts as lost
OLD = timedelta(hours=1)  # when what a killed process left behind is removed
UNPROVED = "It has not yet proved that it sees the data folder of the others."
#: What helps, beside each fault.
REMEDY = (
    "Mount the folder that the others use there, or set CLAWBOT_DATA to it. If this one is right (the "
    "database came from a backup, or the folder has moved), say so with `./manage.py hosts --adopt`."
)


# -- Marks and files ----------------------------------------------------------------------------------


def site() -> Site:
    """This database's site, named when it is first asked for."""
    return Site.objects.get_or_create(only=1, defaults={"name": secrets.token_hex(8)})[0]


def _mark(name: str) -> Path:
    return Path(settings.DATA) / "sites" / name


def _file(token: str) -> Path:
    return Path(settings.DATA) / "processes" / token


def _mark_first(this: Site) -> None:
    """Mark the folder of whoever starts first, once in the life of a database."""
    with transaction.atomic():
        if Site.objects.filter(pk=this.pk, marked_at=None).update(marked_at=DatabaseNow()):
            _put_mark(this)


def _put_mark(this: Site) -> None:
    folder.make(_mark(this.name).parent)
    _mark(this.name).touch(mode=0o600)


def adopt() -> Site:
    """The data folder of this process is the right one for this database: mark it. Raises FolderError."""
    this = site()
    with transaction.atomic():
        Site.objects.filter(pk=this.pk, marked_at=None).update(marked_at=DatabaseNow())
        _put_mark(this)
    return this


def missing_mark(this: Site) -> str:
    """Why the data folder does not belong to this database; empty if it does. Raises OSError."""
    if _mark(this.name).exists():
        return ""
    _mark(this.name).parent.parent.stat()  # one that is not there at all says so itself
    return (
        f"The data folder {settings.DATA} does not bear the mark of this database's site ({this.name}): it "
        f"is not the folder that the other processes use, or it is not mounted."
    )


def require_folder() -> None:
    """Raises Refused if files would be put into a folder that does not belong to this database."""
    this = Site.objects.exclude(marked_at=None).first()
    why = _asked(lambda: missing_mark(this)) if this else ""
    if why:
        raise Refused(f"Cannot keep the files of this task. {why} {REMEDY}")


def _asked(question: Any) -> str:
    try:
        return str(question())
    except folder.FolderError as error:
        return str(error)
    except OSError as error:
        return f"The data folder {settings.DATA} cannot be used: {error.strerror or error}."


# -- Comparing ----------------------------------------------------------------------------------------


def living() -> QuerySet[Process]:
    """The processes that were heard of a moment ago."""
    return Process.objects.filter(seen_at__gte=DatabaseNow() - timedelta(seconds=FRESH))


def proved(cluster: str) -> bool:
    """Whether a drain of this cluster has proved what it sees."""
    return living().filter(cluster__startswith=cluster, fault="").exists()


def unseen(others: list[Process]) -> str:
    """Which of these processes use another folder; empty if this folder has the files of all."""
    apart = [one for one in others if not _file(one.token).exists()]
    if not apart:
        return ""
    return (
        f"The data folder {settings.DATA} is not the one that {_names(apart)} uses, though it bears the same "
        "mark: their files are not in it. One is a copy of the other."
    )


def strangers(this: Site, now: float) -> str:
    """Which processes use this folder with another database that was here first. Raises OSError."""
    found = []
    for path in _file("").iterdir():
        with suppress(OSError, ValueError, KeyError, TypeError):  # gone meanwhile, or just being written
            if now - path.stat().st_mtime > FRESH:
                continue
            said = json.loads(path.read_text("utf-8"))
            if said["site"] == this.name or not _is_older(said["site"], this.name):
                continue
            if said["host"] == socket.gethostname() and not child.is_alive(int(said["pid"])):
                continue
            found.append(f"{said['kind']} on {said['host']} (process {said['pid']})")
    if not found:
        return ""
    return (
        f"The data folder {settings.DATA} is in use by {', '.join(sorted(found))} with another database. "
        "Give this process the same DATABASE_URL, or another CLAWBOT_DATA."
    )


def _is_older(one: str, other: str) -> bool:
    ages = [(_mark(name).stat().st_mtime_ns, name) for name in (one, other)]
    return ages[0] < ages[1]


def _names(processes: list[Process]) -> str:
    return "; ".join(str(one) for one in processes)


def seen_from_here(this: Site, others: list[Process]) -> str:
    """Why the data folder of this process, which serves nothing, is not that of the others."""
    return _asked(lambda: missing_mark(this) or unseen([one for one in others if not one.fault]))


def report() -> tuple[bool, str]:
    """What a command that looks from this host sees, for `doctor`: whether all is well, and a sentence."""
    this = Site.objects.exclude(marked_at=None).first()
    if this is None:
        return True, "no process has started yet"
    others = list(living())
    why = seen_from_here(this, others)
    faults = [f"{one}: {one.fault}" for one in others if one.fault]
    if why or faults:
        return False, " ".join([why, *faults, REMEDY]).strip()
    hosts = len({one.host for one in others})
    return True, f"site {this.name}; processes that agree: {len(others)}, on hosts: {hosts}"


# -- The watch of a process ---------------------------------------------------------------------------


@dataclass
class Told:
    """What a process knows without asking: its own fault, and those of others as sentences."""

    fault: str = UNPROVED
    others: tuple[str, ...] = ()


class Watch:
    """Proves what this process sees, from `start` to `stop`."""

    def __init__(self, kind: str, cluster: str = "") -> None:
        self.kind, self.cluster, self.token = kind, cluster, secrets.token_hex(16)
        self._told = Told()
        self._pk = 0  # of its row, once there is one
        self._name = ""  # of its site, once it is known
        self._apart = False  # it saw another folder than the others: only seeing one of them ends that
        self._asked_at = 0.0  # when the folder was asked something that it has not yet answered
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="site", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and be forgotten."""
        self._ended.set()
        self._thread.join(timeout=5)

    @property
    def fault(self) -> str:
        """Why this process may not touch the data folder; empty if it may."""
        waited = time.monotonic() - self._asked_at if self._asked_at else 0.0
        if waited > HUNG:
            return f"The data folder {settings.DATA} has not answered for {waited:.0f} seconds."
        return self._told.fault

    @property
    def faults(self) -> list[str]:
        """This fault and those of other processes, as sentences that name them."""
        mine = [f"{self.kind} on {socket.gethostname()} (process {os.getpid()}, this one): {self.fault}"]
        return [*(mine if self.fault else []), *self._told.others]

    def lost(self) -> str:
        """As `fault`, and looks at the mark at this very moment: before something is written."""
        return self.fault or _asked(lambda: "" if _mark(self._name).exists() else "Its mark is gone.")

    def _keep(self) -> None:
        while True:
            try:
                self.look()
            except (DatabaseError, InterfaceError) as error:
                # What it saw of the folder stands; while the database is away nothing can be claimed.
                database.ails(error)
            except Exception:
                log.exception("The data folder could not be compared; it is tried again.")
            connection.close()  # one less that the server has to keep for five seconds of nothing
            self._asked_at = 0.0
            if self._ended.wait(LOOK_AGAIN if self._told.fault else LOOK):
                break
        self._leave()
        connection.close()

    def look(self) -> None:
        """Compare once, and tell the others what came of it."""
        this = site()
        self._name = this.name
        why = "" if this.marked_at else self._folder(lambda: _mark_first(this))
        why = why or self._folder(
            lambda: missing_mark(this) or self._show(this) or strangers(this, self._now())
        )
        self._register(why)
        others = list(living().exclude(pk=self._pk))
        if not why:
            why = self._compare(others)
        self._tell(why, others)

    def _folder(self, question: Any) -> str:
        """Ask the folder, in such a way that one that never answers is noticed."""
        self._asked_at = time.monotonic()
        try:
            return _asked(lambda: question() or "")
        finally:
            self._asked_at = 0.0

    def _show(self, this: Site) -> str:
        """Keep the file that shows that this process was here."""
        file = _file(self.token)
        try:
            os.utime(file)
        except FileNotFoundError:
            folder.make(file.parent)
            said = {"site": this.name, "kind": self.kind, "host": socket.gethostname(), "pid": os.getpid()}
            file.write_text(json.dumps(said), encoding="utf-8")
        return ""

    def _now(self) -> float:
        """The folder's own present moment: hosts' clocks differ."""
        return _file(self.token).stat().st_mtime

    def _compare(self, others: list[Process]) -> str:
        unproved = bool(self._told.fault)
        trusted = [one for one in others if not one.fault and (unproved or one.pk < self._pk)]
        why = self._folder(lambda: unseen(trusted))
        if why:
            self._apart = True
        elif self._apart and not trusted:
            why = (
                f"The data folder {settings.DATA} is not the one that others used, and of those "
                "none runs now. To go on with this folder, start this process anew."
            )
        else:
            self._apart = False
        return why

    def _register(self, why: str) -> None:
        """Keep the row; a new one has proved nothing yet."""
        if self._pk and Process.objects.filter(pk=self._pk).update(seen_at=DatabaseNow()):
            database.well()
            return
        self._pk = Process.objects.create(
            kind=self.kind, token=self.token, cluster=self.cluster, host=socket.gethostname()[:100],
            pid=os.getpid(), folder=str(settings.DATA)[:500], started_at=DatabaseNow(), seen_at=DatabaseNow(),
            fault=why or UNPROVED,
        ).pk  # fmt: skip
        database.well()
        self._sweep()

    def _sweep(self) -> None:
        """Remove what killed processes left behind."""
        Process.objects.filter(seen_at__lt=DatabaseNow() - OLD).delete()
        with suppress(OSError):
            for path in _file("").iterdir():
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > OLD.total_seconds():
                        path.unlink()

    def _tell(self, why: str, others: list[Process]) -> None:
        before = self._told.fault
        if why != before:
            with transaction.atomic():
                Process.objects.filter(pk=self._pk).update(fault=why)
                if why or before != UNPROVED:
                    events.record(
                        "process.apart" if why else "process.agrees", by="clawbot", **self._facts(why)
                    )
            if why:
                log.warning("This process touches no file and claims nothing. %s %s", why, REMEDY)
            else:
                log.info(
                    "Sees the data folder %s of site %s, as do %d others.",
                    settings.DATA,
                    self._name,
                    sum(not one.fault for one in others),
                )
        self._told = Told(
            why, tuple(f"{one}: {one.fault}" for one in others if one.fault not in {"", UNPROVED})
        )

    def _facts(self, why: str) -> dict[str, Any]:
        return {
            "process": self.kind, "host": socket.gethostname(), "pid": os.getpid(),
            "folder": str(settings.DATA), **({"why": why} if why else {}),
        }  # fmt: skip

    def _leave(self) -> None:
        """The row first: a row without its file would look like another folder."""
        try:
            Process.objects.filter(pk=self._pk).delete()
        except (DatabaseError, InterfaceError):
            return
        with suppress(OSError):
            _file(self.token).unlink(missing_ok=True)


#: The watch of this process, if it is one that serves the site.
here: Watch | None = None


def watch(kind: str, cluster: str = "") -> Watch:
    """Begin to prove what this process sees; `here` from now on."""
    global here
    here = Watch(kind, cluster)
    here.start()
    return here
