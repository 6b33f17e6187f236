"""Whatever lies in a cluster's queue, on each broker: it runs what is ours, and refuses the rest aloud."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core import signing

from clawbot.bench import load
from tasks import queue
from tests import brokers, databases

from .foreign import Bomb, mark
from .test_wedged_cluster import all_done, until

WITHIN = 60.0
KEYS = {"AWS_ACCESS_KEY_ID": "only-for-tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}


@pytest.fixture(params=["orm", "redis", "sqs"])
def lay(
    request: pytest.FixtureRequest, transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """`./manage.py work` on each broker. Lays a message into its cluster's queue, as somebody who can write
    there; without one, tells how many lie there."""
    kind = request.param
    place = {"redis": brokers.redis, "sqs": brokers.sqs}.get(kind, lambda _: nullcontext(""))
    try:
        with place(tmp_path) as url, _work(kind, url, tmp_path):
            cluster = until(_cluster, WITHIN)
            assert cluster, "the cluster did not come up: " + (tmp_path / "log").read_text()
            for name, value in KEYS.items():
                monkeypatch.setenv(name, value)
            yield {"orm": _orm, "redis": _redis, "sqs": _sqs}[kind](cluster, url)
    except brokers.Absent as reason:
        pytest.skip(str(reason))


@contextmanager
def _work(kind: str, url: str, folder: Path) -> Iterator[None]:
    from django.db import connection

    database = f"sqlite:///{connection.settings_dict['NAME']}"
    (folder / "marks").mkdir()
    environment = {
        **databases.environment(database, folder / "var"), **KEYS, "CLAWBOT_BROKER": kind, "REDIS_URL": url,
        "AWS_ENDPOINT_URL": url.replace("sqs://key:secret@", "http://"), "MARKS": str(folder / "marks"),
        "CLAWBOT_CANARY_SECONDS": "2", "CLAWBOT_GRACE_SECONDS": "2",
    }  # fmt: skip
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "work"], cwd=databases.ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


def _cluster() -> str:
    """The cluster that has shown its sign of life."""
    from tasks.models import Wake

    sign = Wake.objects.filter(queue__startswith="canary:").first()
    return sign.queue.removeprefix("canary:") if sign else ""


def _orm(cluster: str, url: str) -> Callable[..., Any]:
    from django.utils import timezone
    from django_q.models import OrmQ

    def lay(message: str = "") -> int:
        if message:
            OrmQ.objects.create(key=cluster, payload=message, lock=timezone.now())
        return OrmQ.objects.filter(key=cluster).count()

    return lay


def _redis(cluster: str, url: str) -> Callable[..., Any]:
    import redis

    client = redis.from_url(url)

    def lay(message: str = "") -> int:
        if message:
            client.rpush(f"django_q:{cluster}:q", message)
        return int(client.llen(f"django_q:{cluster}:q"))

    return lay


def _sqs(cluster: str, url: str) -> Callable[..., Any]:
    import boto3

    client = boto3.client(
        "sqs", region_name="eu-central-1", endpoint_url=url.replace("sqs://key:secret@", "http://")
    )
    address = client.get_queue_url(QueueName=cluster)["QueueUrl"]
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def lay(message: str = "") -> int:
        if message:
            client.send_message(QueueUrl=address, MessageBody=message)
        found = client.get_queue_attributes(QueueUrl=address, AttributeNames=counts)["Attributes"]
        return sum(int(found[count]) for count in counts)

    return lay


def foreign() -> dict[str, str]:
    """Each way to name code in a message, all signed with the house's own key."""
    from django.utils import timezone
    from django_q.signing import PickleSerializer, SignedPackage

    def task(**words: Any) -> str:
        whole = {"id": "1" * 32, "name": "foreign", "args": (), "kwargs": {}, "started": timezone.now()}
        return SignedPackage.dumps(whole | {"save": True} | words)

    ours = "tasks.queue.is_rung"
    chain: list[Any] = [("tests.races.foreign.mark", ("chain",), {})]
    return {
        "a shell": task(func="os.system", args=('touch "$MARKS/shell"',)),
        "by name": task(func="tests.races.foreign.mark", args=("name",)),
        "by callable": task(func=mark, args=("callable",)),
        "a hook": task(func=ours, hook="tests.races.foreign.hook"),
        "a chain": task(func=ours, id="2" * 32, chain=chain, group="g", cached=False, sync=False),
        "an argument": task(func=ours, args=(Bomb(),)),
        "our salt": signing.dumps(["os.system", ['touch "$MARKS/salt"']], salt=queue.SALT),
        "our salt, pickled": signing.dumps(["drain", [Bomb()]], salt=queue.SALT, serializer=PickleSerializer),
        "no signature": "Rubbish",
    }


def _scheduled(cluster: str) -> str:
    """What django-q2's own scheduler makes of a row in its table: a task that the house itself signs."""
    from django_q.tasks import async_task

    heard: list[str] = []

    class Ear:
        list_key = cluster
        enqueue = staticmethod(heard.append)

    async_task("os.system", 'touch "$MARKS/scheduled"', q_options={"broker": Ear(), "cluster": cluster})
    return heard[0]


def _sign(cluster: str) -> Any:
    return queue.last_sign(cluster)


def test_refuses_each_foreign_task_and_goes_on_with_its_own(lay: Callable[..., int], tmp_path: Path) -> None:
    from django_q.models import Schedule

    from tasks.models import Event

    cluster = _cluster()
    messages = [*foreign().values(), _scheduled(cluster)]
    call = "'touch \"$MARKS/schedule\"'"
    Schedule.objects.create(func="os.system", args=call, cluster=cluster)

    for message in messages:
        lay(message)

    attempts = len(messages) + 1  # the row in the table of schedules
    refused = Event.objects.filter(kind="queue.refused")
    until(lambda: refused.count() >= attempts, WITHIN)
    last = _sign(cluster)
    assert until(lambda: _sign(cluster) != last, WITHIN), "no task of ours was begun afterwards"
    load.fill(load.prepare("afterwards", 0), 1)
    assert until(all_done, WITHIN), "no work was done afterwards"
    assert os.listdir(tmp_path / "marks") == []
    assert refused.count() == attempts
    assert (tmp_path / "log").read_text().count("was refused and not run") == attempts
    assert not Schedule.objects.exists()
    assert until(lambda: lay() == 0, WITHIN), "something was left in the queue"
