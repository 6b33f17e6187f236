"""Starts every command in a process of its own and prints, as JSON, what each has imported that is heavy.

Run as `python -m tests.house.start_up FOLDER`, with CLAWBOT_DATA in that folder: a test's own process has
everything imported already. Each command is a fork of one that Django has been set up in, so that all of them
together take seconds.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from functools import partial
from typing import Any

#: Web servers and pages, model clients, drivers of brokers and of Slack, readers of web pages, the checker of
#: JSON Schema: hundreds of milliseconds, and tens of megabytes in each worker.
HEAVY = (
    "daphne", "twisted", "channels", "ninja", "clawbot.urls", "clawbot.api.door", "clawbot.admin",
    "clawbot.dashboard.board", "clawbot.dashboard.activity", "clawbot.render", "markdown_it", "nh3", "jinja2",
    "pydantic_ai", "openai", "trafilatura", "lxml", "feedparser", "kombu", "amqp", "redis", "boto3",
    "botocore", "slack_sdk", "playwright", "jsonschema",
)  # fmt: skip
#: What people type all day, run in earnest in the order of a day; each adds nothing to what it imported.
DAY = {
    "status": [["status"], ["status", "ART-1"], ["status", "--json"]],
    "act": [["act", "ART-1", "pause", "--reason", "Read it first"]],
    "resume": [["resume", "--task", "ART-1"]],
    "tail": [["tail", "--no-follow"], ["tail", "--no-follow", "task:ART-1", "--json"]],
    "events": [["events", "export", "kind:task"]],
    "doctor": [["doctor"]],
    "verify": [["verify"]],
    "head": [["head"]],
    "messages": [["messages"]],
    "pause": [["pause", "--all", "--why", "Read it first"]],
    "signin": [["signin", "ana"]],
}


def main() -> None:
    """Prepare a house, then start each command and run those of `DAY`."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clawbot.settings")
    django.setup()
    from django.core.management import get_commands

    ours = sorted(name for name, app in get_commands().items() if app == "clawbot")
    apart(_prepare)
    found = {name: apart(partial(_start, name)) for name in ours}
    print(json.dumps(found))


def apart(step: Callable[[], None]) -> list[str]:
    """Run a step in a fork; what it had imported at its end."""
    read, write = os.pipe()
    if child := os.fork():
        os.close(write)
        with os.fdopen(read) as said:
            text = said.read()
        os.waitpid(child, 0)
        return list(json.loads(text))
    with os.fdopen(write, "w") as out:
        try:
            step()
            json.dump([name for name in HEAVY if name in sys.modules], out)
        except BaseException as error:
            json.dump([f"failed: {error!r}"], out)
            raise
        finally:
            out.flush()
            os._exit(0)
    raise AssertionError("a fork has ended above")


def _prepare() -> None:
    from django.core.management import call_command

    from clawbot.people import cast
    from tasks.workflow import shipped

    call_command("migrate", verbosity=0)
    cast.make_cast()
    shipped.sync("clawbot")
    with redirect_stdout(io.StringIO()):
        call_command("inject", "article", "--sample", "default")


def _start(name: str) -> None:
    """What `./manage.py NAME` does before it works, and where DAY says how, the work itself."""
    from django.core.management import call_command, get_commands, load_command_class

    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name)
    tags = command.requires_system_checks
    if tags:
        command.check(tags=None if tags == "__all__" else tags)
    for words in DAY.get(name, []):
        checked: dict[str, Any] = {"skip_checks": False} if tags else {}
        with suppress(SystemExit), redirect_stdout(io.StringIO()):  # doctor ends with 1: no worker runs here
            call_command(*words, **checked)


if __name__ == "__main__":
    main()
