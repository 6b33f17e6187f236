"""search: passages of the workspace that fit some words."""

import asyncio

import pytest

from agents.contract import Refused
from agents.tools import Toolbox


def search(workspace, text, **permission):
    return asyncio.run(Toolbox({"search": permission}, workspace, {}).use("search", words=text))["passages"]


def test_finds_the_passage_that_fits_best_and_its_file(tmp_path):
    (tmp_path / "a.md").write_text("Rye bread needs a sour dough.\n\nThe licence cost 16,000 euros.\n")
    (tmp_path / "b.md").write_text("The weather was fair in May.\n")

    found = search(tmp_path, "cost of the licence")

    assert found[0] == {"name": "a.md", "text": "The licence cost 16,000 euros."}


def test_follows_no_link_out_of_the_workspace(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("The licence key is 42.")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")

    assert search(inside, "licence key") == []


def test_refuses_where_there_is_no_workspace():
    with pytest.raises(Refused, match="no workspace"):
        search(None, "anything")
