"""How a foreign system names the fields of an envelope: an agent's `message_format`.

    message_format:
      envelope: {from: sender, type: event, correlation_id: order_ref}
      data: {product_id: sku, quantity: qty}

On the left our name, on the right theirs. `outward` and `inward` undo each other; what cannot be renamed
without losing something is refused. Renaming only: no values are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from agents.contract import Unusable
from agents.envelope import NAMES
from agents.strict_yaml import Document, nearest

FieldName = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f][^\x00-\x1f\x7f]{0,99}$")]


class MessageFormat(BaseModel):
    """Their names by ours, for the envelope and for the fields of its data. Empty: they use our names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    envelope: dict[str, FieldName] = Field(default_factory=dict, max_length=len(NAMES))
    data: dict[FieldName, FieldName] = Field(default_factory=dict, max_length=200)


def outward(envelope: dict[str, Any], names: MessageFormat) -> dict[str, Any]:
    """Our envelope as the foreign system reads it. Raises `Unusable` where a field could not be told
    from a renamed one."""
    data = envelope.get("data")
    if isinstance(data, dict):
        envelope = {**envelope, "data": _renamed(data, names.data)}
    return _renamed(envelope, names.envelope)


def inward(message: dict[str, Any], names: MessageFormat) -> dict[str, Any]:
    """A foreign system's message as our envelope. Raises `Unusable` where a field could not be told
    from a renamed one."""
    envelope = _renamed(message, _turned(names.envelope))
    data = envelope.get("data")
    if isinstance(data, dict):
        envelope["data"] = _renamed(data, _turned(names.data))
    return envelope


def problems(document: Document, names: MessageFormat) -> list[str]:
    """What is wrong with an agent's `message_format`, each with its line and what would be right."""
    unknown = [
        document.problem(
            f"`{name}` is no part of an envelope. {nearest(name, list(NAMES))}", *_place("envelope", name)
        )
        for name in names.envelope
        if name not in NAMES
    ]
    whole = {name: names.envelope.get(name, name) for name in NAMES}
    return unknown or [*_twice(document, "envelope", whole), *_twice(document, "data", names.data)]


def _twice(document: Document, part: str, names: Mapping[str, str]) -> list[str]:
    """Names that two fields would share: nobody could tell them apart on the way back."""
    found: dict[str, str] = {}
    wrong = []
    for ours, theirs in names.items():
        if theirs in found:
            # The line of whichever of the two the file names.
            named = ours if _place(part, ours) in document.lines else found[theirs]
            wrong.append(
                document.problem(
                    f"`{found[theirs]}` and `{ours}` would both be called `{theirs}`. Give one another name.",
                    *_place(part, named),
                )
            )
        found[theirs] = ours
    return wrong


def _place(part: str, name: str) -> tuple[str, ...]:
    return "message_format", part, name


def _turned(names: Mapping[str, str]) -> dict[str, str]:
    return {theirs: ours for ours, theirs in names.items()}


def _renamed(fields: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    turned = _turned(names)
    for name in fields:
        if name in turned and name not in names:
            raise Unusable(
                f"`{name}` cannot stand here: the message format keeps this name for `{turned[name]}` on the "
                "other side. Rename one of them in the agent's message_format."
            )
    return {names.get(name, name): value for name, value in fields.items()}
