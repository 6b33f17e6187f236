"""`./manage.py mail SOURCE`: takes mail in; each becomes a task, or a word in the thread of one."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.prose.clean import one_line
from agents.strict_yaml import nearest
from clawbot import cli
from tasks import access
from tasks.border import intake
from tasks.border.intake import Mailbox, Taken, files, imap
from tasks.models import Workflow

EVERY = 30.0
LONGEST_PAUSE = 300.0  # seconds between two tries to reach a server that is away


class Command(cli.Command):
    help = (
        "Take in mail. SOURCE is an mbox file, a Maildir folder, an .eml file or imaps://user@host/folder "
        "(the password from IMAP_PASSWORD or IMAP_PASSWORD_FILE). docs/howto/answer_customers.md shows it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="SOURCE", help="where the mails lie")
        parser.add_argument("--workflow", default="support", help="what each mail starts (default: support)")
        parser.add_argument("--follow", action="store_true", help="go on with what comes in, until Ctrl-C")
        parser.add_argument(
            "--every",
            metavar="SECONDS",
            type=float,
            help=f"between two looks (default: {EVERY:g})",
        )
        parser.add_argument(
            "--lists",
            action="store_true",
            help="take in what comes through a mailing list or a shared inbox (a Google Group), too",
        )
        cli.add_json(parser)
        cli.add_actor(parser)

    def handle(
        self,
        *args: Any,
        source: str,
        workflow: str,
        follow: bool,
        every: float | None,
        lists: bool,
        **options: Any,
    ) -> None:
        if every is not None and not follow:
            raise CommandError("--every says how often to look again; add --follow.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT) if follow else ():
            signal.signal(number, lambda *_: stop.set())
        with cli.refusals():
            by = cli.actor(options["by"])
            access.require(by, "inject")
            _require(workflow)
            box: Mailbox = imap.find(source) if imap.is_address(source) else files.find(source)
            self._as_json, self._lists = options["as_json"], lists
            self._tally, self._told = Counter[str](), list[dict[str, str]]()
            try:
                self._take(box, workflow, by, stop, every or EVERY if follow else None)
            finally:
                box.close()
        if self._as_json:
            self.stdout.write(cli.dump(self._told))
        else:
            counted = ", ".join(f"{number} {effect}" for effect, number in sorted(self._tally.items()))
            self.stdout.write(f"{sum(self._tally.values())} mails: {counted or 'nothing new'}.")

    def _take(self, box: Mailbox, to: str, by: str, stop: threading.Event, every: float | None) -> None:
        """Look once, or again and again; a server that is away is tried again ever less often."""
        pause = every
        while not stop.is_set():
            try:
                for taken in intake.sweep(box, to=to, by=by, lists=self._lists):
                    self._tell(taken)
                    if stop.is_set():
                        return
                pause = every
            except OSError as error:
                if every is None or pause is None:
                    raise CommandError(f"Cannot read mail from {box.name}: {error}") from None
                self.stderr.write(f"{box.name} cannot be reached ({error}); trying again in {pause:g} s.")
                stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if every is None:
                return
            stop.wait(every)

    def _tell(self, taken: Taken) -> None:
        self._tally[taken.effect] += 1
        subject = one_line(taken.mail.subject or "(no subject)", 80)
        if self._as_json:
            told = {"effect": taken.effect, "task": taken.task, "from": taken.mail.sender, "subject": subject}
            self._told.append(told | ({"why": taken.why} if taken.why else {}))
        else:
            line = f"{taken.task or '-':10} {taken.effect:9} {subject}"
            self.stdout.write(f"{line}  ({taken.why})" if taken.why else line)
            self.stdout.flush()


def _require(workflow: str) -> None:
    slugs = list(Workflow.objects.exclude(active=None).values_list("slug", flat=True))
    if workflow not in slugs:
        raise CommandError(f"There is no workflow {workflow!r}. {nearest(workflow, slugs)}")
