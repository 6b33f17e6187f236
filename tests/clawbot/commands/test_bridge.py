"""`./manage.py bridge`: what it refuses before it starts, and that a signal ends it in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import brokers, databases

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.usefixtures("admin")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["amqp://127.0.0.1//"], "Name a queue: --in QUEUE to take messages, --out QUEUE to publish them."),
        (["http://127.0.0.1", "--in", "a"], "Cannot bridge to 'http': write amqp://user:password@host//"),
        (["redis://127.0.0.1", "--in", "a", "--out", "a"], "a cannot be both ends"),
        (["redis://127.0.0.1", "--in", "a", "--by", "nobody"], "user:nobody is not an active user"),
        (["redis://127.0.0.1", "--in", "a", "--format", "nobody"], "There is no agent `nobody`."),
    ],
)
def test_says_what_is_wrong_before_it_starts(manage: Any, words: list[str], told: str) -> None:
    said = manage("bridge", *words)

    assert said.code != 0
    assert told in said.err


def test_finishes_what_it_has_in_hand_when_it_is_asked_to_stop(tmp_path: Path) -> None:
    """As a process, on Redis: it takes a message, and a signal ends it with a sentence and no error."""
    with databases.throw_away("sqlite", tmp_path) as url:
        databases.migrate(url, tmp_path / "var")
        environment = {**databases.environment(url, tmp_path / "var"), "PYTHONUNBUFFERED": "1"}
        _manage(environment, "shell", "-c", SETUP)
        try:
            with brokers.broker("redis", tmp_path) as broker:
                _take_one_and_stop(broker, environment)
        except brokers.Absent as reason:
            pytest.skip(str(reason))


SETUP = """
from clawbot.people.models import User
from tests.tasks.builders import a_workflow
User.objects.create_superuser("root")
a_workflow("order", [{"name": "check", "agent": "stock", "done_as": "checked"}], key="ORD")
"""


def _take_one_and_stop(broker: brokers.Broker, environment: dict[str, str]) -> None:
    queue = broker.queue("in")
    envelope = {"from": "shop", "to": "order", "type": "new", "data": {"title": "Two lamps"}}
    broker.put(queue, json.dumps(envelope).encode())
    command = [sys.executable, "manage.py", "bridge", broker.url, "--in", queue, "--by", "root"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while "Two lamps" not in _manage(environment, "messages", "--json"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"Listening on {queue}" in said
    assert "The bridge has stopped: 1 injected." in said


def _manage(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
