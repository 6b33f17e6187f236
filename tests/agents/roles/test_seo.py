"""SEO: small edits, each listed, and never a changed statement."""

import pytest

from agents import front_matter
from agents.contract import Refused
from agents.prose import article
from tests.agents.builders import DRAFT, a_brief, a_draft, work


def seo(text=DRAFT, **given):
    values = {"input": {"keyword": "agentic procurement", **given.pop("input", {})}}
    return work(a_brief("seo", a_draft(text), **values, **given))


def edits(outcome, where):
    return [edit for edit in outcome.made[0].data["edits"] if edit["where"] == where]


def test_leaves_a_good_draft_as_it_is():
    outcome = seo(input={"sections": ["Background"]})

    assert outcome.made[0].text == DRAFT
    assert outcome.made[0].data["edits"] == []


def test_puts_the_keyword_in_front_of_a_title_that_lacks_it():
    outcome = seo(DRAFT.replace("How agentic procurement works", "What it saves"))

    assert front_matter.read(outcome.made[0].text)[0]["title"] == "Agentic procurement: what it saves"
    assert edits(outcome, "title")[0]["before"] == "What it saves"


def test_leaves_a_title_alone_that_would_grow_too_long():
    long = "A very long title about everything that ever happened in a purchasing team"

    outcome = seo(DRAFT.replace("How agentic procurement works", long))

    assert front_matter.read(outcome.made[0].text)[0]["title"] == long
    assert not next(check for check in outcome.checks if check.name == "Title").passed


def test_writes_a_description_of_the_right_length():
    outcome = seo(
        DRAFT.replace(
            "description: Agentic procurement cut purchasing costs by 7.4 percent on average across "
            "212 orders.",
            "description: Short.",
        )
    )
    description = front_matter.read(outcome.made[0].text)[0]["description"]

    assert 70 <= len(description) <= 160
    assert "agentic procurement" in description.lower()
    assert edits(outcome, "description")[0]["before"] == "Short."


def test_links_the_first_mention_of_an_existing_article():
    listed = [
        {
            "title": "How to clean a supplier list",
            "path": "/articles/clean-a-supplier-list",
            "keywords": ["supplier list"],
        }
    ]

    outcome = seo(input={"site_articles": listed})

    assert "clean its [supplier list](/articles/clean-a-supplier-list) before" in outcome.made[0].text
    assert edits(outcome, "link")[0]["why"] == "Leads to “How to clean a supplier list”."


def test_links_no_article_twice_when_a_draft_comes_again():
    listed = [{"title": "Lists", "path": "/articles/lists", "keywords": ["supplier list"]}]
    first = seo(input={"site_articles": listed})

    second = seo(first.made[0].text, input={"site_articles": listed})

    assert second.made[0].text == first.made[0].text


def test_puts_no_link_into_a_quotation_or_the_summary():
    listed = [
        {"title": "Persons", "path": "/articles/p", "keywords": ["a person decides", "purchasing costs"]}
    ]

    assert "](/articles/p)" not in seo(input={"site_articles": listed}).made[0].text


def test_takes_no_script_as_an_address():
    listed = [{"title": "Evil", "path": "javascript:alert(1)", "keywords": ["supplier list"]}]

    with pytest.raises(Refused, match="site_articles"):
        seo(input={"site_articles": listed})


def test_changes_no_statement():
    outcome = seo(
        DRAFT.replace("How agentic procurement works", "What it saves"),
        input={"site_articles": [{"title": "L", "path": "/l", "keywords": ["supplier list"]}]},
    )

    assert [s.bare for s in article.spots(outcome.made[0].text)] == [s.bare for s in article.spots(DRAFT)]


def test_measures_the_density_of_the_keyword():
    checks = {check.name: check for check in seo(input={"sections": ["Background"]}).checks}

    assert "1 times “agentic procurement”" in checks["Keyword density"].text
    assert not checks["Keyword placement"].passed


def test_keeps_what_the_writer_left_with_the_draft():
    outcome = work(a_brief("seo", a_draft(DRAFT, requests=[{"number": 1}])))

    assert outcome.made[0].data["requests"] == [{"number": 1}]
