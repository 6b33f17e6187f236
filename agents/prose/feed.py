"""Reads RSS 0.9 to 2.0, Atom and RDF with feedparser, from bytes that were fetched here."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from agents.contract import Refused
from agents.prose import html
from agents.prose.blocks import Document
from agents.prose.clean import clean, one_line
from agents.prose.encoding import decode

KINDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/xml", "text/xml")
_START = re.compile(r"(?:\s|\ufeff|<\?[^>]*\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[[^\]]*\])?\s*>)*", re.S | re.I)
_ROOT = re.compile(r"<(?:\w+:)?(?:rss|feed|rdf)[\s>]", re.I)
_MARKUP = re.compile(r"<[a-zA-Z/!]|&(?:#\w+|\w+);")


def is_feed(text: str) -> bool:
    """Whether a text is a feed, by its first tag."""
    start = _START.match(text)
    return bool(_ROOT.match(text, start.end() if start else 0))


def read(raw: bytes, url: str, charset: str, most: int) -> list[dict[str, str]]:
    """The newest entries, in the feed's order: {title, url, published, text, sha256, doubt}.

    Raises `Refused` for what is no feed, a feed without entries, and any that declares entities: they read
    files and fill the memory.
    """
    import feedparser  # loads slowly, and the tools' permissions are read by every command

    where = url[:200]
    decoded = decode(raw, charset)
    if re.search(r"<!ENTITY", decoded.text, re.I):
        raise Refused(f"{where} is no feed that can be read safely: it declares entities.")
    body = re.sub(r"\A(\s*)<\?xml[^>]*\?>", r"\1", decoded.text)  # it names the charset of the bytes
    found = feedparser.parse(
        body.encode("utf-8", "replace"), sanitize_html=False,
        response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
    )  # fmt: skip
    broken = _broken(found.get("bozo_exception"))
    doubt = f"{decoded.doubt} The feed is {broken}; parts of it may be missing." if broken else decoded.doubt
    entries = [_entry(one, found.get("version", ""), doubt.strip()) for one in found.entries]
    entries = [one for one in entries if one["title"] or one["text"]]
    if not entries and (broken or not is_feed(decoded.text)):
        raise Refused(f"{where} is no feed that can be read safely: {broken or 'it is no RSS or Atom'}.")
    if not entries:
        raise Refused(f"The feed {where} has no entries.")
    return entries[:most]


def _broken(error: Any) -> str:
    """Where its XML is broken; empty if it is not. feedparser puts a line of its own before the first."""
    if not hasattr(error, "getLineNumber"):
        return ""
    return f"not well-formed, line {max(1, error.getLineNumber() - 1)}: {one_line(error.getMessage(), 120)}"


def _entry(one: Any, version: str, doubt: str) -> dict[str, str]:
    bodies = [*one.get("content", ()), *filter(None, [one.get("summary_detail")])]
    text = max((_text(body, version) for body in bodies), key=len, default="")
    link = str(one.get("link", ""))
    return {
        "title": one_line(_words(one.get("title_detail"), version), 160),
        "url": one_line(link, 500) if link.startswith(("http://", "https://")) else "",
        "published": one_line(str(one.get("published") or one.get("updated") or ""), 60),
        "text": clean(text, 200_000),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "doubt": doubt,
    }  # fmt: skip


def _text(body: Any, version: str) -> str:
    """A body as headings and paragraphs. Only Atom says for certain that a text is no HTML."""
    value = str(body.get("value", ""))
    if _is_plain(body, version) or not _MARKUP.search(value):
        return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", value) if part.strip())
    return Document("", html.read(value, alone=True).blocks).text


def _words(detail: Any, version: str) -> str:
    value = str((detail or {}).get("value", ""))
    if _is_plain(detail or {}, version) or not _MARKUP.search(value):
        return value
    return " ".join(block.text or block.heading for block in html.read(value, alone=True).blocks)


def _is_plain(detail: Any, version: str) -> bool:
    return version.startswith("atom") and detail.get("type") == "text/plain"
