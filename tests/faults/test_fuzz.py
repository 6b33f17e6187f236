"""No door stumbles over what it is given: pages, forms, the API, commands, envelopes, mails and sockets.

The doors are read from the product: the URLconf, the API's own document, the parsers of the commands. So a
new one is tried without anybody thinking of it. Every answer is one of ours and says in words what was
refused. `make test` tries a sample, another one on each database; FUZZ_ATTEMPTS=1000 makes it larger.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.test import Client

from agents import envelope as shape
from agents.contract import Refused, Unusable
from clawbot.api.door import api
from clawbot.live import socket as sockets
from clawbot.people.models import Token, User
from tasks import invariants
from tasks.border import intake, messages
from tests.clawbot import foreign
from tests.clawbot.api.caller import Caller
from tests.clawbot.test_foreign_work import addresses, names, operations, visits
from tests.faults import hostile

JSON = "application/json"
ATTEMPTS = int(os.environ.get("FUZZ_ATTEMPTS", "60"))  # at each door
#: Would end the session that tries the rest.
NOT_TRIED = {"sign-out/"}
#: Would start processes, empty the database, or wait for what comes.
NO_COMMANDS = {
    "up", "work", "web", "demo", "bench", "bridge", "qcluster", "runserver", "flush", "migrate", "tail",
    "mail", "document", "guard",
}  # fmt: skip


class Answer(NamedTuple):
    """What a door answered: an HTTP status (or 200 and 400 where it has none), and its words."""

    status: int
    words: str


class Attempt(NamedTuple):
    """One thing that is sent to a door."""

    what: str
    run: Callable[[], Answer]


@pytest.fixture
def world(
    database: str, person: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> foreign.World:
    settings.API_PER_MINUTE = 10**9
    here = tmp_path.joinpath(*"abcdef")  # a path upwards stays below `tmp_path`
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    return foreign.build(person)


def test_no_door_stumbles(database: str, world: foreign.World, capsys: Any) -> None:
    tasks = foreign.rows()["Task"]
    faults: list[str] = []
    counts: dict[str, Counter[str]] = {}
    for door, attempts in doors(world).items():
        tried = counts.setdefault(door, Counter())
        for attempt in sampled(list(attempts), f"{database} {door}"):
            try:
                status, words = attempt.run()
            except Exception as error:  # whatever a door lets through is what is looked for
                faults.append(f"{door}: {attempt.what}: {type(error).__name__}: {error}"[:500])
                tried["fault"] += 1
                continue
            tried[f"{status // 100}xx"] += 1
            if why := wrong(status, words):
                faults.append(f"{door}: {attempt.what}: {status}, which {why}: {words[:200]!r}")
    with capsys.disabled():
        print(f"\n{database}: {'; '.join(f'{door} {dict(sorted(n.items()))}' for door, n in counts.items())}")
    assert faults == [], f"{len(faults)} faults\n" + "\n".join(faults[:40])
    assert {row["id"] for row in tasks} <= {row["id"] for row in foreign.rows()["Task"]}
    assert [found for found in invariants.check().values() if found] == []


def sampled(attempts: list[Attempt], seed: str) -> list[Attempt]:
    """A sample that is the same in every run."""
    return random.Random(seed).sample(attempts, min(ATTEMPTS, len(attempts)))


def wrong(status: int, words: str) -> str:
    """Why an answer is none of ours; empty if it is."""
    if status >= 500:
        return "is a fault"
    if "Traceback (most recent" in words or "object at 0x" in words:
        return "shows our code"
    if status >= 400 and len(re.sub(r"<[^>]*>|\s", "", words)) < 20:
        return "says nothing"
    return ""


def doors(world: foreign.World) -> dict[str, Iterator[Attempt]]:
    """Every door with what is sent to it."""
    return {
        "addresses": of_addresses(world), "queries": of_queries(world), "forms": of_forms(world),
        "sign-in": of_sign_in(), "API fields": of_api_fields(world), "API bodies": of_api_bodies(world),
        "API queries": of_api_queries(world), "commands": of_commands(world), "envelopes": of_envelopes(),
        "mails": of_mails(), "sockets": of_sockets(),
    }  # fmt: skip


# -- Pages


def _browser(person: str = "owner") -> Client:
    client = Client(raise_request_exception=False)
    if person:
        client.force_login(User.objects.get(username=person))
    return client


def _http(answer: Any) -> Answer:
    body = b"".join(answer) if answer.streaming else answer.content
    if answer.status_code >= 500:
        fault = getattr(answer, "exc_info", None) or ("", answer.content[:300])
        return Answer(answer.status_code, repr(fault[1]))
    if 300 <= answer.status_code < 400:
        return Answer(answer.status_code, answer["Location"])
    return Answer(answer.status_code, body.decode("utf-8", "replace"))


def _encoded(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"))


def _form(fields: dict[str, str]) -> str:
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in fields.items())


def _filled(route: str, known: dict[str, Any]) -> str:
    values = {
        "pk": known["review"],
        "stage": "write",
        "number": 1,
        "name": "index",
        "token": "x",
        "file": "x",
    }
    return "/" + re.sub(r"<\w+:(\w+)>", lambda place: str((known | values)[place[1]]), route)


def of_addresses(world: foreign.World) -> Iterator[Attempt]:
    """Something hostile in each place of an address."""
    browser = _browser()
    for route, (what, text) in itertools.product(addresses(), hostile.TEXTS.items()):
        if "<" in route and len(text) < 5_000 and text.strip():
            path = "/" + "".join(
                part if place % 2 == 0 else _encoded(text)[:9_000]
                for place, part in enumerate(re.split(r"<(\w+:\w+)>", route))
            )
            yield Attempt(f"GET {route} with {what}", partial(_get, browser, path))
            yield Attempt(f"POST {route} with {what}", partial(_post, browser, path, {}))


def of_queries(world: foreign.World) -> Iterator[Attempt]:
    """Each name that pages read from a query, with something hostile; and queries that are none."""
    browser, known = _browser(), names(world)
    read = hostile.fields("GET")
    assert {"q", "tab", "view", "workflow"} <= set(read)
    for path in (_filled(route, known) for route in addresses() if route not in NOT_TRIED):
        for name, (what, text) in itertools.product(read, hostile.TEXTS.items()):
            yield Attempt(f"GET {path} with {name}={what}", partial(_get, browser, path, {name: text}))
        for odd in ("%", "%zz=%ff", "&&==&", "a[]=1&a[0]=2&__proto__=3", "&".join(["q=1"] * 3_000)):
            yield Attempt(f"GET {path}?{odd[:20]}", partial(_get, browser, path, odd))


def of_forms(world: foreign.World) -> Iterator[Attempt]:
    """Each name that pages read from a form, hostile in one that would be taken; and bodies that are none."""
    browser, known = _browser(), names(world)
    read = hostile.fields("POST")
    assert {"reason", "text", "title", "request"} <= set(read)
    forms: dict[str, dict[str, str]] = {
        _filled(route, known): {} for route in addresses() if route not in NOT_TRIED
    }
    forms |= {path: form for method, path, form, _ in visits(world) if method == "post"}
    for path, form in forms.items():
        for name, (what, text) in itertools.product(read, hostile.TEXTS.items()):
            yield Attempt(
                f"POST {path} with {name}={what}", partial(_post, browser, path, {**form, name: text})
            )
        for what, (body, kind) in hostile.BODIES.items():
            yield Attempt(f"POST {path} with {what}", partial(_post, browser, path, body, kind))


def _get(
    browser: Client, path: str, query: str | dict[str, str] = "", headers: dict[str, str] | None = None
) -> Answer:
    asked = query if isinstance(query, str) else _form(query)
    return _http(browser.get(f"{path}?{asked}" if asked else path, headers=headers))


def _post(browser: Client, path: str, body: bytes | dict[str, str], kind: str = hostile.FORM) -> Answer:
    sent = _form(body) if isinstance(body, dict) else body
    return _http(browser.generic("POST", path, sent, content_type=kind))


def of_sign_in() -> Iterator[Attempt]:
    """Strangers, without a session: names, passwords, links, cookies."""
    for what, text in hostile.TEXTS.items():
        for form in (
            {"username": text, "password": "x"},
            {"username": "owner", "password": text, "next": text},
        ):
            yield Attempt(f"sign in with {what}", partial(_post, _browser(""), "/sign-in/", form))
        cookie = f'clawbot-session="{text[:3_000].encode("unicode_escape").decode()}"'
        yield Attempt(f"a cookie with {what}", partial(_get, _browser(""), "/", "", {"cookie": cookie}))
        for header in HEADERS:
            sent = {header: _latin(text)}
            yield Attempt(f"{header} with {what}", partial(_get, _browser(""), "/sign-in/", "", sent))


HEADERS = (
    "accept-language", "host", "hx-current-url", "hx-request", "hx-target", "origin", "referer",
    "x-forwarded-for", "x-forwarded-proto",
)  # fmt: skip


def _latin(text: str) -> str:
    """As a server hands on the bytes of a header."""
    return text[:3_000].encode("utf-8", "surrogatepass").decode("latin-1")


# -- The API


def _caller() -> Caller:
    Token.objects.all().delete()
    return Caller("owner")


def _schemas() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each operation that takes a body: method, path, the properties of its body."""
    document = api.get_openapi_schema()
    for path, found in document["paths"].items():
        for method, operation in found.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = str(body.get("schema", {}).get("$ref", "")).rpartition("/")[2]
            yield method, path, document["components"]["schemas"].get(name, {}).get("properties", {})


