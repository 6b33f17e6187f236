"""The pins: every package exact and hashed, the same for running and for testing, and none used unasked."""

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.house.files import ROOT, ours, text_of

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
ASKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")


def pins(name):
    """Package -> version of a pinned file, with each block checked to carry a hash."""
    found = {}
    for block in re.split(
        r"^(?=[A-Za-z0-9])", text_of(ROOT / "requirements" / f"{name}.txt"), flags=re.MULTILINE
    ):
        pin = PIN.match(block)
        if pin:
            assert "--hash=sha256:" in block, f"{pin[1]} has no hash. Run `make pins`."
            found[pin[1].lower()] = pin[2]
    return found


def asked(name):
    """The packages that a short list asks for."""
    lines = text_of(ROOT / "requirements" / f"{name}.in").splitlines()
    return {match[1].lower().replace("_", "-") for line in lines if (match := ASKED.match(line))}


def imported(path):
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(text_of(path))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


@pytest.mark.parametrize("name", ["base", "sqs", "dev"])
def test_pins_everything_that_is_asked_for(name):
    assert asked(name) - set(pins(name)) == set()


def test_asks_for_every_package_that_the_code_imports():
    code = [path for folder in ("agents", "tasks", "clawbot") for path in ours("*.py", ROOT / folder)]
    names = {name for path in code for name in imported(path)}
    foreign = names - set(sys.stdlib_module_names) - {"agents", "tasks", "clawbot"}
    packages = packages_distributions()

    unasked = {
        name
        for name in foreign
        if not {package.lower().replace("_", "-") for package in packages.get(name, [name])} & asked("base")
    }

    assert unasked == set()


def test_tests_with_exactly_what_runs():
    running, testing = pins("base"), pins("dev")

    assert running
    assert {name: testing.get(name) for name in running} == running


@pytest.mark.parametrize("name", ["base", "sqs", "dev"])
def test_records_no_address(name):
    text = text_of(ROOT / "requirements" / f"{name}.txt")

    assert "://" not in text
    assert not re.search(r"^(?:-i|-f|--(?:extra-)?index-url|--find-links)", text, re.MULTILINE)
