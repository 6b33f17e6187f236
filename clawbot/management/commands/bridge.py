"""`./manage.py bridge URL`: carries envelopes between a broker's queues and Clawbot."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.addresses import parts
from agents.message_format import MessageFormat
from agents.models import Agent
from agents.strict_yaml import nearest
from clawbot import cli
from tasks import access
from tasks.border import bridge
from tasks.border.bridge.inward import Inward
from tasks.border.bridge.outward import Outward
from tasks.workflow import versions

HELP = """\
Carry envelopes between queues and Clawbot, until Ctrl-C. URL is amqp://user:password@host// for RabbitMQ,
sqs:// for Amazon SQS (account and region from the environment), redis://host:6379/0 for Redis.
docs/howto/connect_a_queue.md shows it."""


class Command(cli.Command):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="the broker")
        parser.add_argument("--in", dest="queue_in", metavar="QUEUE", help="take messages from this queue")
        parser.add_argument("--dead", metavar="QUEUE", help="for what cannot be taken (default: QUEUE-dead)")
        parser.add_argument("--out", dest="queue_out", metavar="QUEUE", help="publish on this queue")
        parser.add_argument(
            "--to", action="append", default=[], metavar="NAME", help="publish only what is addressed to NAME"
        )
        parser.add_argument(
            "--format", dest="agent", metavar="AGENT", help="read messages in this agent's message_format"
        )
        parser.add_argument("--name", help="what the bridge is called on pages (default: scheme and queue)")
        cli.add_actor(parser)

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with cli.refusals():
            by = cli.actor(options["by"])
            access.require(by, "inject")
            roads = self._roads(url, stop, by, options)
            bridge.run(roads, stop)
        done = ", ".join(f"{number:,} {what}" for road in roads for what, number in road.tally.items())
        self.stdout.write(f"The bridge has stopped: {done or 'nothing came and nothing was owed'}.")

    def _roads(self, url: str, stop: threading.Event, by: str, options: dict[str, Any]) -> list[bridge.Road]:
        into, out = options["queue_in"], options["queue_out"]
        if not into and not out:
            raise CommandError("Name a queue: --in QUEUE to take messages, --out QUEUE to publish them.")
        if into and into in (out, options["dead"]):
            raise CommandError(f"{into} cannot be both ends: Clawbot would answer itself. Name two queues.")
        name = options["name"] or f"{parts(url).scheme}:{into or out}"
        common: dict[str, Any] = {
            "url": url,
            "stop": stop,
            "say": self.stdout.write,
            "name": name[:40],
            "by": by,
        }
        roads: list[bridge.Road] = []
        if into:
            dead = options["dead"] or f"{into}-dead"
            roads.append(Inward(**common, queue=into, dead=dead, names=_names(options["agent"])))
        if out:
            roads.append(Outward(**common, queue=out, to=tuple(options["to"]), reply_to=into or ""))
        return roads


def _names(agent: str | None) -> MessageFormat:
    """How the other side names its fields."""
    if not agent:
        return MessageFormat()
    found = Agent.objects.select_related("active").filter(slug=agent, active__isnull=False).first()
    if found is None or found.active is None:
        known = list(Agent.objects.values_list("slug", flat=True))
        raise CommandError(f"There is no agent `{agent}`. {nearest(agent, known)}")
    return versions.agent(found.slug, found.active.number).message_format
