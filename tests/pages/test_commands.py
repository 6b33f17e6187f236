"""Every command that is named anywhere is spelled as it runs, and its own parser understands it."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from tests.house.files import ROOT, name_of, ours, text_of

TEXTS = [
    path
    for folder in ("agents", "bin", "clawbot", "docs", "tasks", "templates")
    for suffix in ("*.py", "*.md", "*.html", "*.txt", "*.yaml")
    for path in ours(suffix, ROOT / folder)
] + sorted(ROOT.glob("*.md"))  # fmt: skip
OTHERWISE = re.compile(r"(?<![\w/\"'])manage\.py\s+[a-z]|python3? (?:\./)?manage\.py")
NAMED = re.compile(r"`\./manage\.py\s([^`]+)`")
#: What is named as a whole, with all that it can do.
OPEN = {"VERB", "..."}
#: A word in capitals stands for one of the reader's.
STANDS_FOR = {"ID": "1", "K=V": "k=v", "ROLE": "editors", "T": "2026-11-01"}


def named() -> list[tuple[str, str]]:
    """Every command between backticks: where, and its words."""
    return sorted({
        (name_of(path), " ".join(re.sub(r"{{.*?}}", "X", found).split()))
        for path in TEXTS for found in NAMED.findall(text_of(path))
    })  # fmt: skip


def test_spells_every_command_as_it_runs() -> None:
    otherwise = [
        f"{name_of(path)}: {found}"
        for path in TEXTS
        for found in OTHERWISE.findall(text_of(path).replace("./manage.py", ""))
    ]

    assert otherwise == []


@pytest.mark.parametrize(("place", "words"), named(), ids=lambda value: value)
def test_names_only_what_a_parser_understands(place: str, words: str) -> None:
    name, *rest = shlex.split(words)

    assert name == "help" or name in get_commands(), f"{place} names a command that is not there"
    if name == "help" or not rest or OPEN & set(rest) or any("|" in word for word in rest):
        return
    rest = [STANDS_FOR.get(word, word) for word in (word.strip("[]") for word in rest)]
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    try:
        with suppress(SystemExit):  # `--help` leaves when it has helped
            parser.parse_args(rest)
    except CommandError as error:
        pytest.fail(f"{place}: ./manage.py {words}: {error}")


def test_looks_where_commands_are_named() -> None:
    assert {"docs/howto/audit.md", "clawbot/cli.py"} <= {place for place, _ in named()}
    assert Path(ROOT / "manage.py").stat().st_mode & 0o111
