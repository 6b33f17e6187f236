"""The writer: what a first draft holds, and how each request is answered."""

import pytest

from agents import front_matter
from agents.prose import article
from agents.roles.writer import slug
from tests.agents.builders import DRAFT, SOURCES, Scripted, a_brief, a_draft, a_research, asked, work

QUOTE = "The purchasing team of Hallmere has nine members and deals with about 640 suppliers [1]."


def revise(*requests, text=DRAFT, model=None, by="user:ana", **data):
    research = a_research(contradictions=data.pop("contradictions", []))
    return work(
        a_brief("writer", research, a_draft(text), requests=asked(*requests, by=by), round=2, **data), model
    )


def test_writes_front_matter_and_a_list_of_sources():
    text = (
        work(
            a_brief(
                "writer",
                a_research(),
                input={"keyword": "agentic procurement", "words": {"min": 40, "max": 200}},
            )
        )
        .made[0]
        .text
    )
    fields, body = front_matter.read(text)

    assert fields["title"] == "How agentic procurement works"
    assert fields["slug"] == "how-agentic-procurement-works"
    assert body.rstrip().endswith("2. [The small-order study](https://procure.example/study)")


def test_cites_a_source_after_every_sentence():
    text = work(a_brief("writer", a_research())).made[0].text

    assert [spot.text for spot in article.spots(text) if not spot.citations] == []


def test_mentions_word_for_word_what_the_brief_orders_even_without_a_source():
    outcome = work(
        a_brief("writer", a_research(), input={"must_mention": ["Agents cut costs by 47 percent"]})
    )

    assert "Agents cut costs by 47 percent." in outcome.made[0].text
    assert "1 statement that the brief orders has no source." in outcome.summary


def test_keeps_the_headings_of_the_brief():
    outcome = work(a_brief("writer", a_research(), input={"sections": ["Background", "Costs"]}))

    assert [p.heading for p in article.parts(outcome.made[0].text)] == [
        "In short",
        "Background",
        "Costs",
        "Sources",
    ]


def test_takes_no_markup_and_no_unknown_source_from_a_model():
    reply = {"description": "x", "sections": [{"heading": "# Evil", "paragraphs": [[
        {"text": "- ![](https://evil.example/x.png) Costs fell [9](https://evil.example).", "sources": [1, 9]}
    ]]}]}  # fmt: skip

    text = work(a_brief("writer", a_research()), Scripted({"write_draft": reply})).made[0].text

    assert "evil.example" not in text
    assert "## Evil\n\nCosts fell 9 [1]." in text


def test_asks_a_person_when_there_is_no_research():
    assert work(a_brief("writer")).word == "escalate"


def test_takes_a_sentence_out():
    outcome = revise(("Please remove this sentence.", QUOTE))

    assert QUOTE not in outcome.made[0].text
    assert outcome.answers[0].text == "The sentence is gone."


def test_puts_the_words_of_an_editor_in_place():
    outcome = revise(('Replace "nine members" with "nine buyers".', QUOTE))

    assert "The purchasing team of Hallmere has nine buyers and deals" in outcome.made[0].text


def test_renames_the_article():
    outcome = revise(("Change the title to “Who signs?”", ""))

    assert front_matter.read(outcome.made[0].text)[0]["title"] == "Who signs?"


def test_adds_what_a_source_says_about_the_wish():
    outcome = revise(("What did the project cost? Give the number of euros.", QUOTE))

    assert (
        f"{QUOTE} Hallmere spent 38,000 euros on the project in its first eight months [1]."
        in outcome.made[0].text
    )
    assert outcome.answers[0].quote in outcome.made[0].text


def test_puts_a_sourced_sentence_in_place_of_an_unsourced_one():
    wrong = "Agentic procurement cut purchasing costs by 47 percent."
    text = DRAFT.replace(
        "- Agentic procurement cut purchasing costs by 7.4 percent on average across 212 orders [2].",
        f"- {wrong}",
    )

    outcome = revise(("No source says 47 percent. Use what the source says, or remove it.", wrong), text=text)

    assert "47 percent" not in outcome.made[0].text
    assert (
        "- Agentic procurement cut purchasing costs by 7.4 percent on average across 212 orders [2]."
        in outcome.made[0].text
    )


def test_adds_a_missing_section_before_the_sources():
    text = DRAFT.replace(
        "## What to do next\n\n1. Every team should clean its supplier list before it buys any "
        "software [1].\n\n",
        "",
    )

    outcome = revise(("The section “What to do next” is required and missing.", ""), text=text)

    headings = [part.heading for part in article.parts(outcome.made[0].text)]
    assert headings == ["In short", "Background", "What to do next", "Sources"]


def test_follows_a_person_who_decides_a_dispute():
    disputed = "AI spend grew 212 percent in the third quarter [2]."
    sources = [
        {
            "number": n,
            "title": f"Book {n}",
            "origin": "",
            "text": f"AI spend grew {v} percent in the third quarter. The year was long and dry.",
        }
        for n, v in ((1, 112), (2, 212))
    ]
    sides = [
        {"text": f"AI spend grew {v} percent in the third quarter.", "source": n, "value": f"{v} percent"}
        for n, v in ((1, 112), (2, 212))
    ]
    research = a_research(sources, contradictions=[{"topic": "AI spend", "statements": sides}])
    brief = a_brief(
        "writer",
        research,
        a_draft(f"## Growth\n\n{disputed}\n"),
        requests=asked(("Use source 1, the other is a typing error.", disputed)),
    )

    assert "AI spend grew 112 percent in the third quarter [1]." in work(brief).made[0].text


