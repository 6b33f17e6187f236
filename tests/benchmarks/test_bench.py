"""The measurement itself works; its figures are for people, not for a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from clawbot.bench import limit
from tests import databases


def test_measures_the_engine_and_cleans_up(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "manage.py",
        "bench",
        "engine",
        "--database",
        "sqlite://",
        "--tasks",
        "20",
        "--singles",
        "2",
    ]
    environment = {**os.environ, "CLAWBOT_DATA": str(tmp_path / "var"), "TMPDIR": str(tmp_path)}

    done = subprocess.run(
        [*command, "--json"], cwd=databases.ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["sqlite://"]
    assert figures["nothing"] > figures["waiting"] > 0
    assert figures["idle_p95"] >= figures["idle_p50"] > 0
    assert figures["memory"] > 0
    assert list(tmp_path.glob("clawbot-bench-*")) == []


def test_says_that_there_is_no_pgbench_instead_of_inventing_a_figure() -> None:
    from clawbot.management.commands.bench import Command

    out = StringIO()
    command = Command(stdout=out)
    one = {
        "nothing": 1000,
        "waiting": 100,
        "in_flight": 10,
        "idle_p50": 1,
        "idle_p95": 2,
        "memory": 3,
        "cpu": 0.1,
    }

    command._table({"postgresql://here": {**one, "limit": None}, "mysql://there": one})

    lines = out.getvalue().splitlines()
    assert "no pgbench here" in lines[2]
    assert len(lines) == 4


def test_measures_what_parallel_branches_are_worth(tmp_path: Path) -> None:
    command = ["manage.py", "bench", "parallel", "--database", "sqlite://", "--seconds", "0.5", "--json"]
    environment = {**os.environ, "CLAWBOT_DATA": str(tmp_path / "var"), "TMPDIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, *command],
        cwd=databases.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["sqlite://"]
    assert figures["longest"] <= figures["branches"] < figures["row"]
    assert figures["row"] >= 5 * 0.5


def test_lets_pgbench_run_the_engines_own_statements(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database != "postgres" or not limit.find():
        pytest.skip("needs PostgreSQL, and its pgbench")
    monkeypatch.setattr(limit, "SECONDS", 1)
    monkeypatch.setattr(limit, "ENOUGH", 200)

    assert limit.measure(limit.find(), request.getfixturevalue("_migrated"), tmp_path, clients=1) > 0
