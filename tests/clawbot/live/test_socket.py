"""A socket, from handshake to goodbye, through the application that is served."""

import asyncio
import json

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from clawbot.live import socket as sockets
from clawbot.live.hub import hub
from tasks import log

# Sockets read in threads of their own, which see only what is committed.
pytestmark = pytest.mark.usefixtures("transactional_db")
ORIGIN = (b"origin", b"http://localhost:8000"), (b"host", b"localhost:8000")


def cookie(user):
    client = Client()
    client.force_login(user)
    return b"; ".join(f"{name}={morsel.value}".encode() for name, morsel in client.cookies.items())


def dial(*more, origin=ORIGIN):
    from clawbot.live.application import application

    return WebsocketCommunicator(application, "/live/", headers=[*origin, *more])


def record():
    log.record("hold.placed", by="user:ben", hold=1, scope="all", target="", why="x", until=None)


async def hears(line, topic):
    """The next message with this topic; the socket also hears of what others do."""
    while True:
        message = json.loads(await line.receive_from(timeout=5))
        if topic in message["topics"]:
            return message


def test_tells_a_page_of_what_happens_after_it_connected(ana):
    known = cookie(ana)

    async def call():
        line = dial((b"cookie", known))
        connected, _ = await line.connect()
        await line.send_to(text_data=json.dumps({"seq": 0}))
        await asyncio.sleep(0.1)  # the feed has taken its place
        await database_sync_to_async(record)()
        message = await hears(line, "holds")
        await line.disconnect()
        return connected, message

    connected, message = asyncio.run(call())

    assert connected
    assert message["t"] == "system"
    assert hub.subscribers == set()


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"seq": "1"}', '{"seq": -1}', '{"seq": true}', "{" * 300]
)
def test_reads_only_a_number(text):
    assert sockets._seq(text) is None


def test_refuses_who_is_not_signed_in():
    async def call():
        connected, _ = await dial().connect()
        return connected

    assert not asyncio.run(call())


def test_refuses_who_has_no_role(django_user_model):
    known = cookie(django_user_model.objects.create_user("dora"))

    async def call():
        return await dial((b"cookie", known)).connect()

    assert asyncio.run(call()) == (False, sockets.NOT_ALLOWED)


def test_refuses_a_page_of_another_site(ana):
    known = cookie(ana)
    foreign = (b"origin", b"https://evil.example"), (b"host", b"localhost:8000")

    async def call():
        connected, _ = await dial((b"cookie", known), origin=foreign).connect()
        return connected

    assert not asyncio.run(call())


@pytest.mark.parametrize("change", ["signed out", "deactivated", "without a role"])
def test_lets_go_of_who_may_no_longer_look(ana, change, monkeypatch):
    monkeypatch.setattr(sockets, "RECHECK_SECONDS", 0.05)
    known = cookie(ana)

    def end():
        if change == "signed out":
            from django.contrib.sessions.models import Session

            Session.objects.all().delete()
        elif change == "deactivated":
            type(ana).objects.filter(pk=ana.pk).update(is_active=False)
        else:
            ana.groups.clear()

    async def call():
        line = dial((b"cookie", known))
        await line.connect()
        await database_sync_to_async(end)()
        closing = await line.receive_output(timeout=5)
        await line.disconnect()
        return closing

    assert asyncio.run(call()) == {"type": "websocket.close", "code": sockets.NOT_ALLOWED}


def test_says_to_come_back_while_the_database_is_away(ana, monkeypatch):
    from django.db import InterfaceError

    def away(user):
        raise InterfaceError("connection already closed")

    known = cookie(ana)
    monkeypatch.setattr(sockets, "_sight", away)

    async def call():
        line = dial((b"cookie", known))
        connected, _ = await line.connect(timeout=5)
        return connected, await line.receive_output(timeout=5)

    connected, last = asyncio.run(call())

    assert connected
    assert (last["type"], last["code"]) == ("websocket.close", sockets.TRY_LATER)
