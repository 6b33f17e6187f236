"""Text that every database can store: no NUL (PostgreSQL has none) and no half characters (UTF-8 has none).

`rejected.unstorable` asks for every address, cookie and form, the API for what its JSON holds, the terminal
for its arguments.
"""

from __future__ import annotations

import math
from typing import Any

MOST_NESTED = 64  # lists and mappings inside each other; nothing of ours has more than ten


def is_storable(text: str) -> bool:
    """Whether every database can store a text."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def require(value: Any, depth: int = 0) -> Any:
    """A value of JSON as it is. Raises ValueError if a text, a number or its nesting cannot be stored."""
    if depth > MOST_NESTED:
        raise ValueError(f"lists and mappings lie more than {MOST_NESTED} deep inside each other")
    match value:
        case str() if not is_storable(value):
            raise ValueError("a text holds a NUL or half a character (\\u0000, \\ud800 to \\udfff)")
        case float() if not math.isfinite(value):
            raise ValueError("a number is not finite")
        case list():
            for item in value:
                require(item, depth + 1)
        case dict():
            for key, item in value.items():
                require(key)
                require(item, depth + 1)
    return value
