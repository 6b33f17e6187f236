"""Bytes to text: one decoder for files, pages, feeds and mails.

A byte order mark decides, then the declared charset with its WHATWG meaning (`iso-8859-1` is windows-1252),
then UTF-8 where the bytes are valid UTF-8, then detection. What had to be guessed or could not be read is
said in `doubt`, for the person who relies on the text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import webencodings

from agents.prose.clean import UNREAD

SAMPLE = 200_000  # bytes that detection looks at

_MARKS = (  # the mark of UTF-32 LE begins with that of UTF-16 LE
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_INSIDE = re.compile(
    rb"""<\?xml\s[^>]*?encoding\s*=\s*["']\s*([\w.:-]+)|<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.I
)
#: Labels that the web does not know and old mails and files still carry.
_OLD_LABEL = re.compile(r"(?:cp|ibm|mac|iso|utf[-_]?32)[\w-]*", re.I)
_LATIN = ("windows-1252", "windows-1250", "macintosh", "cp850")
_OTHER = ["shift_jis", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r", "cp866"]
_OTHER += ["cp1253", "cp1255", "cp1256", "cp874", "iso8859_5"]
_ODD = re.compile(r"(?<=[^\W\d_])[^\w\s'’\-‐–—/.&@*_…]{1,2}(?=[^\W\d_])|£(?=[a-z])|(?<=[a-z]{3})[³¹]")
_HALF_READ = re.compile("[ÂÃ][\u0080-¿ƒŒœŠšŽžŸ‘-”†‡•…‰‹›€™–—˜]|â[€‚][\u0080-¿‘-”†‡•…‰‹›€™¦œž˜“]")


@dataclass(frozen=True)
class Decoded:
    """A text that was bytes. `charset` is what it was read as; `doubt` says in a sentence or two what was
    guessed, mended or could not be read (empty if nothing was)."""

    text: str
    charset: str
    doubt: str = ""


def decode(raw: bytes, *declared: str | None, cut: bool = False) -> Decoded:
    """Decode bytes. `declared` are the labels that came along, the most trusted first (unknown and empty
    ones are skipped); one inside the bytes (XML declaration, <meta>) is found here. `cut` says that the
    bytes end early, so that an incomplete last character is dropped instead of replaced. Never raises."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _told(raw[len(mark) :], name, cut)
    if wide := _wide(raw):
        return _told(raw, wide, cut)
    labels = [name for label in (*declared, *_inside(raw)) if (name := _codec(label))]
    utf8 = _strict(raw, "utf-8", cut)
    if utf8 is not None and (raw.isascii() or not any(map(_is_double_byte, labels))):
        return _mended(utf8)  # no text in a single-byte charset is valid UTF-8 by chance
    for name in labels:
        if (text := _strict(raw, name, cut)) is not None:
            return Decoded(text, name, _said(text))
    if utf8 is not None:
        return _mended(utf8)
    for name in dict.fromkeys([*labels, "utf-8"]):
        if _is_mostly(raw, name, cut):
            return _told(raw, name, cut)
    name = _guessed(raw, cut)
    why = f"It is declared as {labels[0]}, which it is not" if labels else "It does not say its character set"
    return _told(raw, name, cut, f"{why}; it was read as {name}, a guess: check signs and accented letters.")


def _told(raw: bytes, name: str, cut: bool, doubt: str = "") -> Decoded:
    text = _read(raw, name, cut, "replace")
    return Decoded(text, name, f"{doubt} {_said(text)}".strip())


def _said(text: str) -> str:
    """What a reader must know about characters that are no text."""
    said = []
    if unread := text.count(UNREAD):
        said.append(f"{unread:,} {'character' if unread == 1 else 'characters'} could not be read.")
    if nul := text.count("\0"):
        said.append(f"{nul:,} NUL {'character was' if nul == 1 else 'characters were'} left out.")
    return " ".join(said)


def _mended(text: str) -> Decoded:
    """UTF-8; text that was encoded twice is decoded twice if all of it was, and said if a part was."""
    if not _HALF_READ.search(text):
        return Decoded(text, "utf-8", _said(text))
    with suppress(UnicodeError):
        raw = b"".join(_as_byte(char) for char in text)
        return Decoded(raw.decode(), "utf-8", "It had been encoded twice and was decoded twice.")
    return Decoded(text, "utf-8", f"Parts of it seem to have been encoded twice. {_said(text)}".strip())


def _as_byte(char: str) -> bytes:
    """The byte that windows-1252 has for a character, or Latin-1 for one of its control characters."""
    return char.encode("latin-1" if "\x80" <= char <= "\x9f" else "cp1252")


def _wide(raw: bytes) -> str:
    """UTF-16 without a mark: every other byte of a mostly western text is 0."""
    sample = raw[:2_000]
    even, odd, half = sample[::2].count(0), sample[1::2].count(0), len(sample) // 2
    if half and len(raw) % 2 == 0 and max(even, odd) > 0.4 * half and min(even, odd) < 0.05 * half:
        return "utf-16-be" if even > odd else "utf-16-le"
    return ""


def _inside(raw: bytes) -> Iterator[str]:
    """What a marked-up text says of itself. It was read as single bytes so far, so it is not UTF-16."""
    head = raw[:4_096]
    if head.lstrip().startswith(b"<"):
        for match in _INSIDE.finditer(re.sub(rb"<!--.*?-->", b"", head, flags=re.S)):
            label = (match[1] or match[2]).decode("ascii", "replace")
            yield "utf-8" if label.lower().startswith("utf-16") else label


def _codec(label: str | None) -> str:
    """The codec that a label means; empty if it means none."""
    label = (label or "").strip(" \t\r\n\"'")
    if found := webencodings.lookup(label):
        return str(found.name)
    with suppress(LookupError, ValueError):
        if _OLD_LABEL.fullmatch(label):
            return codecs.lookup(label).name
    return ""


def _python(name: str) -> str:
    found = webencodings.lookup(name)
    return found.codec_info.name if found else name


def _read(raw: bytes, name: str, cut: bool, errors: str) -> str:
    return codecs.getincrementaldecoder(_python(name))(errors).decode(raw, final=not cut)


def _strict(raw: bytes, name: str, cut: bool) -> str | None:
    with suppress(UnicodeError):
        return _read(raw, name, cut, "strict")
    return None


def _is_double_byte(name: str) -> bool:
    """Whether a charset spends several bytes on one letter, so that short texts in it may look like UTF-8."""
    return name.startswith(("gb", "big5", "shift", "euc", "iso-2022", "utf-16"))


def _is_mostly(raw: bytes, name: str, cut: bool) -> bool:
    """Whether a charset reads more than it fails to read: a few broken bytes do not change what a text is."""
    text = _read(raw, name, cut, "replace")
    unread = text.count(UNREAD)
    return 0 < 2 * unread <= sum(not char.isascii() for char in text)


def _guessed(raw: bytes, cut: bool) -> str:
    """The charset of bytes that say nothing: detection if another script than ours fills them."""
    sample = raw[:SAMPLE]
    high = sum(byte > 127 for byte in sample)
    letters = sum(bytes([byte]).isalpha() for byte in sample)
    if high > 0.3 * (high + letters) or re.search(rb"[\x80-\xff]{4}", sample):
        from charset_normalizer import from_bytes  # takes long to load and is seldom needed

        best = from_bytes(sample, cp_isolation=_OTHER).best()
        if best and (found := webencodings.lookup(best.encoding.replace("_", "-"))):
            return str(found.name)
        if best:
            return best.encoding
    return min(_LATIN, key=lambda name: _oddities(_read(sample, name, cut, "replace")))


def _oddities(text: str) -> int:
    """What no western text has inside its words: signs between letters, a capital after a small letter."""
    odd = len(_ODD.findall(text))
    inside = sum(
        before.islower() and char.isupper() and not char.isascii() for before, char in pairwise(text)
    )
    return odd + inside + text.count(UNREAD) + sum("\x80" <= char <= "\x9f" for char in text)
