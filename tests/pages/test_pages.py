"""Every block of every page does what the page says: commands are run in a fresh clone, line by line, and all
else is read by what reads it in earnest."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.core.management import get_commands

from agents import definition, envelope, front_matter
from agents.strict_yaml import check, load
from tasks.workflow.shape import Shape
from tests.house.files import ROOT, name_of
from tests.pages.blocks import Block, Line, blocks, lines, pages
from tests.pages.brought import AFTER, BROUGHT
from tests.pages.reader import LONGEST, Reader, fresh_clone

ALL = [block for page in pages() for block in blocks(page)]
COMMANDS = [page for page in pages() if any(block.language == "sh" for block in blocks(page))]
LOADED = [
    block for block in ALL
    if block.language not in {"sh", "text", "console"} and (block.file is None or block.page not in COMMANDS)
]  # fmt: skip
#: Lines that are not run, by their page, each with its reason.
UNTESTED = {
    ("README.md", "make up"): "the house of every other page begins with it",
    ("README.md", "make test"): "it runs this test",
    ("CONTRIBUTING.md", "make test"): "it runs this test",
    ("CONTRIBUTING.md", "make setup"): "it installs packages: tests/house/test_setup.py",
    ("CONTRIBUTING.md", "make check"): "`make test` begins with the same",
    ("CONTRIBUTING.md", "make fix"): "it changes the code",
}
SERVER = "it needs systemd and a server's rights; tests/races/test_rolling_restart.py does the same by hand"
#: Blocks for the reader's own server, by their page and first line, each with its reason.
ELSEWHERE = {
    ("docs/howto/run_in_production.md", "systemctl daemon-reload"): SERVER,
    ("docs/howto/run_in_production.md", "curl http://127.0.0.1:8001/readyz"): SERVER,
    ("docs/howto/run_in_production.md", "for port in 8001 8002; do"): SERVER,
    ("docs/howto/run_in_production.md", "chmod o+x /srv/clawbot"): SERVER,
}
#: What needs workers or a web server: it is read beside a running Clawbot, unless the page starts one.
BESIDE = re.compile(r"--wait|curl |manage\.py (?:schedule run|hosts|doctor)")
STARTS = re.compile(r"\bmake (?:up|work)\b")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A clone in which somebody has followed the README: `make up`, until the sample waits for a person."""
    reader = fresh_clone(tmp_path_factory.mktemp("first"))
    try:
        said = reader.types("make up")
        assert "warning" not in said.lower(), said
        over = time.monotonic() + LONGEST
        while "Review 1:" not in (said := reader.types("./manage.py status ART-1")):
            assert time.monotonic() < over, said
            time.sleep(0.5)
        reader.leaves()
    finally:
        reader.vanishes()
    return reader


@pytest.fixture
def reader(template: Reader, tmp_path: Path) -> Iterator[Reader]:
    """Somebody with a clone like that of their own."""
    subprocess.run(["cp", "-a", template.home, tmp_path / "reader"], check=True)
    home = tmp_path / "reader"
    (home / "exports.sh").unlink()  # what the other one exported
    environment = {
        name: value.replace(str(template.home), str(home)) for name, value in template.environment.items()
    }
    one = Reader(home, environment, dict(template.instead))
    try:
        yield one
    finally:
        one.vanishes()


@pytest.mark.parametrize("page", COMMANDS, ids=name_of)
def test_runs_as_written(page: Path, request: pytest.FixtureRequest) -> None:
    commands = [line for block in blocks(page) for line in lines(block) if not left_out(block, line)]
    if not commands:
        return  # the next test knows each line of such a page, and why
    reader: Reader = request.getfixturevalue("reader")
    with ExitStack() as stack:
        if bring := BROUGHT.get(name_of(page)):
            bring(reader, stack)
        words = "\n".join(line.text for line in commands)
        if BESIDE.search(words) and not STARTS.search(words):
            reader.types("make up")
        for block in blocks(page):
            if block.file:
                reader.saves(_place(block), block.text, more=bool(block.file["more"]))
            for line in lines(block):
                if not left_out(block, line):
                    reader.types(line.text, line.code)
        if after := AFTER.get(name_of(page)):
            after(reader)
        reader.leaves()


def test_leaves_nothing_out_but_what_is_listed() -> None:
    lines_left_out = {left_out(block, line) for block in ALL for line in lines(block)} - {None}

    assert lines_left_out == set(UNTESTED)
    assert {block.language for block in ALL} <= {"sh", "text", "console", *READ}, "what reads such a block?"
    assert {(name_of(one.page), one.first) for one in ALL if one.language == "console"} == set(ELSEWHERE)
    assert set(BROUGHT) | set(AFTER) <= {name_of(page) for page in COMMANDS}


