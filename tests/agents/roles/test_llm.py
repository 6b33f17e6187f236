"""An agent of instructions alone: what exactly it is sent, and what becomes of the reply."""

import json

from agents import llm
from agents.contract import Given, Item
from tests.agents.builders import SOURCES, Scripted, a_brief, asked, work
from tests.agents.llm.test_openai_compatible import completion
from tests.agents.server import serving


def sent(brief):
    """What an OpenAI-compatible server is asked for this brief: the instruction part, the material."""
    with serving(lambda path, body: completion('{"text": "Gut."}')) as server:
        model = llm.model("default", {"CLAWBOT_MODELS": f"default=openai:tiny@{server.url('/v1')}"})
        assert work(brief, model).made[0].text == "Gut."
    assert len(server.asked) == 1
    messages = json.loads(server.asked[0][2])["messages"]
    assert [one["role"] for one in messages] == ["system", "user"]
    fence, material, end = messages[1]["content"].partition("\n")[0], messages[1]["content"], "</material>"
    assert (fence, material[-len(end) :]) == ("<material>", end)
    return messages[0]["content"], json.loads(material.removeprefix("<material>").removesuffix(end))


def test_makes_one_artifact_of_the_kind_it_returns():
    note = Given(kind="research", number=1, text=SOURCES[0]["text"])

    outcome = work(a_brief("llm", note, returns=("digest",), instructions="What does it cost?"))

    assert outcome.made[0].kind == "digest"
    assert "38,000 euros" in outcome.made[0].text


def test_reads_what_the_task_brought_where_there_is_no_artifact():
    outcome = work(
        a_brief("llm", input={"text": "Something to read."}), Scripted({"free": {"text": "Read.\0"}})
    )

    assert outcome.made[0].text == "Read."


def test_is_given_its_instructions_once_and_never_inside_the_material():
    brief = a_brief(
        "llm", Given(kind="draft", number=1, text="A lift."), instructions="Translate into German.",
        voice="Short words.",
    )  # fmt: skip

    system, material = sent(brief)

    assert system.count("Translate into German.") == 1
    assert system.count("Short words.") == 1
    assert "Translate" not in json.dumps(material)
    assert "Short words." not in json.dumps(material)


def test_is_given_the_brief_beside_the_artifacts():
    brief = a_brief(
        "llm", Given(kind="draft", number=1, text="A lift."), title="Lifts", instructions="Translate.",
        input={"title": "Lifts", "brief": "For tenants.", "audience": "tenants", "words": {"max": 90}},
        item={"language": "de"}, requests=asked(("Shorter.", "A lift.")),
        items=(Item(item=1, artifacts=(Given(kind="note", number=1, text="A note."),)),),
    )  # fmt: skip

    _, material = sent(brief)

    assert material == {
        "title": "Lifts",
        "task": {"brief": "For tenants.", "audience": "tenants", "words": {"max": 90}},
        "item": {"language": "de"},
        "texts": [{"kind": "draft", "text": "A lift."}, {"kind": "note", "text": "A note."}],
        "requests": [{"number": 1, "text": "Shorter.", "quote": "A lift.", "by": "user:ana"}],
    }


def test_reads_no_more_of_a_text_than_its_settings_say():
    brief = a_brief(
        "llm", Given(kind="draft", number=1, text="a" * 300), input={"brief": "b" * 300},
        settings={"most_characters": 100}, instructions="x",
    )  # fmt: skip

    _, material = sent(brief)

    assert (material["texts"][0]["text"], material["task"]["brief"]) == ("a" * 100, "b" * 100)


def test_asks_a_person_when_it_was_given_nothing():
    assert work(a_brief("llm", input={"title": "Lifts"})).word == "escalate"


def test_works_without_a_language_model_on_what_the_task_brought():
    outcome = work(a_brief("llm", input={"brief": SOURCES[0]["text"]}, instructions="What does it cost?"))

    assert "38,000 euros" in outcome.made[0].text


def test_asks_a_person_about_an_empty_reply():
    outcome = work(a_brief("llm", input={"text": "Something."}), Scripted({"free": {"text": " "}}))

    assert outcome.word == "escalate"
