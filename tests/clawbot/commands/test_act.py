"""`./manage.py act`: every verb of people, from the terminal."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta

import pytest

from clawbot import acts
from tasks import lifecycle, supervision
from tasks.models import Decision, Event, Hold, Review, Task
from tests.tasks.builders import a_task, a_worker, claim_all, current, statuses, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(ana, ben, cleo) -> Task:
    made = a_task()
    a_worker()
    work_until(made, "approve")
    return made


def test_approves_and_releases_at_once(manage, task) -> None:
    said = manage("act", task.key, "approve", "--by", "ana", "--note", "Reads well.")

    decision = Decision.objects.get()
    assert said.code == 0
    assert (decision.by, decision.channel, decision.note) == ("user:ana", "cli", "Reads well.")
    assert statuses(task)["publish"] == "ready"
    assert "publish" in said.out


def test_returns_with_numbered_requests(manage, task) -> None:
    manage(
        "act",
        task.key,
        "send_back",
        "--by",
        "ana",
        "--to",
        "write",
        "--request",
        "Name the year.",
        "--request",
        "Cut it.",
    )

    requests = current(task, "write").requests
    assert [(one["number"], one["text"]) for one in requests] == [(1, "Name the year."), (2, "Cut it.")]


def test_edits_from_a_file_only_what_was_read(manage, task, tmp_path) -> None:
    (tmp_path / "draft.md").write_text("Agents draft. People sign.", "utf-8")
    words = ("act", task.key, "edit", "--by", "ana", "--text", str(tmp_path / "draft.md"))

    stale = manage(*words, "--sha256", "0" * 64)
    done = manage(*words)

    assert (stale.code, done.code) == (1, 0)
    assert manage("artifact", task.key, "draft").out == "Agents draft. People sign.\n"


def test_an_edit_says_what_becomes_of_what_was_built_on_the_old_text(manage, task, tmp_path) -> None:
    (tmp_path / "draft.md").write_text("Agents draft. People sign.", "utf-8")
    words = ("act", task.key, "edit", "--by", "ana", "--text", str(tmp_path / "draft.md"))

    manage(*words, "--then", "review=review", "--then", "format=keep")

    assert {stage: statuses(task)[stage] for stage in ("review", "format")} == {
        "review": "ready",
        "format": "done",
    }
    assert Event.objects.get(kind="artifact.edited").data["then"] == {"review": "review", "format": "keep"}


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        (["reveiw=keep"], "what was built on the old text is review, format"),
        (["review=burn"], "choose keep or review"),
        (["review"], "write STAGE=WORD"),
        (["review=keep", "review=review"], "Choose one of them"),
    ],
)
def test_refuses_what_cannot_become_of_a_stage_and_saves_nothing(manage, task, tmp_path, then, sentence):
    (tmp_path / "draft.md").write_text("Agents draft. People sign.", "utf-8")
    choices = [word for one in then for word in ("--then", one)]

    said = manage("act", task.key, "edit", "--by", "ana", "--text", str(tmp_path / "draft.md"), *choices)

    assert said.code == 1
    assert sentence in said.err
    assert task.artifacts.filter(kind="draft").count() == 1


def test_approves_only_the_text_that_is_named(manage, task) -> None:
    said = manage("act", task.key, "approve", "--by", "ana", "--sha256", "0" * 64)

    assert said.code == 1
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("words", "stage", "status"),
    [
        (("override", "--to", "format", "--reason", "Typo in the title"), "format", "ready"),
        (("rerun_from", "--to", "write", "--reason", "New figures"), "write", "ready"),
        (("skip", "--to", "publish", "--reason", "Printed instead"), "publish", "skipped"),
        (("cancel", "--reason", "Not needed"), "approve", "cancelled"),
    ],
)
def test_does_what_operators_may(manage, task, words, stage, status) -> None:
    refused = manage("act", task.key, *words, "--by", "cleo")
    done = manage("act", task.key, *words, "--by", "ben")

    assert (refused.code, done.code) == (1, 0)
    assert current(task, stage).status == status


def test_pauses_and_resumes_the_task(manage, task) -> None:
    manage("act", task.key, "pause", "--by", "ben", "--reason", "Legal reads first")
    hold = Hold.objects.get()
    assert (hold.scope, hold.target, hold.why) == ("task", task.key, "Legal reads first")

    manage("act", task.key, "resume", "--by", "ben")

    assert Hold.objects.get().open is None


def test_assigns_takes_and_undoes(manage, task) -> None:
    manage("act", task.key, "assign", "--by", "ben", "--to", "ana")
    assert Review.objects.get().owner == "user:ana"

    manage("act", task.key, "take", "--by", "ana")
    assert Review.objects.get().taken_until is not None

    review = Review.objects.get()
    supervision.approve(review, by="user:ana", request_id="r", undo_seconds=60)
    manage("act", task.key, "undo", "--by", "ana")
    assert Decision.objects.get().undone_at is not None


def test_retries_what_waits_after_its_last_attempt(manage, ben) -> None:
    task = a_task()
    a_worker()
    for _ in range(3):
        (claimed,) = claim_all()
        lifecycle.retry_later(claimed, why="No answer.", delay=timedelta(0))
    assert current(task, "research").status == "waiting"

    said = manage("act", task.key, "retry", "--by", "ben")

    assert said.code == 0
    assert current(task, "research").status == "ready"


def test_prints_the_shape_of_the_task_as_json(manage, task) -> None:
    shape = json.loads(manage("act", task.key, "approve", "--by", "ana", "--json").out)

    assert shape["key"] == task.key
    assert shape["waiting_for"] is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ART-77", "approve"), "There is no task 'ART-77'. There is ART-1"),
        (("ART-1", "approve", "--review", "77"), "no review 77"),
        (("ART-1", "edit"), "--text FILE"),
        (("ART-1", "undo"), "Nobody has decided"),
        (("ART-1", "resume"), "not paused"),
        (("ART-1", "override", "--to", "nowhere", "--reason", "x"), "nowhere"),
    ],
)
def test_refuses_with_a_sentence_and_exit_code_1(manage, admin, task, words, sentence) -> None:
    said = manage("act", *words)

    assert said.code == 1
    assert sentence in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("approve", "--request", "Shorter."),
            "approve takes no requests, so it would be lost. It takes note,",
        ),
        (("approve", "--to", "write"), "approve takes no to"),
        (("approve", "--reason", "Good"), "approve takes no reason"),
        (("retry", "--note", "Again"), "retry takes no note"),
        (("cancel", "--review", "1"), "cancel takes no review"),
        (("send_back", "--note", "No"), "send_back takes no note"),
        (("send_back", "--text", __file__), "send_back takes no text"),
        (("pause", "--reason", "x", "--sha256", "a"), "pause takes no sha256"),
        (("take", "--kind", "page_md"), "take takes no kind"),
    ],
)
def test_refuses_what_a_verb_would_lose(manage, admin, task, words, sentence) -> None:
    said = manage("act", "ART-1", *words)

    assert said.code == 1
    assert sentence in said.err
    assert statuses(task)["approve"] == "waiting"


def test_refuses_a_verb_that_is_none(manage, task) -> None:
    said = manage("act", task.key, "bless")

    assert said.code == 1
    assert "invalid choice" in said.err


@pytest.mark.parametrize("verb", sorted(supervision.VERBS))
def test_gives_every_verb_what_its_signature_asks_for(manage, task, admin, monkeypatch, verb) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Agents draft. People sign."))

    words = {"reason": ("--reason", "Tried"), "to": ("--to", "write"), "text": ("--text", "-")}
    words["requests"] = ("--request", "x")
    taken = [word for name in acts.takes(verb) for word in words.get(name, ())]

    said = manage("act", task.key, verb, *taken)

    # A verb that was given too little or too much would have raised TypeError here.
    assert (said.code == 0) is not said.err.startswith(("Cannot", "ART-1 is not", "Nobody has"))


def test_refuses_a_text_that_is_not_there(manage, task, admin) -> None:
    said = manage("act", task.key, "edit", "--text", "nowhere.md")

    assert said.code == 1
    assert "nowhere.md" in said.err
