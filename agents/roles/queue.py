"""Asks a system behind a queue: sends it an envelope, waits for its answer, reads an Outcome from it.

Takes: any artifacts, besides what earlier stages found. Gives: what the other system made, of the kinds that
its definition returns. Tools: none. With `ask_first` a person allows exactly this envelope before it is sent.
The bridge carries both envelopes (`./manage.py bridge`); no worker is held while the other side works.
Without an answer in time it asks again, as often as its stage is tried.
"""

from __future__ import annotations

import json

from pydantic import Field

from agents.contract import Brief, Call, Desk, Outcome, Refused, Send
from agents.definition import Duration
from agents.envelope import MOST_BYTES
from agents.message_format import MessageFormat
from agents.outside import hand_off, reply
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("*",)
TOOLS = ()
READS = ("message_format", "judges", "send_back", "deciders")
FIELDS = ("*",)
WRITES = ("*",)


class Settings(Closed):
    """Whom it asks, what it tells them, and how long it waits for their answer."""

    to: str = Field(min_length=1, max_length=120)  # the other system's name; a bridge may pick by it
    type: str = Field("", max_length=100)  # of the envelope; the stage's name where nothing is said
    undo: str = Field("", max_length=100)  # of the envelope that asks to undo; else STAGE.undo
    # What `data` holds, by name: {total: order.total, card: input.card}. Empty: everything there is.
    send: dict[str, hand_off.Reference] = Field(default_factory=dict, max_length=100)
    ask_first: bool = False  # a person must allow exactly this envelope; taking back is never asked about
    timeout: Duration = Field(3_600, gt=0, le=30 * 86_400)  # for the answer
    answer: bool = True  # false: nothing is awaited, the stage is done once the envelope is owed


def references(settings: Settings) -> dict[str, str]:
    """Where the values come from that the other side is sent."""
    return {f"send.{name}": place for name, place in settings.send.items()}


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Send the envelope and wait; with an answer, read it. Raises `Unusable` for an answer that is no
    Outcome, `Refused` for an envelope that no queue would carry."""
    settings = Settings.model_validate(brief.settings)
    if brief.replies:
        return _read(brief)
    envelope = hand_off.envelope(brief, type=settings.type, undo=settings.undo, send=settings.send)
    size = len(json.dumps(envelope["data"], ensure_ascii=False).encode())
    if size > MOST_BYTES // 2:  # what is around it, and other systems' limits, want room too
        raise Refused(
            f"{settings.to} cannot be told {size:,} bytes; at most {MOST_BYTES // 2:,} go into one message. "
            "Choose what it needs with `send` in the agent's settings."
        )
    if settings.ask_first:
        told = {name: envelope[name] for name in ("type", "data", "correlation_id")}
        call = Call(tool="queue", target=settings.to, arguments=told)
        if asks := hand_off.leave(brief, call, str(envelope["type"])):
            return asks
    sends = (Send(to=settings.to, type=envelope["type"], data=envelope["data"]),)
    if not settings.answer:
        return Outcome(sends=sends, summary=f"Told {settings.to}.")
    desk.note(f"Asks {settings.to} for {envelope['type']}")
    return Outcome(
        word="await", sends=sends, after_seconds=settings.timeout,
        summary=f"Asked {settings.to}; goes on when it answers.",
    )  # fmt: skip


def _read(brief: Brief) -> Outcome:
    """The newest answer. One without a `word` is mere facts: it is done, and these are its fields."""
    data = brief.replies[-1].get("data")
    data = data if isinstance(data, dict) else {}
    sender = str(brief.replies[-1].get("from", ""))
    said = data if "word" in data else {"word": "done", "fields": data, "summary": f"{sender} answered."}
    names = MessageFormat.model_validate(brief.message_format)
    return reply.outcome(hand_off.in_our_words(said, names), brief.returns)
