"""The web server answers in words what it cannot read, over real connections."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.databases import ROOT

SERVER = """
import sys
from clawbot import web

async def application(scope, receive, send):
    if scope["type"] == "http":
        body = str(len(scope["query_string"])).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

web.serve(["127.0.0.1"], int(sys.argv[1]), application, lambda: print("ready", flush=True))
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "clawbot.settings"}
    command = [sys.executable, "-c", SERVER, str(free)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield free
        server.terminate()


def ask(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_reads_a_long_address(port):
    assert ask(port, f"/?q={'x' * 16_000}") == (200, "16002")


@pytest.mark.parametrize("length", [20_000, 60_000])
def test_says_that_an_address_is_too_long(port, length):
    status, words = ask(port, f"/?q={'x' * length}")

    assert status == 414
    assert "was not read: its address and headers are too long" in words


@pytest.mark.parametrize("headers", [{"Cookie": "x" * 20_000}, {f"X-{n}": "x" * 9_000 for n in range(9)}])
def test_says_that_headers_are_too_long(port, headers):
    status, words = ask(port, "/", headers)

    assert status == 431
    assert "Send what is long as a form or a body." in words


def test_answers_the_next_visitor_all_the_same(port):
    ask(port, f"/?q={'x' * 20_000}")

    assert ask(port, "/?q=abc") == (200, "5")