def _path(path: str, world: foreign.World) -> str:
    known = names(world)
    known["id"] = known["hold"] if "holds" in path else known["review"]
    return path.format(**known)


def of_api_fields(world: foreign.World) -> Iterator[Attempt]:
    """Each property of each body, with values of every kind."""
    caller = _caller()
    for method, path, properties in _schemas():
        for name, (what, value) in itertools.product(properties, hostile.VALUES.items()):
            body = {"why": "x", "reason": "x", "title": "x", "workflow": "article", name: value}
            yield Attempt(
                f"{method} {path} with {name}={what}",
                partial(_sent, caller, method, _path(path, world), body, JSON, caller._headers()),
            )


def of_api_bodies(world: foreign.World) -> Iterator[Attempt]:
    """Bodies that are no JSON, or too much of it, to every operation; and headers."""
    caller = _caller()
    for operation, (what, (body, kind)) in itertools.product(sorted(operations()), hostile.BODIES.items()):
        method, path = operation.split()
        yield Attempt(
            f"{operation} with {what}",
            partial(_sent, caller, method, _path(path, world), body, kind, caller._headers()),
        )
    for what, text in hostile.TEXTS.items():
        for name, more in (("Authorization", "Bearer "), ("Idempotency-Key", "")):
            headers = caller._headers() | {name: more + _latin(text)}
            yield Attempt(
                f"{name} with {what}", partial(_sent, caller, "post", "/api/v1/holds", b"{}", JSON, headers)
            )


