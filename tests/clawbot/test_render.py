"""Whatever a draft says, what a page shows is text."""

from html.parser import HTMLParser

import pytest

from clawbot import render


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://tracker.example/pixel.png)",
        "<a href='https://x.example' onclick='alert(1)'>x</a>",
        "`` `<svg onload=alert(1)>` ``",
    ],
)
def test_lets_nothing_through_that_acts(hostile):
    found = Reader()
    found.feed(render.markdown(hostile))

    assert found.tags <= {"p", "code", "a"}
    assert {name for name, _ in found.attributes} <= {"href", "rel"}
    assert all(value.startswith("https://") for name, value in found.attributes if name == "href")


class Reader(HTMLParser):
    """Collects what a browser would act upon."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(attrs)


def test_renders_what_writers_use():
    html = render.markdown(
        "# Title\n\nA *word* and [a link](https://x.example).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )

    assert "<h1>Title</h1>" in html
    assert "<em>word</em>" in html
    assert 'rel="noopener noreferrer"' in html
    assert "<td>1</td>" in html


def test_shows_the_beginning_of_a_long_text_up_to_a_paragraphs_end():
    text = "One paragraph.\n\n" * 5_000

    assert render.markdown(text) == render.markdown(render.first(text))
    assert render.first(text).endswith("One paragraph.")
    assert (
        render.rest(text)
        == f"Only the first {len(render.first(text)):,} of 80,000 characters are shown here."
    )
    assert render.rest("short") == ""


def test_looks_for_no_links_where_nobody_could_have_meant_them():
    assert "<a" in render.markdown("[a](https://x.example) " * 900)
    assert "<a" not in render.markdown("[a](https://x.example) " * 1_200)


def test_leads_nowhere_on_a_site_that_is_not_ours():
    html = render.markdown(
        "[tail spend](/articles/what-tail-spend-is), [it](it.html), [all](https://x.example)"
    )

    assert html.count("href=") == 1
    assert 'href="https://x.example"' in html
    assert "tail spend" in html
    assert 'href="/help/"' in render.markdown("[help](/help/)", ours=True)
