"""Every kind of event has a sentence, whatever its data lacks."""

import pytest

from clawbot.dashboard.sentences import CONDITIONS, SENTENCES, sentence
from clawbot.templatetags.clawbot import CONDITIONS as LOOKS
from tasks.event_kinds import KINDS
from tasks.models import Event


def test_has_a_sentence_for_every_kind_and_no_other():
    assert set(SENTENCES) == set(KINDS)
    assert set(CONDITIONS) <= set(KINDS)
    assert set(CONDITIONS.values()) <= set(LOOKS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_says_something_of_an_event_without_data(kind):
    assert sentence(Event(kind=kind, by="clawbot"))


@pytest.mark.parametrize(
    "kind, data, text",
    [
        (
            "subtask.finished",
            {"seconds": 750, "summary": "Drafted 900 words."},
            "Finished write in 12 min: Drafted 900 words.",
        ),
        ("subtask.claimed", {"attempt": 2}, "Started write, attempt 2"),
        ("subtask.returned", {"to": "write", "requests": 1}, "Returned to write with 1 request"),
        ("review.decided", {"verb": "approve", "channel": "slack", "note": ""}, "Approved in Slack"),
        ("hold.placed", {"scope": "all", "why": "bad feed"}, "Paused everything: bad feed"),
        ("hold.lifted", {"scope": "agent", "target": "seo"}, "Resumed agent seo"),
    ],
)
def test_tells_what_happened(kind, data, text):
    assert sentence(Event(kind=kind, by="clawbot", stage="write", data=data)) == text
