"""The pins: every package exact and hashed, the same for running and for testing."""

import re

import pytest

from tests.house.files import ROOT, text_of

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


@pytest.mark.parametrize("name", ["base", "dev"])
def test_pins_everything_that_is_asked_for(name):
    asked = {
        match[1].lower().replace("_", "-")
        for line in text_of(ROOT / "requirements" / f"{name}.in").splitlines()
        if (match := ASKED.match(line))
    }

    assert asked - set(pins(name)) == set()


def test_tests_with_exactly_what_runs():
    running, testing = pins("base"), pins("dev")

    assert running
    assert {name: testing.get(name) for name in running} == running


@pytest.mark.parametrize("name", ["base", "dev"])
def test_records_no_address(name):
    text = text_of(ROOT / "requirements" / f"{name}.txt")

    assert "://" not in text
    assert not re.search(r"^(?:-i|-f|--(?:extra-)?index-url|--find-links)", text, re.MULTILINE)
