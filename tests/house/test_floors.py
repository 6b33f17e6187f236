"""The floors: the face asks the memory, the memory briefs the hands, nobody looks up."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.files import ROOT

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False
    )


def test_holds_every_contract():
    done = lint(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("agents/roles/peeping.py", "from tasks import machine"),
        ("agents/tools/peeping.py", "from django.db import models"),
        ("tasks/peeping.py", "from clawbot import settings"),
        ("clawbot/peeping.py", "from django_q.tasks import async_task"),
    ],
)
def test_notices_a_module_that_looks_up(file, line, tmp_path):
    for floor in ("agents", "tasks", "clawbot"):
        shutil.copytree(ROOT / floor, tmp_path / floor, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / file).write_text(f'"""Looks up."""\n\n{line}  # noqa: F401\n', encoding="utf-8")

    done = lint(tmp_path)

    assert done.returncode == 1
    assert "peeping" in done.stdout
