"""The whole line over the shipped samples and over documents of one's own, without Django or a key."""

import re

import pytest

from agents.prose import article, words
from tests.agents.line import Line, sample


def every_sentence_is_in_its_source(line):
    """The sentences that are not, word for word, and that the brief does not order either."""
    texts = {
        s["number"]: words.plain(f"{s['title']} {s['text']}")
        for s in line.artifacts["research"][-1].data["sources"]
    }
    ordered = {words.plain(claim).strip(". ") for claim in line.input.get("must_mention", [])}
    stray = []
    for spot in article.spots(line.text("draft")):
        told = " ".join(texts[number] for number in spot.citations)
        wanted = words.plain(spot.bare).strip('". ')
        if wanted not in told and wanted not in ordered:
            stray.append(spot.text)
    return stray


@pytest.fixture(scope="module")
def default():
    line = sample("default")
    line.run()
    return line


def test_sends_the_planted_number_back_once_and_sees_it_repaired(default):
    words_said = [outcome.word for _, outcome in default.log]

    assert words_said.count("send_back") == 1
    assert words_said[-1] == "done"
    assert "47 percent" in default.artifacts["draft"][0].text
    assert "47 percent" not in default.text("draft")
    assert "7.4 percent" in default.text("draft")


def test_answers_the_reviewers_request_with_the_new_sentence(default):
    answers = next(outcome.answers for agent, outcome in default.log if agent == "writer" and outcome.answers)

    assert [answer.number for answer in answers] == [1]
    assert answers[0].quote in default.text("draft")
    assert "source 4" in answers[0].text


def test_mentions_what_the_brief_orders_in_the_words_of_the_source_that_has_it(default):
    body = article.bare(default.text("draft"))

    assert "Not one of the 536 teams in the survey lets an agent sign a contract." in body
    assert "the sourcing cycle fell from 13 to 8 days, a reduction of 38 percent." in body


def test_gives_both_sides_of_a_dispute(default):
    text = default.text("draft")

    assert ("24 percent" in text) == ("41 percent" in text)


def test_keeps_the_length_and_the_headings_of_the_brief(default):
    headings = [part.heading for part in article.parts(default.text("draft"))]

    assert 700 <= article.word_count(default.text("draft")) <= 1100
    assert headings == ["In short", *default.input["sections"], "Sources"]


@pytest.mark.parametrize("name", ["default", "onboarding_suppliers", "edge_caching", "pricing_pages"])
def test_finishes_a_sample_with_every_sentence_in_its_source(name):
    line = sample(name)

    assert line.run().word == "done"
    assert every_sentence_is_in_its_source(line) == []
    checks = next(out.checks for agent, out in reversed(line.log) if agent == "reviewer")
    assert next(check.passed for check in checks if check.name == "Meaning") is True


def test_says_so_in_a_section_that_no_source_has_anything_for():
    sections = ["Pilot results", "Recipes for rye bread", "What to do next"]
    line = sample("default")
    line.input |= {"sections": sections}
    line.run()

    text = line.text("draft")
    parts = {part.heading: text[part.start : part.end].strip() for part in article.parts(text)}
    assert parts["Recipes for rye bread"] == article.NO_EVIDENCE
    assert parts["Pilot results"] != article.NO_EVIDENCE


@pytest.mark.parametrize("name", ["default", "onboarding_suppliers", "edge_caching", "pricing_pages"])
def test_begins_no_paragraph_with_a_word_that_leans(name):
    line = sample(name)
    line.run()

    first = {spot.paragraph: spot for spot in reversed(article.spots(line.text("draft")))}
    leaning = [
        s.text
        for s in first.values()
        if re.match(r"(?:However|But|They|It|This|These|He|She|Such|Therefore)\b", s.text)
    ]

    assert leaning == []


def test_asks_a_person_which_of_two_disputed_figures_holds():
    line = sample("quarterly_spend")
    outcome = line.run()

    assert outcome.word == "escalate"
    assert "112 percent (source 2" in outcome.question
    assert "212 percent (source 4" in outcome.question


def test_adds_the_required_section_that_a_brief_left_out():
    line = sample("edge_caching")
    line.run()

    assert "## What to do next" not in line.artifacts["draft"][0].text
    assert "## What to do next" in line.text("draft")


def test_gives_the_same_article_twice():
    first, second = sample("pricing_pages"), sample("pricing_pages")
    first.run()
    second.run()

    assert first.text("page_php") == second.text("page_php")


def test_asks_for_other_sources_when_a_folder_is_about_something_else(tmp_path):
    (tmp_path / "bread.txt").write_text(
        "Rye bread needs a sour dough. Bakers keep the dough warm for sixteen hours.\n"
    )
    line = Line(title="Quantum error correction", input={"brief": "Explain it."}, workspace=tmp_path)

    outcome = line.run()

    assert outcome.word == "escalate"
    assert "None of the 1 sources mentions" in outcome.question


def test_writes_from_plain_documents_without_an_outline(tmp_path):
    for name in ("1-interview-hallmere.md", "4-procure-today-spend-study.md", "6-memo-kestrel-pilot.txt"):
        (tmp_path / name).write_bytes((sample("default").workspace / "sources" / name).read_bytes())
    line = Line(title="Agents in purchasing", input={"keyword": "agentic procurement"}, workspace=tmp_path)

    outcome = line.run()

    assert outcome.word == "done"
    assert every_sentence_is_in_its_source(line) == []
    assert article.parts(line.text("draft"))[0].heading == "In short"
