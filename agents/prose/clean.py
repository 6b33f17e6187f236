"""Makes text from outside harmless as text: what no reader can see and no database agrees on goes out."""

from __future__ import annotations

import re
import unicodedata

#: Stands for a character that could not be read. A number beside one is not known.
UNREAD = "\ufffd"
# Surrogates (not encodable), bidi overrides and TAG characters (hide or reorder words), soft hyphens,
# zero-width and non-characters. What a reader does see through them stays: the flag of Scotland (a black flag
# and six tags), one variation selector after a sign, and those that choose the form of a Japanese ideograph.
_SEEN = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
    "|[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff][\ufe00-\ufe0f\U000e0100-\U000e01ef]"
    "|[^\ufe00-\ufe0f\U000e0100-\U000e01ef][\ufe00-\ufe0f])"
    "|[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ud800-\udfff\ufeff\ufdd0-\ufdef\ufff0-\ufffc\ufffe\uffff\U000e0000-\U000e0fff]"
)
# Line and page ends of other times and systems: deleting them would join two words.
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1f\x85\u2028]")
# Controls stand for no character (PostgreSQL refuses NUL), but beside a figure one may have been a dash, and
# those from 0x80 on are mostly the signs of another charset.
_CONTROLS = re.compile("[\x80-\x9f]|(?<=\\d)[\x00-\x08\x0e-\x1b\x7f]+|[\x00-\x08\x0e-\x1b\x7f]+(?=\\d)")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
# The turn markers of chat templates: inert here, but this text goes into later prompts. A space takes the
# place of each, so that the pieces around it do not make another.
_TURNS = re.compile(
    r"<\|[a-z_]{1,30}\|>|</?(?:tool_call|tool_result|function_calls?)\b[^<>]{0,200}>"
    r"|</?(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.I,
)  # fmt: skip
_SPACES = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f\u3000]")


def clean(text: str, limit: int = 200_000) -> str:
    """NFC, `\\n` line ends, no hidden characters, no chat-turn markers, at most `limit` characters. Cleaning
    twice changes nothing more.

    A control character that may have been a sign becomes `UNREAD`, so that "5\\x968" never reads as 58."""
    text = _BREAKS.sub("\n", text[: limit * 2]).replace("\u2029", "\n\n")
    text = _CONTROL.sub("", _CONTROLS.sub(UNREAD, text))
    text = _SPACES.sub(" ", _SEEN.sub(r"\1", text))
    text = _TURNS.sub(" ", text)
    return unicodedata.normalize("NFC", text)[:limit]


def one_line(text: str, limit: int = 300) -> str:
    """Clean text on one line, for titles, names and messages; cut at a word with an ellipsis."""
    flat = " ".join(clean(text, limit * 4).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def clean_deep(value: object, limit: int = 200_000) -> object:
    """`clean` on every text inside lists and mappings, keys included."""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, list | tuple):
        return [clean_deep(item, limit) for item in value]
    if isinstance(value, dict):
        return {clean(str(key), 200): clean_deep(item, limit) for key, item in value.items()}
    return value
