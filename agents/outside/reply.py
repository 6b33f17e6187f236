"""Reads what a service replied as an Outcome. A reply is text from outside: bounded, cleaned, never trusted.

Keys that nobody knows are left aside, so that a service may say more than we read. What is read must be of
the right shape; a reply that is not is `Unusable`, never a crash.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.contract import Made, Outcome, Unusable
from agents.prose.clean import clean_deep, one_line

WORDS = ("done", "send_back", "escalate", "retry", "fail", "await")
LONGEST_WAIT = 7 * 86_400.0
MOST_FIELDS = 200
DEEPEST = 30

Sentence = Annotated[str, Field(max_length=4_000)]


class _Open(BaseModel):
    """A part of a reply: unknown keys are left aside."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Thing(_Open):
    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    suffix: str = Field("", pattern=r"^[a-z0-9]{0,8}$")


class _Reply(_Open):
    word: Literal["done", "send_back", "escalate", "retry", "fail", "await"]
    summary: Sentence = ""
    question: Sentence = ""
    why: Sentence = ""
    fields: dict[str, Any] = Field(default_factory=dict, max_length=MOST_FIELDS)
    made: tuple[_Thing, ...] = Field((), max_length=50)
    confidence: float | None = Field(None, ge=0, le=1)
    after_seconds: float | None = Field(None, ge=0, le=LONGEST_WAIT)


def parse(raw: bytes) -> dict[str, Any]:
    """A JSON object, cleaned. Raises `Unusable` for anything else: not UTF-8, not JSON, a key twice, a number
    that is none, nested deeper than anybody means."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except RecursionError:
        raise Unusable("The reply is nested too deeply to be read.") from None
    except ValueError as error:  # also UnicodeDecodeError, and whole numbers of thousands of digits
        raise Unusable(f"The reply is not JSON ({one_line(str(error), 120)}).") from None
    if not isinstance(value, dict):
        raise Unusable(f"The reply is a JSON {type(value).__name__}, not an object.")
    if _depth(value) > DEEPEST:
        raise Unusable(f"The reply is nested more than {DEEPEST} levels deep.")
    return clean_deep(value)  # type: ignore[return-value]


def outcome(value: dict[str, Any], returns: tuple[str, ...]) -> Outcome:
    """A parsed reply as an Outcome. `returns` are the kinds of artifact that the agent may make. Raises
    `Unusable` where the shape is not that of an Outcome."""
    try:
        reply = _Reply.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Unusable(
            f"The reply is no Outcome: {one_line(place, 80)}: {one_line(first['msg'], 160)}. It needs "
            f"`word` (one of {', '.join(WORDS)}) and may have summary, fields, made, why, question, "
            "after_seconds."
        ) from None
    if strange := [one.kind for one in reply.made if one.kind not in returns]:
        known = ", ".join(returns) or "none"
        raise Unusable(f"The reply made `{strange[0]}`, and the agent returns {known}. Add it to `returns`.")
    if reply.word == "escalate" and not reply.question:
        reply.question = reply.why or reply.summary or "The service asks for a person and does not say why."
    made = tuple(Made(**one.model_dump()) for one in reply.made)
    return Outcome(**{**reply.model_dump(exclude_none=True), "made": made})


def sentence(raw: bytes, otherwise: str) -> str:
    """The sentence with which a service refused: `why`, `detail`, `title`, `error` or `message` of a JSON
    object, else the start of its text, else `otherwise`."""
    try:
        value = parse(raw)
    except Unusable:
        text = raw[:2_000].decode("utf-8", "replace").strip()
        return otherwise if not text or text.startswith("<") else one_line(text, 300)
    said = (value.get(name) for name in ("why", "detail", "title", "error", "message"))
    return next((one_line(one, 500) for one in said if isinstance(one, str) and one.strip()), otherwise)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice, so it is not clear which one counts")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _depth(value: Any) -> int:
    """How many levels of lists and mappings lie inside each other; json.loads bounded the recursion."""
    deepest, todo = 0, [(value, 1)]
    while todo:
        one, level = todo.pop()
        deepest = max(deepest, level)
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        todo.extend((item, level + 1) for item in inner)
    return deepest
