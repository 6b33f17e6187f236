"""`manage.py act KEY VERB`: does to a task what a person may do. `tasks.supervision.VERBS` are the verbs."""

from __future__ import annotations

import inspect
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clawbot import cli
from clawbot.shapes import task_shape
from tasks import supervision
from tasks.models import Decision, Hold, Review, Task
from tasks.why import why


class Command(BaseCommand):
    help = "Approve, send_back, edit, retry, skip, cancel, override, rerun_from, ... a task."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the task's key, as ART-12")
        parser.add_argument("verb", choices=sorted(supervision.VERBS), metavar="VERB",
                            help=", ".join(sorted(supervision.VERBS)))  # fmt: skip
        parser.add_argument(
            "--review", type=int, metavar="ID", help="which review; the one due first where left out"
        )
        parser.add_argument("--note", default="", help="words that go with an approval")
        parser.add_argument("--to", default="", metavar="STAGE", help="a stage; for assign: a user")
        parser.add_argument("--reason", default="", help="why; some verbs insist")
        parser.add_argument(
            "--request", action="append", default=[], metavar="TEXT", help="one change that is asked for"
        )
        parser.add_argument("--kind", default="draft", help="what to edit")
        parser.add_argument("--text", metavar="FILE", help="the edited text; - reads it from the terminal")
        parser.add_argument("--sha256", help="decide only if the text is still this one")
        cli.add_json(parser)
        cli.add_actor(parser)

    def handle(self, *args: Any, key: str, verb: str, **options: Any) -> None:
        task = cli.find_task(key)
        function = supervision.VERBS[verb]
        with cli.refusals():
            given = _values(task, verb, options)
            thing = _thing(function, task, verb, options)
            function(*thing, **{name: given[name] for name in _asked(function) if name in given})
        task.refresh_from_db()
        self.stdout.write(
            cli.dump(task_shape(task)) if options["as_json"] else f"{task.key}: {why(task).sentence}"
        )


def _asked(function: Callable[..., Any]) -> list[str]:
    """The names that a verb takes: its signature is the form."""
    kinds = inspect.signature(function).parameters.values()
    return [one.name for one in kinds if one.kind is inspect.Parameter.KEYWORD_ONLY]


def _values(task: Task, verb: str, options: dict[str, Any]) -> dict[str, Any]:
    """Everything the command line knows, by the names that verbs use."""
    to = options["to"]
    values: dict[str, Any] = {
        "by": cli.actor(options["by"]), "request_id": uuid.uuid4().hex, "channel": "cli", "undo_seconds": 0,
        "note": options["note"], "reason": options["reason"], "why": options["reason"],
        "to": cli.actor(to) if verb == "assign" else to, "stage": to or _stage(task, verb, options["review"]),
        "requests": [{"text": text, "quote": ""} for text in options["request"]], "kind": options["kind"],
    }  # fmt: skip
    if options["sha256"]:
        values["artifact_sha256"] = values["base_sha256"] = options["sha256"]
    if verb == "edit":
        values["text"] = _text(options["text"])
    return values


def _stage(task: Task, verb: str, review: int | None) -> str:
    """Skip means the stage that waits, where no other is named."""
    if verb != "skip":
        return ""
    return _review(task, review).subtask.stage


def _text(file: str | None) -> str:
    if not file:
        raise CommandError("edit needs the new text: --text FILE, or --text - to read it from the terminal.")
    try:
        return sys.stdin.read() if file == "-" else Path(file).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--text {file}: cannot be read ({error}). Save it as UTF-8 text.") from None


def _thing(function: Callable[..., Any], task: Task, verb: str, options: dict[str, Any]) -> list[Any]:
    """What the verb is done to, as its first argument names it."""
    kinds = inspect.signature(function).parameters.values()
    match [one.name for one in kinds if one.kind is not inspect.Parameter.KEYWORD_ONLY]:
        case ["review", *_]:
            return [_review(task, options["review"])]
        case ["decision", *_]:
            return [
                _newest(
                    Decision.objects.filter(review__task=task), f"Nobody has decided about {task.key} yet."
                )
            ]
        case ["hold", *_]:
            return [
                _newest(
                    Hold.objects.filter(open=1, scope="task", target=task.key), f"{task.key} is not paused."
                )
            ]
        case ["scope", *_]:
            return ["task", task.key]
    return [task]


def _review(task: Task, pk: int | None) -> Review:
    open_ones = Review.objects.filter(task=task).select_related("subtask", "task")
    if pk:
        found = open_ones.filter(pk=pk).first()
        if found is None:
            raise CommandError(f"{task.key} has no review {pk}.")
        return found
    first = open_ones.filter(open=1).order_by("due_at", "id").first()
    if first is None:
        raise CommandError(f"{task.key} waits for nobody. {why(task).sentence}")
    return first


def _newest(rows: Any, nothing: str) -> Any:
    found = rows.order_by("-id").first()
    if found is None:
        raise CommandError(nothing)
    return found
