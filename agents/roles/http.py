"""Asks a service that somebody else runs: posts the envelope there and reads an Outcome as the reply.

Takes: any artifacts, besides what earlier stages found. Gives: what the service made, of the kinds that its
definition returns. Tools: none. Asks a person when the service asks for one, and with `ask_first` before the
service is asked anything. Every attempt at the same piece of work carries the same `Idempotency-Key`, so a
service may be asked again whenever an answer was lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx2
from pydantic import Field, field_validator

from agents import retry_after
from agents.contract import Brief, Call, Desk, Outcome, Refused, Unavailable, Unusable
from agents.definition import Duration
from agents.message_format import MessageFormat, outward
from agents.outside import addresses, hand_off, reply, signature
from agents.outside.circuit import circuit
from agents.tools import Closed

ACCEPTS = ("*",)
RETURNS = ("*",)
TOOLS = ()
READS = ("message_format", "judges", "send_back", "deciders")
FIELDS = ("*",)
WRITES = ("*",)

AGENT = "Clawbot/0.1"
LONGEST_WAIT = 900.0  # a service that asks us to come back in years is asked again in 15 minutes
AGAIN_LATER = {408, 409, 425, 429}  # 409: an earlier attempt with this key is still being worked on


class Settings(Closed):
    """Where the service is, what it is sent, and how long it may take."""

    url: str = Field(min_length=1, max_length=2_000)
    type: str = Field("", max_length=100)  # of the envelope; the stage's name where nothing is said
    undo: str = Field("", max_length=100)  # of the envelope that asks to undo; else STAGE.undo
    # What `data` holds, by name: {total: order.total, card: input.card}. Empty: everything there is.
    send: dict[str, hand_off.Reference] = Field(default_factory=dict, max_length=100)
    ask_first: bool = False  # a person must allow exactly this call; taking back is never asked about
    secret: str = Field("", max_length=100)  # the variable that holds it
    connect: Duration = Field(5, gt=0, le=60)
    seconds: Duration = Field(30, gt=0, le=3_600)  # from connecting to the reply's last byte
    most_bytes: int = Field(1_000_000, ge=100, le=20_000_000)
    opens_after: int = Field(5, ge=1, le=1_000)  # failures in a row after which it is left alone
    pause: Duration = Field(30, gt=0, le=3_600)  # for how long

    @field_validator("secret")
    @classmethod
    def _meant_for_it(cls, value: str) -> str:
        return signature.named(value) if value else value

    @field_validator("url")
    @classmethod
    def _readable(cls, value: str) -> str:
        if not addresses.is_address(value):
            raise ValueError(
                "write https://host/path, or service:NAME/path for a service in CLAWBOT_SERVICES"
            )
        return value


@dataclass(frozen=True)
class _Answer:
    """What came back over the wire."""

    status: int
    raw: bytes
    cut: bool


def references(settings: Settings) -> dict[str, str]:
    """Where the values come from that the other side is sent."""
    return {f"send.{name}": place for name, place in settings.send.items()}


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Post the envelope once, or ask a person whether it may be. Raises `Unavailable` where another try may
    help, `Unusable` for a reply that is no Outcome, `Refused` where the service cannot be asked at all."""
    settings = Settings.model_validate(brief.settings)
    address = addresses.resolve(settings.url, os.environ)
    envelope = hand_off.envelope(brief, type=settings.type, undo=settings.undo, send=settings.send)
    names = MessageFormat.model_validate(brief.message_format)
    body = json.dumps(outward(envelope, names), allow_nan=False).encode()
    if settings.ask_first:
        # All that is sent but the moment, which differs with each attempt.
        timeless = {name: value for name, value in envelope.items() if name != "timestamp"}
        call = Call(tool="http", target=f"POST {address}", arguments=outward(timeless, names))
        if asks := hand_off.leave(brief, call, str(envelope["type"])):
            return asks
    headers = _headers(brief, settings, body)
    with circuit(address).ask(settings.opens_after, settings.pause):
        answer = await _post(address, envelope, body, headers, settings, desk)
    desk.crossed("in", _came_back(answer, envelope), address=address, status=str(answer.status))
    if answer.status >= 400:
        said = reply.sentence(answer.raw, "it gave no reason.")
        return Outcome(word="fail", why=f"{address} refused it with status {answer.status}: {said}")
    if answer.status == 204:
        return Outcome(summary=f"{address} has done it and had nothing to add.")
    if answer.cut:
        raise Unusable(f"{address} replied with more than {settings.most_bytes:,} bytes.")
    return reply.outcome(hand_off.in_our_words(reply.parse(answer.raw), names), brief.returns)