def _sent(
    caller: Caller, method: str, path: str, body: bytes | dict[str, Any], kind: str, headers: dict[str, str]
) -> Answer:
    raw = json.dumps(body) if isinstance(body, dict) else body
    return _http(caller.client.generic(method.upper(), path, raw, content_type=kind, headers=headers))


def of_api_queries(world: foreign.World) -> Iterator[Attempt]:
    """Each parameter of each operation, hostile."""
    caller = _caller()
    for path, found in api.get_openapi_schema()["paths"].items():
        for method, operation in found.items():
            for given, (what, text) in itertools.product(
                operation.get("parameters", []), hostile.TEXTS.items()
            ):
                if given["in"] == "query" or (given["in"] == "path" and len(text) < 5_000 and text.strip()):
                    yield Attempt(
                        f"{method} {path} with {given['name']}={what}",
                        partial(_ask, caller, method, path, world, given, text),
                    )


def _ask(
    caller: Caller, method: str, path: str, world: foreign.World, given: dict[str, Any], text: str
) -> Answer:
    if given["in"] == "query":
        address = f"{_path(path, world)}?{given['name']}={_encoded(text)}"
    else:
        here, _, after = path.partition(f"{{{given['name']}}}")
        address = _path(here, world) + _encoded(text)[:9_000] + _path(after, world)
    return _sent(caller, method, address, b"{}", JSON, caller._headers())


# -- The terminal


def of_commands(world: foreign.World) -> Iterator[Attempt]:
    """Each argument of each command of ours, hostile; a terminal passes on any bytes but NUL."""
    ours = [
        name for name, app in sorted(get_commands().items()) if app == "clawbot" and name not in NO_COMMANDS
    ]
    assert len(ours) > 15
    for name in ours:
        parser = load_command_class("clawbot", name).create_parser("manage.py", name)
        for before, actions in _parsers(parser):
            for words, (what, text) in itertools.product(_argued(actions, world), hostile.TEXTS.items()):
                said = text[:5_000].replace("\0", "")
                if said.startswith("\ud800") or "\ud800" in said:
                    said = said.replace(
                        "\ud800", "\udcff"
                    )  # a byte that is no UTF-8, as Python has it from a shell
                yield Attempt(
                    f"{name} {' '.join(before)} {words} with {what}",
                    partial(_command, name, [*before, *(said if word is None else word for word in words)]),
                )


def _parsers(
    parser: argparse.ArgumentParser, before: tuple[str, ...] = ()
) -> Iterator[tuple[Any, list[Any]]]:
    under = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not under:
        yield before, parser._actions
    for action in under:
        for word, further in action.choices.items():
            yield from _parsers(further, (*before, word))


