"""fetch_url: public pages only, whatever way the address is written, and only so much of them."""

import asyncio
import base64
import gzip
import json

import httpcore2
import pytest

from agents.contract import Refused, Unavailable
from agents.guard import addresses, web
from agents.tools import Toolbox
from tests.agents.hostile import inputs
from tests.agents.server import serving

PAGE = (
    b"<html><head><title>A page</title></head><body><nav>Menu</nav><p>Costs fell by 7.4 "
    b"percent.</p></body></html>"
)


def fetch(url, environment=None, **permission):
    return asyncio.run(Toolbox({"fetch_url": permission}, None, environment or {}).use("fetch_url", url=url))


@pytest.fixture
def connections(monkeypatch):
    """Every address that a connection was tried to."""
    tried = []

    async def spy(self, host, port, *arguments, **named):
        tried.append((host, port))
        raise httpcore2.ConnectError("no connection in this test")

    monkeypatch.setattr("httpcore2._backends.auto.AutoBackend.connect_tcp", spy)
    return tried


def resolver(*answers):
    """A resolver that gives each answer once, then the last again."""
    left = list(answers)

    async def resolve(host, port):
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def test_reads_a_page_that_an_admin_allowed():
    with serving(lambda path, body: (200, {}, PAGE)) as server:
        page = fetch(server.url("/a"), server.allow)

    assert page["title"] == "A page"
    assert "Costs fell by 7.4 percent." in page["text"]


@pytest.mark.parametrize("url", inputs("http_tool_url", lambda text: not text.startswith("{")))
def test_connects_to_no_private_address(url, connections, monkeypatch):
    with pytest.raises((Refused, Unavailable)):
        fetch(url)

    assert connections == []


def test_connects_to_the_address_that_was_checked(connections, monkeypatch):
    monkeypatch.setattr(addresses, "resolve", resolver(["93.184.216.34"], ["127.0.0.1"]))

    with pytest.raises(Unavailable):
        fetch("http://rebind.test/")

    assert connections == [("93.184.216.34", 80)]


def test_refuses_a_name_with_one_private_address_among_public_ones(connections, monkeypatch):
    monkeypatch.setattr(addresses, "resolve", resolver(["93.184.216.34", "fd00::1"]))

    with pytest.raises(Refused, match="private or reserved"):
        fetch("http://mixed.test/")

    assert connections == []


def test_checks_the_target_of_a_redirect():
    with serving(lambda path, body: (302, {"Location": "http://169.254.169.254/latest/"}, b"")) as server:
        with pytest.raises(Refused, match="private or reserved"):
            fetch(server.url("/r"), server.allow)


def test_stops_after_three_redirects():
    with serving(lambda path, body: (302, {"Location": "/loop"}, b"")) as server:
        with pytest.raises(Refused, match="more than 3 times"):
            fetch(server.url("/loop"), server.allow)

    assert len(server.asked) == 4


def test_refuses_a_way_from_https_to_http(monkeypatch):
    async def one(url, kinds, most_bytes, environment):
        return "http://example.org/"

    monkeypatch.setattr(web, "_one", one)

    with pytest.raises(Refused, match="not encrypted"):
        fetch("https://example.org/")


def test_unpacks_only_up_to_the_limit():
    bomb = gzip.compress(b"a" * 20_000_000)
    with serving(
        lambda path, body: (200, {"Content-Encoding": "gzip", "Content-Type": "text/plain"}, bomb)
    ) as server:
        page = fetch(server.url("/"), server.allow, most_bytes=50_000)

    assert page["cut"]
    assert len(page["text"]) == 50_000


@pytest.mark.parametrize("packed", inputs("http_tool_response", lambda text: text.startswith("H4sI")))
def test_survives_a_packed_bomb_of_the_collection(packed):
    raw = base64.b64decode(packed)
    with serving(
        lambda path, body: (200, {"Content-Encoding": "gzip", "Content-Type": "text/plain"}, raw)
    ) as server:
        with pytest.raises(Refused, match="not a text file"):  # zeros, of which only the first were unpacked
            fetch(server.url("/"), server.allow)


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "application/octet-stream"}, {"Content-Type": "image/png"}, {"Content-Encoding": "br"}],
)
def test_refuses_what_it_cannot_read(headers):
    with serving(lambda path, body: (200, headers, b"MZ")) as server:
        with pytest.raises(Refused):
            fetch(server.url("/"), server.allow)


