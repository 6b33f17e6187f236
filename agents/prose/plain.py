"""Words from outside inside Markdown of ours: they stay words, whatever they try to be."""

from __future__ import annotations

import re

from agents.prose.clean import one_line

_SPECIAL = re.compile(r"([\\`*\[\]<>|]|(?<!\w)_|_(?!\w)|(?<=\w)~~|~~(?=\w))")
_ADDRESS = re.compile(r"\b(https?|ftp|javascript|data)(:)(?=/|\w)", re.I)


def escaped(text: str, limit: int = 1_200) -> str:
    """One line of somebody's text for Markdown: no markup, no picture, no link comes of it."""
    return _ADDRESS.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", one_line(text, limit)))
