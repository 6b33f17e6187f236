"""What another system is told of a piece of work, how its answer's fields are called here, and whether a
person must allow it first."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.contract import Brief, Call, Outcome
from agents.message_format import MessageFormat, inward

#: A place in the brief: `input.a.b`, `item.a`, or `stage.a`.
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+){0,8}$")]

_EVERYTHING = {"title", "input", "fields", "item", "items", "artifacts", "requests", "replies"}


def envelope(brief: Brief, *, type: str, undo: str, send: dict[str, str]) -> dict[str, Any]:
    """The brief as the outside reads it. `type` and `undo` are what the envelope is called, else the
    stage's name and STAGE.undo; `send` says what its data holds, by name."""
    kind = (undo or f"{brief.undo}.undo") if brief.undo else (type or brief.stage)
    return brief.envelope() | {"type": kind, "data": _data(brief, send)}


def leave(brief: Brief, call: Call, what: str) -> Outcome | None:
    """What an agent that asks first hands back instead of making this call; None where it may make it:
    a person allowed exactly this one, or it takes back what was allowed.

    The question names neither arguments nor query: it goes to channels that may not know them.
    """
    if brief.undo or call.sha256 in brief.granted:
        return None
    where = call.target.partition("?")[0].removeprefix("POST ")
    question = f"May {brief.agent} send “{what}” to {where}?"
    return Outcome(word="escalate", question=question, summary=f"Asks before it calls {where}.", call=call)


def in_our_words(value: dict[str, Any], names: MessageFormat) -> dict[str, Any]:
    """The answer with its fields as we call them; an Outcome's own words have no other names."""
    fields = value.get("fields")
    return value | {"fields": inward({"data": fields}, names)["data"]} if isinstance(fields, dict) else value


def _data(brief: Brief, send: dict[str, str]) -> dict[str, Any]:
    """What the other side is told: the chosen fields, else all that the agent knows and that is not ours."""
    if send:
        found = ((name, _look_up(brief, reference)) for name, reference in send.items())
        data = {name: value for name, value in found if value is not None}
    else:
        everything = brief.model_dump(mode="json", include=_EVERYTHING)
        data = {name: value for name, value in everything.items() if value not in (None, [], {})}
    return data | ({"why": brief.why} if brief.undo else {})


def _look_up(brief: Brief, reference: str) -> Any:
    """The value at that place; None where there is none, as when a stage was passed over."""
    first, *rest = reference.split(".")
    value: Any = {"input": brief.input, "item": brief.item}.get(first, brief.fields.get(first))
    for name in rest:
        value = value.get(name) if isinstance(value, dict) else None
    return value
