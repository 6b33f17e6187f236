"""A draft with sources, findings and checks that waits for a person, made through the verbs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agents.contract import Answer, Check, Finding, Made, Outcome
from tasks import lifecycle
from tasks.models import Artifact, Review, Task
from tests.tasks.builders import a_task, claim_all, finish

FIRST = """---
title: Why agents need a manager
---

Agents often work at night [1].

People decide in the end.
"""
SECOND = FIRST.replace("often work at night", "now work at night, measured on 212 orders")
SOURCES = [
    {
        "number": 1,
        "title": "The night study",
        "origin": "https://night.example/study",
        "fetched_at": "2026-11-21T02:41:00+00:00",
        "sha256": "ab" * 32,
        "doubt": "It was read as windows-1252, a guess.",
        "text": "An opening paragraph about nothing.\n\nAgents work at night on 212 orders. Then they rest.",
    }
]
CHECKS: list[dict[str, Any]] = [
    {"name": "Length", "passed": True, "text": "12 of 5 to 50"},
    {"name": "Internal links", "passed": False, "text": "1, wants 2"},
    {"name": "Meaning", "passed": None, "text": "not checked: 1 sentence"},
]


def bring(task: Task, stage: str, outcome: Outcome) -> None:
    """Do one stage of a task with this outcome."""
    claimed = next(one for one in claim_all() if one.task.pk == task.pk and one.subtask.stage == stage)
    assert finish(claimed, outcome, built_on=list(task.artifacts.values_list("sha256", flat=True)))


def research(task: Task) -> None:
    bring(task, "research", Outcome(made=(Made(kind="research", text="Notes", data={"sources": SOURCES}),)))


def write(task: Task, text: str, answers: tuple[Answer, ...] = ()) -> None:
    bring(task, "write", Outcome(made=(Made(kind="draft", text=text),), answers=answers))


def review(task: Task, *findings: Finding, word: str = "done", question: str = "") -> None:
    made = (Made(kind="review", text="Report", data={"checks": CHECKS}),)
    bring(
        task,
        "review",
        Outcome(
            word=word,
            made=made,
            findings=findings,
            question=question,
            checks=tuple(Check(**one) for one in CHECKS),
        ),
    )


def render(task: Task) -> None:
    bring(
        task,
        "format",
        Outcome(made=(Made(kind="page_php", text="<?php echo 1;"), Made(kind="page_md", text=FIRST))),
    )


def waiting(text: str = FIRST, *findings: Finding, title: str = "Why agents need a manager") -> Review:
    """A draft before its gate, with what the reviewer found."""
    task = a_task(title)
    research(task)
    write(task, text)
    review(task, *findings)
    render(task)
    return open_review(task)


def asked(question: str = "Keep, fix or drop the sentence?") -> Review:
    """A draft about which the reviewer asks a person."""
    task = a_task()
    research(task)
    write(task, FIRST)
    review(task, word="escalate", question=question)
    return open_review(task)


def given_up() -> Review:
    """A stage that ran out of attempts before there was anything to read."""
    task = a_task()
    for _ in range(3):
        claimed = claim_all()[0]
        lifecycle.retry_later(claimed, why="The feed did not answer.", delay=timedelta(0))
    return open_review(task)


def open_review(task: Task) -> Review:
    return Review.objects.select_related("artifact", "task").get(task=task, open=1)


def bound(review: Review, **more: Any) -> dict[str, Any]:
    """The hidden fields of a decision's form, as the page carries them."""
    return {
        "artifact_sha256": review.artifact_sha256, "review_version": review.version,
        "request_id": f"click-{review.pk}-{review.version}",
        "draft": review.artifact.number if review.artifact else "", **more,
    }  # fmt: skip


def draft_of(task: Task) -> Artifact:
    return Artifact.objects.filter(task=task, kind="draft").latest("number")


DOUBT = Finding(
    kind="unsupported_number",
    text="No source for “often”.",
    quote="Agents often work at night.",
    source=1,
    passage="Agents work at night on 212 orders.",
)
