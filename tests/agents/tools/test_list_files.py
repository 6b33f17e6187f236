import asyncio

import pytest

from agents.contract import Refused
from agents.tools import Toolbox


def use(folder, **permission):
    return asyncio.run(Toolbox({"list_files": permission}, folder).use("list_files"))["files"]


def test_tells_kinds_and_sizes(tmp_path):
    for name in ("a.eml", "b.html", "c.csv", "d"):
        (tmp_path / name).write_text("words")

    assert [(one["kind"], one["bytes"]) for one in use(tmp_path)] == [
        ("mail", 5),
        ("HTML", 5),
        ("table", 5),
        ("text", 5),
    ]


def test_refuses_more_files_than_its_permission_instead_of_listing_a_part(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text("words")

    with pytest.raises(Refused, match="more than 4 files"):
        use(tmp_path, most_files=4)


def test_follows_no_link_to_a_folder_outside(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/secret.txt").write_text("secret")
    (tmp_path / "in/link").symlink_to(tmp_path / "out")

    assert use(tmp_path / "in") == []


def test_refuses_without_a_workspace():
    with pytest.raises(Refused, match="no workspace"):
        use(None)
