"""One mail as we read it: who, about what, in which thread, and the words; from any bytes, never raising.

Whatever a header says is text from outside. The sender's address is what the mail claims; what may be done
for that address is decided by services that know their customers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message as Parsed
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from itertools import islice
from typing import Any

from agents.prose.clean import clean, one_line
from agents.prose.mail_text import html_to_text

MOST_PARTS = 200  # of one mail; more of them is an attack on whoever unpacks it
MOST_CHARACTERS = 60_000  # of the text; an envelope has its limit
MOST_REFERENCES = 50  # of a long thread, the newest
LONGEST_ID = 150
_ID = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"[^\s@<>\",;:]{1,64}@[^\s@<>\",;:]{1,253}")
_MACHINE = re.compile(r"^(?:no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?)(?:[+@-]|$)", re.I)


@dataclass(frozen=True)
class Mail:
    """One mail. `automatic` says why no person wrote it, empty where one did."""

    id: str  # the Message-ID without brackets, else the hash of the mail
    message_id: str  # the header, which a reply refers to; empty where there was none
    sender: str  # the address, lower case; empty where there is no proper one
    name: str
    subject: str
    text: str
    references: tuple[str, ...]  # the mails before it in its thread, oldest first
    attachments: tuple[str, ...]
    at: datetime | None
    automatic: str = ""

    def data(self) -> dict[str, Any]:
        """What the mail brings as the input of a task."""
        given = {
            "title": self.subject or f"Mail from {self.sender or 'an unknown sender'}",
            "text": self.text, "subject": self.subject, "from": self.sender, "name": self.name,
            "message_id": self.message_id, "attachments": list(self.attachments),
            "received_at": self.at.isoformat() if self.at else "",
        }  # fmt: skip
        return {key: value for key, value in given.items() if value or key == "text"}


def read(raw: bytes) -> Mail:
    """Read a mail as it came over the wire."""
    mail = _parsed(raw)
    name, address = parseaddr(_header(mail, "From"))
    address = address.strip().lower()
    sender = address if len(address) <= 120 and _ADDRESS.fullmatch(address) else ""
    text, attachments = _body(mail)
    own = _ids(mail, "Message-ID")
    before = [*_ids(mail, "References"), *_ids(mail, "In-Reply-To")]
    return Mail(
        id=_short(own[0]) if own else f"sha256.{hashlib.sha256(raw).hexdigest()}",
        message_id=f"<{own[0]}>" if own and len(own[0]) < 250 else "",
        sender=sender,
        name=one_line(name, 80) if name != address else "",
        subject=one_line(_header(mail, "Subject"), 180),
        text=text,
        references=tuple(dict.fromkeys(_short(one) for one in before))[-MOST_REFERENCES:],
        attachments=attachments,
        at=_date(mail),
        automatic=_automatic(mail, address),
    )


def _parsed(raw: bytes) -> Parsed:
    """The mail taken apart; only its head where the body is nested deeper than Python goes."""
    try:
        return message_from_bytes(raw, policy=policy.compat32)
    except RecursionError:
        return BytesHeaderParser(policy=policy.compat32).parsebytes(
            raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        )


def _body(mail: Parsed) -> tuple[str, tuple[str, ...]]:
    """The text (HTML as text where there is nothing else) and the names of what is attached."""
    plain, html = "", ""
    attached: list[str] = []
    for part in islice(_leaves(mail), MOST_PARTS):
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or part.get_filename():
            attached.append(one_line(_plain(str(part.get_filename() or kind)), 100))
        elif kind == "text/plain" and not plain.strip():
            plain = _decoded(part)
        elif kind == "text/html" and not html.strip():
            html = _decoded(part)
        elif not kind.startswith("text/"):
            attached.append(kind)
    text = plain if plain.strip() else html_to_text(html[: MOST_CHARACTERS * 10])
    text = clean(text, MOST_CHARACTERS + 1).strip()
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + "\n\n[The mail is longer; the rest was left out.]"
    return text, tuple(attached[:50])


def _leaves(mail: Parsed) -> Iterator[Parsed]:
    """The parts that hold something, without recursion: a mail may be nested deeper than Python goes."""
    todo: list[Any] = [mail]
    while todo:
        part = todo.pop()
        below = part.get_payload() if part.is_multipart() else None
        if isinstance(below, list):
            todo += reversed(below)
        else:
            yield part


def _decoded(part: Parsed) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    for charset in (str(part.get_content_charset() or "utf-8"), "utf-8"):
        try:
            return raw.decode(charset)
        except (LookupError, UnicodeDecodeError):
            continue
    return raw.decode("latin-1")  # every byte is a character in it


def _header(mail: Parsed, name: str) -> str:
    """A header as clean text; a wrong encoding inside it must not lose the mail."""
    return _plain(str(mail.get(name, "")))


def _plain(value: str) -> str:
    try:
        return clean(str(make_header(decode_header(value))), 4_000)
    except (ValueError, LookupError, UnicodeError):
        return clean(value, 4_000)


def _ids(mail: Parsed, name: str) -> list[str]:
    return [match[1] for match in _ID.finditer(str(mail.get(name, ""))[:50_000]) if match[1].isprintable()]


def _short(identifier: str) -> str:
    """An id that fits a key; a longer one by its hash."""
    if len(identifier) <= LONGEST_ID:
        return identifier
    return f"sha256.{hashlib.sha256(identifier.encode('utf-8', 'replace')).hexdigest()}"


def _date(mail: Parsed) -> datetime | None:
    try:
        at = parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _automatic(mail: Parsed, address: str) -> str:
    """Why nobody typed this mail (RFC 3834 and what is usual): an answer could start two machines talking."""
    if _header(mail, "Auto-Submitted").strip().lower() not in ("", "no"):
        return "it says that a machine submitted it (Auto-Submitted)"
    if _header(mail, "Precedence").strip().lower() in ("bulk", "list", "junk", "auto_reply"):
        return "it is bulk mail (Precedence)"
    if mail.get("List-Id") or mail.get("List-Unsubscribe"):
        return "it comes from a mailing list"
    if mail.get("X-Autoreply") or mail.get("X-Autorespond") or mail.get("X-Clawbot-Task"):
        return "it is an automatic reply"
    if not address or _MACHINE.search(address) or str(mail.get("Return-Path", "")).strip() == "<>":
        return "its sender is no person's address"
    return ""
