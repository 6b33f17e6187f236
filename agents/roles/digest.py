"""Sums up the day's messages for the person they were sent to: who wants an answer, what else there is.

Takes: the task's files: mailboxes (mbox), mails (.eml), notes (.txt, .md), and texts given instead. Gives
one artifact of the first kind that its definition returns, as Markdown and, where its stage has an `output`,
as a file; and *summary*, the paragraph that the notice carries. Every line names the message it rests on; a
request stands there in its writer's own words. Mails of one conversation make one entry. Orders in a
message are not followed.
Tools: read_mail. Asks a person when there is no message to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic import Field

from agents import assignment
from agents.contract import Ask, Brief, Desk, Made, Outcome, Refused
from agents.llm.jobs import Gists, material
from agents.prose import gist, sentences, words
from agents.prose.clean import clean, one_line
from agents.prose.days import days
from agents.prose.mail_text import orders_a_machine
from agents.prose.mailbox import Message, of_text
from agents.prose.plain import escaped
from agents.tools import Closed

ACCEPTS = ()
RETURNS = ("*",)
TOOLS = ("read_mail",)
READS = ("model", "instructions")
FIELDS = ("messages", "asking", "unreadable")
WRITES = ("md",)
MOST_RETURNS = 2


MOST_FILES = 150  # below the most steps that a definition can allow
MOST_OF_A_TALK = 3  # the last messages of a conversation that are told
MOST_DAYS = 12
SUSPECT = "it gives orders to a machine. Nobody followed them; do not follow them either before you asked."


class Settings(Closed):
    """How much is read."""

    most_messages: int = Field(150, ge=1, le=400)  # the newest, where there are more
    most_characters: int = Field(6_000, ge=200, le=50_000)  # of each message
    lists: bool = False  # mail through a mailing list or a shared inbox counts as a person's
    at_once: int = Field(60_000, ge=1_000, le=500_000)  # characters that one ask may carry


@dataclass(frozen=True)
class Told:
    """A message with what it says and what it asks for."""

    number: int
    message: Message
    gist: str
    ask: str

    @property
    def suspect(self) -> bool:
        """Whether it tries to give orders to the machine that reads it."""
        return bool(orders_a_machine(f"{self.message.subject}\n{self.message.text}"))


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Read, sum up, sort."""
    settings = Settings.model_validate(brief.settings)
    found, unread = await _gather(brief, desk, settings)
    if not found:
        return _nothing(unread)
    told = await _told(brief, desk, settings, found)
    asking = [one for one in told if one.ask]
    kind = brief.returns[0] if brief.returns else "digest"
    suffix = "md" if any(path.endswith(".md") for path in brief.output) else ""
    summary = _summary(told, asking)
    text = _markdown(brief, told, unread, summary, desk)
    return Outcome(
        made=(Made(kind=kind, text=text, suffix=suffix), Made(kind="summary", text=summary)),
        summary=f"Summed up {_count(len(told), 'message')}; {len(asking)} want an answer.",
        fields={"messages": len(told), "asking": len(asking), "unreadable": len(unread)},
    )


async def _gather(brief: Brief, desk: Desk, settings: Settings) -> tuple[list[Message], list[str]]:
    found: list[Message] = []
    unread: list[str] = []
    if len(brief.files) > MOST_FILES:
        unread.append(
            f"{len(brief.files) - MOST_FILES:,} more files: at most {MOST_FILES} are opened at once."
        )
    for path in brief.files[-MOST_FILES:]:  # names with a date in them sort the newest last
        try:
            content = await desk.use("read_mail", path=path, lists=settings.lists)
        except Refused as error:
            unread.append(f"{path}: {one_line(str(error), 200)}")
            continue
        here = [_message(one) for one in content["messages"]]
        found += here
        unread += [f"{path}, “{one.subject}”: {one.doubt}" for one in here if one.doubt]
        if content["cut"]:
            unread.append(f"{path}: only its beginning was read, {_count(len(here), 'message')}.")
    for place, source in enumerate((one for one in assignment.read(brief).sources if one.text), start=1):
        found += of_text(source.title or f"text {place}", clean(source.text))
    found.sort(key=_time)
    if len(found) > settings.most_messages:
        unread.append(f"The {len(found) - settings.most_messages:,} oldest of {len(found):,} messages.")
    return found[-settings.most_messages :], unread


