"""Mail that comes in: each becomes one message, and through it a task or a word in the thread of one.

Nothing is lost and nothing is done twice: a mail is marked as seen only after its message is committed, and
its Message-ID is the message's key for ever. What cannot be taken is kept as refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agents.prose import mail
from agents.prose.clean import one_line
from agents.prose.mail import Mail
from tasks import access
from tasks.border import messages
from tasks.machine import Refused
from tasks.models import Task

CHANNEL = "mail"


class Letter(Protocol):
    """One mail as it lies in its mailbox."""

    raw: bytes

    def seen(self) -> None:
        """Mark it as seen. Calling it twice changes nothing."""
        ...


class Mailbox(Protocol):
    """Where mails lie: a file, a folder, a server."""

    name: str

    def letters(self) -> Iterator[Letter]:
        """The mails that nobody has seen yet, oldest first. Raises OSError where it cannot be reached."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True)
class Taken:
    """What became of one mail."""

    mail: Mail
    effect: Literal["injected", "continued", "noted", "again", "refused"]
    task: str = ""  # its key
    why: str = ""  # for refused


def sweep(box: Mailbox, *, to: str, by: str, lists: bool = False) -> Iterator[Taken]:
    """Take in every new mail of a mailbox for the workflow `to`. Each is committed, then marked as seen. With
    `lists`, what comes through a mailing list or a shared inbox counts as written by a person."""
    for letter in box.letters():
        taken = take(letter.raw, to=to, by=by, address=box.name, lists=lists)
        letter.seen()
        yield taken


def take(raw: bytes, *, to: str, by: str, address: str = "", lists: bool = False) -> Taken:
    """Take in one mail. Refused where `by` may not inject."""
    access.require(by, "inject")
    read = mail.read(raw, lists=lists)
    # A mail that is here already stays what it was, whatever has become of its thread since.
    if known := messages.known(read.id, channel=CHANNEL, by=by):
        return Taken(read, "again", known.task.key if known.task else "")
    envelope = _envelope(read, to)
    if read.automatic:
        return _refused(read, envelope, f"Not answered: {read.automatic}.", by, address)
    try:
        received = messages.receive(envelope, channel=CHANNEL, by=by, key=read.id, address=address)
    except Refused as refused:
        return _refused(read, envelope, str(refused), by, address)
    return Taken(read, received.effect, received.task.key if received.task else "")


def _refused(read: Mail, envelope: dict[str, Any], why: str, by: str, address: str) -> Taken:
    _, new = messages.refuse(envelope, why, channel=CHANNEL, by=by, address=address)
    return Taken(read, "refused" if new else "again", why=one_line(why, 300))


def _envelope(read: Mail, to: str) -> dict[str, Any]:
    data = read.data()
    goes_on = _thread(read)
    if goes_on is not None and goes_on.status == Task.Status.DONE:
        data["earlier"] = goes_on.key  # its work is over: what the customer writes now is new work
    correlation = goes_on.correlation_id if goes_on and goes_on.status != Task.Status.DONE else read.id
    return {
        "from": read.sender or "unknown", "to": to, "type": "mail", "data": data,
        "correlation_id": correlation,
        "timestamp": read.at.isoformat() if read.at else "",
    }  # fmt: skip


def _thread(read: Mail) -> Task | None:
    """The newest task of this mail's thread, if the same address wrote to it before. The ids in a mail are
    easily made up; somebody else's thread is not to be had by naming it."""
    found = Task.objects.filter(correlation_id__in=read.references).order_by("-id") if read.references else ()
    return next((task for task in found if task.input.get("from") == read.sender and read.sender), None)
