"""Takes off what a kombu on the other side wrapped around a message; anything else is the message itself.

SQS and Redis carry one text per message, so kombu puts a mapping with body, headers and properties there.
Nothing that lies on a queue may break the link: what cannot be unwrapped is taken as it is.
"""

from __future__ import annotations

import base64
import json
from typing import Any


def payload(raw: bytes, **place: Any) -> dict[str, Any]:
    """A message as kombu hands it around. `place` says where it lay: delivery_tag, delivery_info."""
    body, names = unwrap(raw)
    text = base64.b64encode(body).decode()
    return {"body": text, "headers": {}, "properties": {**names, **place, "body_encoding": "base64"}}


def unwrap(raw: bytes) -> tuple[bytes, dict[str, str]]:
    """The message in these bytes, and its `message_id` and `correlation_id` where the wrapping has them."""
    try:
        read = json.loads(raw)
        properties = read["properties"]
        body = base64.b64decode(read["body"], validate=True) if _encoded(properties) else _text(read["body"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return raw, {}
    names = {name: properties.get(name) for name in ("message_id", "correlation_id")}
    return body, {name: value for name, value in names.items() if isinstance(value, str)}


def _encoded(properties: dict[str, Any]) -> bool:
    return bool(properties.get("body_encoding") == "base64")


def _text(body: Any) -> bytes:
    if not isinstance(body, str):
        raise TypeError("no text")
    return body.encode("utf-8", "replace")
