"""A draft taken apart and put together again: safe, well formed, with remarks at their words."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from clawbot import draft
from clawbot.draft import Remark

TEXT = """---
title: "Why agents need a manager"
keyword: agents
---
# Why agents need a manager

Agents **never sleep** at night [4]. People decide in the end.

- One thing at a time
- Two things at once [2]
"""


class WellFormed(HTMLParser):
    """Fails where a tag is closed that was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {"br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = WellFormed()
    parser.feed(html)
    assert parser.open == []
    return parser.seen


def page(text: str, old: str | None = None, **more) -> str:
    read = draft.reading(draft.read(text), draft.read(old) if old is not None else None, **more)
    return "".join(row.html for row in read.rows)


def test_keeps_front_matter_out_of_the_text():
    read = draft.read(TEXT)

    assert read.front == (("title", "Why agents need a manager"), ("keyword", "agents"))
    assert [block.name for block in read.blocks] == ["h1", "p", "ul"]


def test_numbers_paragraphs_and_sentences_for_links():
    html = page(TEXT)

    assert 'id="p2s1"' in html
    assert 'id="p2s2"' in html
    assert draft.read(TEXT).sentence("p2s2") == "People decide in the end."


@pytest.mark.parametrize("anchor", ["", "p9s1", "p2s9", "p0s1", "<script>", "p2s0"])
def test_knows_no_sentence_for_a_wrong_anchor(anchor: str):
    assert draft.read(TEXT).sentence(anchor) == ""


def test_links_a_citation_to_its_source_and_its_sentence():
    html = page(TEXT, cite=lambda number, sentence: f"?src={number}&at={sentence}")

    assert 'href="?src=4&amp;at=p2s1"' in html
    assert "[4]" not in html


def test_leaves_a_citation_alone_that_no_source_has():
    assert "[4]" in page(TEXT, cite=lambda number, sentence: "")


def test_marks_changes_across_bold_words_without_breaking_a_tag():
    html = page(TEXT.replace("**never sleep** at", "**never rest long at** their"), TEXT)

    assert {tag for tag, _ in tags(html)} >= {"ins", "del", "strong"}


def test_numbers_each_change_once():
    html = page(TEXT.replace("never", "rarely").replace("Two things", "Three things"), TEXT)

    assert [attrs["id"] for tag, attrs in tags(html) if "data-change" in attrs] == ["change-1", "change-2"]


def test_puts_a_removed_list_item_inside_the_list_it_was_in():
    html = page(TEXT.replace("- One thing at a time\n", ""), TEXT)

    assert "<ul>\n<li>" in html
    assert "One thing at a time" in html


def test_shows_a_paragraph_that_went_where_it_stood():
    rows = draft.reading(
        draft.read("First of all.\n\nLast of all."), draft.read("First of all.\n\nGone now.\n\nLast of all.")
    ).rows

    assert [row.kind for row in rows] == ["same", "removed", "same"]


def test_puts_a_remark_at_its_words_whatever_their_marks_and_citations():
    remark = Remark("finding-1", "finding", "Agents never sleep at night.", "1", "finding 1")
    read = draft.reading(draft.read(TEXT), None, [remark])

    assert [row.id for row in read.rows if remark in row.remarks] == ["p2"]
    assert "remarked--finding" in read.rows[1].html
    assert 'href="#finding-1"' in read.rows[1].html


def test_follows_a_remark_to_the_sentence_that_was_rewritten():
    remark = Remark("comment-1", "comment", "Agents hardly ever sleep when it is night", "", "comment")
    rewritten = "Some other paragraph first.\n\nWhen it is night, agents hardly ever seem to sleep."

    assert draft.reading(draft.read(rewritten), None, [remark]).rows[1].remarks == [remark]


def test_puts_a_settled_remark_where_the_words_in_its_place_stand():
    remark = Remark(
        "finding-1",
        "evidence",
        "Costs fell by 47 percent",
        "1",
        "finding 1",
        instead="People decide in the end",
    )

    assert draft.reading(draft.read(TEXT), None, [remark]).rows[1].remarks == [remark]


def test_takes_each_line_of_a_list_for_a_sentence():
    assert draft.read(TEXT).sentence("p3s2") == "Two things at once [2]"


def test_keeps_a_remark_whose_words_are_gone_for_the_whole_draft():
    remark = Remark("comment-1", "comment", "Quarterly spending grew by 212 percent", "", "comment")

    assert draft.reading(draft.read(TEXT), None, [remark]).unplaced == [remark]


def test_shows_what_changed_in_the_front_matter():
    front = draft.reading(
        draft.read(TEXT.replace("keyword: agents", "keyword: managers")), draft.read(TEXT)
    ).front

    assert ("keyword", "removed", "agents") in [
        (field[0].text, p.kind, p.text) for field in front for p in field[1:]
    ]


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    '[a](http://x "onmouseover=alert(1)")',
    '**bold" onmouseover="alert(1)**',
    "`</code><script>alert(1)</script>`",
    "| a | <svg onload=alert(1)> |\n|---|---|\n| [1] | b |",
    "---\ntitle: <script>alert(1)</script>\n---\ntext",
    "text\n\n<style>*{display:none}</style>",
    "[outer [4] link](http://example.org)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_lets_no_draft_become_a_script_a_style_or_an_attribute(text: str):
    remarks = [Remark("finding-1", "finding", text, "1", text)]
    html = page(
        text, "Something else before.", remarks=remarks, cite=lambda number, sentence: f"?src={number}"
    )

    for tag, attrs in tags(html):
        assert tag not in {"script", "style", "img", "svg", "iframe"}
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
        assert not str(attrs.get("href", "")).startswith(("javascript:", "data:"))


def test_puts_no_link_into_a_link():
    html = page("[outer [4] link](http://example.org)", cite=lambda number, sentence: "?src=4")
    depth = 0
    for part in html.split("<"):
        depth += part.startswith("a ") - part.startswith("/a>")
        assert depth <= 1
