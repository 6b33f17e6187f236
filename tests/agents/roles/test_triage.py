"""Triage gathers details that stand in the message, says what is missing, and scores."""

from tests.agents.builders import Scripted
from tests.tasks.workflows.support.staff import ask

FAULT = "Since the update on Monday my files are stuck in the queue. I'm on Windows 11, Korvel 5.2.1."
LEAD = (
    "We are a company of 120 people and need file sync with an audit log. Our budget is around 18,000 euros "
    "a year, and we would like to start in January. Could you arrange a demo?"
)


def test_finds_the_details_of_a_fault_and_asks_for_the_missing_one():
    outcome = ask("triage", FAULT)

    assert outcome.fields["system"] == "Windows 11"
    assert outcome.fields["version"] == "Korvel 5.2.1"
    assert outcome.fields["since"].startswith("Since the update")
    assert outcome.fields["missing"] == ["error"]
    assert outcome.made[0].data["asks"] == ("Which error code or message does Korvel show, if it shows one?",)


def test_says_what_to_try_with_its_source():
    outcome = ask("triage", FAULT)

    steps = [point for point in outcome.made[0].data["points"] if point["step"]]
    assert len(steps) == 4
    assert {point["cite"]["heading"] for point in steps} == {"Files stay in the queue"}


def test_does_not_ask_for_what_would_not_help():
    outcome = ask("triage", "I can't log in any more, it says that my account is locked.")

    assert outcome.fields["missing"] == []
    assert outcome.fields["answer_missing"] is False


def test_has_no_advice_for_a_fault_that_says_nothing():
    outcome = ask("triage", "It doesn't work. Please fix.")

    assert outcome.fields["answer_missing"] is True
    assert outcome.fields["missing"] == ["system", "version", "error", "since"]


def test_qualifies_a_good_lead_as_hot():
    fields = ask("sales", LEAD).fields

    assert "18,000 euros" in fields["budget"]
    assert "120 people" in fields["size"]
    assert (fields["grade"], fields["missing"]) == ("hot", [])


def test_scores_a_small_lead_lower_and_asks_for_the_rest():
    outcome = ask("sales", "Hi, looking for something for my small team, maybe 5 people.")

    assert outcome.fields["grade"] == "cold"
    assert outcome.fields["missing"] == ["budget", "time"]


def test_drops_details_that_a_model_did_not_find_in_the_message():
    reply = {"details": [
        {"name": "budget", "quote": "1,000,000 euros"}, {"name": "size", "quote": "120 people"},
        {"name": "role", "quote": "We are"},
    ]}  # fmt: skip

    fields = ask("sales", LEAD, Scripted({"gather_details": reply})).fields

    assert fields["budget"] == ""
    assert fields["size"] == "120 people"
    assert "role" not in fields


def test_goes_on_without_details_where_the_model_gives_nothing_of_use():
    assert ask("sales", LEAD, Scripted({})).fields["missing"] == ["budget", "size", "need", "time"]
