"""One mail as we read it: who, about what, in which thread, and the words; from any bytes, never raising.

The standard library takes a mail apart (`email`, by its present policy) and `encoding.decode` makes text of
its bytes. Whatever a header says is text from outside: the sender's address is what the mail claims, and what
may be done for it is decided by services that know their customers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any

from agents.prose.clean import clean, one_line
from agents.prose.encoding import decode

MOST_PARTS = 200  # of one mail; more of them is an attack on whoever unpacks it
MOST_NESTED = 50
MOST_CHARACTERS = 60_000  # of the text; an envelope has its limit
MOST_REFERENCES = 50  # of a long thread, the newest
LONGEST_ID = 150
LONGEST_HEADER = 4_000

#: Begins a mail in an mbox: an empty line, an envelope that ends with a date, and a header or `>From `.
_ENVELOPE = re.compile(
    rb"(?:\A(?:\xef\xbb\xbf)?|(?<=\n\n)|(?<=\n\r\n))From (?=[^\n]*\d\d:\d\d)[^\n]*?"
    rb"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2})\b[^\n]*\d\r?\n"
    rb"(?=[!-9;-~]+[ \t]*:|>?From )"
)
_WORDS = re.compile(r"=\?[^?\s]+\?[bq]\?[^?]*\?=(?:\s*=\?[^?\s]+\?[bq]\?[^?]*\?=)*", re.I)
_ANY_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*")
_ID = re.compile(r"<([^<>\s]{1,500})>")
_MACHINE = re.compile(
    r"^(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter|alerts?)"
    r"(?:[+@_.\d-]|$)", re.I,
)  # fmt: skip


@dataclass(frozen=True)
class Mail:
    """One mail. `automatic` says why no person wrote it, empty if one did."""

    id: str  # the Message-ID without brackets, else the hash of the mail
    message_id: str  # the header, which a reply refers to; empty if there was none
    sender: str  # the address that an answer goes to, lower case; empty if none can be read
    name: str
    subject: str
    text: str
    references: tuple[str, ...]  # the mails before it in its thread, oldest first
    attachments: tuple[str, ...]
    at: datetime | None
    automatic: str = ""
    doubt: str = ""  # what could not be read for sure

    def data(self) -> dict[str, Any]:
        """What the mail brings as the input of a task."""
        given = {
            "title": self.subject or f"Mail from {self.sender or 'an unknown sender'}",
            "text": self.text, "subject": self.subject, "from": self.sender, "name": self.name,
            "message_id": self.message_id, "attachments": list(self.attachments),
            "received_at": self.at.isoformat() if self.at else "", "doubt": self.doubt,
        }  # fmt: skip
        return {key: value for key, value in given.items() if value or key == "text"}


def split(box: Any) -> Iterator[bytes]:
    """The mails of an mbox (bytes or a memory map), as they were before their `From ` lines were quoted."""
    at, end = _ENVELOPE.search(box), len(box)
    while at:
        start = at.end()
        head = re.compile(rb"\r?\n\r?\n").search(box, start)
        length = (
            re.search(rb"(?mi)^Content-Length:\s*(\d{1,12})\s*$", box[start : head.end()]) if head else None
        )
        after = head.end() + int(length[1]) if head and length else 0
        # A stated length counts only if a mail, or nothing, follows it: many are wrong.
        told = after if after and re.match(rb"\s*(?:\Z|From )", box[after : after + 9]) else start
        following = _ENVELOPE.search(box, max(told, start))
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", box[start : following.start() if following else end])
        at = following


def is_mailbox(raw: bytes) -> bool:
    """Whether bytes begin as an mbox does."""
    return _ENVELOPE.match(raw) is not None


def read(raw: bytes, *, lists: bool = False) -> Mail:
    """Read a mail as it came over the wire. With `lists`, what comes through a mailing list or a shared inbox
    counts as written by a person."""
    mail = _parsed(raw)
    name, address = _sender(mail)
    own, before = _ids(mail, "Message-ID"), [*_ids(mail, "References"), *_ids(mail, "In-Reply-To")]
    found = _Found()
    text = clean(_text(mail, found).strip() or "\n\n".join(found.spare), MOST_CHARACTERS + 1).strip()
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + "\n\n[The mail is longer; the rest was left out.]"
    return Mail(
        id=_short(own[0]) if own else f"sha256.{hashlib.sha256(raw).hexdigest()}",
        message_id=f"<{own[0]}>" if own and len(own[0]) < 250 else "",
        sender=address,
        name=one_line(name, 80) if name.lower() != address else "",
        subject=one_line(_header(mail, "Subject"), 180),
        text=text,
        references=tuple(dict.fromkeys(_short(one) for one in before))[-MOST_REFERENCES:],
        attachments=tuple(found.names[:50]),
        at=_date(mail),
        automatic=_automatic(mail, address, lists),
        doubt=" ".join(dict.fromkeys(found.doubts))[:500],
    )


class _Lenient(policy.EmailPolicy):
    """The present policy, for headers as they come: raw 8-bit characters are read, and a header that the
    library falls over is given as it stands."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        text = _unfolded(value)[:LONGEST_HEADER]
        try:
            return super().header_fetch_parse(name, text)
        except Exception:  # the library's parser meets what nobody thought of; the mail must not be lost
            return text


