"""read_mail: the messages of files of the workspace, from their bytes."""

import asyncio
import gzip

import pytest

from agents.contract import Refused
from agents.tools import Toolbox

HEAD = b"From: Ana <ana@x.example>\nSubject: Oak\nDate: Mon, 16 Feb 2026 09:00:00 +0100\n"
MAIL = HEAD + b"\nThe boards are here.\n"
ENVELOPE = b"From x Mon Feb 16 09:00:00 2026\n"


def read(workspace, path, lists=False, **permission):
    return asyncio.run(
        Toolbox({"read_mail": permission}, workspace, {}).use("read_mail", path=path, lists=lists)
    )


@pytest.mark.parametrize(
    ("name", "content", "subjects"),
    [
        ("a.eml", MAIL, ["Oak"]), ("a.txt", MAIL, ["Oak"]), ("a.eml.gz", gzip.compress(MAIL), ["Oak"]),
        ("box", (ENVELOPE + MAIL + b"\n") * 2, ["Oak", "Oak"]),
        ("note.md", b"# Stand-up\n\nReady.\n", ["Stand-up"]),
    ],
)  # fmt: skip
def test_gives_each_message_of_a_file(tmp_path, name, content, subjects):
    (tmp_path / name).write_bytes(content)

    assert [one["subject"] for one in read(tmp_path, name)["messages"]] == subjects


def test_gives_plain_json(tmp_path):
    (tmp_path / "a.eml").write_bytes(MAIL)

    (message,) = read(tmp_path, "a.eml")["messages"]

    assert message["at"] == "2026-02-16T09:00:00+01:00"
    assert (message["sender"], message["text"]) == ("Ana", "The boards are here.")


def test_takes_a_list_for_people_only_if_asked(tmp_path):
    (tmp_path / "a.eml").write_bytes(b"List-ID: <l.x>\n" + MAIL)

    found = [read(tmp_path, "a.eml", lists=lists)["messages"][0]["automatic"] for lists in (False, True)]
    assert found == [True, False]


def test_says_what_may_be_read_wrong(tmp_path):
    (tmp_path / "a.eml").write_bytes(MAIL.replace(b"The", b"Content-Type: x\n\nZ\xfcrich: the"))

    assert "a guess" in read(tmp_path, "a.eml")["messages"][0]["doubt"]


def test_says_that_a_file_is_longer(tmp_path):
    (tmp_path / "a.eml").write_bytes(MAIL + b"x" * 2_000)

    assert read(tmp_path, "a.eml", most_bytes=1_000)["cut"]


@pytest.mark.parametrize("name", ["../a.eml", "none.eml"])
def test_reads_nothing_beside_the_workspace(tmp_path, name):
    with pytest.raises(Refused):
        read(tmp_path, name)
