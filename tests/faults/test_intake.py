"""What comes in as a file, a page or a feed is read right: inputs of public bug reports and their neighbours.

Each goes through research, which people's sources go through, over the real tools; pages and feeds come over
HTTP. `intake/` holds the inputs; the `.hdr` beside one is how it is served.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from agents.contract import Outcome
from agents.prose.blocks import read
from agents.tools import Toolbox
from tests.agents.builders import a_brief, work
from tests.agents.server import serving

INTAKE = Path(__file__).parent / "intake"


def research(*sources, workspace=None, environment=None, files=()) -> Outcome:
    """What research makes of sources; one whole sentence is enough here."""
    tools = Toolbox({"read_file": {}, "fetch_url": {}, "read_feed": {}}, workspace, environment or {})
    given = {"sources": list(sources)} if sources else {}
    brief = a_brief(
        "research", title="Of this and that", input=given, files=tuple(files), settings={"least_sentences": 1}
    )
    return work(brief, toolbox=tools)


def of_file(tmp_path, name, content) -> Outcome:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return research(workspace=tmp_path, files=[name])


def of_intake(path) -> Outcome:
    folder, _, name = path.rpartition("/")
    return research(workspace=INTAKE / folder, files=[name])


def of_web(content, kind="text/html", as_feed=False, **headers) -> Outcome:
    raw = content if isinstance(content, bytes) else content.encode()
    with serving(lambda path, body: (200, {"Content-Type": kind} | headers, raw)) as server:
        address = server.url("/depot/page")
        return research({"feed": address} if as_feed else address, environment=server.allow)


def of_served(path, as_feed=False) -> Outcome:
    """An input of the collection, served as its .hdr says."""
    headers = dict(
        line.split(": ", 1) for line in (INTAKE / f"{path}.hdr").read_text().splitlines() if ": " in line
    )
    return of_web((INTAKE / path).read_bytes(), headers.pop("Content-Type"), as_feed, **headers)


def sources(outcome):
    assert outcome.made, outcome.why
    return outcome.made[0].data["sources"]


def text(outcome):
    """Everything that was read, headings and all."""
    return "\n\n".join(f"# {one['title']}\n\n{one['text']}" for one in sources(outcome))


def doubts(outcome):
    return " ".join(one["doubt"] for one in sources(outcome))


# The collection


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("files/w1252.txt", ["5–8 minutes", "€40 for", "manager’s team"]),
        ("files/linesep.txt", ["boxes in May. The count", "people. Nobody", "counted in three teams"]),
        ("files/hr.md", ["counted 880 crates on Monday and 874 crates", "Nobody has lost a crate"]),
        ("files/fence.md", ["The script counted 96 aisles in 11 minutes"]),
        ("files/pandoc.md", ["wrote off $4.2 million of stock in 2024.", "It's the largest sum"]),
        (
            "files/foot.md",
            ["3 percent in the trial. It had been 7 percent before the trial began. Staff counted"],
        ),
        ("files/inline.md", ["moved 10 000 parcels in one night and lost", "Holm & Sons counted 40 m2 of"]),
        ("files/nohead.html", ["# Counting twice", "counted 1,240 pallets twice", "found 31 pallets"]),
        ("files/layout.html", ["# Shelf news", "lost 312 parcels in 2024", "cost the site two working days"]),
        ("files/multi.txt.gz", ["The second count"]),
        ("documents/folded.md", ["# Lift report of hall six", "The lift in hall 6 stopped"]),
        ("documents/quoted.md", ['# The "quick" lift: hall seven', "The lift in hall 7 stopped"]),
        ("documents/nul.txt", ["mended on Tuesday by two fitters."]),
    ],
)
def test_reads_a_file(path, wanted):
    found = text(of_intake(path))
    for words in wanted:
        assert words in found


def test_loses_no_last_letter_that_was_not_cut_off():
    found = read_by_tool(INTAKE / "documents", "lastbyte.txt")
    assert found["text"].endswith("was done by André")


def read_by_tool(workspace, name, **permission):
    import asyncio

    return asyncio.run(Toolbox({"read_file": permission}, workspace, {}).use("read_file", path=name))


def test_says_that_a_file_is_rtf_and_what_would_work():
    assert "not a text file but RTF. Save it as text or HTML" in of_intake("files/memo.rtf").why


@pytest.mark.parametrize(
    "path, wanted", [("web/meta1252", ["5–8 minutes", "€40 for"]), ("web/short", ["43 vans in May"])]
)
def test_reads_a_page(path, wanted):
    found = of_served(path)
    for words in wanted:
        assert words in text(found)
    assert doubts(found) == ""


def test_says_where_a_page_leads_on_to():
    page = '<html><head><meta http-equiv=refresh content="0; url=/new place"></head><body></body></html>'
    assert "leads on to http://127.0.0.1:" in of_web(page).why
    assert "/new" in of_web(page).why


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("feeds/rss10.rdf", ["# Depot recount", "counted 512 crates", "found nine more crates"]),
        ("feeds/wp2.xml", ["# The depot’s second count", "The Nash & Sons depot counted 640 pallets"]),
        (
            "feeds/atom2.xml",
            ["71 shelves in July.\n\nA second", "for a year.\n\n- The depot found four shelves"],
        ),
        ("feeds/nbsp.xml", ["# Depot roofs", "37 roofs"]),
        ("feeds/ashtml.xml", ["35 doors"]),
        ("feeds/rdftype.rdf", ["512 crates"]),
        ("feeds/table.xml", ["counted 39 carts in August.", "found one more cart."]),
    ],
)
@pytest.mark.parametrize("as_feed", [True, False], ids=["feed", "address"])
def test_reads_a_feed_however_it_was_named(path, wanted, as_feed):
    found = text(of_served(path, as_feed))
    for words in wanted:
        assert words in found


def test_says_that_a_feed_is_empty():
    assert "has no entries" in of_served("feeds/empty.xml", as_feed=True).why
    assert "has no entries" in of_served("feeds/empty.xml").why


@pytest.mark.parametrize("form", ["{}", "feed:{}", "feed://{bare}", "FEED:{}"])
def test_takes_the_address_of_a_feed_as_text(form):
    raw = (INTAKE / "feeds/wp2.xml").read_bytes()
    with serving(lambda path, body: (200, {"Content-Type": "application/rss+xml"}, raw)) as server:
        address = server.url("/wp.xml")
        given = form.format(address, bare=address.removeprefix("http://"))
        assert "640 pallets" in text(research(given, environment=server.allow))


# Neighbours of bytes


@pytest.mark.parametrize(
    "charset", ["shift_jis", "euc_jp", "gb18030", "koi8_r", "utf-16", "utf-16-le", "utf-8-sig", "cp1252"]
)
@pytest.mark.parametrize("declared", [True, False])
def test_reads_a_page_in_any_charset(charset, declared):
    name = {"koi8_r": "Тверь", "cp1252": "Café", "utf-8-sig": "Café", "gb18030": "北京"}.get(charset, "東京")
    page = f"<title>{name}</title><p>The depot of {name} counted 415 boxes in May, and “nobody” found more."
    if charset == "koi8_r":
        page = page.replace("“", '"').replace("”", '"')
    kind = f"text/html; charset={charset.replace('_', '-')}" if declared else "text/html"
    if not declared and charset in ("shift_jis", "euc_jp", "gb18030", "koi8_r"):
        page = f"<meta charset={charset.replace('_', '-')}>{page}"
    found = of_web(page.encode(charset), kind)
    assert f"The depot of {name} counted 415 boxes" in text(found)


def test_says_beside_the_source_what_was_guessed(tmp_path):
    found = of_file(tmp_path, "a.txt", "The café counted 5–8 boxes in the month of May.".encode("cp1252"))
    assert "read as windows-1252, a guess" in doubts(found)
    assert "a guess" in found.made[0].text


def test_never_joins_the_figures_around_a_character_that_could_not_be_read(tmp_path):
    raw = "Der Zähler über Größe: ".encode() + b"5\xff8 crates were counted at the depot in the month of May."
    found = of_file(tmp_path, "a.txt", raw + "\n\nThe café counted more boxes in the month of May.".encode())
    assert "58" not in text(found)
    assert "1 character could not be read" in doubts(found)


def test_reads_a_text_that_was_encoded_twice_as_it_was_meant(tmp_path):
    twice = "The café counted 5–8 boxes in the month of May.".encode().decode("cp1252").encode()
    assert "The café counted 5–8 boxes" in text(of_file(tmp_path, "a.txt", twice))


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1e"])
def test_joins_no_words_over_a_break(tmp_path, sign):
    content = f"The depot counted 415 boxes in May.{sign}The count took nine hours and two people."
    found = text(of_file(tmp_path, "a.txt", content))
    assert "May.The" not in found
    assert "The count took nine hours" in found


def test_drops_only_what_a_limit_cut_in_two(tmp_path):
    (tmp_path / "a.txt").write_text("é" * 600)
    cut = read_by_tool(tmp_path, "a.txt", most_bytes=1_001)
    assert (cut["cut"], set(cut["text"]), cut["doubt"]) == (True, {"é"}, "")


def test_reads_every_member_of_a_packed_page(tmp_path):
    packed = gzip.compress(b"The first count of boxes took two hours.\n\n")
    packed += bytes(512) + gzip.compress(b"The second count of boxes took three hours.")
    found = of_web(packed, "text/plain", **{"Content-Encoding": "gzip"})
    assert "took two hours" in text(found)
    assert "took three hours" in text(found)


# Neighbours of HTML

SENTENCE = "The depot counted 415 boxes in the month of May."


@pytest.mark.parametrize(
    "page, wanted",
    [
        ("<p>{}<p>It found nine more of them.", [SENTENCE + "\n\nIt found"]),
        ("<div>{}<div>It found nine more of them.</div></div>", [SENTENCE + "\n\nIt found"]),
        ("<body><noscript><p>{}</p></noscript></body>", [SENTENCE]),
        ("<noscript>Please enable JavaScript.</noscript><p>{}</p>", [SENTENCE]),
        ("<x-card><template shadowrootmode=open><p>{}</p></template></x-card>", [SENTENCE]),
        ("<dl><dt>Count</dt><dd>{}</dd></dl>", ["Count", SENTENCE]),
        ("<pre>{}\nIt took\nnine hours.</pre>", [SENTENCE + " It took nine hours."]),
        (
            "<table><tr><td><table><tr><td>{}</td></tr></table></td><td>Menu</td></tr></table>",
            [SENTENCE],
        ),
        (
            "<p>{}</p><table><tr><th>Site<th>Crates<tr><td>Elling<td>880<tr><td>Mill<td>512</table>",
            ["Site | Crates", "Elling | 880", "Mill | 512"],
        ),
        ("<p>{} It cost <del>47</del> 7.4 percent more than it did.</p>", ["cost 7.4 percent"]),
        ("<p>{} It covers 10<sup>6</sup> items.<sup><a href=#n1>1</a></sup>", ["10^6 items."]),
        ("<p>The depot count<wbr>ed <b>415</b> boxes<br>in the <i>month</i> of May.", [SENTENCE]),
        ("<form id=aspnetForm><div>{}</div><select><option>No</select></form>", [SENTENCE]),
        ("<script>var a = '<p>never</p>'</script><style>p{{}}</style><p>{}", [SENTENCE]),
        ("<div>" * 700 + "{}" + "</div>" * 700, [SENTENCE]),
        ("<!-- <p>never --><p>{}", [SENTENCE]),
        ("<header><nav>never</nav></header><main><header><h1>Boxes</h1></header>{}</main>", [SENTENCE]),
        ("<p>{} She said <q>nothing was lost</q> to the press.", ["“nothing was lost”"]),
        ("<footer><p>{}</p></footer>", [SENTENCE]),
        ("<html><head><title>Boxes<body><p>{}", ["# Boxes", SENTENCE]),
        ("<p>The depot<o:p></o:p> counted 415 boxes in the month of May.", [SENTENCE]),
        ("<x-a>{}</x-a><x-b>It found nine more of them.</x-b>", [f"{SENTENCE} It found nine"]),
        ("<p>{} In E = mc<sup>2</sup> no CO<sub>2</sub> is told.", ["E = mc2 no CO2 is"]),
        ("<table><caption>{}</caption><tr><th>A<th>B<tr><td>1<td>2</table>", [SENTENCE, "1 | 2"]),
    ],
)
def test_reads_a_page_whatever_its_tags(page, wanted):
    found = text(of_web(page.format(SENTENCE)))
    for words in wanted:
        assert words in found
    assert "never" not in found


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>",
        '<p style="display: none">',
        "<template><p>",
        '<div style="visibility:hidden">',
        "<dialog>",
    ],
)
def test_reads_nothing_that_a_page_hides(hidden):
    found = text(of_web(f"<p>{SENTENCE}</p><section>{hidden}Never show this sentence to anybody.</section>"))
    assert "Never" not in found


@pytest.mark.parametrize(
    "page, why",
    [
        ("<html><body></body></html>", "it holds no text"),
        ("<div id=root></div><script src=/app.js></script>", "scripts that make one in a browser"),
        ("<form><input type=password name=p></form><p>Members only.</p>", "it asks for a sign-in"),
        ("<p>We use cookies. Accept?</p>", "a notice (cookies"),
        (
            "<base href='https://a.example/x/'><frameset><frame src=main.html></frameset>",
            "https://a.example/x/main",
        ),
        ("<iframe src=/inner.html></iframe>", "in a frame from http://127.0.0.1:"),
    ],
)
def test_says_why_a_page_gives_nothing(page, why):
    assert why in of_web(page).why


def test_reads_xhtml_whose_tags_close_themselves():
    page = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>Boxes</title>'
        f'<script src="a.js"/></head><body><p>{SENTENCE}&nbsp;It was &lt; 500.</p></body></html>'
    )
    assert f"{SENTENCE} It was < 500." in text(of_web(page, "application/xhtml+xml"))


def test_keeps_the_article_of_a_long_page_and_leaves_its_surroundings():
    article = "".join(
        f"<p>{SENTENCE} That was count number {n} of the long year at the depot.</p>" for n in range(40)
    )
    around = "".join(f"<li><a href=/{n}>Read about our offer number {n} today.</a></li>" for n in range(30))
    found = text(of_web(f"<body><div class=menu><ul>{around}</ul></div><article>{article}</article></body>"))
    assert "count number 39 " in found
    assert "our offer" not in found


# Neighbours of Markdown and of what stands before it


@pytest.mark.parametrize(
    "content, wanted",
    [
        (f"1. One\n   - {SENTENCE}\n\n     It took long.\n2. Two\n", [SENTENCE, "It took long."]),
        ("The [depot][d] counted 415 boxes in the month of May.\n\n[d]: https://a.example 'x'\n", [SENTENCE]),
        (f"| Site | Crates |\n|---|---|\n| Elling | 880 |\n\n{SENTENCE}\n", [SENTENCE, "Elling | 880"]),
        (f"<!-- never\n\nnever -->\n\n{SENTENCE}\n", [SENTENCE]),
        (
            f'+++\ntitle = "Lifts & \\"halls\\""\ndate = 2026-01-01\n+++\n{SENTENCE}\n',
            ['# Lifts & "halls"', SENTENCE],
        ),
        (f"---\ntitle: 3.10\n---\n{SENTENCE}\n", ["# 3.10", SENTENCE]),
        (f"---\ntitle: |\n  Two\n  lines\nother: [a, b]\n---\n\n{SENTENCE}", ["# Two lines", SENTENCE]),
        (f"---\n{SENTENCE}\n---\n\nMore.\n", [SENTENCE]),
        (f"***\n\n{SENTENCE}\n\n***\n", [SENTENCE]),
        (f"~~~\nnever\n~~~\n{SENTENCE}\n", [SENTENCE]),
        (f"````\n```\nnever\n````\n\n{SENTENCE}\n", [SENTENCE]),
        (f"> {SENTENCE}\n> It took long.\n", [SENTENCE + " It took long."]),
        ("The *depot* **counted** 415 boxes in the \\\nmonth of May.\n", [SENTENCE]),
        ("The depot counted 415&#32;boxes in the month of May&period;\n", [SENTENCE]),
        ("The depot counted 415 boxes in the month of May.^[A note.] It took long.\n", [SENTENCE]),
        (f"Count\n: {SENTENCE}\n", [SENTENCE]),
        (f"{SENTENCE}\n\n```\nIt took two people and nine hours.\n", [SENTENCE, "It took two people"]),
        (
            f"- [x] {SENTENCE}\n- It cost ~~never 47~~ 7.4 percent more.\n",
            [f"- {SENTENCE}", "cost 7.4 percent"],
        ),
        (f"\ufeff# Boxes\r\n\r\n{SENTENCE}\r\n", ["# Boxes", SENTENCE]),
    ],
)
def test_reads_markdown(tmp_path, content, wanted):
    found = text(of_file(tmp_path, "boxes.md", content))
    for words in wanted:
        assert words in found
    assert "never" not in found


@pytest.mark.parametrize(
    "hurt", ["[" * 100_000, "`" * 50_001, "*a " * 50_000, "> " * 20_000 + "a", "<" * 100_000]
)
def test_ends_soon_on_markdown_that_is_made_to_hurt(hurt):
    assert read(f"{SENTENCE}\n\n{hurt}\n", "a.md").text.startswith(SENTENCE)


# Neighbours of feeds

ITEM = "<item><title>{title}</title><link>{link}</link>{body}</item>"


def rss(title="Boxes", link="http://depot.example/1", body=f"<description>{SENTENCE}</description>"):
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>D</title>{ITEM.format(title=title, link=link, body=body)}</channel></rss>"
    )


def atom(entry):
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://depot.example/blog/"><title>A</title>'
        f"<id>urn:x</id><entry><id>urn:1</id>{entry}</entry></feed>"
    )


FULL = (
    f"<description>Short.</description><content:encoded><![CDATA[<p>{SENTENCE}</p><p>It ended.</p>]]>"
    "</content:encoded>"
)
ESCAPED = f"&lt;p&gt;{SENTENCE}&lt;/p&gt;&lt;p&gt;It ended.&lt;/p&gt;"
DOCTYPE = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://a.example/rss.dtd">'
CAFE = "The café counted 5–8 boxes in May for the town."
OLD = rss(body=f"<description>{CAFE}</description>").replace("?>", " encoding='iso-8859-1'?>", 1)


@pytest.mark.parametrize(
    "feed, wanted",
    [
        (rss(body=FULL), [f"{SENTENCE}\n\nIt ended."]),
        (rss("Nash &amp;amp; Sons"), ["# Nash & Sons"]),
        (rss(body=f"<description>{ESCAPED}</description>"), [f"{SENTENCE}\n\nIt ended."]),
        (
            atom(f"<title type='text'>1 &lt; 2 &amp;amp; more</title><summary>{SENTENCE}</summary>"),
            ["# 1 < 2 &amp; more"],
        ),
        (
            atom(f"<title type='html'>A &amp;amp; B</title><content type='html'>{ESCAPED}</content>"),
            ["# A & B", SENTENCE],
        ),
        (rss().replace("?>", f"?>{DOCTYPE}", 1), [SENTENCE]),
        (OLD.encode("cp1252"), [CAFE]),
        (rss(body=f"<description>{SENTENCE} A &copy; B & C.</description>"), [SENTENCE]),
    ],
)
def test_reads_a_feed(feed, wanted):
    found = text(of_web(feed, "application/xml", as_feed=True))
    for words in wanted:
        assert words in found


def test_resolves_the_address_of_an_entry():
    entry = f"<title>Boxes</title><link href='posts/1'/><summary>{SENTENCE}</summary>"
    assert sources(of_web(atom(entry), as_feed=True))[0]["origin"] == "http://depot.example/blog/posts/1"


def test_says_in_which_line_a_feed_is_broken():
    assert "not well-formed, line 2: " in of_web("<rss>\n<channel><item", "text/xml", as_feed=True).why


def test_says_beside_an_entry_that_its_feed_is_broken():
    assert "not well-formed, line 1: " in doubts(of_web(rss().removesuffix("</rss>"), as_feed=True))


@pytest.mark.parametrize("entity", ['SYSTEM "file:///etc/passwd"', '"' + "ha" * 9 + '"'])
def test_refuses_a_feed_that_declares_entities(entity):
    feed = f"<!DOCTYPE rss [<!ENTITY a {entity}>]>{rss('&a;')[21:]}"
    for codec in ("utf-8", "utf-16"):
        assert "declares entities" in of_web(feed.encode(codec), as_feed=True).why


# Neighbours of transport


def test_follows_a_redirect_whose_address_has_spaces_and_letters():
    def answer(path, body):
        if path == "/a":
            return 302, {"Location": "/the new place/caf%C3%A9?a b"}, b""
        return (
            (200, {}, SENTENCE.encode()) if path == "/the%20new%20place/caf%C3%A9?a%20b" else (404, {}, b"")
        )

    with serving(answer) as server:
        assert SENTENCE in text(research(server.url("/a"), environment=server.allow))