def _message(told: Mapping[str, Any]) -> Message:
    at = datetime.fromisoformat(told["at"]) if told["at"] else None
    return Message(**{**told, "at": at, "attachments": tuple(told["attachments"])})


def _time(message: Message) -> float:
    """Notes have no time: they come first. Mixed zones compare as moments."""
    try:
        return message.at.timestamp() if message.at else 0.0
    except (ValueError, OverflowError):
        return 0.0


async def _told(brief: Brief, desk: Desk, settings: Settings, found: Sequence[Message]) -> list[Told]:
    """What each message says: asked in parts of a bounded size, and checked against the message."""
    told: list[Told] = []
    for part in _parts(found, settings):
        texts = [
            {
                "number": number,
                "title": one.subject,
                "text": one.text[: settings.most_characters] or one.subject,
            }
            for number, one in part
        ]
        wanted = material(texts=texts, title=brief.title)
        reply: Gists = await desk.ask(
            Ask(kind="gist", instructions=brief.instructions, material=wanted, returns=Gists)
        )
        said = {one.number: one for one in reply.gists}
        for number, one in part:
            mine = said.get(number)
            told.append(
                Told(number, one, *_checked(one, mine.text if mine else "", mine.ask if mine else ""))
            )
    return told


def _parts(found: Sequence[Message], settings: Settings) -> Iterable[list[tuple[int, Message]]]:
    part: list[tuple[int, Message]] = []
    size = 0
    for number, one in enumerate(found, start=1):
        length = min(len(one.text), settings.most_characters)
        if part and size + length > settings.at_once:
            yield part
            part, size = [], 0
        part.append((number, one))
        size += length
    if part:
        yield part


def _checked(message: Message, said: str, ask: str) -> tuple[str, str]:
    """A gist with a number or name that the message lacks is replaced; a request must be its own words."""
    whole = f"{message.subject} {message.sender} {message.text}"
    if not said or not gist.is_backed(said, whole):
        said = gist.gist(message.text)
    if (
        message.automatic
        or orders_a_machine(message.text)
        or words.plain(ask) not in words.plain(message.text)
    ):
        ask = ""
    return said, ask


def _nothing(unread: Sequence[str]) -> Outcome:
    reasons = "\n".join(f"- {line}" for line in unread[:20]) or "- The task has no files."
    return Outcome(
        word="escalate",
        question="There is no message to sum up. Which mailbox, mails or notes should be read?",
        why=f"A digest needs at least one message.\n{reasons}",
    )


# What people read


def _markdown(brief: Brief, told: Sequence[Told], unread: Sequence[str], summary: str, desk: Desk) -> str:
    talks = _talks(told)
    odd = [talk for talk in talks if any(one.suspect for one in talk)]
    asking = [talk for talk in talks if talk not in odd and any(one.ask for one in talk)]
    automatic = [talk for talk in talks if talk not in (*odd, *asking) and talk[-1].message.automatic]
    other = [talk for talk in talks if talk not in (*odd, *asking, *automatic)]
    parts = [f"# {escaped(brief.title)}", escaped(summary)]
    parts += _section("Wants an answer", [_entry(talk) for talk in asking])
    parts += _section("Days to remember", _days(told, brief))
    parts += _section("Good to know", [_entry(talk) for talk in other])
    parts += _section("Handle with care", [f"{_short(talk)}: {SUSPECT}" for talk in odd])
    parts += _section("Sent by machines", [_short(talk) for talk in automatic])
    parts += _section("Left out", [escaped(line) for line in unread])
    parts += _section("The messages", [_listed(one) for one in told], numbered=True)
    label = one_line(desk.model.label, 120)
    parts.append(f"Numbers in brackets are those of the messages. Made by: {escaped(label)}.")
    return "\n\n".join(parts) + "\n"


