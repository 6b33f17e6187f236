import pytest

from agents.contract import Given
from tests.agents.builders import Scripted, a_brief, work


def a_source(number, text, sha=""):
    title = f"Source {number} of {sha or text[:10]}"
    return {"number": number, "title": title, "origin": "x", "text": text, "sha256": sha or text}


def a_stream(name, *texts, **notes):
    sources = [a_source(number, text) for number, text in enumerate(texts, start=1)]
    return Given(kind=f"{name}_notes", number=1, data={"sources": sources, "stream": name, **notes})


SOLD = "Tradespeople in the region bought 52,000 cargo bikes in 2025, according to Packrad."
COUNTED = "Tradespeople in the region bought 41,300 cargo bikes in 2025, according to the association."
RIVALS = a_stream("competitors", SOLD, key_points=[{"text": SOLD, "source": 1}])
TRADE = a_stream(
    "industry", "Plumbers lease most often because they work near their shop.", COUNTED,
    key_points=[{"text": COUNTED, "source": 2}], open_questions=["How many bikes are leased?"],
)  # fmt: skip


def combine(*given, model=None, streams=("competitors", "industry", "history")):
    outcome = work(a_brief("combine", *given, settings={"streams": list(streams)}), model)
    return outcome, outcome.made[0].data if outcome.made else {}


def test_numbers_the_sources_of_all_streams_in_their_order():
    _, data = combine(TRADE, RIVALS)

    assert [(one["number"], one["streams"]) for one in data["sources"]] == [
        (1, ["competitors"]),
        (2, ["industry"]),
        (3, ["industry"]),
    ]
    assert {"text": COUNTED, "source": 3} in data["key_points"]


def test_keeps_a_source_once_that_two_streams_read():
    both = a_stream("industry", SOLD, key_points=[{"text": SOLD, "source": 1}])

    _, data = combine(RIVALS, both)

    assert [one["streams"] for one in data["sources"]] == [["competitors", "industry"]]
    assert data["key_points"] == [{"text": SOLD, "source": 1}]


def test_shows_what_streams_dispute_that_none_of_them_could_see():
    outcome, data = combine(RIVALS, TRADE)

    sides = data["contradictions"][0]["statements"]
    assert {(side["value"], side["source"]) for side in sides} == {("52,000", 1), ("41,300", 3)}
    assert "They dispute 1 figure." in outcome.summary
    assert "## Contradictions" in outcome.made[0].text


def test_names_a_stream_that_brought_nothing():
    outcome, data = combine(RIVALS, TRADE)

    assert outcome.fields["missing"] == ["history"]
    assert "No source was read for the stream “history”." in data["open_questions"]


def test_drops_a_dispute_that_a_model_made_up():
    sides = [{"text": SOLD, "source": 1, "value": "52,000"}, {"text": "It was 9.", "source": 3, "value": "9"}]
    made_up = {"find_disputes": {"contradictions": [{"topic": "bikes", "statements": sides}]}}

    _, data = combine(RIVALS, TRADE, model=Scripted(made_up))

    assert data["contradictions"] == []


def test_gives_a_model_only_the_sentences_with_figures():
    model = Scripted({"find_disputes": {"contradictions": []}})

    combine(RIVALS, TRADE, model=model)

    assert [one["text"] for one in model.asks[0].material["statements"]] == [SOLD, COUNTED]


@pytest.mark.parametrize("given", [(), (Given(kind="industry_notes", number=1),)])
def test_asks_where_no_stream_brought_anything(given):
    assert combine(*given)[0].word == "escalate"
