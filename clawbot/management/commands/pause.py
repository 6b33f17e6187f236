"""`./manage.py pause`: stops everything, a workflow, an agent or one task, until it is resumed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from agents.definition import seconds
from clawbot import cli
from tasks import clock, moments, supervision
from tasks.models import Hold


def add_scope(parser: CommandParser, *, required: bool) -> None:
    """Adds the four things that a hold may cover."""
    scope = parser.add_mutually_exclusive_group(required=required)
    scope.add_argument("--all", action="store_true", help="everything")
    scope.add_argument("--workflow", metavar="NAME")
    scope.add_argument("--agent", metavar="NAME")
    scope.add_argument("--task", metavar="KEY")


def read_scope(options: dict[str, Any]) -> tuple[str, str]:
    """The scope and its target; ("", "") where none was given."""
    if options["all"]:
        return Hold.Scope.ALL, ""
    for scope in (Hold.Scope.WORKFLOW, Hold.Scope.AGENT, Hold.Scope.TASK):
        if options[scope]:
            target = cli.find_task(options[scope]).key if scope == Hold.Scope.TASK else options[scope]
            return scope, target
    return "", ""


class Command(cli.Command):
    help = (
        "Place a hold: nothing under it starts and nothing leaves. What runs may finish, unless --stop-now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_scope(parser, required=True)
        parser.add_argument("--why", required=True, help="what people read on every page")
        parser.add_argument("--until", metavar="T", help="lifts itself then: 2h, 16:30 or 2026-12-24T08:00")
        parser.add_argument("--stop-now", action="store_true", help="take back what runs")
        cli.add_actor(parser)

    def handle(self, *args: Any, why: str, until: str | None, stop_now: bool, **options: Any) -> None:
        scope, target = read_scope(options)
        with cli.refusals():
            hold = supervision.pause(
                scope, target, by=cli.actor(options["by"]), why=why, until=_moment(until), stop_now=stop_now
            )
        end = f" until {moments.named(hold.until, clock.now())}" if hold.until else ""
        self.stdout.write(f"Paused {hold.target or 'everything'}{end}: {hold.why}")


def _moment(text: str | None) -> datetime | None:
    """A duration from now, a time of the coming 24 hours, or a moment in the site's zone."""
    if not text:
        return None
    zone, now = ZoneInfo(settings.SITE_ZONE), clock.now()
    try:
        return now + timedelta(seconds=seconds(text))
    except OverflowError:
        raise CommandError(f"--until {text[:40]!r} is too far away.") from None
    except ValueError:
        pass
    try:
        if len(text) <= len("16:30"):
            at = datetime.strptime(text, "%H:%M").time()
            found = datetime.combine(now.astimezone(zone).date(), at, zone)
            return found if found > now else found + timedelta(days=1)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=zone)
    except ValueError:
        raise CommandError(f"--until {text!r}: write 2h, 16:30 or 2026-12-24T08:00.") from None
