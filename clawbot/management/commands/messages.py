"""`./manage.py messages [KEY]`: what came in and went out across the border, of one task or of all."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from clawbot.shapes import message_shape
from tasks import moments
from tasks.models import Message

SHOWN = 50


class Command(cli.Command):
    help = "List the messages of a task, oldest first; without a key the newest of all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="?", help="the task's key, as ORD-12")
        parser.add_argument("--state", choices=Message.State.values, help="only those in this state")
        cli.add_json(parser)

    def handle(self, *args: Any, key: str | None, state: str | None, as_json: bool, **options: Any) -> None:
        rows = Message.objects.select_related("task")
        rows = rows.filter(state=state) if state else rows
        found = list(
            rows.filter(task=cli.find_task(key)).order_by("id") if key else rows.order_by("-id")[:SHOWN]
        )
        if as_json:
            self.stdout.write(cli.dump([message_shape(row) for row in found]))
            return
        for row in found:
            self.stdout.write(_line(row))
        if not found:
            self.stdout.write("No messages. `./manage.py bridge --help` tells how to connect a queue.")


def _line(row: Message) -> str:
    ends = f"{row.envelope.get('from', '?')} -> {row.envelope.get('to', '?')}"
    task = row.task.key if row.task else ""
    said = f"{row.envelope.get('type', '')} ({row.channel}) {row.error}"
    return f"{moments.exact(row.at)} {row.direction:<3} {row.state:<9} {task:<9} {ends}: {said}".rstrip()
