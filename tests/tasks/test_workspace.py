"""Files that a task names are copied into its own folder; nothing else is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.contract import Refused
from tasks import workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "one.md").write_text("One.")
    (tmp_path / "study.txt").write_text("A study.")
    return tmp_path


def test_copies_files_and_folders_and_renames_them_in_the_input(folder: Path) -> None:
    addresses = ["https://example.org/a", "feed:https://example.org/feed.xml"]
    given = {"sources": ["study.txt", "notes", *addresses, {"text": "typed in"}], "keyword": "x"}

    result, waiting = workspace.collect(given, folder, anywhere=False)

    assert result["sources"] == [
        "sources/study.txt",
        "sources/notes",
        *addresses,
        {"text": "typed in"},
    ]
    assert waiting is not None
    workspace.keep(waiting, "TST-1")
    assert workspace.names("TST-1") == ("sources/notes/one.md", "sources/study.txt")


def test_gives_two_files_of_one_name_two_names(folder: Path) -> None:
    (folder / "notes" / "study.txt").write_text("Another.")

    result, _ = workspace.collect({"sources": ["study.txt", "notes/study.txt"]}, folder, anywhere=False)

    assert result["sources"] == ["sources/study.txt", "sources/study-2.txt"]


def test_refuses_a_missing_file_by_name_and_leaves_nothing_behind(folder: Path) -> None:
    before = set((workspace.root("x").parent).glob(".incoming-*"))
    with pytest.raises(Refused, match=r"'sudy.txt'.*relative to the brief"):
        workspace.collect({"sources": ["study.txt", "sudy.txt"]}, folder, anywhere=False)

    assert set((workspace.root("x").parent).glob(".incoming-*")) == before


@pytest.mark.parametrize("name", ["x" * 300, "notes/" + "x" * 300, "🎈" * 200])
def test_a_name_too_long_for_any_file_is_no_file(name: str, folder: Path) -> None:
    with pytest.raises(Refused, match="nothing is there"):
        workspace.collect({"sources": [name]}, folder, anywhere=False)

    assert not workspace.holds(folder, name)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "notes/../../outside.txt"])
def test_refuses_what_lies_outside_the_files_that_came(name: str, folder: Path) -> None:
    (folder.parent / "outside.txt").write_text("private")

    with pytest.raises(Refused, match="outside the files that came with this task"):
        workspace.collect({"sources": [name]}, folder, anywhere=False)


def test_leaves_links_behind_when_it_copies_a_folder(folder: Path) -> None:
    (folder / "notes" / "hosts").symlink_to("/etc/hosts")

    _, waiting = workspace.collect({"sources": ["notes"]}, folder, anywhere=True)

    assert waiting is not None
    assert [path.name for path in (waiting / "sources" / "notes").iterdir()] == ["one.md"]


def test_refuses_a_name_without_any_files(folder: Path) -> None:
    with pytest.raises(Refused, match="no files came with this task"):
        workspace.collect({"sources": ["study.txt"]}, None, anywhere=False)


def test_takes_the_place_of_what_a_failed_transaction_left_under_the_same_key(folder: Path) -> None:
    for text in ("left behind", "the real one"):
        (folder / "study.txt").write_text(text)
        _, waiting = workspace.collect({"sources": ["study.txt"]}, folder, anywhere=False)
        workspace.keep(waiting, "TST-2")

    assert (workspace.root("TST-2") / "sources" / "study.txt").read_text() == "the real one"


def test_leaves_addresses_of_feeds_and_texts_of_several_lines_as_they_are(folder: Path) -> None:
    given = {
        "sources": ["feed:http://depot.example/a.xml", "FEED://depot.example/b", "A text\nof two lines."]
    }

    assert workspace.collect(given, folder, anywhere=False) == (given, None)
