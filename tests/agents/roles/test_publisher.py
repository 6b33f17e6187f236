"""The publisher hands on what was approved, byte for byte."""

from agents.contract import Given
from tests.agents.builders import a_brief, work


def test_hands_every_page_on_unchanged():
    pages = [
        Given(kind=f"page_{s}", number=2, text=f"text of {s}", sha256=s * 8) for s in ("php", "html", "md")
    ]

    made = work(a_brief("publisher", *pages)).made

    assert {(m.kind, m.text, m.suffix) for m in made} == {
        (f"published_{s}", f"text of {s}", s) for s in ("php", "html", "md")
    }


def test_asks_a_person_when_there_is_no_page():
    assert work(a_brief("publisher")).word == "escalate"
