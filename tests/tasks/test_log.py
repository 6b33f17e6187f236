"""An event carries exactly the facts that its kind names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tasks import log
from tasks.event_kinds import KINDS
from tests.databases import ROOT


def test_refuses_a_kind_that_nobody_described():
    with pytest.raises(ValueError, match=r"Unknown event kind 'task\.sung'"):
        log.line("task.sung", by="clawbot")


def test_refuses_an_event_that_lacks_a_fact_of_its_kind():
    with pytest.raises(ValueError, match=r"'review\.released' lacks verb"):
        log.line("review.released", by="clawbot", review=1)


def test_refuses_a_fact_that_its_kind_does_not_name():
    with pytest.raises(ValueError, match=r"'review\.released' does not name mood"):
        log.line("review.released", by="clawbot", review=1, verb="approve", mood="good")


def test_takes_what_a_kind_may_carry_and_what_it_must():
    event = log.line("subtask.awaits", by="clawbot", why="a parcel", until="2026-12-24")

    assert event.data == {"why": "a parcel", "until": "2026-12-24"}


def test_names_no_fact_twice():
    assert [name for name, kind in KINDS.items() if kind.always & kind.maybe] == []


def written() -> Iterator[tuple[str, ast.Call]]:
    """Every event that our code writes by its name, with where."""
    files = [file for folder in ("tasks", "clawbot") for file in sorted((ROOT / folder).rglob("*.py"))]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="line" | "record"), args=[ast.Constant(value=str(kind)), *_]
                ) if kind in KINDS:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def test_every_place_that_writes_an_event_gives_its_facts():
    wrong = []
    for where, call in written():
        kind = KINDS[str(call.args[0].value)]  # type: ignore[attr-defined]
        facts = {word.arg for word in call.keywords if word.arg} - {"by", "task", "stage"}
        if not all(word.arg for word in call.keywords):  # some come by `**`: the rest is seen when it runs
            facts |= kind.always
        if misfit := kind.misfit(facts):
            wrong.append(f"{where} {misfit}")

    assert wrong == []
    assert len(list(written())) > 80