def test_says_so_when_it_cannot_meet_a_request():
    outcome = revise(("Make it sing.", QUOTE))

    assert outcome.made[0].text == DRAFT
    assert "Nothing was changed" in outcome.answers[0].text
    assert outcome.answers[0].quote == ""


def test_answers_every_request_by_its_number_even_where_a_model_forgot_one():
    reply = {"changes": [{"request": 1, "answer": "Gone.", "action": "remove", "old": QUOTE}]}

    outcome = revise(("Remove it.", QUOTE), ("And the rest?", ""), model=Scripted({"revise_draft": reply}))

    assert [answer.number for answer in outcome.answers] == [1, 2]
    assert "did not answer" in outcome.answers[1].text


def test_ignores_a_change_to_a_sentence_that_is_not_there():
    reply = {
        "changes": [
            {
                "request": 1,
                "answer": "Done.",
                "action": "replace",
                "old": "Never written.",
                "new": [{"text": "X.", "sources": [1]}],
            }
        ]
    }

    outcome = revise(("Mend it.", QUOTE), model=Scripted({"revise_draft": reply}))

    assert outcome.made[0].text == DRAFT
    assert "not in the draft any more" in outcome.answers[0].text


def test_leaves_every_other_character_of_the_draft_alone():
    outcome = revise(("Remove this.", QUOTE))

    assert outcome.made[0].text == DRAFT.replace(f" {QUOTE}", "")


def test_keeps_the_requests_with_the_draft_for_the_next_review():
    outcome = revise(("Remove this.", QUOTE), by="agent:reviewer")

    assert outcome.made[0].data["requests"][0]["by"] == "agent:reviewer"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Ängste & Öl: 100 %", "angste-ol-100"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", "article"),
        ("x" * 200, "x" * 80),
    ],
)
def test_makes_a_slug_of_plain_letters(title, expected):
    assert slug(title) == expected


def test_cannot_be_made_to_cite_a_source_that_is_not_there():
    assert {s["number"] for s in SOURCES} == {1, 2}
    reply = {
        "description": "",
        "sections": [{"heading": "A", "paragraphs": [[{"text": "Costs fell.", "sources": [3]}]]}],
    }

    assert "[3]" not in work(a_brief("writer", a_research()), Scripted({"write_draft": reply})).made[0].text


STREAMS = [
    source | {"streams": [stream]} for source, stream in zip(SOURCES, ("own", "industry"), strict=True)
]
SAVED = "The paint maker saved 11.8 percent, while the lift maker saved 1.9 percent."
SPENT = "Hallmere spent 38,000 euros on the project in its first eight months."
SIDES = [{"text": SAVED, "source": 2, "value": "11.8"}, {"text": SPENT, "source": 1, "value": "38,000"}]


def test_writes_a_section_from_its_stream_alone():
    settings = {"sections": {"What we did": "own", "The market": "industry"}}

    outcome = work(a_brief("writer", a_research(STREAMS), settings=settings))

    body = outcome.made[0].text
    ours, market = body.partition("## What we did")[2], body.partition("## The market")[2]
    assert "[2]" not in ours.partition("\n## ")[0]
    assert "[1]" not in market.partition("\n## ")[0]


def test_lets_the_task_name_other_sections():
    given = {"sections": ["Costs"], "words": {"min": 20, "max": 300}}

    outcome = work(a_brief("writer", a_research(STREAMS), settings={"sections": {"All": ""}}, input=given))

    assert "## Costs" in outcome.made[0].text
    assert "## All" not in outcome.made[0].text


def test_shows_every_dispute_in_a_section_of_its_own_and_nowhere_else():
    research = a_research(STREAMS, contradictions=[{"topic": "x", "statements": SIDES}])

    text = work(a_brief("writer", research, settings={"disputes": "Where they disagree"})).made[0].text

    apart = text.partition("## Where they disagree")[2].partition("\n## ")[0]
    assert "11.8 percent, while the lift maker saved 1.9 percent [2]." in apart
    assert "38,000 euros on the project in its first eight months [1]." in apart
    assert text.count("38,000") == 1


def test_a_sentence_that_has_nothing_to_do_with_the_request_is_not_added_and_not_called_an_answer():
    sentence = {"text": "The small-order study was read by many people.", "sources": [2]}
    change = {
        "request": 1, "answer": "I put it right.", "action": "insert", "heading": "In short",
        "new": [sentence],
    }  # fmt: skip

    outcome = revise(("Nonsense, put it right.", ""), model=Scripted({"revise_draft": {"changes": [change]}}))

    assert outcome.made[0].text == DRAFT
    assert outcome.answers[0].text.startswith("Not done: no words that changed have to do with this request.")
    assert outcome.answers[0].quote == ""
