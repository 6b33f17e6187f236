"""Where the web server listens."""

import socket

import pytest
from django.core.management import CommandError

from clawbot import listen


def test_localhost_is_both_of_its_addresses(monkeypatch):
    monkeypatch.setattr(listen, "_has_ipv6", lambda: True)
    assert listen.addresses("localhost") == ["127.0.0.1", "::1"]

    monkeypatch.setattr(listen, "_has_ipv6", lambda: False)
    assert listen.addresses("localhost") == ["127.0.0.1"]


@pytest.mark.parametrize(
    "given, found", [("0.0.0.0", "0.0.0.0"), ("::", "::"), ("[::1]", "::1"), ("10.0.0.7", "10.0.0.7")]
)
def test_an_address_is_that_address(given, found):
    assert listen.addresses(given) == [found]


@pytest.mark.parametrize("given", ["claw.example", "", "localhost:8000", "10.0.0.0/8"])
def test_a_name_is_refused_with_what_works(given):
    with pytest.raises(CommandError, match=r"HOST=.*Use localhost, the IPv4 or IPv6 address"):
        listen.addresses(given)


def test_a_port_that_is_taken_is_refused_with_another():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port} on 127.0.0.1 is not free.*PORT={port + 1}"):
            listen.require_free(["127.0.0.1"], port)
