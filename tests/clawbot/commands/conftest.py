"""Runs a command as a terminal would and gives back what it said."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.core.management import CommandError, call_command

from tasks import clock


@dataclass
class Said:
    """What a command printed and how it ended."""

    out: str
    err: str
    code: int


@pytest.fixture
def manage() -> Callable[..., Said]:
    """`manage("status", "ART-1")`."""

    def run(*words: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        try:
            call_command(*words, stdout=out, stderr=err)
        except CommandError as error:
            # What Django's own command line does with it: the sentence, and its exit code.
            err.write(str(error))
            code = error.returncode
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Said(out.getvalue(), err.getvalue(), code)

    return run


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    clock.reset()