def _headers(brief: Brief, settings: Settings, body: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity",
        "User-Agent": AGENT, "Idempotency-Key": brief.key, "traceparent": _trace(brief),
    }  # fmt: skip
    if settings.secret:
        code = signature.sign(signature.secret(settings.secret, os.environ), body, time.time())
        headers[signature.HEADER] = code
    return headers


def _trace(brief: Brief) -> str:
    """One trace per task, one span per attempt (W3C Trace Context)."""
    trace = hashlib.sha256(brief.task.encode()).hexdigest()[:32]
    span = hashlib.sha256(f"{brief.key}:{brief.attempt}".encode()).hexdigest()[:16]
    return f"00-{trace}-{span}-01"


async def _post(
    address: str,
    envelope: dict[str, Any],
    body: bytes,
    headers: dict[str, str],
    settings: Settings,
    desk: Desk,
) -> _Answer:
    """One POST within a total time. Notes that the envelope crossed the border, answered or not."""
    status = "no answer"
    try:
        async with asyncio.timeout(settings.seconds):
            answer, wait = await _send(address, body, headers, settings)
        status = str(answer.status)
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        status = ""  # nothing crossed
        raise Unavailable(f"{address} could not be reached ({type(error).__name__}).") from None
    except TimeoutError:
        raise Unavailable(f"{address} did not answer within {settings.seconds:g} seconds.") from None
    except httpx2.HTTPError as error:
        raise Unavailable(f"{address} broke off without an answer ({type(error).__name__}).") from None
    finally:
        if status:
            desk.crossed("out", envelope, address=address, status=status)
    if answer.status >= 500 or answer.status in AGAIN_LATER:
        said = reply.sentence(answer.raw, "it gave no reason.")
        raise Unavailable(f"{address} answered {answer.status}: {said}", wait)
    if answer.status >= 300 and answer.status < 400:
        raise Refused(
            f"{address} answered {answer.status}, which leads elsewhere. What is signed for one address is "
            "not sent to another: name the final address in the agent's settings."
        )
    return answer


async def _send(
    address: str, body: bytes, headers: dict[str, str], settings: Settings
) -> tuple[_Answer, float | None]:
    timeout = httpx2.Timeout(settings.seconds, connect=settings.connect)
    # trust_env=False: a proxy from the environment would read what is meant for the service alone.
    async with httpx2.AsyncClient(
        trust_env=False, follow_redirects=False, timeout=timeout, verify=_trusted()
    ) as client:
        async with client.stream("POST", address, content=body, headers=headers) as response:
            raw = bytearray()
            async for chunk in response.aiter_raw():
                raw += chunk
                if len(raw) > settings.most_bytes:
                    break
            cut = len(raw) > settings.most_bytes
            answer = _Answer(response.status_code, bytes(raw[: settings.most_bytes]), cut)
            return answer, _wait(response.headers.get("Retry-After", ""))


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates we trust; reading them takes longer than most requests do."""
    return httpx2.create_ssl_context()


def _wait(text: str) -> float | None:
    wanted = retry_after.seconds(text)
    return None if wanted is None else min(wanted, LONGEST_WAIT)


def _came_back(answer: _Answer, sent: dict[str, Any]) -> dict[str, Any]:
    """The reply as the envelope that came back."""
    try:
        data = reply.parse(answer.raw)
    except Unusable:
        data = {"text": reply.sentence(answer.raw, "")} if answer.raw else {}
    return {
        "from": sent["to"], "to": sent["from"], "type": f"{sent['type']}.reply", "data": data,
        "correlation_id": sent["correlation_id"],
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }  # fmt: skip