_POLICY: Any = _Lenient()


def _parsed(raw: bytes) -> Any:
    """The mail taken apart; only its head if the body is nested deeper than Python goes."""
    raw = raw.lstrip(b"\r\n")
    try:
        return message_from_bytes(raw, policy=_POLICY)
    except RecursionError:
        head = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return BytesHeaderParser(policy=_POLICY).parsebytes(head)


# Headers


def _unfolded(value: str) -> str:
    raw = str(value).encode("utf-8", "surrogateescape")
    return re.sub(r"\s*[\r\n]+\s*", " ", decode(raw[: LONGEST_HEADER * 4]).text)


def _all(mail: EmailMessage, name: str) -> list[str]:
    """The headers of a name as text, encoded words not yet read."""
    return [
        _unfolded(value)[:LONGEST_HEADER] for key, value in mail.raw_items() if key.lower() == name.lower()
    ]


def _worded(text: str) -> str:
    """Text with its encoded words read, wherever they stand. Neighbours in one charset are one text: some
    programs cut a letter in two."""

    def read_run(run: re.Match[str]) -> str:
        try:
            parts = decode_header(re.sub(r"\?=\s*=\?", "?= =?", run[0]))
        except Exception:  # broken base64 of many kinds
            return run[0]
        texts = (
            decode(part, (charset or "").partition("*")[0]).text if isinstance(part, bytes) else part
            for part, charset in parts
        )
        return "".join(texts) or run[0]

    return _WORDS.sub(read_run, text)


def _header(mail: EmailMessage, name: str) -> str:
    """The first header of a name, as clean text; empty if there is none."""
    return clean(_worded(next(iter(_all(mail, name)), "")), LONGEST_HEADER)


def _people(mail: EmailMessage, name: str) -> list[tuple[str, str]]:
    """Who a header names, as (name, address). An encoded word stands for itself while the header is taken
    apart, so that a comma inside it divides nothing."""
    found = []
    for header in _all(mail, name):
        runs = [match[0] for match in _WORDS.finditer(header)]
        bare = header
        for number, run in enumerate(runs):
            bare = bare.replace(run, f"\ue000{number}\ue001", 1)
        try:
            addresses = policy.default.header_factory("From", bare).addresses
        except Exception:  # see _Lenient
            continue
        for one in addresses:
            called = one.display_name or (parseaddr(bare)[0] if len(addresses) == 1 else "")  # (Ana)
            for number, run in enumerate(runs):
                called = called.replace(f"\ue000{number}\ue001", _worded(run))
            found.append((clean(called.strip(" '\""), 200), _address(one)))
    return found


def _address(given: Address) -> str:
    """An address that mail can be sent to, in lower case; empty if it is none."""
    address = clean(f"{given.username}@{given.domain}").strip().lower()
    proper = re.fullmatch(r"[^\s@<>\",;:()\ue000\ue001]{1,64}@[^\s@<>\",;:()]*[^\s@<>\",;:().]", address)
    return address if proper and len(address) <= 120 else ""


def _sender(mail: EmailMessage) -> tuple[str, str]:
    """Whom an answer reaches: whoever Reply-To names before From (a form writes in its own name), but not a
    machine or the inbox itself if there is anybody else."""
    writers = _people(mail, "From")
    origin = (
        _people(mail, "X-Original-From") + _people(mail, "X-Original-Sender") if "List-Id" in mail else []
    )
    own = _addresses(mail, "Delivered-To", "X-Original-To", "Envelope-To", "List-Post", "Mailing-List")
    inbox = own | _addresses(mail, "To")
    known = [one for one in (*_people(mail, "Reply-To"), *origin, *writers) if one[1] and one[1] not in own]
    people = [one for one in known if not _MACHINE.search(one[1])]
    name, address = next((one for one in people if one[1] not in inbox), (people or known or [("", "")])[0])
    same = [called for called, at in (*writers, *origin) if at == address]
    others = [called for called, at in writers if at not in inbox and not _MACHINE.search(at)]
    return next(filter(None, [name, *same, *others]), ""), address


def _addresses(mail: EmailMessage, *names: str) -> set[str]:
    """Every address in these headers, whatever else they say."""
    said = " ".join(header for name in names for header in _all(mail, name)).lower()
    return set(_ANY_ADDRESS.findall(said))


