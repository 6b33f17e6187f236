"""Tasks through the API: inject, read, act; the same verbs and the same JSON as everywhere."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command

from clawbot import acts
from clawbot.api import schemas
from clawbot.shapes import task_shape
from tasks import clock, supervision
from tasks.models import Decision, Hold, Review, Task
from tests.tasks.builders import a_task, a_worker, a_workflow, current, statuses, work_until

pytestmark = pytest.mark.django_db

NEW = {"workflow": "article", "title": "Why agents need a manager", "input": {"brief": "One page."}}


@pytest.fixture
def flow():
    flow = a_workflow()
    text = {"type": "string"}
    known = {"title": text, "brief": text, "sources": {"type": "array"}}
    schema = {"required": ["brief"], "properties": known}
    flow.versions.update(definition=flow.active.definition | {"input": schema})
    return flow


@pytest.fixture
def waiting(ana, ben, cleo):
    task = a_task()
    a_worker()
    work_until(task, "approve")
    task.refresh_from_db()
    return task


def test_injects_a_task_that_starts_at_once(as_ana, flow):
    answer = as_ana.post("tasks", NEW)

    task = Task.objects.get()
    assert answer.status_code == 201
    assert answer.json()["key"] == task.key == "ART-1"
    assert answer["Location"].endswith("/api/v1/tasks/ART-1")
    assert (task.created_by, task.input["brief"]) == ("user:ana", "One page.")
    assert statuses(task)["research"] == "ready"


def test_leaves_a_task_in_the_backlog_or_for_later(as_ana, flow):
    later = clock.now() + timedelta(days=2)

    as_ana.post("tasks", NEW | {"backlog": True})
    as_ana.post("tasks", NEW | {"starts_at": later.isoformat(), "due": "2030-01-31", "priority": 3})

    backlog, planned = Task.objects.order_by("id")
    assert backlog.starts_at is None
    assert (planned.starts_at, planned.priority, str(planned.due_on)) == (later, 3, "2030-01-31")


def test_injects_once_per_key_of_the_task_for_ever(as_ana, flow):
    first = as_ana.post("tasks", NEW | {"key": "orders/17"})
    again = as_ana.post("tasks", NEW | {"key": "orders/17"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["key"] == again.json()["key"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"workflow": "nothing"}, "There are: article"),
        ({"input": {}}, "brief"),
        ({"title": ""}, "it needs a title"),
        ({"input": {"brief": "x", "titel": "y"}}, "unknown key `titel`. Did you mean `title`?"),
        ({"input": {"brief": "x", "sources": ["/etc/passwd"]}}, "no files came with this task"),
        ({"priority": 11}, "priority"),
        ({"starts_at": "2030-01-01T00:00:00"}, "starts_at"),
        ({"due": "tomorrow"}, "due"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_refuses_a_task_that_cannot_be(as_ana, flow, more, sentence):
    answer = as_ana.post("tasks", NEW | more)

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert sentence in answer.json()["detail"]
    assert not Task.objects.exists()


def test_reads_exactly_what_status_prints(as_cleo, waiting):
    out = io.StringIO()
    call_command("status", waiting.key, "--json", stdout=out)

    assert as_cleo.get(f"tasks/{waiting.key.lower()}").json() == json.loads(out.getvalue())


def test_promises_every_field_in_its_document(waiting):
    shape = task_shape(waiting)

    assert set(schemas.Task.model_fields) <= set(shape)
    assert set(schemas.Stage.model_fields) <= set(shape["stages"][0])
    assert set(schemas.Artifact.model_fields) <= set(shape["artifacts"][0])
    assert set(schemas.Review.model_fields) <= set(shape["reviews"][0])


def test_lists_tasks_page_by_page_without_losing_one(as_cleo, flow):
    for number in range(7):
        a_task(f"Number {number}", input={"brief": "x"})

    seen, pages, path = [], 0, "tasks?limit=3"
    while path:
        answer = as_cleo.get(path)
        seen += [one["title"] for one in answer.json()["items"]]
        older, pages = answer.json()["next"], pages + 1
        assert answer.headers.get("Link") == (f'<{older}>; rel="next"' if older else None)
        path = older.partition("/api/v1/")[2] if older else None

    assert seen == [f"Number {number}" for number in reversed(range(7))]
    assert pages == 3


def test_narrows_the_list(as_cleo, flow):
    a_task("Edge caching", input={"brief": "x"})
    a_task("Tender statistics", input={"brief": "x"}, backlog=True)

    def titles(**query):
        return [one["title"] for one in as_cleo.get("tasks", **query).json()["items"]]

    assert titles(q="cach edge") == ["Edge caching"]
    assert titles(workflow="other") == []
    assert len(titles(status="backlog", workflow="article")) == 2


def test_reads_what_was_made_with_its_text(as_cleo, waiting):
    made = as_cleo.get(f"tasks/{waiting.key}/artifacts").json()["items"]
    draft = as_cleo.get(f"tasks/{waiting.key}/artifacts/draft").json()

    assert [one["kind"] for one in made] == ["research", "draft", "review", "page_html"]
    assert draft["text"].startswith("write ")
    assert draft["sha256"] in {one["sha256"] for one in made}
    assert as_cleo.get(f"tasks/{waiting.key}/artifacts/draft", version=7).status_code == 404


def test_approves_and_releases_at_once(as_ana, waiting):
    answer = as_ana.post(f"tasks/{waiting.key}/approve", {"note": "Reads well."})

    decision = Decision.objects.get()
    assert answer.status_code == 200
    assert (decision.by, decision.channel, decision.note) == ("user:ana", "api", "Reads well.")
    assert decision.released_at is not None
    assert statuses(waiting)["publish"] == "ready"
    waiting.refresh_from_db()
    assert answer.json() == task_shape(waiting)


def test_returns_with_requests_as_words_or_with_the_place(as_ana, waiting):
    as_ana.post(
        f"tasks/{waiting.key}/send_back",
        {"to": "write", "requests": ["Name the year.", {"text": "Cut it.", "quote": "write"}]},
    )

    requests = current(waiting, "write").requests
    assert [(one["number"], one["text"], one["quote"]) for one in requests] == [
        (1, "Cut it.", "write"), (2, "Name the year.", ""),  # as they stand in the draft, then the rest
    ]  # fmt: skip


def test_edits_only_the_text_that_was_read(as_ana, waiting):
    path = f"tasks/{waiting.key}/edit"
    stale = as_ana.post(path, {"text": "People sign.", "sha256": "0" * 64})
    done = as_ana.post(path, {"text": "People sign."})

    assert (stale.status_code, done.status_code) == (409, 200)
    assert stale.json()["type"].endswith("#stale")
    assert as_ana.get(f"tasks/{waiting.key}/artifacts/draft").json()["text"] == "People sign."


def test_an_edit_says_what_becomes_of_what_was_built_on_the_old_text(as_ana, waiting):
    answer = as_ana.post(
        f"tasks/{waiting.key}/edit",
        {"text": "People sign.", "then": {"review": "review", "format": "keep"}},
    )

    assert answer.status_code == 200
    assert (statuses(waiting)["review"], statuses(waiting)["format"]) == ("ready", "done")


@pytest.mark.parametrize(
    ("then", "status", "sentence"),
    [
        ({"reveiw": "keep"}, 409, "what was built on the old text is review, format"),
        ({"format": "review"}, 409, "choose keep or rerun"),
        ({"review": "burn"}, 422, "then.review"),
    ],
)
def test_refuses_what_cannot_become_of_a_stage_and_saves_nothing(as_ana, waiting, then, status, sentence):
    review = Review.objects.get()
    answers = [
        as_ana.post(f"tasks/{waiting.key}/edit", {"text": "People sign.", "then": then}),
        as_ana.post(f"reviews/{review.pk}/decide", {"verb": "edit", "text": "People sign.", "then": then}),
    ]

    assert [answer.status_code for answer in answers] == [status, status]
    assert all(sentence in answer.json()["detail"] for answer in answers)
    assert waiting.artifacts.filter(kind="draft").count() == 1


@pytest.mark.parametrize(
    ("verb", "body", "stage", "status"),
    [
        ("override", {"to": "format", "reason": "Typo in the title"}, "format", "ready"),
        ("rerun_from", {"to": "write", "reason": "New figures"}, "write", "ready"),
        ("skip", {"to": "publish", "reason": "Printed instead"}, "publish", "skipped"),
        ("cancel", {"reason": "Not needed"}, "approve", "cancelled"),
    ],
)
def test_does_what_operators_may(as_ana, as_ben, waiting, verb, body, stage, status):
    refused = as_ana.post(f"tasks/{waiting.key}/{verb}", body)
    done = as_ben.post(f"tasks/{waiting.key}/{verb}", body)

    assert (refused.status_code, done.status_code) == (403, 200)
    assert "Only operators" in refused.json()["detail"]
    assert current(waiting, stage).status == status


def test_pauses_and_resumes_a_task(as_ben, waiting):
    as_ben.post(f"tasks/{waiting.key}/pause", {"reason": "Legal reads first"})
    assert Hold.objects.get().why == "Legal reads first"

    assert as_ben.post(f"tasks/{waiting.key}/resume").status_code == 200
    assert Hold.objects.get().open is None


def test_takes_and_assigns_a_review(as_ana, as_ben, as_admin, waiting):
    assert as_ben.post(f"tasks/{waiting.key}/assign", {"to": "ana"}).status_code == 200
    assert as_ana.post(f"tasks/{waiting.key}/take").status_code == 200

    taken = as_admin.post(f"tasks/{waiting.key}/take")
    assert taken.status_code == 409
    assert "somebody else reads it" in taken.json()["detail"]


def test_undoes_what_was_approved_on_a_page(as_ana, waiting):
    supervision.approve(Review.objects.get(), by="user:ana", request_id="r", undo_seconds=60)

    assert as_ana.post(f"tasks/{waiting.key}/undo").status_code == 200
    assert Decision.objects.get().undone_at is not None


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("tasks/ART-77/approve", {}, 404, "There is no task 'ART-77'. There is ART-1"),
        ("tasks/ART-1/bless", {}, 404, "There is answer, approve"),
        ("tasks/ART-1/approve", {"review": 77}, 404, "no review 77"),
        ("tasks/ART-1/approve", {"sha256": "0" * 64}, 409, "since you read it"),
        ("tasks/ART-1/approve", {"version": 77}, 409, "Look again"),
        ("tasks/ART-1/send_back", {}, 409, "say what should change"),
        ("tasks/ART-1/edit", {}, 409, "give the new text"),
        ("tasks/ART-1/undo", {}, 409, "Nobody has decided"),
        ("tasks/ART-1/resume", {}, 409, "not paused"),
        ("tasks/ART-1/override", {"to": "nowhere", "reason": "x"}, 409, "nowhere"),
        ("tasks/ART-1/approve", {"sha": "x"}, 422, "sha"),
    ],
)
def test_refuses_with_a_sentence(as_admin, waiting, path, body, status, sentence):
    answer = as_admin.post(path, body)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert sentence in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("verb", sorted(supervision.VERBS))
def test_gives_every_verb_what_its_signature_asks_for(as_admin, waiting, verb):
    given = {
        "reason": "Tried",
        "to": "admin" if verb == "assign" else "write",
        "requests": ["x"],
        "text": "New.",
    }
    taken = {name: given[name] for name in acts.takes(verb) if name in given}

    answer = as_admin.post(f"tasks/{waiting.key}/{verb}", taken)

    # A verb that was given too little or too much would have failed with 500.
    assert answer.status_code == (409 if verb in {"answer", "undo", "resume"} else 200), answer.json()

    lost = as_admin.post(f"tasks/{waiting.key}/{verb}", taken | {"then": {"write": "keep"}, "note": "x"})
    assert lost.status_code == 409
    assert f"{verb} takes no " in lost.json()["detail"]
