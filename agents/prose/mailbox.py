"""Messages in files: mailbox (mbox), single mail (.eml) and notes (.txt, .md), each as who, when, what.

A file is read as text, so what came with its own encoding (quoted-printable, base64) is decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_string, policy
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.utils import parseaddr, parsedate_to_datetime
from itertools import islice

from agents.prose.blocks import title_of
from agents.prose.clean import clean, one_line
from agents.prose.mail_text import html_to_text, readable

MOST_PARTS = 100  # of one mail; more of them is an attack on whoever unpacks it
_FROM_LINE = re.compile(r"^From \S.*\d{2}:\d{2}.*$", re.M)
_HEADER = re.compile(r"^(?:From|To|Subject|Date|Message-ID|Received|Return-Path|MIME-Version):", re.I | re.M)
_REPLY = re.compile(r"^(?:(?:re|aw|fw|fwd|wg|antwort)(?:\[\d+\])?\s*:\s*)+", re.I)
_ITEM = re.compile(r"(?:[-*+•]|\d{1,2}[.)])\s+(?=\S)")
# "Best regards", a name, a phone number: up to three words that end no sentence.
_CLOSING = re.compile(
    r"(?:(?:best|kind|warm|many)?\s*(?:regards|wishes|greetings|thanks)|best|yours|sincerely|cheers"
    r"|thank you)\b[^.!?]{0,30}[,.!]?$|[^\s.!?:;]+(?: [^\s.!?:;]+){0,2}$",
    re.I,
)
_MACHINE = re.compile(
    r"^(?:no-?reply|do-?not-?reply|notifications?|newsletter|mailer-daemon|alerts?)\b", re.I
)


@dataclass(frozen=True)
class Message:
    """One message. `sender` is a name as given, never proof of who wrote it; empty for a note."""

    path: str
    subject: str
    text: str
    sender: str = ""
    at: datetime | None = None
    automatic: bool = False  # a newsletter or a notice that nobody typed
    attachments: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """The subject without "Re:" and "Fwd:"."""
        return _REPLY.sub("", self.subject).strip() or self.subject

    @property
    def thread(self) -> str:
        """The subject without "Re:" and "Fwd:", in lower case: the same for a question and its answers."""
        return self.topic.lower()


def messages(path: str, text: str) -> Iterator[Message]:
    """Every message of a file, in its order."""
    starts = [match.start() for match in _FROM_LINE.finditer(text)]
    if starts and (path.lower().endswith((".mbox", ".mbx")) or starts[0] == 0):
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            mail = text[start:end].partition("\n")[2]
            yield _mail(path, re.sub(r"^>(>*From )", r"\1", mail, flags=re.M))
    elif path.lower().endswith(".eml") or len(_HEADER.findall(text.partition("\n\n")[0])) >= 2:
        yield _mail(path, text)
    else:
        yield Message(path=path, subject=one_line(title_of(text, path), 160), text=_said(_untitled(text)))


def _said(text: str) -> str:
    """What its writer says, one paragraph or list item per block; greeting and closing are left out."""
    lines = readable(text).split("\n")
    if lines and lines[0].endswith((",", "!")) and len(lines[0].split()) <= 5:
        lines = lines[1:]
    while lines and (not lines[-1] or _CLOSING.match(lines[-1])):
        lines.pop()
    blocks: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if line and (item or not blocks or not blocks[-1]):
            blocks = [one for one in blocks if one]
            blocks.append(f"- {line[item.end() :]}" if item else line)
        elif line:
            blocks[-1] += f" {line}"
        elif blocks:
            blocks.append("")
    return "\n\n".join(one[:1].upper() + one[1:] for one in blocks if one)


def _untitled(text: str) -> str:
    """A note without the heading that is its title."""
    return re.sub(r"\A\s*#[^\n]*\n", "", text)


def _mail(path: str, text: str) -> Message:
    mail = message_from_string(text.lstrip("\n"), policy=policy.compat32)
    name, address = parseaddr(_header(mail, "From"))
    plain, html, attached = "", "", list[str]()
    for part in islice(_parts(mail), MOST_PARTS):
        if part.get_filename() or part.get_content_disposition() == "attachment":
            attached.append(one_line(str(part.get_filename() or part.get_content_type()), 80))
        elif part.get_content_type() == "text/plain" and not plain:
            plain = _decoded(part)
        elif part.get_content_type() == "text/html" and not html:
            html = _decoded(part)
    return Message(
        path=path, subject=one_line(_header(mail, "Subject"), 160) or "(no subject)",
        text=_said(plain if plain.strip() else html_to_text(html)),
        sender=one_line(name or address, 80), at=_date(mail), attachments=tuple(attached),
        automatic=_is_automatic(mail, address),
    )  # fmt: skip


def _parts(mail: Mail) -> Iterator[Mail]:
    """The leaves of a mail, without recursion: a mail may be nested deeper than Python goes."""
    todo = [mail]
    while todo:
        part = todo.pop()
        below = part.get_payload() if part.is_multipart() else None
        if isinstance(below, list):
            todo += [one for one in reversed(below) if isinstance(one, Mail)]
        else:
            yield part


def _decoded(part: Mail) -> str:
    payload = part.get_payload()
    if str(part.get("Content-Transfer-Encoding", "")).lower() not in ("base64", "quoted-printable"):
        return clean(str(payload))  # the file was decoded when it was read
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return clean(raw.decode(part.get_content_charset() or "utf-8", "replace"))
    except LookupError:  # an encoding that nobody knows
        return clean(raw.decode("latin-1"))


def _header(mail: Mail, name: str) -> str:
    """A header as text; a wrong encoding inside it must not lose the mail."""
    value = str(mail.get(name, ""))
    try:
        return clean(str(make_header(decode_header(value))), 2_000)
    except (ValueError, LookupError, UnicodeError):
        return clean(value, 2_000)


def _date(mail: Mail) -> datetime | None:
    try:
        return parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError, OverflowError):
        return None


def _is_automatic(mail: Mail, address: str) -> bool:
    submitted = _header(mail, "Auto-Submitted").lower()
    bulk = _header(mail, "Precedence").lower() in ("bulk", "list", "junk")
    automatic = submitted not in ("", "no") or bulk or bool(mail.get("List-Unsubscribe"))
    return automatic or bool(_MACHINE.match(address))
