"""The stylesheet and the scripts of a page are one file each, made of small sources."""

from __future__ import annotations

import re

import pytest

from clawbot import assets

SHEETS = sorted((assets.SOURCES / "css").rglob("*.css"))
MODULES = sorted((assets.SOURCES / "js").glob("*.js"))


def test_a_page_names_one_stylesheet_and_one_script(client):
    html = client.get("/sign-in/").content.decode()

    assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', html) == [assets.stylesheet()]
    assert assets.script() in html


def test_the_stylesheet_holds_every_source_in_its_layer(client):
    answer = client.get(assets.stylesheet())

    text = answer.content.decode()
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    assert "@import" not in text
    assert "../" not in text
    for sheet in SHEETS:
        if sheet.name not in {"clawbot.css", "tokens.css"}:
            assert sheet.read_text("utf-8").strip() in text
    assert text.count("@layer components {") == len(list((assets.SOURCES / "css/components").glob("*.css")))


@pytest.mark.parametrize("entry", assets.ENTRIES)
def test_a_script_holds_each_module_once_after_what_it_needs(client, entry):
    text = client.get(assets.script(entry)).content.decode()

    assert re.findall(r"^\s*(?:import|export)\b", text, re.M) == []
    assert text.count("const { say } = ") == 1
    assert text.index("const { say } = ") < text.index("const { toast } = ") < len(text)


def test_every_source_is_written_so_that_it_can_be_put_together():
    for path in MODULES:
        text = path.read_text("utf-8")
        rest = assets._EXPORT.sub("", assets._IMPORT.sub("", text))
        assert not re.search(r"^\s*(?:import|export)\b", rest, re.M), (
            f"{path.name} imports or exports otherwise"
        )
    names = [name for path in MODULES for name in assets._EXPORT.findall(path.read_text("utf-8"))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "file", ["x-0123456789ab.js", "clawbot+secrets-0123456789ab.js", "clawbot-0.css", "a.css"]
)
def test_gives_nothing_else(client, file):
    assert client.get(f"/assets/{file}").status_code == 404


def test_an_older_address_gives_what_there_is_now_and_is_not_kept(client):
    answer = client.get("/assets/clawbot-000000000000.css")

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-cache"