def _section(heading: str, lines: Sequence[str], *, numbered: bool = False) -> list[str]:
    marks = [f"{place}." if numbered else "-" for place in range(1, len(lines) + 1)]
    items = "\n".join(f"{mark} {line}" for mark, line in zip(marks, lines, strict=True))
    return [f"## {heading}", items] if lines else []


def _talks(told: Sequence[Told]) -> list[list[Told]]:
    """Messages by conversation, each in the order of time, the conversation with the newest word last."""
    found: dict[str, list[Told]] = {}
    for one in told:
        own = one.message.thread or f"#{one.number}"
        found[own] = [*found.pop(own, []), one]
    return list(found.values())


def _entry(talk: Sequence[Told]) -> str:
    """One conversation: what its last messages say, a request in its writer's own words."""
    last = talk[-1].message
    said = " ".join(part for one in talk[-MOST_OF_A_TALK:] if (part := _one(one)))
    attached = [name for one in talk for name in one.message.attachments]
    more = f" Attached: {escaped(', '.join(attached), 200)}." if attached else ""
    return f"**{escaped(last.topic)}**{_from(last)}: {said}{more}"


def _one(told: Told) -> str:
    said, ask = escaped(told.gist), escaped(told.ask)
    if told.ask and words.plain(told.ask) in words.plain(told.gist):
        said, ask = said.replace(ask, "").strip() if ask in said else said, f"“{ask}”" if ask in said else ""
    elif ask:
        ask = f"“{ask}”"
    return " ".join(part for part in (said, ask, f"[{told.number}]") if part)


def _short(talk: Sequence[Told]) -> str:
    return f"{escaped(talk[-1].message.topic)}{_from(talk[-1].message)} {_marks(talk)}"


def _from(message: Message) -> str:
    return f" ({escaped(message.sender, 80)})" if message.sender else ""


def _marks(talk: Sequence[Told]) -> str:
    return " ".join(f"[{one.number}]" for one in talk)


def _days(told: Sequence[Told], brief: Brief) -> list[str]:
    """Sentences that name a day still to come when they were written, by day; none twice."""
    found: dict[str, tuple[date, str]] = {}
    newest = max((one.message.at for one in told if one.message.at), key=datetime.timestamp, default=None)
    today = newest or brief.sent_at or datetime.now(UTC)  # a note does not say when it was written
    for one in told:
        written = (one.message.at or today).date()
        quiet = one.message.automatic or one.suspect
        for sentence in () if quiet else _sentences(one.message.text):
            ahead = [(day, text) for day, text in days(sentence, written) if day > written]
            if ahead and words.count(sentence) <= 45 and sentence.rstrip()[-1:] in ".!?":
                day, text = min(ahead)
                line = f"**{escaped(text)}**: {escaped(sentence, 240)} [{one.number}]"
                found.setdefault(words.plain(sentence), (day, line))
    return [line for _, line in sorted(found.values(), key=lambda pair: pair[0])][:MOST_DAYS]


def _sentences(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from sentences.split(paragraph.removeprefix("- "))


def _listed(one: Told) -> str:
    when = f", {_moment(one.message.at)}" if one.message.at else ""
    sender = f"{escaped(one.message.sender, 80)}: " if one.message.sender else ""
    return f"{sender}{escaped(one.message.subject)}{when} ({escaped(one.message.path.rpartition('/')[2])})"


def _moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M}"


def _summary(told: Sequence[Told], asking: Sequence[Told]) -> str:
    """The paragraph of the notice: how many, who wants what first."""
    people = {one.message.sender for one in told if one.message.sender and not one.message.automatic}
    text = f"{_count(len(told), 'message')}"
    text += f" from {_count(len(people), 'person', 'people')}" if people else ""
    if not asking:
        return f"{text}. None of them asks for an answer."
    talks = _talks(asking)
    first = "; ".join(one_line(talk[-1].message.topic, 60) for talk in talks[:3])
    more = f" and {len(talks) - 3} more" if len(talks) > 3 else ""
    want = "conversation wants" if len(talks) == 1 else "conversations want"
    return f"{text}; {len(talks)} {want} an answer: {first}{more}."


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