def left_out(block: Block, line: Line) -> tuple[str, str] | None:
    """The entry of `UNTESTED` that is about this line."""
    entry = (name_of(block.page), re.sub(r"\s*#.*", "", line.text).strip())
    return entry if entry in UNTESTED else None


def _place(block: Block) -> str:
    """Where the file of a block lies; a workflow lies where the page says at its beginning."""
    assert block.file
    name = block.file["name"]
    return f"tasks/workflows/{name}" if name.startswith("my_day/") else name


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "text"], ids=str)
def test_runs_what_looks_like_a_command(block: Block) -> None:
    looks = [
        line for line in block.text.splitlines() if re.match(r"[$>#]? ?(?:\S*manage\.py|make|curl) ", line)
    ]

    assert looks == []


# -- What is no command ------------------------------------------------------------------------------


@pytest.mark.parametrize("block", LOADED, ids=str)
def test_shows_only_what_is_understood(block: Block) -> None:
    READ[block.language](block)


#: What an agent needs beside a part of it that a page shows.
REST = {
    "authority": "role: reviewer\n",
    "settings": "role: http\n",
    "message_format": "role: queue\nsettings: {to: shop}\n",
}


def _yaml(block: Block) -> None:
    """An agent, a stage, or a part of either, put where it belongs."""
    text = block.text
    if text.startswith("---"):
        assert front_matter.read(text)[0]
        return
    if text.startswith("- "):
        _stages(text)
        return
    keys = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    if keys <= {"when", "deciders", "due"}:
        for line in text.splitlines():
            _stages(f"- name: one\n  agent: writer\n  done_as: done\n  {line}\n")
    elif keys == {"schedule"}:
        _shape(f"{text}stages:\n- {{name: one, agent: writer, done_as: done}}\n")
    else:
        given = ("" if "name" in keys else "name: one\n") + REST.get(min(keys), "")
        definition.loads(given + text, str(block))


def _stages(text: str) -> None:
    _shape("stages:\n" + text)


def _shape(text: str) -> None:
    document = load(f"name: page\ntitle: Page\nkey: PAG\n{text}", "page")
    check(document, Shape)


def _json(block: Block) -> None:
    envelope.check(json.loads(block.text))


def _http(block: Block) -> None:
    head, _, body = block.text.partition("\n\n")
    assert all(re.match(r"[\w-]+: \S", line) for line in head.splitlines()[1:])
    envelope.check(json.loads(body))


def _env(block: Block) -> None:
    """The settings load with them, and read each."""
    given = dict(line.split("=", 1) for line in block.text.splitlines())
    known = (ROOT / "docs" / "settings.md").read_text("utf-8")

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--tag", "clawbot"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, **given, "CLAWBOT_DATA": os.environ["CLAWBOT_DATA"]}, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert [name for name in given if f"`{name}`" not in known and not name.endswith("_API_KEY")] == []


def _ini(block: Block) -> None:
    """A unit of systemd, which starts a command that is there."""
    unit = configparser.RawConfigParser(strict=False)
    unit.read_string(block.text)
    program, *words = shlex.split(unit["Service"]["ExecStart"])

    assert Path(program).name == "manage.py"
    assert words[0] in get_commands()


def _nginx(block: Block) -> None:
    """nginx itself says that it understands it, with a certificate that is there."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program or not shutil.which("openssl"):
        pytest.skip("No nginx and openssl on this machine (Debian: apt install nginx-light openssl).")
    with tempfile.TemporaryDirectory() as folder:
        names = ["-keyout", f"{folder}/clawbot.key", "-out", f"{folder}/clawbot.crt"]
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clawbot", *names]
        subprocess.run(made, check=True, capture_output=True)
        text = re.sub(r"/etc/ssl/(?:\w+/)?", f"{folder}/", block.text)
        file = Path(folder) / "nginx.conf"
        file.write_text(f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {text} }}")
        done = subprocess.run([program, "-t", "-c", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def _python(block: Block) -> None:
    exec(compile(block.text, str(block), "exec"), {})


READ: dict[str, Callable[[Block], None]] = {
    "yaml": _yaml, "json": _json, "http": _http, "env": _env, "ini": _ini, "nginx": _nginx, "python": _python,
}  # fmt: skip
