"""Research: what becomes a source, what is left out, and when a person is asked."""

import gzip

import pytest

from agents.contract import Unavailable
from agents.tools import Toolbox
from tests.agents.builders import Scripted, a_brief, work

PROSE = (
    "Hallmere Foods makes chilled ready meals in three plants. The purchasing team has nine members "
    "and 640 suppliers. "
    "Agentic procurement began there in February 2026.\n"
)


def research(tmp_path, names, model=None, **given):
    toolbox = Toolbox({"read_file": {}}, tmp_path, {})
    brief = a_brief("research", files=tuple(names), **given)
    return work(brief, model, toolbox)


def test_numbers_the_sources_in_the_order_of_the_task(tmp_path):
    (tmp_path / "b.txt").write_text(PROSE)
    (tmp_path / "a.md").write_text(
        "# The study\n\nAgentic procurement cut purchasing costs by 7.4 percent across 212 orders. "
        "The lift maker saved 1.9 percent in the same months.\n"
    )

    outcome = research(tmp_path, ["a.md", "b.txt"], input={"sources": ["b.txt", "a.md"]})

    sources = outcome.made[0].data["sources"]
    assert [(s["number"], s["origin"]) for s in sources] == [(1, "b.txt"), (2, "a.md")]
    assert sources[1]["title"] == "The study"


def test_takes_every_item_word_for_word_from_its_source(tmp_path):
    (tmp_path / "b.txt").write_text(PROSE)

    data = research(tmp_path, ["b.txt"]).made[0].data

    assert data["key_points"]
    assert all(point["text"] in data["sources"][0]["text"] for point in data["key_points"])


def test_drops_what_a_model_made_up(tmp_path):
    (tmp_path / "b.txt").write_text(PROSE)
    model = Scripted({"compile_research": {"key_points": [
        {"text": "The purchasing team has nine members and 640 suppliers.", "source": 1},
        {"text": "The purchasing team has ninety members.", "source": 1},
        {"text": "The purchasing team has nine members and 640 suppliers.", "source": 7},
    ]}})  # fmt: skip

    data = research(tmp_path, ["b.txt"], model).made[0].data

    assert len(data["key_points"]) == 1


def test_reads_packed_files_and_folders(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.gz").write_bytes(gzip.compress(PROSE.encode()))

    outcome = research(tmp_path, ["docs/README.gz"], input={"sources": ["docs"]})

    assert outcome.made[0].data["sources"][0]["origin"] == "docs/README.gz"


def test_leaves_out_pictures_with_a_note(tmp_path):
    (tmp_path / "b.txt").write_text(PROSE)
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))

    data = research(tmp_path, ["b.txt", "logo.png"]).made[0].data

    assert len(data["sources"]) == 1
    assert "not a text file" in data["skipped"][0]


def test_takes_a_text_given_with_the_task():
    outcome = work(a_brief("research", input={"sources": [{"text": PROSE, "title": "Notes"}]}))

    assert outcome.made[0].data["sources"][0]["title"] == "Notes"


def test_asks_a_person_when_no_source_can_be_used(tmp_path):
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 4)

    outcome = research(tmp_path, ["data.bin"])

    assert outcome.word == "escalate"
    assert "data.bin" in outcome.why


def test_asks_a_person_when_the_task_has_no_sources():
    outcome = work(a_brief("research"))

    assert outcome.word == "escalate"
    assert "names no sources" in outcome.why


def test_refuses_a_file_outside_the_workspace_and_goes_on_with_the_others(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("A secret that nobody may read. It stands outside of the workspace.")
    (inside / "b.txt").write_text(PROSE)

    data = research(inside, ["b.txt"], input={"sources": ["../secret.txt", "b.txt"]}).made[0].data

    assert [source["origin"] for source in data["sources"]] == ["b.txt"]
    assert "outside the task's workspace" in data["skipped"][0]


def test_finds_figures_that_sources_dispute(tmp_path):
    (tmp_path / "a.txt").write_text(
        "AI spend at Aldermoor grew 112 percent year on year in the third quarter. The books are "
        "closed by now."
    )
    (tmp_path / "b.txt").write_text(
        "AI spend at Aldermoor grew 212 percent year on year in the third quarter. The board was "
        "told so in October."
    )

    data = research(tmp_path, ["a.txt", "b.txt"], title="AI spend at Aldermoor").made[0].data

    assert [s["value"] for s in data["contradictions"][0]["statements"]] == ["112 percent", "212 percent"]


def test_tries_again_later_when_its_only_source_is_down():
    class Down(Toolbox):
        async def use(self, name, /, **arguments):
            raise Unavailable("the server is resting", 60)

    brief = a_brief("research", input={"sources": ["https://down.example/page"]})

    with pytest.raises(Unavailable) as down:
        work(brief, toolbox=Down({}))

    assert down.value.after_seconds == 60


def test_reads_the_sources_of_its_stream_and_those_that_belong_to_none(tmp_path):
    for name in ("industry", "history"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(
            f"The {name} counts many agents this year. Agents cost very little money there."
        )
    (tmp_path / "free.md").write_text("Nobody sorted this text about agents. It has two whole sentences.")
    files = ("free.md", "history/a.md", "industry/a.md")
    given = {
        "sources": [
            "industry",
            "history",
            "free.md",
            {"text": "Agents work. They do it well.", "stream": "x"},
        ]
    }
    brief = a_brief(
        "research", title="Agents", files=files, input=given, returns=("industry_notes",),
        settings={"stream": "industry"},
    )  # fmt: skip

    outcome = work(brief, toolbox=Toolbox({"read_file": {}}, tmp_path))

    assert outcome.made[0].kind == "industry_notes"
    assert [one["origin"] for one in outcome.made[0].data["sources"]] == ["industry/a.md", "free.md"]
    assert outcome.made[0].data["stream"] == "industry"
