"""Patterns that a definition names, and that are looked for in whatever text comes in.

They are read by RE2, which takes time in proportion to the text, whatever the pattern. Python's own `re`
may take years over `(a+)+$` and thirty letters, and nothing else of the process runs meanwhile. The price:
no look-around and no back references.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def readable(pattern: str) -> str:
    """The pattern as it is. Raises ValueError if it cannot be read, with what is wrong."""
    try:
        _compiled(pattern)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            f"the pattern {pattern!r} cannot be read ({said}). Look-around, back references and repetitions "
            "above 1,000 are not supported"
        ) from None
    return pattern


def search(pattern: str, text: str, flags: str = "") -> Any:
    """The first match, as `re.search` gives it, or None. `flags` are letters: `i` ignores case, with `m` ^
    and $ are the ends of lines. Raises ValueError if the pattern cannot be read."""
    readable(pattern)
    return _compiled(f"(?{flags}){pattern}" if flags else pattern).search(text)


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)
