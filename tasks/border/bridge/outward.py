"""From Clawbot to a queue: take, publish, wait for the broker's word, settle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial

from agents.contract import Unusable
from agents.message_format import outward
from tasks.border import publishing
from tasks.models import Message

from . import Road
from .links import Link, NotTaken, Outgoing

M = Message.State

LOOK = 0.3  # seconds between looks while nothing is due


@dataclass
class Outward(Road):
    """Publishes what is owed on `queue`; only what is addressed to `to`, where given."""

    queue: str = ""
    to: tuple[str, ...] = ()
    reply_to: str = ""  # the queue on which answers are awaited

    def begin(self, link: Link) -> None:
        link.declare(self.queue)
        self.say(f"Publishing on {self.queue} at {link.place}.")

    def once(self, link: Link) -> None:
        taken = self.surely(link, lambda: publishing.take(publishing.publishable(self.to), self.name))
        if not taken:
            self.stop.wait(LOOK)
            link.beat()
        while taken:
            try:
                self.send(link, taken.pop(0))
            except Exception as error:  # the link is broken: what was not tried is given back
                self.surely(link, partial(publishing.give_back, taken))
                raise error

    def send(self, link: Link, message: Message) -> None:
        """Publish one. Raises what the link raised, after writing down what is known of the message."""
        try:
            wire = self._wire(message)
        except Unusable as error:
            self._settle(link, message, M.DEAD, str(error))
            return
        try:
            link.publish(self.queue, wire)
        except NotTaken as error:
            self._settle(link, message, M.PENDING, str(error))
            raise
        except Exception as error:
            self._settle(link, message, M.UNCERTAIN, f"{type(error).__name__}: {error}")
            raise
        self._settle(link, message, M.SENT)

    def _wire(self, message: Message) -> Outgoing:
        """As the other side reads it."""
        envelope = message.envelope
        told = outward(envelope, publishing.names(message))
        return Outgoing(
            json.dumps(told, ensure_ascii=False, allow_nan=False).encode(), id=message.key,
            type=str(envelope.get("type", "")), correlation_id=message.correlation_id, reply_to=self.reply_to,
        )  # fmt: skip

    def _settle(self, link: Link, message: Message, state: str, error: str = "") -> None:
        self.surely(link, lambda: publishing.settle(message, state, error=error, address=self.queue))
        self.count(state)
