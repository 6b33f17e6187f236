"""`./manage.py schedule VERB`: what runs by itself, and when."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from tasks import clock, moments, schedules
from tasks.models import Occurrence, Schedule
from tasks.schedules import cron, occurrences

from .inject import read_brief, read_pairs

NEXT = 5


class Command(cli.Command):
    help = "List and change schedules. Times are read and shown in the schedule's own zone."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        cli.add_json(
            self._verb(verbs, "list", "all schedules, their next times and what they last did", named=False)
        )
        for name, text in (("add", "a new schedule"), ("change", "another line, zone, input or policy")):
            self._what(self._verb(verbs, name, text))
        self._verb(verbs, "pause", "start nothing until it is resumed").add_argument(
            "--why", required=True, help="what people read on the page"
        )
        self._verb(verbs, "resume", "go on with the next time")
        self._verb(verbs, "run", "let it happen now")
        backfill = self._verb(verbs, "backfill", "inject for past times; shows them first")
        backfill.add_argument(
            "--from", dest="first", metavar="T", required=True, help="2026-11-01 or 2026-11-01T04:00"
        )
        backfill.add_argument("--to", dest="last", metavar="T", help="a day counts whole (default: now)")
        backfill.add_argument("--yes", action="store_true", help="start what was listed")
        self._verb(verbs, "remove", "delete it; its tasks stay")

    def _verb(self, verbs: Any, name: str, text: str, *, named: bool = True) -> CommandParser:
        parser: CommandParser = verbs.add_parser(name, help=text, description=text)
        if named:
            parser.add_argument("workflow", help="name of the workflow: article, ...")
            parser.add_argument(
                "name", nargs="?", default=schedules.OWN, help="of the schedule (default: the file's)"
            )
            cli.add_actor(parser)
        return parser

    def _what(self, parser: CommandParser) -> None:
        parser.add_argument("--cron", metavar="LINE", help="five fields, e.g. '0 4 * * 1-5'")
        parser.add_argument("--zone", metavar="ZONE", help=f"default: {settings.SITE_ZONE}")
        parser.add_argument("--misfire", choices=Schedule.Misfire.values, help="what becomes of missed times")
        parser.add_argument("--backlog", action="store_true", help="start the backlog, inject nothing")
        parser.add_argument("--file", metavar="BRIEF", help="a YAML file with the input")
        parser.add_argument("--title", help="what its tasks are called (default: the workflow and the day)")
        parser.add_argument(
            "--set", metavar="K=V", action="append", default=[], dest="pairs", help="one key of the input"
        )

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        with cli.refusals():
            getattr(self, f"do_{verb}")(options)

    # -- one method per verb --------------------------------------------------------------------------

    def do_list(self, options: dict[str, Any]) -> None:
        found = [_facts(one) for one in Schedule.objects.select_related("workflow")]
        if options["as_json"]:
            self.stdout.write(cli.dump(found))
            return
        for one in found:
            state = (
                f"paused by {one['paused_by'].removeprefix('user:')}: {one['paused_why']}"
                if one["paused_by"]
                else ""
            )
            self.stdout.write(
                f"{one['workflow']}/{one['name']}  {one['words']}, {one['zone']} ({one['cron']})"
            )
            self.stdout.write(f"  {state or 'next ' + ', '.join(one['next'])}")
            for sentence in one["clock_changes"]:
                self.stdout.write(f"  {sentence}")
        if not found:
            self.stdout.write("Nothing is scheduled. `./manage.py schedule add --help` says how.")

    def do_add(self, options: dict[str, Any]) -> None:
        if not options["cron"]:
            raise CommandError("Say when: --cron '0 4 * * 1-5'.")
        made = schedules.add(
            options["workflow"], name=options["name"], line=options["cron"],
            zone=options["zone"] or settings.SITE_ZONE, input=_input(options),
            misfire=options["misfire"] or Schedule.Misfire.NEWEST, by=cli.actor(options["by"]),
        )  # fmt: skip
        self._say(made)

    def do_change(self, options: dict[str, Any]) -> None:
        old = _find(options)
        said = any(options[key] for key in ("backlog", "file", "title", "pairs"))
        changed = schedules.change(
            old, line=options["cron"] or old.cron, zone=options["zone"] or old.zone,
            input=_input(options) if said else old.input, misfire=options["misfire"] or old.misfire,
            by=cli.actor(options["by"]),
        )  # fmt: skip
        self._say(changed)

    def do_pause(self, options: dict[str, Any]) -> None:
        one = _find(options)
        schedules.pause(one, by=cli.actor(options["by"]), why=options["why"])
        self.stdout.write(f"Paused {one}: {one.paused_why}")

    def do_resume(self, options: dict[str, Any]) -> None:
        one = _find(options)
        schedules.resume(one, by=cli.actor(options["by"]))
        self._say(one)

    def do_run(self, options: dict[str, Any]) -> None:
        occurrence, new = occurrences.run(_find(options), by=cli.actor(options["by"]))
        if occurrence.trouble:
            raise CommandError(occurrence.trouble)
        self.stdout.write(
            _started(occurrence) if new else f"It ran in this minute already: {_started(occurrence)}"
        )

    def do_backfill(self, options: dict[str, Any]) -> None:
        one = _find(options)
        zone = ZoneInfo(one.zone)
        first = _moment(options["first"], zone)
        last = _moment(options["last"], zone, end=True) if options["last"] else clock.now()
        planned = occurrences.plan(one, first, min(last, clock.now()))
        if options["yes"]:
            made = occurrences.backfill(one, first, min(last, clock.now()), by=cli.actor(options["by"]))
            for occurrence in made:
                self.stdout.write(f"{_local(occurrence.due_at, zone)}  {_started(occurrence)}")
            self.stdout.write(f"{len(made)} of {len(planned)} times were new.")
            return
        for item in planned:
            done = f"was done: {_started(item.done)}" if item.done else f"would inject {item.title!r}"
            self.stdout.write(f"{_local(item.due_at, zone)}  {done}")
        self.stdout.write("Nothing is started yet. Add --yes to start what is listed.")

    def do_remove(self, options: dict[str, Any]) -> None:
        one = _find(options)
        schedules.remove(one, by=cli.actor(options["by"]))
        self.stdout.write(f"Removed {one}.")

    def _say(self, one: Schedule) -> None:
        following = schedules.coming(one, 1)
        when = f"next {_local(following[0], ZoneInfo(one.zone))}" if following else "it never comes"
        self.stdout.write(f"{one}: {cron.in_words(one.cron)}, {one.zone}; {when}.")


def _find(options: dict[str, Any]) -> Schedule:
    return schedules.find(options["workflow"], options["name"])


def _input(options: dict[str, Any]) -> dict[str, Any] | None:
    """What each task gets; None to start the backlog."""
    if options["backlog"]:
        if said := [name for name in ("file", "title", "pairs") if options[name]]:
            name = said[0].replace("pairs", "set")
            raise CommandError(f"--{name} says what to inject, and --backlog injects nothing. Leave one out.")
        return None
    value, _ = read_brief(options["workflow"], None, options["file"])
    value |= read_pairs(options["workflow"], options["pairs"])
    return {**value, "title": options["title"]} if options["title"] else value


def _facts(one: Schedule) -> dict[str, Any]:
    zone = ZoneInfo(one.zone)
    last = one.occurrences.first()
    return {
        "workflow": one.workflow.slug, "name": one.name, "cron": one.cron, "zone": one.zone,
        "words": cron.in_words(one.cron), "input": one.input, "misfire": one.misfire,
        "paused_by": one.paused_by, "paused_why": one.paused_why,
        "next": [_local(moment, zone) for moment in schedules.coming(one, NEXT)],
        "clock_changes": [change.sentence for change in cron.changes(one.cron, one.zone, clock.now())],
        "last": {"due_at": last.due_at, "by": last.by, "tasks": last.started, "trouble": last.trouble}
        if last else None,
    }  # fmt: skip


def _started(occurrence: Occurrence) -> str:
    return occurrence.trouble or ", ".join(occurrence.started) or "nothing was waiting"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moments.with_weekday(moment.astimezone(zone), clock.now().astimezone(zone))


def _moment(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """A day or a moment in the schedule's zone; a day as an end counts whole."""
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            return datetime.combine(day, time(), zone) - timedelta(seconds=1 if end else 0)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise CommandError(f"{text!r} is no time: write 2026-11-01 or 2026-11-01T04:00.") from None
