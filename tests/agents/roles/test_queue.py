"""An agent behind a queue: what it sends, how long it waits, and how it reads the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents import llm
from agents.contract import Brief, Outcome, Refused, Unusable
from agents.definition import loads
from agents.roles.queue import work
from agents.strict_yaml import Unreadable
from agents.tools import Toolbox
from tests.agents.builders import a_brief
from tests.agents.line import Desk

DONE = {"word": "done", "summary": "Three are there.", "fields": {"available": 3}}


def the_brief(**given: Any) -> Brief:
    settings = {"to": "warehouse", "send": {"sku": "input.sku"}, **given.pop("settings", {})}
    values: dict[str, Any] = {
        "task": "ORD-3", "stage": "check_stock", "agent": "inventory-agent", "authority": {},
        "input": {"sku": "SKU-12345", "card": "secret"}, "fields": {"order": {"total": 40}},
    }  # fmt: skip
    return a_brief("queue", settings=settings, **values | given)


def ask(brief: Brief) -> Outcome:
    return asyncio.run(work(brief, Desk(llm.model("built-in"), Toolbox({}))))


def answered(*data: Any, **given: Any) -> Outcome:
    replies = tuple(
        {"from": "warehouse", "to": "inventory-agent", "type": "stock", "data": one} for one in data
    )
    return ask(the_brief(attempt=2, replies=replies, **given))


def test_sends_what_its_settings_choose_and_waits() -> None:
    outcome = ask(the_brief(settings={"timeout": "15m"}))

    (sent,) = outcome.sends
    assert (outcome.word, outcome.after_seconds) == ("await", 900)
    assert (sent.to, sent.type, sent.data) == ("warehouse", "check_stock", {"sku": "SKU-12345"})
    assert outcome.summary == "Asked warehouse; goes on when it answers."


def test_calls_the_envelope_as_its_settings_say() -> None:
    assert ask(the_brief(settings={"type": "stock.query"})).sends[0].type == "stock.query"


def test_asks_to_undo_and_says_why() -> None:
    (sent,) = ask(the_brief(undo="check_stock", why="Payment was declined.")).sends

    assert (sent.type, sent.data["why"]) == ("check_stock.undo", "Payment was declined.")


def test_tells_everything_it_knows_where_nothing_is_chosen() -> None:
    (sent,) = ask(the_brief(settings={"send": {}})).sends

    assert sent.data["input"]["sku"] == "SKU-12345"
    assert sent.data["fields"] == {"order": {"total": 40}}


def test_is_done_at_once_where_no_answer_is_wanted() -> None:
    outcome = ask(the_brief(settings={"answer": "false"}))

    assert (outcome.word, outcome.summary, len(outcome.sends)) == ("done", "Told warehouse.", 1)


def test_reads_an_outcome_from_the_answer() -> None:
    outcome = answered(DONE)

    assert (outcome.word, outcome.summary, outcome.fields) == ("done", "Three are there.", {"available": 3})
    assert outcome.sends == ()


def test_takes_an_answer_of_mere_facts_as_done() -> None:
    outcome = answered({"available": 3})

    assert (outcome.word, outcome.fields, outcome.summary) == (
        "done",
        {"available": 3},
        "warehouse answered.",
    )


def test_reads_the_newest_of_several_answers() -> None:
    assert answered({"available": 3}, {"available": 0}).fields == {"available": 0}


def test_hands_on_what_the_other_side_cannot_do() -> None:
    outcome = answered({"word": "fail", "why": "No such product."})

    assert (outcome.word, outcome.why) == ("fail", "No such product.")


def test_knows_the_fields_by_our_names() -> None:
    named = answered({"word": "done", "fields": {"qty": 3}}, message_format={"data": {"available": "qty"}})

    assert named.fields == {"available": 3}


@pytest.mark.parametrize("data", [{"word": "dance"}, {"word": "done", "fields": 5}, {"word": ["done"]}])
def test_raises_for_an_answer_that_is_no_outcome(data: dict[str, Any]) -> None:
    with pytest.raises(Unusable, match="The reply is no Outcome"):
        answered(data)


def test_refuses_to_send_what_no_queue_would_carry() -> None:
    with pytest.raises(Refused, match=r"at most 100,000 .* Choose what it needs with `send`"):
        ask(the_brief(input={"sku": "x" * 100_001}))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("{}", "`to` is missing"),
        ("{to: w, timeout: soon}", "write a duration like 30s"),
        ("{to: w, send: {a: Input.b}}", "`send.a`"),
        ("{to: w, wait: 5m}", "unknown key `settings.wait`"),
    ],
)
def test_is_refused_at_load_in_words(settings: str, told: str) -> None:
    with pytest.raises(Unreadable) as refused:
        loads(f"name: stock\nrole: queue\nsettings: {settings}\n", "stock.yaml")

    assert told in str(refused.value)


def test_tells_nobody_before_a_person_has_allowed_it() -> None:
    asks = ask(the_brief(settings={"ask_first": "true"}))

    assert (asks.word, asks.sends) == ("escalate", ())
    assert asks.call is not None
    assert (asks.call.tool, asks.call.target) == ("queue", "warehouse")
    assert asks.call.arguments["data"] == {"sku": "SKU-12345"}
    assert asks.question == "May inventory-agent send “check_stock” to warehouse?"

    allowed = {"settings": {"ask_first": "true"}, "granted": (asks.call.sha256,), "attempt": 2}
    assert [send.data for send in ask(the_brief(**allowed)).sends] == [{"sku": "SKU-12345"}]
    again = ask(the_brief(**allowed, input={"sku": "SKU-9"}))
    assert (again.word, again.sends) == ("escalate", ())


def test_takes_back_and_reads_an_answer_without_asking() -> None:
    assert ask(the_brief(settings={"ask_first": "true"}, undo="check_stock")).word == "await"
    assert answered(DONE, settings={"ask_first": "true"}).word == "done"
