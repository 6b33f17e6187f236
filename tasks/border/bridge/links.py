"""One connection to a broker: RabbitMQ, Amazon SQS or Redis, by kombu.

What lies on a queue is the envelope as plain JSON, whatever the broker, so that the other side needs to know
nothing but the envelope. A link that raised anything is closed and opened anew by whoever holds it.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from amqp.exceptions import ChannelError, MessageNacked, NotFound
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.message import Message
from kombu.messaging import Consumer, Producer
from kombu.transport.virtual import Empty
from kombu.utils.url import maybe_sanitize_url

from agents.addresses import parts
from tasks.machine import Refused

CONNECT = 5.0  # seconds
CONFIRM = 15.0  # seconds that the broker has to say it has a message
HEARTBEAT = 30  # seconds
READ = ("message_id", "correlation_id")  # what SQS keeps beside a message, of which we make use
# Seconds until SQS and Redis show again what was taken and never acknowledged. Short, because a message that
# comes again while it is still in hand is one effect all the same.
HIDDEN = 30


@dataclass(frozen=True)
class Incoming:
    """A message from a queue: as it lay there, what its sender calls it, and which of ours it answers."""

    body: bytes
    id: str
    answers: str
    ack: Callable[[], None]


@dataclass(frozen=True)
class Outgoing:
    """A message for a queue."""

    body: bytes
    id: str
    type: str = ""
    correlation_id: str = ""
    reply_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def link(url: str) -> Link:
    """A link to the broker at `url`, not open yet. Refused for an address of none that we know."""
    scheme = parts(url).scheme
    if scheme not in LINKS:
        raise Refused(
            f"Cannot bridge to {scheme or url[:40]!r}: write amqp://user:password@host//, sqs:// or "
            "redis://host:6379/0 (amqps:// and rediss:// with TLS)."
        )
    return LINKS[scheme](url)


class Link(ABC):
    """What the three have in common. Use as a context: entering connects, leaving closes."""

    transport: Any = None  # kombu's own, by the scheme
    options: dict[str, Any] = {}

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = Connection(
            url, transport=self.transport, transport_options=self.options, connect_timeout=CONNECT,
            heartbeat=HEARTBEAT,
        )  # fmt: skip
        self._inbox: list[Incoming] = []
        self._channel: Any = None

    @property
    def place(self) -> str:
        """The address without its password."""
        return maybe_sanitize_url(self._url)

    def __enter__(self) -> Link:
        self._connection.connect()
        self._channel = self._connection.channel()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):  # a broken connection cannot be closed in order, and need not be
            self._connection.release()

    def declare(self, queue: str) -> None:
        """See to it that the queue is there; one that is keeps whatever it was declared with."""
        Queue(queue, durable=True, channel=self._channel).queue_declare()

    def listen(self, queue: str, at_once: int) -> None:
        """Let messages of this queue come, at most so many before they are acknowledged."""
        Consumer(
            self._channel, [Queue(queue, no_declare=True)], on_message=self._keep, prefetch_count=at_once
        ).consume()

    def take(self, seconds: float) -> list[Incoming]:
        """The messages that have come; waits so long for the first."""
        with suppress(TimeoutError):
            self._connection.drain_events(timeout=seconds)
        came, self._inbox = self._inbox, []
        return came

    def beat(self) -> None:  # noqa: B027  (SQS and Redis do not want to know)
        """Tell the broker that we live, where it wants to know."""

    @abstractmethod
    def publish(self, queue: str, message: Outgoing) -> None:
        """Put one message on a queue; returns when the broker has it. What it raises says that it is not
        known whether the message arrived, except `NotTaken`."""

    def _keep(self, message: Message) -> None:
        properties = message.properties or {}
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        theirs, ours = properties.get("message_id"), properties.get("correlation_id")
        self._inbox.append(Incoming(body, str(theirs or ""), str(ours or ""), message.ack))


class NotTaken(Exception):
    """The broker said that it did not take a message."""


class Rabbit(Link):
    """AMQP: durable queues, persistent messages, publisher confirms."""

    options = {"confirm_publish": True, "read_timeout": None}

    def declare(self, queue: str) -> None:
        """Somebody else's queue may have other settings than we would choose: it is only looked for."""
        try:
            with self._connection.channel() as channel:
                Queue(queue, channel=channel).queue_declare(passive=True)
        except NotFound:
            super().declare(queue)

    def beat(self) -> None:
        self._connection.heartbeat_check()

    def publish(self, queue: str, message: Outgoing) -> None:
        try:
            Producer(self._channel).publish(
                message.body, routing_key=queue, exchange="", mandatory=True, content_type="application/json",
                content_encoding="utf-8", delivery_mode="persistent", message_id=message.id, app_id="clawbot",
                type=message.type, correlation_id=message.correlation_id, reply_to=message.reply_to or None,
                headers=message.headers, timeout=CONFIRM, confirm_timeout=CONFIRM,
            )  # fmt: skip
        except (MessageNacked, ChannelError) as error:
            raise NotTaken(f"The broker did not take it: {error or 'it said no.'}") from None


