"""An agent's question is answered by whoever is told to decide: its next brief has the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from agents.contract import Outcome, Refused
from tasks import access, artifacts, briefing, supervision, workspace
from tasks.models import Decision, Event, Review, Task
from tests.tasks.builders import a_task, an_agent, claim_all, current, finish

pytestmark = pytest.mark.django_db
QUESTION = "No source can be used. Which files or addresses should the article rest on?"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> Iterator[None]:
    before, settings.DATA = settings.DATA, tmp_path
    yield
    settings.DATA = before


def asks(question: str = QUESTION, **more: Any) -> Review:
    """Research asks a person before it has made anything."""
    an_agent("research")
    task = a_task(input=more.pop("input", {"sources": ["https://one.example/a"]}), **more)
    finish(claim_all()[0], Outcome(word="escalate", question=question))
    return Review.objects.select_related("task").get(task=task, open=1)


def answer(review: Review, by: str = "user:ana", **more: Any) -> Decision:
    return supervision.answer(review, by=by, request_id=more.pop("request_id", "r1"), **more)


def task_of(review: Review) -> Task:
    return Task.objects.select_related("workflow_version").get(pk=review.task_id)


def test_the_agent_gets_the_answer_as_a_numbered_request_and_tries_again(ana: Any) -> None:
    review = asks("What should it be called?")

    answer(review, note="Call it Redis.")

    row = current(task_of(review), "research")
    (claimed,) = claim_all()
    papers: Any = briefing.prepare([claimed])[0]
    assert row.status == "ready"
    assert [(one.number, one.text, one.by) for one in papers.brief.requests] == [
        (1, "Call it Redis.", "user:ana")
    ]
    assert papers.brief.input["sources"] == ["https://one.example/a"]
    told = Event.objects.get(kind="review.answered")
    assert (told.by, told.data["request"], told.data["sources"]) == ("user:ana", 1, [])


def test_files_and_addresses_join_the_sources_as_a_new_version_of_the_input(ana: Any) -> None:
    review = asks()

    answer(review, note="See https://two.example/b.", files=[("../../notes .md", b"Redis is a store.")])

    task = task_of(review)
    joined = ["https://one.example/a", "sources/notes-.md", "https://two.example/b"]
    assert task.input["sources"] == joined
    assert (workspace.root(task.key) / "sources/notes-.md").read_bytes() == b"Redis is a store."
    kept = task.artifacts.filter(kind="input").order_by("number")
    assert [(one.number, one.made_by, one.data["sources"]) for one in kept] == [
        (1, "clawbot", ["https://one.example/a"]), (2, "user:ana", joined),
    ]  # fmt: skip
    assert workspace.names(task.key) == ("sources/notes-.md",)


def test_a_task_that_named_no_sources_keeps_its_files(ana: Any) -> None:
    review = asks(input={"sources": []})
    workspace.add(review.task.key, [("old.md", b"Old.")])

    answer(review, files=[("new.md", b"New.")])

    assert task_of(review).input["sources"] == ["sources/old.md", "sources/new.md"]


def test_twice_is_once(ana: Any) -> None:
    review = asks()

    first = answer(review, files=[("a.md", b"A.")])
    again = answer(review, files=[("a.md", b"A.")])

    assert first == again
    assert workspace.names(review.task.key) == ("sources/a.md",)
    assert len(current(task_of(review), "research").requests) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "write a few words, or add a file"),
        ({"note": "x" * 20_001}, "at most 20,000 characters"),
        ({"files": [("a", b"")] * 21}, "at most 20 of 20 MB together"),
        ({"files": [("a", b"x" * 20_000_001)]}, "at most 20 of 20 MB together"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_changes_nothing(ana: Any, given: Any, said: str) -> None:
    review = asks()

    with pytest.raises(Refused, match=said):
        answer(review, **given)

    assert workspace.names(review.task.key) == ()
    assert Review.objects.get(pk=review.pk).open == 1
    assert not Decision.objects.exists()


def test_who_was_slower_leaves_no_file(ana: Any, ben: Any) -> None:
    review = asks()
    answer(review, by="user:ben", note="Use one.")

    with pytest.raises(supervision.Stale):
        answer(review, files=[("a.md", b"A.")], request_id="r2")

    assert workspace.names(review.task.key) == ()


def test_whoever_is_told_to_decide_can_answer_and_nobody_else(ana: Any, cleo: Any) -> None:
    review = asks()

    with pytest.raises(access.NotAllowed):
        answer(review, by="user:cleo", note="Mine.")

    assert review.deciders["group"] == "editors"
    assert access.can("user:ana", "answer", review)


@pytest.mark.parametrize("kind", Review.Kind.values)
def test_nobody_is_told_to_decide_what_no_verb_lets_them(kind: str, ana: Any) -> None:
    from tasks.people import reviews

    stage = {"deciders": {"group": "editors"}}
    anything: Any = artifacts.build
    for artifact in (None, anything):
        verbs = reviews._verbs(kind, artifact)
        group = reviews._deciders(kind, stage, verbs)["group"]
        least = [access.LEAST[verb] for verb in verbs]
        assert any(access.GROUPS.index(one) <= access.GROUPS.index(group) for one in least) or kind in (
            "gate",
            "tool",
        )
