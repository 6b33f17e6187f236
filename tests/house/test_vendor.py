"""What we did not write ourselves lies here unchanged, with its version and its licence."""

import hashlib
import json
import re

from tests.house.files import ROOT

STATIC = ROOT / "static"
VENDOR = json.loads((STATIC / "vendor.json").read_text("utf-8"))


def test_every_vendored_file_is_the_one_that_was_reviewed():
    found = {one["file"]: hashlib.sha256((STATIC / one["file"]).read_bytes()).hexdigest() for one in VENDOR}

    assert found == {one["file"]: one["sha256"] for one in VENDOR}
    assert all(one["version"] and one["licence"] for one in VENDOR)


def test_every_font_is_listed():
    fonts = {path.relative_to(STATIC).as_posix() for path in (STATIC / "fonts").iterdir()}

    assert fonts <= {one["file"] for one in VENDOR}


def test_every_icon_that_a_page_names_is_in_the_sprite():
    sprite = set(re.findall(r'symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r'\{% icon "([\w-]+)"', path.read_text("utf-8"))
    }

    assert named - sprite == set()


def test_every_stylesheet_is_imported_once():
    sheet = (STATIC / "css/clawbot.css").read_text("utf-8")
    imported = re.findall(r'@import url\("([^"]+)"\)', sheet)
    files = {path.relative_to(STATIC / "css").as_posix() for path in (STATIC / "css").rglob("*.css")}

    assert sorted(imported) == sorted(files - {"clawbot.css"})
