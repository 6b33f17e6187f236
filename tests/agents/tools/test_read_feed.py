"""read_feed: entries of RSS and Atom, and no entity that reads or explodes."""

import asyncio

import pytest

from agents.contract import Refused
from agents.tools import Toolbox
from tests.agents.server import serving

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><title>Costs fell</title><link>https://news.example/1</link><pubDate>Mon, 05 Oct 2026</pubDate>
<description>&lt;p&gt;Costs fell by &lt;b&gt;7 percent&lt;/b&gt;.&lt;/p&gt;</description></item>
<item><title>Bad link</title><link>javascript:alert(1)</link><description>Second.</description></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>One</title>
<link rel="alternate" href="https://news.example/a"/><updated>2026-10-05</updated>
<summary>Short text.</summary></entry></feed>"""


def read(content, **permission):
    with serving(lambda path, body: (200, {"Content-Type": "application/rss+xml"}, content)) as server:
        return asyncio.run(
            Toolbox({"read_feed": permission}, None, server.allow).use("read_feed", url=server.url("/feed"))
        )


def test_reads_the_entries_of_an_rss_feed():
    first = read(RSS)["entries"][0]

    assert (first["title"], first["url"], first["text"]) == (
        "Costs fell",
        "https://news.example/1",
        "Costs fell by 7 percent.",
    )


def test_reads_the_entries_of_an_atom_feed():
    first = read(ATOM)["entries"][0]

    assert (first["title"], first["url"], first["published"], first["text"]) == (
        "One",
        "https://news.example/a",
        "2026-10-05",
        "Short text.",
    )


def test_gives_no_address_that_is_not_of_the_web():
    assert read(RSS)["entries"][1]["url"] == ""


def test_gives_as_many_entries_as_it_may():
    assert len(read(RSS, most_entries=1)["entries"]) == 1


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><title>&x;</title></item></rss>',
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss><item><title>&b;</title></item></rss>',
        b"<rss><item>", b"", b"no xml at all",
    ],
)  # fmt: skip
def test_refuses_a_feed_that_is_not_safe_or_not_whole(xml):
    with pytest.raises(Refused, match="read safely"):
        read(xml)
