"""An agent of instructions alone."""

from agents.contract import Given
from tests.agents.builders import SOURCES, Scripted, a_brief, work


def test_makes_one_artifact_of_the_kind_it_returns():
    note = Given(kind="research", number=1, text=SOURCES[0]["text"])

    outcome = work(a_brief("llm", note, returns=("digest",), instructions="What does it cost?"))

    assert outcome.made[0].kind == "digest"
    assert "38,000 euros" in outcome.made[0].text


def test_reads_what_the_task_brought_where_there_is_no_artifact():
    outcome = work(
        a_brief("llm", input={"text": "Something to read."}), Scripted({"free": {"text": "Read.\0"}})
    )

    assert outcome.made[0].text == "Read."


def test_asks_a_person_when_it_was_given_nothing():
    assert work(a_brief("llm", input={})).word == "escalate"


def test_asks_a_person_about_an_empty_reply():
    outcome = work(a_brief("llm", input={"text": "Something."}), Scripted({"free": {"text": " "}}))

    assert outcome.word == "escalate"
