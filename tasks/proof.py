"""A text takes effect only as it was made: whoever decides on it, hands it on or publishes it reads it here.

A row whose text is not what its hash says was changed behind the log. It is refused in words, told to
operators and admins once, and written into the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connection, transaction

from . import artifacts, log, outbox
from .machine import Refused
from .models import Artifact, Event

P = ParamSpec("P")
R = TypeVar("R")
_logger = logging.getLogger(__name__)


class Tampered(Refused):
    """A text is not what its hash says. `artifact` is its row as it was found."""

    def __init__(self, text: str, artifact: Artifact) -> None:
        super().__init__(text)
        self.artifact = artifact


def proven(artifact: Artifact, sha256: str = "", *, what: str = "use it", file: bool = False) -> Artifact:
    """The artifact, after its text and data were hashed; with `sha256` it must be exactly that text, with
    `file` the file it was written to must hold it too. Raises Tampered where anything differs."""
    found = artifacts.digest(artifact.text, artifact.data)
    where = ""
    if found != artifact.sha256 or (sha256 and found != sha256):
        where = f"the text of {artifact} is not the one that was made and read"
    elif file and artifact.path and not artifact.stale_since and _file_differs(artifact):
        where = f"the file {artifact.path} is not what {artifact} says"
    if not where:
        return artifact
    raise Tampered(
        f"Cannot {what}: {where}. Somebody changed it outside of Clawbot; operators and admins were told. "
        "Run `./manage.py verify` to see what else differs, and make the text again from an earlier stage.",
        artifact,
    )


def _file_differs(artifact: Artifact) -> bool:
    file = Path(settings.DATA) / artifact.path
    return file.is_file() and file.read_bytes() != artifact.text.encode()


def alarm(found: Tampered) -> None:
    """Tell operators and admins, and the log; once for what was found. Where the caller's transaction is
    about to be rolled back nothing can be kept, and whoever began it comes here again."""
    if connection.in_atomic_block:
        return
    artifact = found.artifact
    now = artifacts.digest(artifact.text, artifact.data)
    with transaction.atomic():
        known = Event.objects.filter(kind="artifact.tampered", task=artifact.task_id)
        if any((one.data["artifact"], one.data["found"]) == (artifact.pk, now) for one in known):
            return
        _logger.error("%s: %s", artifact.task.key, found)
        outbox.owe(
            "tampered", task=artifact.task, to=["operators", "admins"],
            content={"why": str(found), "what": str(artifact)}, key=f"tampered:{artifact.pk}:{now[:16]}",
        )  # fmt: skip
        log.record(
            "artifact.tampered", by="clawbot", task=artifact.task, stage=artifact.stage, artifact=artifact.pk,
            kind=artifact.kind, number=artifact.number, sha256=artifact.sha256, found=now, why=str(found),
        )  # fmt: skip


def alarmed(verb: Callable[P, R]) -> Callable[P, R]:
    """A verb that raises the alarm, once its transaction is rolled back, before it says no."""

    @wraps(verb)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        except Tampered as found:
            alarm(found)
            raise

    return guarded
