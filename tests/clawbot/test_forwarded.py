"""What a proxy says counts if it is one of ours, and is as if never said if it is not."""

import ipaddress

import pytest

from clawbot.forwarded import DISTRUSTED, as_forwarded


@pytest.fixture(autouse=True)
def _proxies(settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network(one) for one in ("127.0.0.1", "10.1.0.0/16", "::1")]


def told(peer="127.0.0.1", kind="http", **said):
    headers = [(b"host", b"inner:8001")]
    headers += [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in said.items()]
    scope = {"type": kind, "client": [peer, 5000], "scheme": "http", "headers": headers}
    found = as_forwarded(scope)
    return found["client"][0], dict(found["headers"])[b"host"].decode(), found["scheme"]


def test_a_proxy_of_ours_is_believed():
    assert told(**{"for": "203.0.113.9"}, host="claw.example", proto="https") == (
        "203.0.113.9", "claw.example", "https",
    )  # fmt: skip


def test_nobody_else_is_believed_and_nothing_of_it_is_passed_on():
    scope = {
        "type": "http", "client": ["203.0.113.9", 5000], "scheme": "http",
        "headers": [(b"host", b"claw.example"), (b"x-forwarded-for", b"127.0.0.1"),
                    (b"x-forwarded-host", b"evil.example"), (b"x-forwarded-proto", b"https")],
    }  # fmt: skip

    found = as_forwarded(scope)

    assert found["headers"] == [(b"host", b"claw.example")]
    assert (found["client"], found["scheme"]) == (["203.0.113.9", 5000], "http")
    assert found[DISTRUSTED] == "203.0.113.9"


def test_nobody_is_believed_where_no_proxy_is_named(settings):
    settings.TRUSTED_PROXIES = []

    assert told(**{"for": "203.0.113.9"}, proto="https") == ("127.0.0.1", "inner:8001", "http")


@pytest.mark.parametrize(
    "hops, client",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),  # whoever asks may have written the first
        ("203.0.113.9, 10.1.2.3", "203.0.113.9"),  # a second proxy of ours
        ("10.1.2.3, 10.1.9.9", "10.1.2.3"),
        ("203.0.113.9:5123", "203.0.113.9"),
        ("[2001:db8::7]:5123", "2001:db8::7"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.9, unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_finds_whoever_asked_our_nearest_proxy(hops, client):
    assert told(**{"for": hops})[0] == client


@pytest.mark.parametrize("peer", ["10.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_knows_a_proxy_by_network_and_in_either_writing(peer):
    assert told(peer, proto="https")[2] == "https"


def test_takes_what_our_own_proxy_wrote_last():
    assert told(host="evil.example, claw.example", proto="http, https")[1:] == ("claw.example", "https")


def test_takes_no_scheme_that_is_none():
    assert told(proto="javascript")[2] == "http"


def test_a_socket_behind_tls_is_one_behind_tls():
    assert told(kind="websocket", host="claw.example", proto="https")[1:] == ("claw.example", "wss")
