"""`./manage.py sync [PATH]`: brings the YAML of agents and workflows into the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import definition, staff
from clawbot import cli
from clawbot.people import cast
from tasks import workflow
from tasks.workflow import offers, shipped


class Command(cli.Command):
    help = "Make new versions of agents and workflows where their YAML changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path", nargs="?", help="one agent's file, one workflow, or a folder that `export` wrote"
        )
        answer = parser.add_mutually_exclusive_group()
        answer.add_argument("--use", metavar="NAME", help="make the offered update of this one active")
        answer.add_argument("--keep", metavar="NAME", help="put the offered update of this one aside")
        cli.add_actor(parser)

    def handle(self, *args: Any, path: str | None, by: str | None, **options: Any) -> None:
        with cli.refusals():
            # What is shipped is brought in before there is anybody who could do so.
            actor = cli.actor(by) if by or cast.admins() else cast.BY
            if name := options["use"] or options["keep"]:
                changed = [_answer(name, "use" if options["use"] else "keep", actor)]
            else:
                before = {str(version) for version in offers.waiting()}
                changed = _sync(Path(path).expanduser().resolve() if path else None, actor)
                changed += [shipped.said(one) for one in offers.waiting() if str(one) in before]
        self.stdout.write("\n".join(changed) if changed else "Nothing changed.")


def _answer(name: str, verb: str, by: str) -> str:
    """Use or keep, by the name of an agent or a workflow."""
    version = next((one for one in offers.waiting() if str(one).rpartition(" v")[0] == name), None)
    if version is None:
        named = ", ".join(map(str, offers.waiting())) or "nothing"
        raise CommandError(f"Cannot {verb} an update of {name}: none is offered. Offered now: {named}.")
    thing = offers.head(version)
    (offers.use if verb == "use" else offers.keep)(thing, version.number, by=by)
    return f"{version} is active now." if verb == "use" else f"{version} is put aside; {name} stays as it is."


def _sync(path: Path | None, by: str) -> list[str]:
    if path is None:
        return shipped.sync(by)
    if path.name == "workflow.yaml" or (path / "workflow.yaml").is_file():
        return [str(version) for version in [workflow.sync(path, staff.definitions(), by=by)] if version]
    if path.suffix == ".yaml" and path.is_file():
        return [
            str(version)
            for version in [shipped.hire(definition.read(path, shipped.models), by=by)]
            if version
        ]
    if (path / "agents").is_dir() or (path / "workflows").is_dir():
        return shipped.sync(by, agents=path / "agents", workflows=path / "workflows", shipped=False)
    raise CommandError(
        f"Nothing to read at {path}. Name an agent's YAML file, a folder with a workflow.yaml, or a folder "
        "that has agents/ and workflows/ in it."
    )
