"""`Idempotency-Key`: one effect and one answer, whatever the connection, the server or the hurry did."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from clawbot.api.models import Answer
from tasks import clock, lifecycle, supervision
from tasks.models import Hold, Task
from tests.clawbot.api.caller import Caller
from tests.tasks.builders import a_workflow

NEW = {"workflow": "article", "title": "Why agents need a manager"}
PAUSE = {"scope": "all", "why": "Lunch"}


@pytest.fixture
def flow():
    return a_workflow()


def test_answers_a_repeat_with_the_first_answer_and_does_nothing(as_ana, flow):
    first = as_ana.post("tasks", NEW, key="order-17")
    again = as_ana.post("tasks", dict(reversed(NEW.items())), key="order-17")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Task.objects.count() == 1


def test_answers_as_at_first_though_the_world_has_moved_on(as_ana, as_ben, flow):
    first = as_ana.post("tasks", NEW, key="order-17")
    as_ben.post("tasks/ART-1/cancel", {"reason": "Not needed"})

    assert as_ana.post("tasks", NEW, key="order-17").json() == first.json()


def test_refuses_a_key_that_belongs_to_another_request(as_ana, flow):
    as_ana.post("tasks", NEW, key="order-17")

    other = as_ana.post("tasks", NEW | {"title": "Another"}, key="order-17")
    elsewhere = as_ana.post("tasks/ART-1/take", {}, key="order-17")

    assert (other.status_code, elsewhere.status_code) == (422, 422)
    assert other.json()["type"].endswith("#key-reused")
    assert Task.objects.count() == 1


def test_gives_everybody_keys_of_their_own(as_ana, as_ben, flow):
    assert as_ana.post("tasks", NEW, key="1").json()["key"] == "ART-1"
    assert as_ben.post("tasks", NEW, key="1").json()["key"] == "ART-2"


def test_keeps_a_refusal_by_the_rules(as_ana, flow):
    first = as_ana.post("tasks", NEW | {"workflow": "poem"}, key="order-17")
    a_workflow("poem", key="POE")
    again = as_ana.post("tasks", NEW | {"workflow": "poem"}, key="order-17")

    assert (first.status_code, again.status_code) == (422, 422)
    assert again["Content-Type"] == "application/problem+json"
    assert again.content == first.content


def test_keeps_no_refusal_for_who_asked(as_cleo, cleo, flow):
    from django.contrib.auth.models import Group

    assert as_cleo.post("holds", PAUSE, key="1").status_code == 403
    cleo.groups.add(Group.objects.get_or_create(name="operators")[0])

    assert as_cleo.post("holds", PAUSE, key="1").status_code == 201


def test_keeps_nothing_where_clawbot_fails_and_undoes_what_it_had_done(as_ana, flow, monkeypatch):
    inject = lifecycle.inject

    def fails(*args, **more):
        inject(*args, **more)
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(lifecycle, "inject", fails)
    assert as_ana.post("tasks", NEW, key="order-17").status_code == 500
    assert not Task.objects.exists()
    monkeypatch.undo()

    assert as_ana.post("tasks", NEW, key="order-17").status_code == 201
    assert Task.objects.count() == 1


def test_is_as_good_as_done_when_only_the_answer_was_lost(as_ana, flow, monkeypatch):
    """The process dies between the effect and the commit: the key is free, and nothing happened."""
    monkeypatch.setattr(Answer, "save", lambda *args, **more: (_ for _ in ()).throw(RuntimeError("died")))
    assert as_ana.post("tasks", NEW, key="order-17").status_code == 500
    monkeypatch.undo()

    assert not Task.objects.exists()
    assert as_ana.post("tasks", NEW, key="order-17").json()["key"] == "ART-1"


def test_forgets_after_seven_days(as_ana, flow):
    as_ana.post("tasks", NEW, key="order-17")
    clock.move(timedelta(days=6, hours=23))
    assert as_ana.post("tasks", NEW, key="order-17")["Idempotency-Replayed"] == "true"

    clock.move(timedelta(hours=2))
    as_ana.post("tasks", NEW, key="order-18")
    assert [one.key for one in Answer.objects.all()] == ["order-18"]
    assert as_ana.post("tasks", NEW, key="order-17").json()["key"] == "ART-3"


@pytest.mark.parametrize("key", [" ", "x" * 201, "a\tb"])
def test_refuses_a_key_that_is_none(as_ana, flow, key):
    answer = as_ana.post("tasks", NEW, key=key)

    assert answer.status_code == 422
    assert not Task.objects.exists()


def test_does_as_it_comes_without_a_key(as_ana, flow):
    assert [as_ana.post("tasks", NEW).json()["key"] for _ in range(2)] == ["ART-1", "ART-2"]


def test_is_taken_by_every_post(as_admin):
    from clawbot.api.door import api

    paths = api.get_openapi_schema()["paths"]
    posts = [operation["post"] for operation in paths.values() if "post" in operation]
    views = [view for _, router in api._routers for view in router.path_operations.values()]
    done = [one.view_func for view in views for one in view.operations if "POST" in one.methods]
    assert len(posts) == len(done) >= 6
    assert all("Idempotency-Key" in [one["name"] for one in post["parameters"]] for post in posts)
    assert all(view.__qualname__ and hasattr(view, "__wrapped__") for view in done)


def test_has_one_effect_however_many_hurry(database, ben):
    """Ten at once under one key: one hold, and everybody hears of that one or to ask again."""
    caller, said = Caller("ben"), []

    def send():
        try:
            said.append(caller.client.__class__().post(
                "/api/v1/holds", PAUSE, content_type="application/json",
                headers={"Authorization": f"Bearer {caller.secret}", "Idempotency-Key": "lunch"},
            ))  # fmt: skip
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Hold.objects.count() == 1
    assert {answer.status_code for answer in said} <= {201, 409}
    assert len({answer.content for answer in said if answer.status_code == 201}) == 1
    assert all(answer.json()["type"].endswith("#in-flight") for answer in said if answer.status_code == 409)
    assert caller.post("holds", PAUSE, key="lunch").status_code == 201


def test_asks_to_come_again_while_the_first_is_under_way(database, ben, monkeypatch):
    """On SQLite the repeat waits its turn: there is one writer at a time. Elsewhere it is told at once."""
    caller = Caller("ben")
    meanwhile = []

    def during(*args, **more):
        hold = real(*args, **more)
        if database != "sqlite":
            thread = threading.Thread(target=second)
            thread.start()
            thread.join(20)
        return hold

    def second():
        try:
            meanwhile.append(caller.post("holds", PAUSE, key="lunch"))
        finally:
            connection.close()

    real = supervision.pause
    monkeypatch.setattr(supervision, "pause", during)
    first = caller.post("holds", PAUSE, key="lunch")

    assert first.status_code == 201
    assert [answer.status_code for answer in meanwhile] == ([] if database == "sqlite" else [409])
    assert all(answer["Retry-After"] == "1" for answer in meanwhile)
    assert caller.post("holds", PAUSE, key="lunch").content == first.content


def test_is_free_again_when_its_process_dies(database, ben):
    """What a killed process leaves: a key without an answer, which no transaction holds."""
    caller = Caller("ben")
    with transaction.atomic():
        caller.post("holds", PAUSE, key="lunch")
        transaction.set_rollback(True)
    Answer.objects.filter(key="lunch").update(status=None)

    assert caller.post("holds", PAUSE, key="lunch").status_code == 201
    assert Hold.objects.count() == 1
