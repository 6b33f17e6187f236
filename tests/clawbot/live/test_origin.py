"""Only our own pages may open a socket: the browser sends the cookie from anywhere."""

import pytest

from clawbot.live.origin import allowed


def headers(host, origin):
    found = {b"host": host.encode()}
    return found | ({b"origin": origin.encode()} if origin else {})


@pytest.fixture(autouse=True)
def _site(settings):
    settings.ALLOWED_HOSTS = ["claw.example", "localhost"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://desk.example"]


@pytest.mark.parametrize(
    "host, origin",
    [
        ("localhost:8000", "http://localhost:8000"),
        ("claw.example", "https://claw.example"),
        ("claw.example:443", "https://claw.example"),
        ("CLAW.example", "https://claw.example"),
        ("claw.example", "https://desk.example"),
    ],
)
def test_lets_our_own_pages_in(host, origin):
    assert allowed(headers(host, origin))


@pytest.mark.parametrize(
    "host, origin",
    [
        ("claw.example", ""),
        ("claw.example", "null"),
        ("claw.example", "https://evil.example"),
        ("claw.example", "https://claw.example.evil.example"),
        ("claw.example", "https://claw.example:8443"),
        ("localhost:8000", "http://localhost:9000"),
        ("evil.example", "https://evil.example"),
        ("", "https://"),
        ("claw.example", "file://claw.example"),
    ],
)
def test_refuses_every_other(host, origin):
    assert not allowed(headers(host, origin))
