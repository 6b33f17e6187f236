"""An event carries exactly the facts that its kind names."""

from __future__ import annotations

import pytest

from tasks import log
from tasks.event_kinds import KINDS


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