def test_gives_up_after_the_time_it_has():
    async def hang(*arguments):
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web, "_follow", hang)
        with pytest.raises(Unavailable, match="within 0.05 seconds"):
            fetch("https://slow.example/", seconds=0.05)


def test_waits_no_longer_than_a_quarter_of_an_hour_for_a_busy_server():
    with serving(lambda path, body: (503, {"Retry-After": "999999999"}, b"")) as server:
        with pytest.raises(Unavailable) as busy:
            fetch(server.url("/"), server.allow)

    assert busy.value.after_seconds == 900


def test_says_that_a_missing_page_will_stay_missing():
    with serving(lambda path, body: (404, {}, b"")) as server:
        with pytest.raises(Refused, match="404"):
            fetch(server.url("/"), server.allow)


def test_sends_no_cookie_and_no_key():
    with serving(lambda path, body: (200, {"Set-Cookie": "sessionid=attacker"}, PAGE)) as server:
        fetch(server.url("/1"), server.allow)
        fetch(server.url("/2"), server.allow)

    sent = json.dumps([headers for _, headers, _ in server.asked]).lower()
    assert "cookie" not in sent
    assert "authorization" not in sent


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "fec0::1",
        "224.0.0.1",
        "100.100.100.200",
        "192.0.0.1",
        "198.18.0.1",
        "0.0.0.0",
        "::",
        "::127.0.0.1",
        "fd00:ec2::254",
        "2001:0:4136:e378::",
        "255.255.255.255",
        "no address",
    ],
)
def test_counts_no_reserved_address_as_public(address):
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_counts_an_ordinary_address_as_public(address):
    assert addresses.is_public(address)


@pytest.fixture
def site(monkeypatch):
    """A site of the public web on this machine: what it answers by path, and the paths it was asked for."""
    pages = {"/robots.txt": (200, b"User-agent: *\nDisallow: /all\n\nUser-agent: Clawbot\nDisallow: /ours\n")}
    with serving(
        lambda path, body: (*pages.get(path, (200, PAGE))[:1], {}, pages.get(path, (200, PAGE))[1])
    ) as server:
        check = addresses.check_url
        monkeypatch.setattr(addresses, "check_url", lambda url, _: (*check(url, server.allow)[:3], False))
        monkeypatch.setattr(addresses, "check_addresses", lambda url, found: found[0])
        monkeypatch.setattr(web, "_robots", {})
        yield server, pages


def test_reads_no_page_that_a_site_keeps_from_robots(site):
    server, _ = site

    with pytest.raises(Refused, match="robots.txt of 127.0.0.1:.* asks robots to stay away"):
        fetch(server.url("/ours/page"))

    assert [path for path, *_ in server.asked] == ["/robots.txt"]


def test_asks_a_site_once_what_robots_may_read(site):
    server, _ = site

    assert fetch(server.url("/free"))["title"] == fetch(server.url("/all"))["title"] == "A page"
    assert [path for path, *_ in server.asked] == ["/robots.txt", "/free", "/all"]


def test_reads_a_site_without_rules_and_waits_for_one_that_cannot_tell_them(site):
    server, pages = site
    pages["/robots.txt"] = (503, b"")
    with pytest.raises(Unavailable):
        fetch(server.url("/ours"))

    pages["/robots.txt"] = (404, b"")
    assert fetch(server.url("/ours"))["title"] == "A page"


def test_asks_no_robots_txt_of_an_address_that_an_admin_listed():
    with serving(lambda path, body: (200, {}, PAGE)) as server:
        fetch(server.url("/a"), server.allow)

    assert [path for path, *_ in server.asked] == ["/a"]
