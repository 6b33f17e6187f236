"""The pages under docs/ and beside the README: no dead link, no forgotten word, nothing out of date."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from tasks.access import LEAST
from tasks.machine import MOVES
from tests.house.files import ROOT, name_of, ours, text_of

DOCS = ROOT / "docs"
PAGES = [*ours("*.md", DOCS), *sorted(ROOT.glob("*.md"))]
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"^(?:agents|tasks|clawbot|docs|templates|static|tests|requirements|bin)/[\w./-]+$")
ENVIRONMENT = {"env", "env_bool", "env_int", "env_list", "env_networks"}

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def prose(page):
    return FENCED.sub("", text_of(page))


def anchors(page):
    """The anchors of a page's headings, as the renderer makes them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@each_page
def test_opens_with_its_title(page):
    heads = re.findall(r"^# .+$", prose(page), re.MULTILINE)

    assert len(heads) == 1
    assert text_of(page).startswith(heads[0])


@each_page
def test_links_only_to_what_exists(page):
    dead = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)

    assert dead == []


@each_page
def test_names_only_files_commands_and_verbs_that_exist(page):
    words = [word for word in CODE.findall(prose(page)) if "NAME" not in word and "*" not in word]
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    commands = set(re.findall(r"\./manage\.py\s+(\w+)", text_of(page)))

    assert [word for word in words if PATH.match(word) and not (ROOT / word).exists()] == []
    assert commands - set(get_commands()) == set()
    assert {word[5:] for word in words if re.fullmatch(r"make [a-z]+", word)} - targets == set()


def test_leads_to_every_page_from_the_index():
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(prose(page)) if ":" not in link)
        ahead += [(page.parent / link).resolve() for link in links if link.endswith(".md")]

    assert [name_of(page) for page in ours("*.md", DOCS) if page not in reached] == []


def test_explains_every_setting_and_no_other():
    keys = {"OPENAI_API_KEY", "CLAWBOT_KEY_NAME"}  # read where a model is used, by the model's name
    assert set(_rows()) == {name for name, _ in SETTINGS} | keys


def test_gives_every_setting_its_default():
    wrong = {name: default for name, default in SETTINGS if default and str(default) not in _rows()[name]}

    assert wrong == {}


def _settings(path: Path):
    """The names that the settings module reads from the environment, with those defaults that are plain."""
    for node in ast.walk(ast.parse(text_of(path))):
        match node:
            case ast.Call(func=ast.Name(id=reader), args=[ast.Constant(value=str(name)), *rest]):
                if reader in ENVIRONMENT:
                    default = rest[0].value if rest and isinstance(rest[0], ast.Constant) else None
                    yield name, None if reader == "env_list" else default


SETTINGS = list(_settings(ROOT / "clawbot" / "settings.py"))


def _rows():
    """Each setting's row of the page: the name and its default."""
    return dict(
        re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \|", text_of(DOCS / "settings.md"), re.MULTILINE)
    )


@pytest.mark.parametrize("verb", sorted(MOVES))
def test_explains_every_move(verb):
    assert f"`{verb}`" in text_of(DOCS / "lifecycle.md")


@pytest.mark.parametrize("verb", sorted(set(LEAST) - {"read", "configure"}))
def test_gives_every_verb_of_people_a_place_in_the_glossary(verb):
    assert f"`{verb}`" in text_of(DOCS / "glossary.md")


def test_lists_the_events_as_the_code_does():
    call_command("document", "--check")
