"""The pins: every package exact and hashed, the same for running and for testing, and none used unasked."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.files import ROOT, ours, text_of

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
ASKED = re.compile(r"^[A-Za-z0-9]")


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
    """Package -> extras that a short list asks for."""
    lines = text_of(ROOT / "requirements" / f"{name}.in").splitlines()
    wanted = [Requirement(line.partition(" #")[0]) for line in lines if ASKED.match(line)]
    return {canonicalize_name(one.name): one.extras for one in wanted}


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
    assert set(asked(name)) - set(pins(name)) == set()


@pytest.mark.parametrize("name", ["base", "dev"])
def test_pins_everything_that_its_packages_ask_for(name):
    ahead = [(one, extra) for one, extras in asked(name).items() for extra in ("", *extras)]
    lacking, seen = set(), set()
    while ahead:
        package, extra = ahead.pop()
        if (package, extra) in seen:
            continue
        seen.add((package, extra))
        if package not in pins(name):
            lacking.add(package)
            continue
        for line in requires(package) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                ahead += [(canonicalize_name(needed.name), one) for one in ("", *needed.extras)]

    assert lacking == set()


def test_asks_for_every_package_that_the_code_imports():
    code = [path for folder in ("agents", "tasks", "clawbot") for path in ours("*.py", ROOT / folder)]
    names = {name for path in code for name in imported(path)}
    foreign = names - set(sys.stdlib_module_names) - {"agents", "tasks", "clawbot"}
    packages, wanted = packages_distributions(), set(asked("base"))

    unasked = {
        name
        for name in foreign
        if not {package.lower().replace("_", "-") for package in packages.get(name, [name])} & wanted
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