COMMON = {
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
    "help",
}


def _argued(actions: list[Any], world: foreign.World) -> Iterator[list[str | None]]:
    """The words of a command with one place (None) for something hostile, once for each place."""
    known = names(world) | {"task": world.task.key, "workflow": "article", "name": "article", "user": "owner"}
    places = [action for action in actions if not action.option_strings and action.nargs != 0]
    usual = [
        str(next(iter(place.choices)) if place.choices else known.get(place.dest, "x")) for place in places
    ]
    for at, _ in enumerate(places):
        yield [*usual[:at], None, *usual[at + 1 :]]
    for action in actions:
        if action.option_strings and action.nargs != 0 and action.dest not in COMMON:
            yield [*usual, action.option_strings[-1], None]


def _command(name: str, words: list[str]) -> Answer:
    said = io.StringIO()
    try:
        call_command(name, *words, stdout=said, stderr=said)
    except CommandError as error:
        return Answer(400, f"{error} {said.getvalue()} " + "." * 20)
    except SystemExit as over:
        return Answer(400 if over.code else 200, f"{over.code} {said.getvalue()} " + "." * 20)
    return Answer(200, said.getvalue())


# -- What comes from outside


ENVELOPE = {
    "from": "desk", "to": "article", "type": "wish", "data": {"title": "A wish", "brief": "Explain it."},
    "correlation_id": "w-1", "timestamp": "2026-02-17T12:00:00Z",
}  # fmt: skip


def _taken(envelope: Any) -> Answer:
    try:
        if isinstance(envelope, bytes):
            envelope = shape.parse(envelope)
        return Answer(200, messages.receive(envelope, channel="amqp", by="user:owner").effect)
    except (Refused, Unusable) as error:
        return Answer(400, str(error))


def of_envelopes() -> Iterator[Attempt]:
    """What lies in a queue: bytes, and envelopes with each field hostile."""
    for what, (body, _) in hostile.BODIES.items():
        yield Attempt(f"a message of {what}", partial(_taken, body))
    for name, (what, value) in itertools.product([*ENVELOPE, "more"], hostile.VALUES.items()):
        yield Attempt(
            f"an envelope with {name}={what}", partial(_taken, json.dumps(ENVELOPE | {name: value}).encode())
        )
    for name, (what, value) in itertools.product(
        ["title", "brief", "sources", "more"], hostile.VALUES.items()
    ):
        body = json.dumps(ENVELOPE | {"data": {**ENVELOPE["data"], name: value}}).encode()  # type: ignore[dict-item]
        yield Attempt(f"data with {name}={what}", partial(_taken, body))


MAIL = (
    "From: {}\r\nTo: help@example.com\r\nSubject: {}\r\nMessage-ID: <{}@example.com>\r\nDate: {}\r\n"
    "Content-Type: {}\r\n\r\n{}\r\n"
)
USUAL = ("Cleo <cleo@example.com>", "Hello", "1", "Tue, 17 Feb 2026 12:00:00 +0000", "text/plain", "Hi.")


def _mailed(raw: bytes) -> Answer:
    taken = intake.take(raw, to="article", by="user:owner")
    return Answer(400, taken.why + "." * 20) if taken.effect == "refused" else Answer(200, taken.effect)


def of_mails() -> Iterator[Attempt]:
    """Mails with each of their fields hostile, and bytes that are no mail."""
    for what, (body, kind) in hostile.BODIES.items():
        yield Attempt(f"a mail of {what}", partial(_mailed, body))
        head = MAIL.format(*USUAL[:4], kind, "").encode()
        yield Attempt(f"a mail with {what}", partial(_mailed, head + body))
    for number, (place, (what, text)) in enumerate(
        itertools.product(range(len(USUAL)), hostile.TEXTS.items()), start=2
    ):
        fields = list(USUAL)
        fields[2], fields[place] = str(number), text
        raw = MAIL.format(*fields).encode("utf-8", "surrogatepass")
        yield Attempt(f"a mail with {what} in place {place}", partial(_mailed, raw))


def _told(text: str) -> Answer:
    return Answer(200, str(sockets._seq(text)))


def of_sockets() -> Iterator[Attempt]:
    """What a page says over its socket."""
    for what, (body, _) in hostile.BODIES.items():
        yield Attempt(f"a frame of {what}", partial(_told, body.decode("utf-8", "replace")))
    for what, value in hostile.VALUES.items():
        yield Attempt(f"seq={what}", partial(_told, json.dumps({"seq": value})))
