"""Senders that are killed while they send: every message is seen once, none is lost, on every database."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.house.files import ROOT
from tests.tasks.carriers.fake_slack import running

MESSAGES, KILLS, SENDERS = 120, 20, 3
FAULTS = ["take_then_cut", "status 502", "busy 1", "cut", "take_then_status 500", "error internal_error"]

OWE = """
from tests.tasks.builders import a_task
from tasks import outbox
task = a_task()
for number in range({count}):
    outbox.owe("completion", task=task, to=[f"group-{{number % 8}}"], content={{}}, key=f"n{{number}}")
"""

# Everything is faster than in life, in the same order: a call ends before its sender is given up.
SEND = """
import time
from datetime import timedelta
from tasks import outbox
from tasks.carriers import slack
slack.PACE, slack.TIMEOUT, slack.TOTAL = 0.0, 0.3, 0.5
outbox.SENDING, outbox.SETTLING = timedelta(seconds=2), timedelta(0)
outbox.LONGEST_PAUSE = timedelta(seconds=1)
while True:
    outbox.send_due()
    time.sleep(0.02)
"""

COUNT = """
import json
from collections import Counter
from tasks.models import Notice
print(json.dumps(Counter(Notice.objects.values_list("state", flat=True))))
"""


def python(script: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    prepared = "import django; django.setup()\n" + script
    return subprocess.Popen(
        [sys.executable, "-c", prepared], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.chaos
def test_shows_each_message_once_though_senders_are_killed(environment: dict[str, str]) -> None:
    dice = random.Random(10)
    with running() as slack:
        environment |= {
            "SLACK_BOT_TOKEN": "xoxb-test",
            "SLACK_API_URL": slack.url,
            "SLACK_CHANNELS": ",".join(f"group-{number}=C{number}" for number in range(8)),
        }
        owing = python(OWE.format(count=MESSAGES), environment)
        owing.communicate()
        assert owing.returncode == 0
        slack.script = [dice.choice(FAULTS) if dice.random() < 0.3 else "ok" for _ in range(10 * MESSAGES)]
        senders = [python(SEND, environment) for _ in range(SENDERS)]
        kills, over = 0, time.monotonic() + 180
        try:
            while time.monotonic() < over and (kills < KILLS or set(states(environment)) != {"sent"}):
                time.sleep(dice.uniform(0.1, 0.5))
                if kills < KILLS and len(slack.calls) > (kills + 1) * MESSAGES / KILLS / 2:
                    victim = dice.randrange(SENDERS)
                    os.kill(senders[victim].pid, signal.SIGKILL)
                    senders[victim].communicate()
                    senders[victim] = python(SEND, environment)
                    kills += 1
        finally:
            for sender in senders:
                sender.kill()
                sender.communicate()

        assert kills == KILLS
        assert states(environment) == {"sent": 2 * MESSAGES}  # by the console too
        assert set(Counter(slack.keys()).values()) == {1}
        assert len(slack.accepted) == MESSAGES


def states(environment: dict[str, str]) -> dict[str, int]:
    out, _ = python(COUNT, environment).communicate()
    return dict(json.loads(out))
