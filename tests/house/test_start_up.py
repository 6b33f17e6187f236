"""A command starts in half a second, because it imports only what it needs: nothing is timed here."""

import json
import os
import subprocess
import sys

import pytest

from tests.house.files import ROOT
from tests.house.start_up import DAY, HEAVY

#: What a command imports that others need not, because it is its work: who checks agents loads their roles,
#: and these read documents.
ROLES = {"lxml", "markdown_it"}
NEEDED = {
    "bridge": {"kombu", "amqp"}, "runserver": set(HEAVY),
    **dict.fromkeys(("bench", "doctor", "sync", "up"), ROLES),
}  # fmt: skip


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """What every command has imported when it starts, or when it ran, by its name."""
    folder = tmp_path_factory.mktemp("start_up")
    environment = {
        **os.environ, "CLAWBOT_DATA": str(folder), "DATABASE_URL": f"sqlite:///{folder}/house.sqlite3",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.house.start_up"], cwd=ROOT, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {name: set(heavy) for name, heavy in json.loads(done.stdout).items()}


def test_no_command_imports_what_only_pages_models_and_drivers_need(imported):
    too_much = {name: sorted(heavy - NEEDED.get(name, set())) for name, heavy in imported.items()}

    assert {name: heavy for name, heavy in too_much.items() if heavy} == {}


def test_looks_at_every_command(imported):
    written = {path.stem for path in (ROOT / "clawbot/management/commands").glob("[!_]*.py")}

    assert set(imported) == written
    assert set(DAY) <= written
    assert imported["runserver"] >= {"daphne", "clawbot.urls"}  # what is heavy is seen
