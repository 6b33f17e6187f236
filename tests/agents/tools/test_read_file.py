"""read_file: files of the workspace, and nothing beside them."""

import asyncio
import gzip
import os

import pytest

from agents.contract import Refused
from agents.tools import Toolbox
from tests.agents.hostile import inputs


def read(workspace, path, **permission):
    return asyncio.run(Toolbox({"read_file": permission}, workspace, {}).use("read_file", path=path))


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "ART-142"
    folder.mkdir()
    (tmp_path / ".env").write_text("SECRET=1")
    (tmp_path / "other_task_42").mkdir()
    (tmp_path / "other_task_42" / "brief.md").write_text("not yours")
    return folder


def test_reads_a_file_with_its_hash(workspace):
    (workspace / "a.md").write_text("# Über uns\r\nText.")

    assert read(workspace, "a.md")["text"] == "# Über uns\nText."
    assert len(read(workspace, "a.md")["sha256"]) == 64


def test_unpacks_gzip_only_up_to_the_limit(workspace):
    (workspace / "bomb.gz").write_bytes(gzip.compress(b"a" * 20_000_000))

    content = read(workspace, "bomb.gz", most_bytes=100_000)

    assert len(content["text"]) == 100_000
    assert content["cut"]


def test_cuts_a_large_file(workspace):
    (workspace / "a.txt").write_text("ä" * 5_000)

    content = read(workspace, "a.txt", most_bytes=1_001)

    assert content["cut"]
    assert set(content["text"]) == {"ä"}


def test_reads_latin_1(workspace):
    (workspace / "a.txt").write_bytes("Öl und Ähren, nicht viel mehr".encode("latin-1"))

    assert read(workspace, "a.txt")["text"].startswith("Öl und Ähren")


@pytest.mark.parametrize("path", inputs("file_read_tool"))
def test_refuses_a_path_that_leads_outside(workspace, path):
    if path == "fifo_without_writer":
        os.mkfifo(workspace / path)

    with pytest.raises(Refused):
        read(workspace, path)


def test_refuses_a_link_that_leads_outside(workspace):
    (workspace / "link").symlink_to(workspace.parent / ".env")

    with pytest.raises(Refused, match="outside"):
        read(workspace, "link")


def test_refuses_a_folder_behind_a_link(workspace):
    (workspace / "away").symlink_to(workspace.parent / "other_task_42")

    with pytest.raises(Refused, match="outside"):
        read(workspace, "away/brief.md")


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(50), b"PK\x03\x04rest", b"%PDF-1.7 rest", bytes(range(1, 32)) * 9],
)
def test_refuses_what_is_no_text(workspace, content):
    (workspace / "a.txt").write_bytes(content)

    with pytest.raises(Refused, match="not a text file"):
        read(workspace, "a.txt")


def test_refuses_everything_where_a_task_has_no_workspace():
    with pytest.raises(Refused):
        read(None, "a.txt")


def test_takes_hidden_characters_out(workspace):
    (workspace / "a.txt").write_text("Pay \u202eevil\u202c now\u200b\U000e0041.", "utf-8")

    assert read(workspace, "a.txt")["text"] == "Pay evil now."
