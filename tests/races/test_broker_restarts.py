"""Ten thousand envelopes, one in five twice, through bridges that die and a broker that is restarted twice:
as many effects as there are different messages."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import brokers, databases

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).resolve().parents[2]

COUNT = int(os.environ.get("CHAOS_MESSAGES", "10000"))
DIFFERENT = COUNT * 4 // 5
LONGEST = 40 * 60  # seconds

SETUP = """
from clawbot.people.models import User
from tests.tasks.builders import a_workflow
User.objects.create_superuser("root")
a_workflow("order", [{"name": "check", "agent": "stock", "done_as": "checked"}], key="ORD")
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL database with one workflow, and the environment of the bridges."""
    with databases.throw_away("postgres", tmp_path) as url:
        databases.migrate(url, tmp_path / "var")
        environment = {
            **databases.environment(url, tmp_path / "var"),
            "AWS_ACCESS_KEY_ID": "only-for-tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests",
        }  # fmt: skip
        _shell(environment, SETUP)
        yield environment


def an_envelope(number: int) -> bytes:
    return json.dumps(
        {
            "from": "shop", "to": "order", "type": "order", "data": {"title": f"Order {number}"},
            "correlation_id": f"order-{number}", "timestamp": "2026-02-17T12:00:00Z",
        }
    ).encode()  # fmt: skip


def everything() -> list[bytes]:
    different = [an_envelope(number) for number in range(DIFFERENT)]
    bodies = different + random.Random(7).sample(different, COUNT - DIFFERENT)
    random.Random(8).shuffle(bodies)
    return bodies


def test_rabbitmq(world: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = brokers.folder()
    try:
        server = brokers.OwnRabbitMQ(folder)
        server.start()
    except brokers.Absent as reason:
        pytest.skip(str(reason))
    try:
        one = brokers.Broker("rabbitmq", server.url)
        queue = one.queue("in")
        one.put(queue, *everything())

        def restart() -> None:
            server.stop()
            time.sleep(2)
            server.start()

        figures = carry(one, queue, world, restart)
        assert one.get(queue, 1, seconds=3) == []
    finally:
        server.stop()
    with capsys.disabled():
        print(f"\n{figures}")


def test_sqs(
    world: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "only-for-tests")
    with brokers.broker("sqs", brokers.folder()) as one:
        queue = one.queue("in")
        one.put(queue)
        sender = threading.Thread(target=send_as_taken, args=(one.gate.behind, queue, everything()))
        sender.start()

        def restart() -> None:
            one.gate.shut()
            time.sleep(5)
            one.gate.open()

        figures = carry(one, queue, world, restart)
        sender.join()
    with capsys.disabled():
        print(f"\n{figures}")


def send_as_taken(port: int, queue: str, bodies: list[bytes]) -> None:
    """Put them on a queue of SQS, a few hundred ahead of whoever takes them: moto is slow with a long one."""
    import boto3

    client: Any = boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")
    place = client.get_queue_url(QueueName=queue)["QueueUrl"]
    waiting = "ApproximateNumberOfMessages"
    for start in range(0, len(bodies), 10):
        while (
            start % 100 == 0
            and int(
                client.get_queue_attributes(QueueUrl=place, AttributeNames=[waiting])["Attributes"][waiting]
            )
            > 300
        ):
            time.sleep(0.2)
        entries = [
            {"Id": str(number), "MessageBody": body.decode()}
            for number, body in enumerate(bodies[start : start + 10])
        ]
        sent = client.send_message_batch(QueueUrl=place, Entries=entries)
        assert len(sent["Successful"]) == len(entries)


def carry(one: brokers.Broker, queue: str, world: dict[str, str], restart: Callable[[], None]) -> str:
    """Two bridges carry; the broker goes twice, one bridge is killed and replaced. Returns the figures."""
    bridges = [_bridge(one.url, queue, world), _bridge(one.url, queue, world)]
    began = time.monotonic()

    def die() -> None:
        bridges[0].kill()
        bridges[0].communicate(timeout=30)
        bridges.append(_bridge(one.url, queue, world))

    happenings = [(0.2, restart), (0.45, die), (0.6, restart)]
    while (tasks := _count(world, "Task")) < DIFFERENT:
        assert time.monotonic() - began < LONGEST, f"{tasks} of {DIFFERENT} tasks"
        if happenings and tasks > happenings[0][0] * DIFFERENT:
            happenings.pop(0)[1]()
        time.sleep(2)
    seconds = time.monotonic() - began
    time.sleep(40)  # whatever was hidden when a bridge died shows itself again, and must do nothing
    said = [_stop(bridge) for bridge in bridges[1:]]
    assert (_count(world, "Task"), _count(world, "Message")) == (DIFFERENT, DIFFERENT)
    assert not happenings
    assert all("Trying again" in text for text in said[:1])
    return (
        f"{one.kind}: {COUNT:,} messages, {DIFFERENT:,} different, 2 restarts, 1 killed bridge: "
        f"{DIFFERENT:,} tasks in {seconds:.0f} s. {' | '.join(text.splitlines()[-1] for text in said)}"
    )


def _bridge(url: str, queue: str, world: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "bridge", url, "--in", queue, "--by", "root"]
    return subprocess.Popen(
        command, cwd=ROOT, env={**world, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _stop(bridge: subprocess.Popen[str]) -> str:
    bridge.send_signal(signal.SIGTERM)
    said, _ = bridge.communicate(timeout=60)
    assert bridge.returncode == 0, said
    return said


def _count(world: dict[str, str], model: str) -> int:
    return int(_shell(world, f"from tasks.models import {model}; print({model}.objects.count())"))


def _shell(environment: dict[str, str], code: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