class Sqs(Link):
    """Amazon SQS. Account, region and endpoint come from the environment, as AWS's own tools read them."""

    def __init__(self, url: str) -> None:
        from tasks.border.bridge.sqs_text import Transport

        self.transport = Transport
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self.options = {
            "region": region, "is_secure": urlsplit(url).port is None, "wait_time_seconds": 1,
            "polling_interval": 0, "visibility_timeout": HIDDEN,
            "fetch_message_attributes": {"MessageAttributeNames": list(READ)},
            "client-config": {"connect_timeout": CONNECT, "read_timeout": CONFIRM},
        }  # fmt: skip
        super().__init__(url)

    def publish(self, queue: str, message: Outgoing) -> None:
        said = {
            "message_id": message.id, "type": message.type, "correlation_id": message.correlation_id,
            "reply_to": message.reply_to, **message.headers,
        }  # fmt: skip
        more: dict[str, Any] = {}
        if queue.endswith(".fifo"):
            more = {
                "MessageGroupId": message.correlation_id or "clawbot",
                "MessageDeduplicationId": message.id,
            }
        self._channel.sqs(queue=queue).send_message(
            QueueUrl=self._channel._new_queue(queue),
            MessageBody=message.body.decode("utf-8", "replace") or " ",  # SQS takes no empty message
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in said.items() if value
            },
            **more,
        )

    def _keep(self, message: Message) -> None:
        found = (message.delivery_info or {}).get("sqs_message", {}).get("MessageAttributes", {})
        for name in READ:
            if text := found.get(name, {}).get("StringValue"):
                message.properties[name] = text
        super()._keep(message)


class Redis(Link):
    """Redis lists: LPUSH puts a message in, the other end takes it."""

    def __init__(self, url: str) -> None:
        from tasks.border.bridge.redis_list import Transport

        self.transport = Transport
        self.options = {"visibility_timeout": HIDDEN, "socket_connect_timeout": CONNECT}
        super().__init__(url)
        self._queue: Any = None
        self._at_once = 1

    def declare(self, queue: str) -> None:
        """A list is there when something is on it."""

    def listen(self, queue: str, at_once: int) -> None:
        self._queue, self._at_once = Queue(queue, no_declare=True, channel=self._channel), at_once

    def take(self, seconds: float) -> list[Incoming]:
        self._channel.give_back()
        self._channel.wait(self._queue.name, seconds)
        for _ in range(self._at_once):
            with suppress(Empty):
                if (message := self._queue.get()) is None:
                    break
                self._keep(message)
        came, self._inbox = self._inbox, []
        return came

    def publish(self, queue: str, message: Outgoing) -> None:
        body = message.body
        if message.headers:  # a list has no place for them
            text = body.decode("utf-8", "replace")
            body = json.dumps({**message.headers, "message": text}, ensure_ascii=False).encode()
        self._channel.push(queue, body)


LINKS: dict[str, type[Link]] = {
    "amqp": Rabbit, "amqps": Rabbit, "sqs": Sqs, "redis": Redis, "rediss": Redis,
}  # fmt: skip
