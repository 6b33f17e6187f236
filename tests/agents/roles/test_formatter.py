"""The formatter: three pages of one draft, and no text of it ever becomes code."""

import re
import shutil
import subprocess

import pytest

from tests.agents.builders import DRAFT, a_brief, a_draft, work
from tests.agents.hostile import inputs

PHP = shutil.which("php")
needs_php = pytest.mark.skipif(PHP is None, reason="php is not installed; the scan of the tags runs anyway")


def pages(text=DRAFT, **given):
    outcome = work(a_brief("formatter", a_draft(text), **given))
    assert outcome.word == "done", outcome.why
    return {made.suffix: made.text for made in outcome.made}


def test_hands_on_the_text_of_the_draft_character_by_character():
    edited = DRAFT.replace("nine members", "nine very patient members")

    assert pages(edited)["md"] == edited


def test_makes_links_of_citations_and_names_of_sources():
    html = pages()["html"]

    assert '<sup class="cite"><a href="#source-2" rel="noopener">[2]</a></sup>' in html
    assert '<li id="source-2"><a href="https://procure.example/study"' in html


def test_leaves_brackets_alone_that_are_no_citation():
    html = pages(DRAFT.replace("nine members", "nine [9] members"))["html"]

    assert "nine [9] members" in html


def test_shows_a_sentence_in_all_three_pages():
    for text in pages().values():
        assert "Hallmere Foods makes chilled ready meals in three plants and employs 1,150 people" in text


def test_asks_a_person_about_a_head_that_cannot_be_read():
    outcome = work(a_brief("formatter", a_draft("---\nstatus: approved\n---\n\nText.\n")))

    assert outcome.word == "escalate"
    assert "`status` is not known" in outcome.why


def test_asks_a_person_about_a_draft_that_is_too_large():
    assert work(a_brief("formatter", a_draft("[" * 20_000))).word == "escalate"


@pytest.mark.parametrize("text", inputs("markdown_preview"))
def test_renders_no_script_handler_or_odd_address(text):
    outcome = work(a_brief("formatter", a_draft(f"## A\n\n{text}\n")))
    if outcome.word == "escalate":
        return
    html = next(made.text for made in outcome.made if made.suffix == "html")
    body = html.partition("</header>")[2]
    tags = re.findall(r"<[a-z][^>]*>", body, re.I)

    assert not [
        tag
        for tag in tags
        if re.search(r"^<(script|svg|math|form|meta|iframe|style|object|img|x|div|details)", tag, re.I)
    ]
    assert not [tag for tag in tags if re.search(r"\s(on\w+|hx-|data-hx|ws-|sse-|style)", tag, re.I)]
    assert not [tag for tag in tags if re.search(r"href=\"(?!https?:|mailto:|/|#)", tag, re.I)]


@needs_php
@pytest.mark.parametrize("text", inputs("php_formatter"))
@pytest.mark.parametrize("place", ["title", "description", "keyword", "body", "code", "source"])
def test_runs_no_code_that_stands_in_a_draft(text, place, tmp_path):
    canary = tmp_path / "canary"
    text = text.replace("/tmp/clawbot_canary", str(canary))
    flat = text.replace("\n", " ").replace("\r", " ")
    fields = {"title": "A title", "description": "About it", "keyword": "word", place: flat}
    head = "".join(
        f"{name}: '{value.replace(chr(39), chr(39) * 2)}'\n"
        for name, value in fields.items()
        if name in ("title", "description", "keyword")
    )
    body = {"body": text, "code": f"```\n{text}\n```", "source": f"## Sources\n\n1. {text}"}.get(
        place, "Text."
    )

    php = pages(f"---\n{head}---\n\n{body}\n")["php"]

    file = tmp_path / "page.php"
    file.write_text(php, "utf-8")
    for short in ("0", "1"):
        shown = subprocess.run(
            [PHP, "-d", f"short_open_tag={short}", str(file)],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout
        assert not canary.exists()
        assert "<h1>" in shown
        assert "Warning" not in shown
        assert "Parse error" not in shown


@needs_php
def test_prints_the_title_as_it_was_written(tmp_path):
    title = "Fish & \"Chips\" <b>'$x' {$y} \\n"
    file = tmp_path / "page.php"
    file.write_text(pages("Text.\n", title=title)["php"], "utf-8")

    shown = subprocess.run([PHP, str(file)], capture_output=True, text=True, timeout=20, check=True).stdout

    assert "<h1>Fish &amp; &quot;Chips&quot; &lt;b&gt;&#039;$x&#039; {$y} \\n</h1>" in shown


@needs_php
def test_makes_a_php_page_that_shows_what_the_html_page_shows(tmp_path):
    both = pages()
    file = tmp_path / "page.php"
    file.write_text(both["php"], "utf-8")

    shown = subprocess.run([PHP, str(file)], capture_output=True, text=True, timeout=20, check=True).stdout

    assert shown.partition("</header>")[2] == both["html"].partition("</header>")[2]


def test_makes_only_the_pages_that_its_settings_name():
    outcome = work(a_brief("formatter", a_draft(), settings={"pages": ["md", "html"]}))

    assert [one.suffix for one in outcome.made] == ["md", "html"]
    assert outcome.summary == "Made Markdown and HTML of the draft."
