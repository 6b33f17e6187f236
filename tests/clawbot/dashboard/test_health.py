"""What machines ask, and what they are told."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from tasks import clock, supervision
from tasks.models import Worker
from tests.tasks.builders import a_task, a_worker, claim_all


@pytest.fixture(autouse=True)
def _real_time():
    yield
    clock.reset()


def later(**span):
    """Move the clock; the worker's lease, which the database's clock counts, still stands."""
    clock.move(timedelta(**span))


def test_lives_without_asking_the_database(client):
    assert client.get("/livez").text == "ok\n"


@pytest.mark.django_db
def test_is_ready_when_migrated(client):
    assert client.get("/readyz").json() == {"ready": True}


@pytest.mark.django_db
def test_is_not_ready_without_its_database(client, monkeypatch):
    def away(*args, **more):
        raise OperationalError("no route")

    monkeypatch.setattr(connection.introspection, "table_names", away)
    monkeypatch.setattr("django.db.migrations.recorder.MigrationRecorder.applied_migrations", away)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "database does not answer" in answer.json()["why"]


@pytest.mark.django_db
def test_moves_while_a_worker_lives_and_nothing_waits_long(client):
    a_worker()

    assert client.get("/healthz/progress").json() == {
        "moves": True, "workers": 1, "paused": False, "untouched_seconds": 0,
        "unsealed_seconds": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_does_not_move_without_workers(client):
    assert client.get("/healthz/progress").status_code == 503


@pytest.mark.django_db
def test_does_not_count_a_worker_whose_lease_is_past(client):
    a_worker()
    Worker.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    assert client.get("/healthz/progress").json()["workers"] == 0


@pytest.mark.django_db
def test_does_not_move_where_free_work_lies_untouched(client):
    a_worker()
    a_task()
    later(minutes=2)

    answer = client.get("/healthz/progress")

    assert answer.status_code == 503
    assert answer.json()["untouched_seconds"] >= 120


@pytest.mark.django_db
def test_moves_where_work_waits_because_other_work_runs(client):
    a_task()
    claim_all(a_worker())
    a_task("Another one")
    later(minutes=2)

    assert client.get("/healthz/progress").status_code == 200


def test_moves_where_all_that_waits_is_paused(client, ben):
    a_worker()
    a_task()
    supervision.pause("workflow", "article", by="user:ben", why="new rules")
    later(minutes=2)

    assert client.get("/healthz/progress").status_code == 200
