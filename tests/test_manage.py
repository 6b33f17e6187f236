"""`./manage.py` runs as it is written, whatever Python a terminal finds first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.files import ROOT

BARE = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with nothing but `manage.py`, and a `python3` on the path that has no packages."""
    shutil.copy(ROOT / "manage.py", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(BARE)
    return tmp_path


def run(clone: Path, *, within: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Call `./manage.py version` by its name, with the bare Python first on the path."""
    environment = {"PATH": f"{clone}/bin:{os.environ['PATH']}"}
    return subprocess.run(
        [clone / "manage.py", "version"], cwd=within or clone, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def an_environment(clone: Path, python: str) -> None:
    file = clone / ".venv" / "bin" / "python"
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\n{python}\n")
    file.chmod(0o755)


def test_hands_over_to_the_environment_that_make_made(clone, tmp_path_factory):
    an_environment(clone, 'echo "$0 $*"')

    done = run(clone, within=tmp_path_factory.mktemp("elsewhere"))

    assert done.stdout == f"{clone}/.venv/bin/python {clone}/manage.py version\n"


def test_says_what_to_do_while_nothing_is_installed(clone):
    done = run(clone)

    assert (done.returncode, done.stdout) == (1, "")
    assert "Run `make setup`" in done.stderr


def test_stops_at_an_environment_that_is_broken(clone):
    an_environment(clone, f'exec "{BARE}" -c "import sys, runpy; sys.prefix = sys.argv.pop(1); '
                          f'sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name=\'__main__\')" '
                          f'"{clone}/.venv" "$@"')  # fmt: skip

    done = run(clone)

    assert done.returncode == 1
    assert "Run `make setup`" in done.stderr


def test_ends_with_ctrl_c_and_without_a_traceback(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'django.core.management': os.kill(os.getpid(), signal.SIGINT)\n"
        # What is started in the background is told not to hear Ctrl-C; the reader's shell is not.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )

    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "version"], env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (130, "")
