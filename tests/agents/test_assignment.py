"""What an article task lends and brings, as its roles read it."""

import pytest

from agents import assignment
from agents.contract import Refused
from tests.agents.builders import a_brief


def listed(text):
    brief = a_brief("seo", input={}, materials={"site_articles": {"site_articles": text}})
    return assignment.site_articles(brief, assignment.read(brief))


def test_reads_the_existing_articles_that_the_workflow_lends():
    found = listed("- {title: 3.10 is out, path: /a, keywords: [x]}\n- {title: B, path: /b}\n")

    assert [(one.title, one.path) for one in found] == [("3.10 is out", "/a"), ("B", "/b")]
    assert listed("") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- {title: A, path: /a}\n- {titel: B, path: /b}\n",
            "site_articles.yaml, line 2: unknown key `titel`.",
        ),
        ("- {title: A, path: /a}\n- {title: B}\n", "site_articles.yaml, line 2: `path` is missing."),
        ("- {title: A, path: a}\n", "site_articles.yaml, line 1: `path`: found 'a'."),
        ("articles: []\n", "line 1: a list is needed"),
        ("- B\n", "found text at the top"),
    ],
)
def test_refuses_an_article_that_nobody_could_link_to_with_its_line(text, said):
    with pytest.raises(Refused) as refused:
        listed(text)

    assert said in str(refused.value)
