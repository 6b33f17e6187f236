"""Messages in files: mailbox (mbox), single mail (.eml) and notes (.txt, .md), each as who, when, what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from agents.prose import mail
from agents.prose.blocks import title_of
from agents.prose.clean import one_line
from agents.prose.encoding import decode
from agents.prose.mail_text import readable

_HEADER = re.compile(r"^(?:From|To|Subject|Date|Message-ID|Received|Return-Path|MIME-Version):", re.I | re.M)
_REPLY = re.compile(r"^(?:(?:re|aw|fw|fwd|wg|antwort)(?:\[\d+\])?\s*:\s*)+", re.I)
_ITEM = re.compile(r"(?:[-*+•]|\d{1,2}[.)])\s+(?=\S)")
# "Best regards", a name, a phone number: up to three words that end no sentence.
_CLOSING = re.compile(
    r"(?:(?:best|kind|warm|many)?\s*(?:regards|wishes|greetings|thanks)|best|yours|sincerely|cheers"
    r"|thank you)\b[^.!?]{0,30}[,.!]?$|[^\s.!?:;]+(?: [^\s.!?:;]+){0,2}$",
    re.I,
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
    doubt: str = ""  # what could not be read for sure

    @property
    def topic(self) -> str:
        """The subject without "Re:" and "Fwd:"."""
        return _REPLY.sub("", self.subject).strip() or self.subject

    @property
    def thread(self) -> str:
        """The subject without "Re:" and "Fwd:", in lower case: the same for a question and its answers."""
        return self.topic.lower()


def mails(path: str, raw: bytes) -> list[bytes]:
    """The mails of a file, as bytes; none if it is a note."""
    if mail.is_mailbox(raw) or path.lower().endswith((".mbox", ".mbx")):
        return list(mail.split(raw))
    head = decode(raw[:20_000].lstrip().replace(b"\r\n", b"\n").partition(b"\n\n")[0], "utf-8").text
    return [raw] if path.lower().endswith(".eml") or len(_HEADER.findall(head)) >= 2 else []


def of_text(name: str, text: str) -> list[Message]:
    """The messages of a text that came without its bytes."""
    found = [of_mail(name, one) for one in mails(name, text.encode("utf-8", "replace"))]
    return found or [of_note(name, text)]


def of_mail(path: str, raw: bytes, *, lists: bool = False) -> Message:
    """A mail as a message; `lists` as in `mail.read`."""
    read = mail.read(raw, lists=lists)
    return Message(
        path=path, subject=one_line(read.subject, 160) or "(no subject)",
        text=_said(readable(read.text, subject=read.subject)), sender=one_line(read.name or read.sender, 80),
        at=read.at, automatic=bool(read.automatic), attachments=read.attachments, doubt=read.doubt,
    )  # fmt: skip


def of_note(path: str, text: str) -> Message:
    """A note as a message; its heading is its subject."""
    untitled = re.sub(r"\A\s*#[^\n]*\n", "", text)
    return Message(path=path, subject=one_line(title_of(text, path), 160), text=_said(readable(untitled)))


def _said(own: str) -> str:
    """What its writer says, one paragraph or list item per block; greeting and closing are left out."""
    lines = own.split("\n")
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
