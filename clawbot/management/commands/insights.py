"""`./manage.py insights`: how people's part goes, in sentences. Everybody together: a terminal is nobody's
own, so a person's figures are on their page alone.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from clawbot import answers, cli
from tasks.people import insights


class Command(cli.Command):
    help = "How long texts wait for people and how they decide, everybody together (one's own: /insights/)."

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with cli.refusals():
            report = insights.report("cli:")
        waits, oldest = insights.waiting("cli:")
        if options["as_json"]:
            waiting = [{"workflow": one.workflow, "ages": list(one.ages)} for one in waits]
            self.stdout.write(cli.dump(answers.shape(report) | {"waiting": waiting}))
            return
        self.stdout.write(f"What waits for people?\n  {answers.waiting_sentence(waits, oldest)}")
        if report.total is None:
            self.stdout.write(answers.TOO_FEW)
            return
        for panel in answers.panels(report):
            self.stdout.write(f"{panel.question}\n  {panel.answer}")
