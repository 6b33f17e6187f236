"""Who may come in: tokens and nothing else, never stronger than their owner; how often, with how much."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from clawbot.people import tokens
from tasks.models import Event, Hold, Task
from tests.clawbot.api.caller import Caller
from tests.tasks.builders import a_task, a_workflow

pytestmark = pytest.mark.django_db

GETS = [
    "tasks", "tasks/ART-1", "tasks/ART-1/artifacts", "reviews", "holds", "agents", "workflows", "events",
    "messages", "metrics/stages",
]  # fmt: skip
INJECT = ("tasks", {"workflow": "article", "title": "x"}, 201)
PAUSE = ("holds", {"scope": "all", "why": "x"}, 201)
CANCEL = ("tasks/ART-1/cancel", {"reason": "x"}, 200)
#: what each role may do beside reading
ALL = [INJECT, PAUSE, CANCEL]
MAY = {"viewers": [], "editors": [INJECT], "operators": ALL, "admins": ALL}


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize(
    "header", ["", "Bearer nothing", "Bearer", "Basic YTpi", "Bearer clawbot_" + "x" * 43]
)
def test_opens_for_tokens_only(client, path, header):
    answer = client.get(f"/api/v1/{path}", headers={"Authorization": header} if header else {})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="clawbot"')
    assert answer.json()["detail"].endswith("/me/.")


def test_takes_no_session_for_a_token(client, admin):
    client.force_login(admin)

    assert client.get("/api/v1/tasks").status_code == 401
    assert client.post("/api/v1/holds", {"scope": "all", "why": "x"}, "application/json").status_code == 401
    assert not Hold.objects.exists()


@pytest.mark.parametrize("group", MAY)
def test_lets_everybody_do_what_their_role_may(person, group):
    a_task()
    person("dora", group)
    dora = Caller("dora")

    assert [dora.get(path).status_code for path in GETS] == [200] * len(GETS)
    for path, body, status in ALL:
        allowed = (path, body, status) in MAY[group]
        answer = dora.post(path, body)
        assert answer.status_code == (status if allowed else 403), (path, answer.json())


def test_lets_nobody_in_without_a_role(person, ana):
    dora = person("dora", "viewers")
    caller = Caller("dora")
    dora.groups.clear()

    assert caller.get("tasks").status_code == 403


def test_follows_the_owner_down_and_out(as_ben, ben):
    assert as_ben.post(*PAUSE[:2]).status_code == 201
    ben.groups.set([Group.objects.get_or_create(name="viewers")[0]])
    assert as_ben.post(*PAUSE[:2]).status_code == 403

    ben.is_active = False
    ben.save()
    assert as_ben.get("tasks").status_code == 401


def test_only_reads_with_a_token_that_only_reads(ben):
    caller = Caller("ben", scope="read")

    assert caller.get("tasks").status_code == 200
    assert "it only reads" in caller.post(*PAUSE[:2]).json()["detail"]
    assert caller.delete("holds/1").status_code == 403


def test_forgets_a_token_that_was_revoked(as_ana):
    tokens.revoke(as_ana.token, by="user:ana")

    assert as_ana.get("tasks").status_code == 401


def test_notes_when_a_token_was_used_and_who_acted(as_ben):
    as_ben.post(*PAUSE[:2])

    as_ben.token.refresh_from_db()
    assert as_ben.token.used_at
    assert Event.objects.get(kind="hold.placed").by == "user:ben"


def test_slows_down_a_token_that_asks_too_often(as_ana, as_ben, settings, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1_000_000_030.0)
    settings.API_PER_MINUTE = 3

    said = [as_ana.get("tasks") for _ in range(4)]

    assert [one.status_code for one in said] == [200, 200, 200, 429]
    assert said[3].json()["type"].endswith("#too-many")
    assert 0 < int(said[3]["Retry-After"]) <= 60
    assert as_ben.get("tasks").status_code == 200
    monkeypatch.setattr("time.time", lambda: 1_000_000_090.0)
    assert as_ana.get("tasks").status_code == 200


def test_turns_away_what_is_too_large(as_ana):
    a_workflow()
    answer = as_ana.post("tasks", {"workflow": "article", "title": "x", "input": {"brief": "x" * 1_000_001}})

    assert (answer.status_code, answer.json()["type"].rpartition("#")[2]) == (413, "too-large")
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"\xff", b'{"workflow": NaN}', b'{"input": {"n": 1e999}}', b"[" * 50_000,
        b'{"workflow": "article", "title": "a\\u0000b"}', b'{"workflow": "article", "title": "\\ud800"}',
    ],
)  # fmt: skip
def test_turns_away_what_no_database_could_keep(as_ana, body):
    a_workflow()
    answer = as_ana.post("tasks", body)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.content
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["tasks/%00", "tasks?q=%00", "tasks/ART-1/artifacts/%00"])
def test_turns_away_a_nul_in_the_address(as_ana, path):
    assert as_ana.get(path).status_code == 400


@pytest.mark.parametrize(("method", "path", "status"), [("get", "nothing/here", 404), ("put", "tasks", 405)])
def test_answers_with_a_problem_everywhere(method, path, status):
    answer = getattr(Client(), method)(f"/api/v1/{path}")

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json().keys() == {"type", "title", "status", "detail"}


def test_says_where_each_value_is_wrong(as_ana):
    answer = as_ana.post("tasks", {"workflow": 7, "priority": 99}).json()

    assert [one["where"] for one in answer["errors"]] == [["workflow"], ["priority"]]
    assert "7" not in json.dumps(answer["errors"][0])


def test_publishes_its_document_and_a_page_of_it(client, ana):
    document = client.get("/api/v1/openapi.json")
    page = client.get("/api/v1/docs")

    assert document.json()["openapi"].startswith("3.1")
    assert document.json()["components"]["securitySchemes"] == {
        "Bearer": {"type": "http", "scheme": "bearer"}
    }
    assert page.status_code == 200
    for path in document.json()["paths"]:
        assert path in page.text
    assert "<script>" not in page.text
    assert "style=" not in page.text
    client.force_login(ana)
    assert "topbar" in client.get("/api/v1/docs").text


def test_turns_away_a_filter_that_is_none(as_ana):
    answer = as_ana.get("tasks", stat="done")

    assert answer.status_code == 422
    assert "There is: before, limit, q, status, workflow" in answer.json()["detail"]


@pytest.mark.parametrize("depth", [65, 900, 5_000, 100_000])
@pytest.mark.parametrize("key", ["", "once"])
def test_refuses_what_is_nested_too_deeply_in_words(as_ana, depth, key):
    body = '{"workflow": "article", "input": ' + "[" * depth + "]" * depth + "}"

    answer = as_ana.post("tasks", body, key)

    assert answer.status_code == 400
    assert "deep inside each other" in answer.json()["detail"]
