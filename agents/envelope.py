"""The envelope in which every message crosses the border: read from bytes, checked, and told apart.

`{"from", "to", "type", "data", "correlation_id", "timestamp"}`, nothing else. What comes in is text from
outside: bounded, cleaned, and refused in words where it cannot be understood.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from agents.contract import Unusable
from agents.outside import reply
from agents.prose.clean import one_line
from agents.strict_yaml import nearest

NAMES = ("from", "to", "type", "data", "correlation_id", "timestamp")
NEEDED = ("from", "to", "type", "data")
#: Bytes. Larger things stay where they are; a message carries their address.
MOST_BYTES = 200_000
LONGEST = {"from": 120, "to": 120, "type": 120, "correlation_id": 200, "timestamp": 40}


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object in these bytes, cleaned but not yet checked. Raises `Unusable`: too large, not UTF-8,
    not JSON, a key twice, nested too deeply."""
    if len(raw) > MOST_BYTES:
        raise Unusable(
            f"It has {len(raw):,} bytes; at most {MOST_BYTES:,} are read. Send an address instead."
        )
    try:
        return reply.parse(raw)
    except Unusable as error:
        raise Unusable(str(error).replace("The reply", "It", 1)) from None


def check(message: dict[str, Any]) -> dict[str, Any]:
    """The message as an envelope with all six keys. Raises `Unusable` with a sentence that names the first
    key that is missing, unknown or of the wrong shape, and what would be right."""
    message = _cleaned(message)
    for name in message:
        if name not in NAMES:
            raise Unusable(f"`{one_line(name, 60)}` is no part of an envelope. {nearest(name, list(NAMES))}")
    for name in NEEDED:
        if message.get(name) in (None, ""):
            raise Unusable(f"`{name}` is missing. An envelope has {', '.join(NAMES)}.")
    if not isinstance(message["data"], dict):
        raise Unusable('`data` is not an object. Write {"name": value, ...}, or {} for nothing.')
    words = {name: _text(name, message.get(name)) for name in LONGEST}
    if words["timestamp"]:
        _read_time(words["timestamp"])
    return {name: words.get(name, message["data"]) for name in NAMES}


def digest(envelope: dict[str, Any]) -> str:
    """SHA-256 of the envelope in its canonical form, hexadecimal: equal for equal envelopes."""
    return hashlib.sha256(_canonical(envelope)).hexdigest()


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two envelopes say the same; a sender that tries again may stamp a new time on it."""
    return _canonical({**one, "timestamp": ""}) == _canonical({**other, "timestamp": ""})


def _canonical(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _cleaned(message: dict[str, Any]) -> dict[str, Any]:
    """The same checks as `parse` for a message that another door has read already."""
    if not isinstance(message, dict):
        raise Unusable(f"It is not an object. An envelope has {', '.join(NAMES)}.")
    try:
        text = json.dumps(message, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise Unusable(f"It is not JSON ({one_line(str(error), 120)}).") from None
    return parse(text.encode("utf-8", "replace"))


def _text(name: str, value: Any) -> str:
    """One of the envelope's words. Foreign systems number their orders, so a whole number is one too."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unusable(f"`{name}` is not text.")
    text = " ".join(value.split())
    if len(text) > LONGEST[name]:
        raise Unusable(f"`{name}` has {len(text):,} characters; at most {LONGEST[name]} are read.")
    return text


def _read_time(text: str) -> None:
    try:
        zoned = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise Unusable(
            f"`timestamp` is {one_line(text, 40)!r}. Write a time with its zone, e.g. 2026-02-17T12:00:00Z."
        )
