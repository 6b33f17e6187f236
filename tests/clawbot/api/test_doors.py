"""Every other door of the API in sentences: reviews, holds, agents, workflows, events, messages, metrics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents import staff
from agents.contract import Usage
from agents.definition import read_all
from clawbot.api import schemas
from clawbot.shapes import task_shape
from tasks import clock, log, supervision
from tasks.models import Decision, Hold, Message, Review, Task
from tests.tasks.builders import (
    a_task,
    a_worker,
    a_workflow,
    claim_all,
    current,
    finish,
    statuses,
    work_until,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def review(ana, ben, cleo):
    task = a_task()
    a_worker()
    work_until(task, "approve")
    return Review.objects.get()


# -- Reviews -------------------------------------------------------------------------------------------


def test_lists_what_waits_for_a_person(as_cleo, review):
    (one,) = as_cleo.get("reviews").json()["items"]

    assert (one["task"], one["stage"], one["artifact"]) == ("ART-1", "approve", "draft")
    assert one["verbs"][0] == "approve"
    assert set(one) == set(schemas.Waiting.model_fields)
    assert as_cleo.get("reviews", task="ART-7").json()["items"] == []
    assert len(as_cleo.get("reviews", workflow="article", state="all").json()["items"]) == 1


def test_decides_what_was_read_and_at_once(as_ana, review):
    (one,) = as_ana.get("reviews").json()["items"]
    answer = as_ana.post(
        f"reviews/{review.pk}/decide",
        {"verb": "approve", "sha256": one["artifact_sha256"], "version": one["version"], "note": "Good."},
    )

    decision = Decision.objects.get()
    assert answer.status_code == 200
    assert answer.json() == task_shape(Task.objects.get())
    assert (decision.by, decision.channel, decision.released_at is None) == ("user:ana", "api", False)
    assert statuses(review.task)["publish"] == "ready"


def test_tells_how_it_stands_where_it_has_changed(as_ana, review):
    read = review.artifact_sha256
    supervision.edit(review.task, by="user:ana", text="People sign.")
    answer = as_ana.post(f"reviews/{review.pk}/decide", {"verb": "approve", "sha256": read})

    review.refresh_from_db()
    assert (answer.status_code, answer.json()["type"].rpartition("#")[2]) == (409, "stale")
    assert answer.json()["review"]["artifact_sha256"] == review.artifact_sha256 != read
    assert not Decision.objects.exists()


def test_tells_who_was_faster(as_ana, as_ben, review):
    as_ana.post(f"reviews/{review.pk}/decide", {"verb": "approve"})
    late = as_ben.post(f"reviews/{review.pk}/decide", {"verb": "approve"})

    assert late.status_code == 409
    assert "ana approved it already" in late.json()["detail"]


def test_counts_the_owner_of_a_token_as_the_second_pair_of_eyes(as_ana, as_ben, review):
    Review.objects.update(deciders={"group": "editors", "count": 1, "four_eyes": True})
    as_ana.post("tasks/ART-1/edit", {"text": "People sign."})
    work_until(review.task, "approve")

    own = as_ana.post(f"reviews/{review.pk}/decide", {"verb": "approve"})
    other = as_ben.post(f"reviews/{review.pk}/decide", {"verb": "approve"})

    assert (own.status_code, other.status_code) == (403, 200), (own.json(), other.json())
    assert "second person" in own.json()["detail"]


def test_returns_a_draft_from_its_review(as_ana, review):
    as_ana.post(f"reviews/{review.pk}/decide", {"verb": "send_back", "requests": ["Name the year."]})

    assert current(review.task, "write").requests[0]["text"] == "Name the year."


@pytest.mark.parametrize(
    ("pk", "body", "status"), [(77, {"verb": "approve"}, 404), (1, {"verb": "bless"}, 422), (1, {}, 422)]
)
def test_refuses_an_answer_that_is_none(as_ana, review, pk, body, status):
    assert as_ana.post(f"reviews/{review.pk if pk == 1 else pk}/decide", body).status_code == status


# -- Holds ---------------------------------------------------------------------------------------------


def test_pauses_until_somebody_resumes(as_ben, as_cleo):
    a_workflow()
    until = (clock.now() + timedelta(hours=2)).isoformat()
    made = as_ben.post("holds", {"scope": "workflow", "target": "article", "why": "Bad feed", "until": until})
    same = as_ben.post("holds", {"scope": "workflow", "target": "article", "why": "Bad feed"})

    assert (made.status_code, same.json()["id"]) == (201, made.json()["id"])
    assert set(made.json()) == set(schemas.Hold.model_fields)
    assert [one["why"] for one in as_cleo.get("holds").json()["items"]] == ["Bad feed"]
    lifted = [as_ben.delete(f"holds/{made.json()['id']}") for _ in range(2)]
    assert [one.status_code for one in lifted] == [200, 200]
    assert lifted[1].json()["lifted_by"] == "user:ben"
    assert as_cleo.get("holds").json()["items"] == []
    assert len(as_cleo.get("holds", state="all").json()["items"]) == 1


def test_takes_back_what_runs_where_it_must_stop_now(as_ben):
    task = a_task()
    claim_all(a_worker())

    as_ben.post("holds", {"scope": "all", "why": "Bad feed", "stop_now": True})

    assert statuses(task)["research"] == "ready"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"target": "poem"}, "there is none of that name"),
        ({"why": "  "}, "say why"),
        ({"until": "2020-01-01T00:00:00Z"}, "later one"),
        ({"until": "2040-01-01T00:00:00"}, "until"),
        ({"scope": "house"}, "scope"),
    ],
)
def test_refuses_a_pause_that_means_nothing(as_ben, more, sentence):
    a_workflow()
    answer = as_ben.post("holds", {"scope": "workflow", "target": "article", "why": "x"} | more)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert not Hold.objects.exists()


def test_knows_no_hold_that_was_never_placed(as_ben):
    assert as_ben.delete("holds/77").status_code == 404


# -- Agents and workflows ------------------------------------------------------------------------------


@pytest.fixture
def writer():
    definition = read_all()["writer"]
    staff.store(definition, by="clawbot")
    return definition


def test_lists_the_staff_and_each_wording(as_cleo, writer):
    (one,) = as_cleo.get("agents").json()["items"]
    (version,) = as_cleo.get("agents/writer/versions").json()["items"]

    assert (one["name"], one["role"], one["version"]) == ("writer", "writer", 1)
    assert set(one) == set(schemas.Agent.model_fields)
    assert set(version) == set(schemas.AgentVersion.model_fields)
    assert version["definition"]["scope"] == writer.scope
    assert as_cleo.get("agents/poet/versions").status_code == 404


@pytest.mark.parametrize("form", ["yaml", "definition"])
def test_makes_a_version_and_says_where_nothing_changed(as_admin, as_ben, writer, form):
    changed = writer.model_copy(update={"scope": "Writes less."})
    data = changed.model_dump(mode="json", exclude_defaults=True)
    body = {form: changed.yaml() if form == "yaml" else data, "note": "Shorter"}

    refused = as_ben.post("agents/writer/versions", body)
    made = as_admin.post("agents/writer/versions", body)
    again = as_admin.post("agents/writer/versions", body)

    assert (refused.status_code, made.status_code, again.status_code) == (403, 201, 200), made.json()
    assert (made.json()["number"], made.json()["note"], made.json()["active"]) == (2, "Shorter", True)
    assert again.json()["number"] == 2
    assert staff.active("writer").created_by == "user:admin"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "one of them"),
        ({"yaml": "name: writer\nrole: poet\n"}, "unknown role"),
        ({"yaml": "name: poet\nrole: writer\n"}, "cannot change"),
        ({"yaml": "name: [writer"}, "line"),
        ({"definition": {"name": "writer", "role": "writer", "colour": "red"}}, "colour"),
    ],
)
def test_refuses_a_wording_that_cannot_be(as_admin, writer, body, sentence):
    answer = as_admin.post("agents/writer/versions", body)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_lists_workflows_with_what_they_ask_for(as_cleo):
    a_workflow()
    (one,) = as_cleo.get("workflows").json()["items"]

    assert (one["name"], one["key"], one["version"]) == ("article", "ART", 1)
    assert [stage["name"] for stage in one["stages"]][:2] == ["research", "write"]
    assert set(one) == set(schemas.Workflow.model_fields)


# -- Events, messages, metrics -------------------------------------------------------------------------


def test_reads_the_log_through_the_filters_of_the_activity_page(as_cleo, ben):
    first, _ = a_task("Edge caching"), a_task("Tender statistics")
    supervision.pause("all", by="user:ben", why="lunch")

    def read(**query):
        return as_cleo.get("events", **query).json()["items"]

    assert read()[0]["sentence"] == "Paused everything: lunch"
    assert {one["task"] for one in read(task=first.key)} == {first.key}
    assert {one["task"] for one in read(q=f"task:{first.key}")} == {first.key}
    assert {one["kind"] for one in read(kind="hold")} == {"hold.placed"}
    assert read(q="caching tender") == []
    assert set(read()[0]) == set(schemas.Event.model_fields)


def test_goes_back_through_the_log_without_losing_a_line(as_cleo):
    for number in range(7):
        log.record("worker.started", by="clawbot", worker=str(number))

    seen, path = [], "events?kind=worker&limit=2"
    while path:
        answer = as_cleo.get(path).json()
        seen += [one["data"]["worker"] for one in answer["items"]]
        path = answer["next"].partition("/api/v1/")[2] if answer["next"] else None

    assert seen == [str(number) for number in reversed(range(7))]


ENVELOPE = {
    "from": "shop", "to": "article", "type": "write", "data": {"title": "Edge caching"},
    "correlation_id": "order-789", "timestamp": "2026-02-17T12:00:00Z",
}  # fmt: skip


def test_takes_a_message_in_once(as_ana, as_cleo):
    a_workflow()
    first, again = as_ana.post("messages", ENVELOPE), as_ana.post("messages", ENVELOPE)

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["effect"], again.json()["effect"]) == ("injected", "again")
    assert first.json()["task"] == again.json()["task"] == Task.objects.get().key
    assert set(first.json()) == set(schemas.Received.model_fields)
    (one,) = as_cleo.get("messages").json()["items"]
    assert (one["direction"], one["channel"], one["envelope"]) == ("in", "api", ENVELOPE)
    assert set(one) == set(schemas.Message.model_fields)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"task": "art-1"}, 1),
        ({"correlation_id": "order-789"}, 1),
        ({"channel": "api", "state": "received", "direction": "in"}, 1),
        ({"direction": "out"}, 0),
        ({"state": "dead"}, 0),
    ],
)
def test_narrows_messages(as_ana, query, count):
    a_workflow()
    as_ana.post("messages", ENVELOPE, key="m-1")

    assert len(as_ana.get("messages", **query).json()["items"]) == count


@pytest.mark.parametrize("more", [{"to": "nobody"}, {"from": ""}, {"timestamp": "noon"}, {"subject": "x"}])
def test_refuses_a_message_that_nobody_could_take(as_ana, more):
    a_workflow()

    assert as_ana.post("messages", ENVELOPE | more).status_code == 422
    assert not Message.objects.exists()


def test_measures_each_stage(as_cleo):
    first, _ = a_task(), a_task("Second")
    worker = a_worker()
    claimed = claim_all(worker)
    finish(next(one for one in claimed if one.task.pk == first.pk), usage=Usage(cost_usd=0.25, tokens_in=300))

    stages = {one["stage"]: one for one in as_cleo.get("metrics/stages").json()["items"]}

    assert list(stages)[:2] == ["research", "write"]
    assert set(stages["write"]) == set(schemas.StageFigures.model_fields)
    assert stages["research"]["now"] == {"queued": 0, "running": 1, "waiting": 0}
    assert (stages["research"]["finished"], stages["research"]["runs"]) == (1, 1)
    assert stages["research"]["seconds"]["p50"] == stages["research"]["seconds"]["p95"] >= 0
    assert (stages["research"]["tokens"], stages["research"]["cost_usd"]) == (300, 0.25)
    assert stages["write"]["now"]["queued"] == 2
    assert stages["write"]["seconds"] == {"p50": None, "p95": None}
    assert as_cleo.get("metrics/stages", workflow="poem").json()["items"] == []
