"""`./manage.py act KEY VERB`: does to a task what a person may do (`tasks.supervision.VERBS`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import acts, cli
from clawbot.shapes import task_shape
from tasks import supervision, workspace
from tasks.people import edits
from tasks.why import why

_WORDS = f"a word is {edits.KEEP}, {edits.RERUN} or {edits.REVIEW}"


class Command(cli.Command):
    help = "Approve, send_back, edit, retry, skip, cancel, override, rerun_from, ... a task."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the task's key, as ART-12")
        parser.add_argument("verb", choices=sorted(supervision.VERBS), metavar="VERB",
                            help=", ".join(sorted(supervision.VERBS)))  # fmt: skip
        parser.add_argument(
            "--review", type=int, metavar="ID", help="which review; the one due first where left out"
        )
        parser.add_argument("--note", default="", help="words that go with an approval, or an answer")
        parser.add_argument(
            "--file", action="append", default=[], metavar="FILE", help="a file that goes with an answer"
        )
        parser.add_argument("--to", default="", metavar="STAGE", help="a stage; for assign: a user")
        parser.add_argument("--reason", default="", help="why; some verbs insist")
        parser.add_argument(
            "--request", action="append", default=[], metavar="TEXT", help="one change that is asked for"
        )
        parser.add_argument("--kind", default="draft", help="what to edit")
        parser.add_argument("--text", metavar="FILE", help="the edited text; - reads it from the terminal")
        parser.add_argument(
            "--then", action="append", metavar="STAGE=WORD",
            help="after an edit: keep, rerun or review a stage that was built on the old text; "
            "what is not named is done as a careful person would",
        )  # fmt: skip
        parser.add_argument("--sha256", help="decide only if the text is still this one")
        cli.add_json(parser)
        cli.add_actor(parser)

    def handle(self, *args: Any, key: str, verb: str, **options: Any) -> None:
        said = acts.Said(
            review=options["review"], note=options["note"], reason=options["reason"], to=options["to"],
            requests=[{"text": text, "quote": ""} for text in options["request"]], kind=options["kind"],
            text=_text(options["text"]) if verb == "edit" or options["text"] else None,
            sha256=options["sha256"], then=_then(options["then"]),
            files=_files(options["file"]),
        )  # fmt: skip
        with cli.refusals():
            task = acts.act(cli.find_task(key), verb, said, by=cli.actor(options["by"]), channel="cli")
        self.stdout.write(
            cli.dump(task_shape(task)) if options["as_json"] else f"{task.key}: {why(task).sentence}"
        )


def _text(file: str | None) -> str:
    if not file:
        raise CommandError("edit needs the new text: --text FILE, or --text - to read it from the terminal.")
    try:
        return sys.stdin.read() if file == "-" else Path(file).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--text {file}: cannot be read ({error}). Save it as UTF-8 text.") from None


def _files(names: list[str]) -> list[tuple[str, bytes]]:
    paths = [Path(name).expanduser() for name in names]
    try:
        if sum(path.stat().st_size for path in paths) > workspace.MOST_GIVEN_BYTES:
            raise CommandError(f"--file: at most {workspace.MOST_GIVEN_BYTES // 1_000_000} MB together.")
        return [(path.name, path.read_bytes()) for path in paths]
    except OSError as error:
        raise CommandError(f"--file: cannot be read ({error}).") from None


def _then(given: list[str] | None) -> dict[str, str] | None:
    if given is None:
        return None
    found: dict[str, str] = {}
    for one in given:
        stage, _, word = one.partition("=")
        if not stage or not word:
            raise CommandError(f"--then {one}: write STAGE=WORD, as review=keep; {_WORDS}.")
        if found.setdefault(stage, word) != word:
            raise CommandError(f"--then {one}: {stage} was given {found[stage]} before. Choose one of them.")
    return found
