from pathlib import Path

import pytest

from agents.tools import Toolbox
from tests.agents.builders import a_brief, work

GRANT: dict[str, dict] = {"list_files": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/b.md").write_text("# Two\n\nThe second file is about pears.\n")
    (tmp_path / "sources/a.txt").write_text("The first file is about apples.\n")
    return tmp_path


def listed(workspace, **settings):
    return work(a_brief("list_files", settings=settings), toolbox=Toolbox(GRANT, workspace))


def test_numbers_every_file_in_the_order_of_its_name(folder):
    outcome = listed(folder)

    assert [(one["number"], one["path"], one["kind"]) for one in outcome.fields["files"]] == [
        (1, "sources/a.txt", "text"),
        (2, "sources/b.md", "Markdown"),
    ]
    assert outcome.fields["files"][0]["bytes"] == 32
    assert outcome.summary == "Listed 2 files, 71 bytes in all."


def test_names_what_cannot_be_read_and_does_not_lose_it(folder):
    (folder / "sources/logo.png").write_bytes(b"\x89PNG\r\n\0\0\0")
    (folder / "sources/nothing.txt").write_bytes(b"")
    (folder / "sources/leads-out").symlink_to("/etc/passwd")

    outcome = listed(folder)

    why = {one["path"]: one["why"] for one in outcome.fields["files"]}
    assert len(why) == 5
    assert "not a text file" in why["sources/logo.png"]
    assert why["sources/nothing.txt"] == "The file is empty."
    assert "outside" in why["sources/leads-out"]
    assert "3 files cannot be read" in outcome.summary
    assert "sources/logo.png" in outcome.made[0].text


def test_asks_for_files_where_none_came(tmp_path):
    outcome = listed(tmp_path)

    assert outcome.word == "escalate"
    assert "Which files" in outcome.question


def test_asks_where_nothing_can_be_read(tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")

    assert "empty.txt: The file is empty." in listed(tmp_path).why


def test_lists_only_the_folder_that_its_settings_name(folder):
    (folder / "letters").mkdir()
    (folder / "letters/c.txt").write_text("A letter.")

    assert [one["path"] for one in listed(folder, folder="letters").fields["files"]] == ["letters/c.txt"]


def test_lists_texts_that_a_program_gave_with_their_words(folder):
    brief = a_brief(
        "list_files", input={"sources": ["sources", {"title": "memo", "text": "Pears are ripe.\nNow."}]}
    )

    files = work(brief, toolbox=Toolbox(GRANT, folder)).fields["files"]

    assert [(one["number"], one["path"], one.get("source", "")) for one in files][-1] == (
        3,
        "memo",
        2,
    )