def _ids(mail: EmailMessage, name: str) -> list[str]:
    found = " ".join(str(value) for key, value in mail.raw_items() if key.lower() == name.lower())
    return [match[1] for match in _ID.finditer(found[:50_000]) if match[1].isprintable()]


def _short(identifier: str) -> str:
    """An id that fits a key; a longer one by its hash."""
    if len(identifier) <= LONGEST_ID:
        return identifier
    return f"sha256.{hashlib.sha256(identifier.encode('utf-8', 'replace')).hexdigest()}"


def _date(mail: EmailMessage) -> datetime | None:
    """When it was written, else when a server received it."""
    for given in [*_all(mail, "Date")[:1], *(one.rpartition(";")[2] for one in _all(mail, "Received"))]:
        try:
            at = parsedate_to_datetime(given)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None


def _automatic(mail: EmailMessage, address: str, lists: bool) -> str:
    """Why nobody typed this mail (RFC 3834 and what is usual): an answer could start two machines talking."""
    precedence = _header(mail, "Precedence").strip().lower()
    if _header(mail, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "it says that a machine submitted it (Auto-Submitted)"
    if precedence in ("bulk", "junk", "auto_reply") or "List-Unsubscribe-Post" in mail:
        return "it is bulk mail (Precedence, List-Unsubscribe-Post)"
    if not lists and (precedence == "list" or "List-Id" in mail or "List-Unsubscribe" in mail):
        return "it comes from a mailing list; if customers write through one, take it in with --lists"
    if any(name in mail for name in ("X-Autoreply", "X-Autorespond", "X-Clawbot-Task")):
        return "it is an automatic reply"
    if _MACHINE.search(address) or _header(mail, "Return-Path").strip() == "<>":
        return "its sender is no person's address"
    return ""


# Parts


@dataclass
class _Found:
    """What the parts hold beside the text: names, and words that count if there are no others."""

    names: list[str] = field(default_factory=list)
    spare: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    parts: int = 0


def _text(part: EmailMessage, found: _Found, depth: int = 0) -> str:
    """The words of a part and of all parts in it, in their order."""
    found.parts += 1
    kind = part.get_content_type()
    below: Any = part.get_payload() if part.is_multipart() else None
    if found.parts > MOST_PARTS or depth > MOST_NESTED:
        return ""
    if kind.startswith("message/") and below:
        return _enclosed(part, below[0], found) if kind == "message/rfc822" else _listed(part, found)
    if isinstance(below, list):
        texts = [(one.get_content_type(), _text(one, found, depth + 1)) for one in below]
        if kind == "multipart/alternative":
            return _alternative(texts)
        return "\n\n".join(text.strip("\n") for _, text in texts if text.strip())
    named = part.get_filename() or part.get_content_disposition() == "attachment"
    if kind not in ("text/plain", "text/html", "text/markdown", "text/enriched") and not kind.startswith(
        "multipart/"
    ):
        return _listed(part, found)
    text = "" if part.get_content_disposition() == "attachment" else _decoded(part, kind, found)
    if named:
        found.spare += [text] if text.strip() else []
        return _listed(part, found)
    return text


def _listed(part: EmailMessage, found: _Found, name: str = "") -> str:
    """Name an attachment. A signature is none."""
    kind = part.get_content_type()
    name = _worded(_unfolded(part.get_filename() or name)) or {"text/calendar": "invitation.ics"}.get(
        kind, kind
    )
    if not kind.endswith(("pkcs7-signature", "pgp-signature")):
        found.names.append(one_line(name, 100))
    return ""


def _enclosed(part: EmailMessage, mail: EmailMessage, found: _Found) -> str:
    """A mail inside a mail: an attachment with a name, and the message itself if there are no other words."""
    subject = one_line(_header(mail, "Subject"), 90)
    name, address = _sender(mail)
    inside = _Found(parts=found.parts)
    words = _text(mail, inside).strip()
    found.parts = inside.parts
    found.spare.append(f"Forwarded message of {name or address or 'an unknown sender'}: {subject}\n\n{words}")
    return _listed(part, found, f"{subject or 'message'}.eml")


def _alternative(texts: list[tuple[str, str]]) -> str:
    """One of several: the plain text, unless it says next to nothing and another says more."""
    said = [(kind, text) for kind, text in texts if text.strip()]
    plain = next((text for kind, text in said if kind == "text/plain"), "")
    other = next((text for kind, text in reversed(said) if kind != "text/plain"), "")
    return plain if plain and 3 * len(plain.split()) >= len(other.split()) else other or plain


def _decoded(part: EmailMessage, kind: str, found: _Found) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    read = decode(raw, str(part.get_content_charset() or ""))
    found.doubts += [read.doubt] if read.doubt else []
    if kind != "text/html":
        return clean(read.text, MOST_CHARACTERS + 1)
    from agents.prose.mail_html import html_to_text  # loads lxml

    return html_to_text(read.text[: MOST_CHARACTERS * 10])
