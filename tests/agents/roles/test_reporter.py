"""The reporter: one paragraph and the facts, also when nobody helps it."""

from agents.contract import Given
from tests.agents.builders import Scripted, a_brief, a_draft, a_research, work

OUTPUT = ("staging/articles/a.md", "staging/articles/a.php")


def report(*extra, model=None, **data):
    return work(a_brief("reporter", a_draft(**data), a_research(), *extra, output=OUTPUT), model).made[0]


def test_tells_title_path_words_and_sources():
    facts = report().data

    assert facts["title"] == "How agentic procurement works"
    assert facts["path"] == "staging/articles/a.php"
    assert (facts["words"], facts["sources"], facts["cited"]) == (68, 2, 2)


def test_sums_up_in_one_paragraph():
    text = report().text

    assert "\n" not in text
    assert text.startswith("Agentic procurement cut purchasing costs by 7.4 percent")
    assert "68 words, 2 of 2 sources cited." in text


def test_tells_what_the_reviewer_found():
    review = Given(
        kind="review",
        number=2,
        data={"findings": [{"state": "corrected"}, {"state": "open"}, {"state": "open"}]},
    )

    text = report(review, requests=[{"text": "No source says 47 percent. Remove it."}], round=2).text

    assert "It came back once (last: No source says 47 percent)." in text
    assert "2 findings are open." in text


def test_tells_the_facts_when_the_model_does_not_answer():
    assert report(model=Scripted({})).text.startswith("68 words")


def test_keeps_a_models_summary_to_one_line_without_links():
    text = report(model=Scripted({"summarise": {"text": "Read\n[this](https://evil.example) @channel"}})).text

    assert "evil.example" not in text
    assert text.startswith("Read this @channel 68 words")
