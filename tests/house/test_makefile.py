"""The daily verbs: complete, described, and leading somewhere."""

import os
import re
import stat
import subprocess

from tests.house.files import ROOT, text_of

MAKEFILE = text_of(ROOT / "Makefile")
# Promised to users: docs and scripts name them.
PROMISED = {"help", "up", "setup", "test", "check", "fix", "work", "demo", "bench", "chaos", "docs", "shell"}


def test_describes_every_verb_when_called_alone():
    targets = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert targets

    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=bare())

    listed = set(re.findall(r"^  make (\w+) +\S", done.stdout, re.MULTILINE))
    assert listed == set(targets[1].split())
    assert listed >= PROMISED


def test_sets_nothing_up_to_print_its_verbs():
    done = subprocess.run(["make", "-n"], cwd=ROOT, capture_output=True, text=True, check=True, env=bare())

    assert ".venv" not in done.stdout


def test_names_only_commands_that_exist():
    from django.core.management import get_commands

    named = set(re.findall(r"manage\.py (\w+)", MAKEFILE))

    assert named - set(get_commands()) == set()


def test_checks_the_same_here_and_elsewhere():
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & stat.S_IXUSR
    assert text_of(script).rstrip().endswith("exec make test")


def bare():
    """The environment without what an outer make hands down."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
