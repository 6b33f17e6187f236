"""`./manage.py inject WORKFLOW`: puts a task into the line, from a sample, a file or the options."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError, CommandParser, OutputWrapper

from agents import strict_yaml
from clawbot import cli
from clawbot.dashboard.sentences import sentence
from clawbot.live.feed import Feed
from tasks import clock, lifecycle, moments, workspace
from tasks.models import Event, Review, Subtask, Task, Workflow
from tasks.why import why
from tasks.workflow import read_input, samples

WAITS_FOR_A_PERSON = 3
CANCELLED = 4
LOOK_SECONDS = 0.3
#: How long a cluster may take to start before we say that there is none.
GRACE_SECONDS = 20
S = Subtask.Status


class Command(cli.Command):
    help = (
        "Inject a task. Exit 0; with --wait: 0 when it is completed, 3 when nothing moves until a person "
        "acts, 4 when it ended as cancelled: what it had done was taken back, or a person stopped it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", help="name of the workflow: article, ...")
        parser.add_argument("--sample", metavar="NAME", help="a brief that the workflow ships: default, ...")
        parser.add_argument(
            "--file", metavar="BRIEF", help="a YAML file with the input; its paths are relative to it"
        )
        parser.add_argument("--title", help="what the task is called")
        parser.add_argument(
            "--set",
            metavar="K=V",
            action="append",
            default=[],
            dest="pairs",
            help="one key of the input; repeat it for a list",
        )
        parser.add_argument("--key", metavar="KEY", help="the same key injects only once")
        parser.add_argument("--backlog", action="store_true", help="leave it to the schedule")
        parser.add_argument(
            "--due", metavar="DATE", type=date.fromisoformat, help="a later day leaves it in the backlog"
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="show how it goes until it is done or waits for a person; tasks that it injects and answers "
            "from other systems are waited for",
        )
        cli.add_json(parser)
        cli.add_actor(parser)

    def handle(self, *args: Any, workflow: str, title: str | None, key: str | None, **options: Any) -> None:
        with cli.refusals():
            value, folder = read_brief(workflow, options["sample"], options["file"])
            value |= read_pairs(workflow, options["pairs"])
            title = str(title or value.get("title") or "")
            task = lifecycle.inject(
                workflow, title=title, input={**value, "title": title}, by=cli.actor(options["by"]), key=key,
                folder=folder, anywhere=True, due_on=_day(options["due"], value),
                backlog=options["backlog"] or _is_later(options["due"]),
            )  # fmt: skip
        self.stdout.write(cli.dump({"key": task.key}) if options["as_json"] else task.key)
        if options["wait"]:
            self.wait(task, self.stderr if options["as_json"] else self.stdout)

    def wait(self, task: Task, out: OutputWrapper) -> None:
        """Show the task's log as it grows. Leaves with exit code 3 where a person must act first, with 4
        where it ended as cancelled."""
        feed, began = Feed(after=0), time.monotonic()
        feed.after = (
            Event.objects.filter(task=task).order_by("id").values_list("id", flat=True).first() or 1
        ) - 1
        while True:
            _show(task, {change.seq for change in feed.read(time.monotonic())}, out)
            task.refresh_from_db()
            if task.status == Task.Status.DONE:
                out.write(why(task).sentence, style_func=str)
                if task.outcome == Task.Ending.CANCELLED:
                    raise SystemExit(CANCELLED)
                return
            if _stands_still(task):
                out.write(why(task).sentence, style_func=str)
                raise SystemExit(WAITS_FOR_A_PERSON)
            if time.monotonic() - began > GRACE_SECONDS and not cli.workers_alive():
                raise CommandError(f"{task.key} is injected, but nothing moves it. {cli.NO_WORKER}")
            time.sleep(LOOK_SECONDS)


def _show(task: Task, ids: set[int], out: OutputWrapper) -> None:
    """The new lines of this task."""
    for event in Event.objects.filter(task=task, pk__in=ids).order_by("id"):
        out.write(f"{moments.line(event.at)}  {sentence(event)}", style_func=str)
    out.flush()


def _stands_still(task: Task) -> bool:
    """Whether nothing will happen until a person acts: an open review, a hold, or the backlog; and so do
    all tasks that it waits for. An answer from another system, or the lack of it, comes by itself."""
    # One look at all rows: between two, one may go from ready to doing and be seen by neither.
    rows = set(Subtask.objects.filter(task=task, live=1).values_list("status", "awaits").distinct())
    statuses = {status for status, _ in rows}
    if S.DOING in statuses:
        return False
    if why(task).paused:
        return True
    if S.READY in statuses or (S.BLOCKED, Subtask.Awaits.MESSAGE) in rows:
        return False
    if task.status == Task.Status.BACKLOG:
        return task.starts_at is None or task.starts_at > clock.now()  # else a limit keeps it, for a while
    children = list(Task.objects.filter(parent__task=task, parent__live=1).exclude(status=Task.Status.DONE))
    if (S.BLOCKED, Subtask.Awaits.CHILD) in rows and not children:
        return False  # it is injected by the next sweep, or has just ended
    if children:
        return all(_stands_still(child) for child in children)
    return Review.objects.filter(task=task, open=1).exists()


def read_brief(workflow: str, sample: str | None, file: str | None) -> tuple[dict[str, Any], Path]:
    """The input of a sample or a file, and the folder that its paths are relative to."""
    if sample and file:
        raise CommandError("Give --sample or --file, not both.")
    if sample:
        return samples.read(workflow, sample)
    if not file:
        return {}, Path.cwd()
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise CommandError(f"There is no file {file}.")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: cannot be read ({error}). Save it as UTF-8 text.") from None
    document = strict_yaml.load(text, path.name, plain=True)
    return read_input(document, _schema(workflow)), path.parent


def read_pairs(workflow: str, pairs: list[str]) -> dict[str, Any]:
    """`--set` as the workflow's schema types it: text as it stands, lists by repeating, the rest as JSON."""
    schema = _schema(workflow).get("properties", {})
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise CommandError(f"--set {pair!r}: write it as key=value.")
        kind = schema.get(name, {}).get("type", "string")
        if kind == "array" and not text.startswith("["):
            found.setdefault(name, []).append(_from_here(name, text))
        else:
            found[name] = text if kind == "string" else _json(name, kind, text)
    return found


def _schema(workflow: str) -> dict[str, Any]:
    """What the workflow asks for; empty if there is none of this name, which `inject` refuses."""
    flow = Workflow.objects.select_related("active").filter(slug=workflow).first()
    return dict(flow.active.definition["input"]) if flow and flow.active else {}


def _from_here(name: str, text: str) -> str:
    """A file named on the command line lies where the shell is, not beside the brief."""
    path = Path(text).expanduser()
    return str(path.resolve()) if name in workspace.KEYS and path.exists() else text


def _json(name: str, kind: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise CommandError(f"--set {name}: {text!r} is not the JSON of type {kind}.") from None


def _day(given: date | None, value: dict[str, Any]) -> date | None:
    try:
        return given or (date.fromisoformat(value["due"]) if value.get("due") else None)
    except (TypeError, ValueError):
        raise CommandError(f"due: {value['due']!r} is not a date. Write it as 2026-12-24.") from None


def _is_later(day: date | None) -> bool:
    return day is not None and day > clock.now().astimezone(_zone()).date()


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.SITE_ZONE)
