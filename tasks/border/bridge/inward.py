"""From a queue into Clawbot: read, take in, commit, acknowledge."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from agents import envelope as shape
from agents.contract import Unusable
from agents.message_format import MessageFormat, inward
from tasks import access
from tasks.border import messages
from tasks.machine import Refused
from tasks.store import is_away

from . import Road
from .links import Incoming, Link, Outgoing

_logger = logging.getLogger(__name__)

#: Messages in hand at once. All of them are finished when the bridge is asked to stop.
AT_ONCE = 10


@dataclass
class Inward(Road):
    """Takes what comes on `queue`; what cannot be taken goes to `dead`, with the reason."""

    queue: str = ""
    dead: str = ""
    names: MessageFormat = field(default_factory=MessageFormat)

    def begin(self, link: Link) -> None:
        link.declare(self.queue)
        link.declare(self.dead)
        link.listen(self.queue, AT_ONCE)
        self.say(f"Listening on {self.queue} at {link.place}.")

    def once(self, link: Link) -> None:
        for message in link.take(1.0):
            self.handle(link, message)
        link.beat()

    def handle(self, link: Link, message: Incoming) -> None:
        """Commit what this message does, or why it does nothing; then acknowledge it."""
        self.surely(link, self._may)
        read: dict[str, Any] | bytes = message.body
        try:
            read = envelope = inward(shape.parse(message.body), self.names)
            effect = self.surely(link, lambda: self._take(envelope, message))
        except (Refused, Unusable) as error:
            self._refuse(link, read, message, str(error))
            effect = "refused"
        message.ack()
        self.count(effect)

    def _take(self, envelope: dict[str, Any], message: Incoming) -> str:
        try:
            return messages.receive(
                envelope, channel=self.name, by=self.by, key=message.id or None, answers=message.answers,
                address=self.queue,
            ).effect  # fmt: skip
        except Refused:
            raise
        except Exception as error:  # what nobody foresaw must not stop the queue behind it
            if is_away(error):
                raise
            _logger.exception("A message from %s could not be taken in", self.queue)
            raise Refused(f"It could not be taken in ({type(error).__name__}: {error}).") from error

    def _refuse(self, link: Link, read: dict[str, Any] | bytes, message: Incoming, why: str) -> None:
        """The row first, then the dead letter, then the acknowledgement: a bridge that dies in between does
        it all again, and both know it was the same."""
        row, new = self.surely(
            link,
            lambda: messages.refuse(read, why, channel=self.name, by=self.by, address=self.queue),
        )
        link.publish(self.dead, Outgoing(message.body, id=row.key, headers={"refused": row.error}))
        if new:
            self.say(f"Refused a message from {self.queue}, now on {self.dead}: {row.error}")

    def _may(self) -> None:
        """Whoever the bridge acts for may have lost the right meanwhile: then nothing is taken, and nothing
        is thrown away, until an admin has mended it."""
        if why := access.reason(self.by, "inject"):
            raise NotNow(why)


class NotNow(Exception):
    """Nothing can be taken for now."""
