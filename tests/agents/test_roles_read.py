"""Nothing is accepted that nobody reads: every key that only some roles act on, at every role."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from agents import answering, registry
from agents.definition import Definition, loads
from agents.outside import hand_off
from agents.strict_yaml import Unreadable

ROLES = sorted(registry.all_roles())
#: a value that asks for something, by key of the agent
ASKS = {
    "model": "model: careful",
    "instructions": "instructions: Be brief.",
    "voice": "voice: support",
    "authority": "authority: {correct: minor}",
    "message_format": "message_format: {data: {amount: total}}",
}
#: how the code of a role shows that it acts on a key
SHOWS = {
    "model": r"desk\.ask\(|desk\.model\b",
    "instructions": r"brief\.instructions",
    "voice": r"brief\.voice",
    "authority": r"brief\.authority",
    "message_format": r"brief\.message_format",
    "judges": r"findings=|reply\.outcome\(",
    "send_back": r'"send_back"|reply\.outcome\(',
    "deciders": r"ask_first",
}
SETTINGS = {
    "http": "settings: {url: 'https://x.example/y'}",
    "queue": "settings: {to: books}",
    "router": "settings: {topics: {a: {}, b: {}}}",
}


def an_agent(role: str, more: str = "") -> str:
    return f"name: one\nrole: {role}\n{SETTINGS.get(role, '')}\n{more}\n"


def code(role: str) -> str:
    """The source of a role, with what works for several roles and is imported by it."""
    module = registry.role(role).module
    shared = [one for one in (answering, hand_off) if one in vars(module).values()]
    return "".join(inspect.getsource(one) for one in (module, *shared))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", ASKS)
def test_an_agent_is_refused_a_key_that_its_role_does_not_read(role: str, key: str) -> None:
    text = an_agent(role, ASKS[key])

    if registry.role(role).reads(key):
        assert loads(text, "one.yaml").role == role
    else:
        with pytest.raises(Unreadable) as refused:
            loads(text, "one.yaml")
        assert str(refused.value) == (
            f"one.yaml, line 4: the role `{role}` does not read `{key}`, so it would do nothing. Remove it."
        )


@pytest.mark.parametrize("role", [role for role in ROLES if role != "rehearse"])  # which stands in for any
@pytest.mark.parametrize("key", registry.OPTIONAL)
def test_a_role_says_that_it_reads_exactly_what_its_code_reads(role: str, key: str) -> None:
    shows = bool(re.search(SHOWS[key], code(role)))

    assert registry.role(role).reads(key) == shows


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_that_it_writes_files_exactly_if_it_makes_some(role: str) -> None:
    makes = bool(re.search(r"suffix=|reply\.outcome\(", code(role)))

    settings = loads(an_agent(role), "one.yaml").settings
    assert bool(registry.role(role).writes(settings)) == makes


@pytest.mark.parametrize("role", [role for role in ROLES if role != "rehearse"])
def test_a_role_says_fields_exactly_if_its_outcome_has_some(role: str) -> None:
    says = bool(re.search(r"\bfields=|reply\.outcome\(", code(role)))

    settings = loads(an_agent(role), "one.yaml").settings
    assert bool(registry.role(role).fields(settings)) == says


def test_every_key_of_an_agent_is_read_by_all_or_by_some_that_say_so() -> None:
    """A new key needs its place here: whoever adds it says who acts on it."""
    by_everyone = {"name", "role", "title", "scope", "accepts", "returns", "tools", "permissions", "limits"}
    for_people = {"escalates"}

    assert set(Definition.model_fields) == by_everyone | for_people | {"settings"} | set(ASKS)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("returns: [a, b]", "line 3: the role `llm` makes 1 of these at most. Name fewer."),
        ("settings: {most_character: 100}", "Did you mean `most_characters`?"),
        ("limits: {token: 100}", "Did you mean `tokens`?"),
        ("authority: {sendback: true}", "Did you mean `send_back`?"),
        ("permissions: {read_file: {}}", "which is not in `tools`"),
        ("escalate: [x]", "Did you mean `escalates`?"),
    ],
)
def test_a_misspelt_or_useless_key_is_refused_with_the_right_one(more: str, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        loads(f"name: one\nrole: llm\n{more}\n", "one.yaml")

    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["kinds: [banned_word]", "words: 9"])
def test_limits_of_corrections_are_refused_if_nothing_may_be_corrected(name: str) -> None:
    with pytest.raises(Unreadable, match="it corrects nothing. Write `correct: minor`"):
        loads(f"name: one\nrole: reviewer\nauthority: {{{name}}}\n", "one.yaml")


def test_what_depends_on_the_settings_follows_them() -> None:
    def role(name: str, settings: dict[str, Any]) -> tuple[Any, ...]:
        found = registry.role(name)
        return found.fields(settings), found.writes(settings), found.references(settings)

    assert role("triage", {"details": {"size": {}}})[0][-1] == "size"
    assert role("formatter", {"pages": ["md"]})[1] == ("md",)
    assert role("http", {"url": "https://x.example", "send": {"a": "read.total"}})[2] == {
        "send.a": "read.total"
    }
    says = [{"stage": "refund", "when": {"state": "done"}, "text": "Paid {amount}."}]
    assert role("composer", {"says": says})[2] == {
        "says.0.state": "refund.state", "says.0.amount": "refund.amount",
    }  # fmt: skip
