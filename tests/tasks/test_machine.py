"""The table of legal moves, cell by cell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tasks import machine
from tasks.models import Subtask, Task
from tests.tasks.builders import a_task, a_worker

CELLS = [(verb, status) for verb in machine.MOVES for status in Subtask.Status.values]


def put(status: str) -> Subtask:
    row = Subtask.objects.filter(task=a_task()).earliest("position")
    values = {
        "status": status,
        "live": None if status == "superseded" else 1,
        "worker": a_worker() if status == "doing" else None,
    }
    Subtask.objects.filter(pk=row.pk).update(**values)
    return Subtask.objects.get(pk=row.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "status"), CELLS)
def test_moves_only_from_the_statuses_that_the_table_lists(verb: str, status: str) -> None:
    row = put(status)
    sources, target = machine.MOVES[verb]
    extra = {"worker": a_worker("b")} if target == "doing" else {}

    moved = machine.move(Subtask.objects.filter(pk=row.pk), verb, **extra)

    after = Subtask.objects.get(pk=row.pk)
    if status in sources:
        assert moved == 1
        assert (after.status, after.version) == (target, row.version + 1)
    else:
        assert moved == 0
        assert (after.status, after.version) == (status, row.version)


@pytest.mark.django_db
@pytest.mark.parametrize("status", Task.Status.values)
def test_a_done_task_stays_done_unless_it_is_reopened(status: str) -> None:
    task = a_task()
    ended = {"outcome": "completed", "done_at": task.created_at} if status == "done" else {}
    Task.objects.filter(pk=task.pk).update(status=status, **ended)

    moved = machine.move_task(
        Task.objects.filter(pk=task.pk), "complete", done_at=task.created_at, outcome="completed"
    )

    assert moved == (0 if status == "done" else 1)


def test_only_the_machine_and_the_store_write_a_status() -> None:
    root = Path(machine.__file__).parent
    allowed = {root / "machine.py", *(root / "store").glob("*.py")}
    writers = {path.name for path in root.rglob("*.py") if path not in allowed and _writes_status(path)}

    assert writers <= {"rounds.py"}  # lays new rows; it never changes one


def _writes_status(path: Path) -> bool:
    """Whether the file sets `.status` of something that is no Run, or updates status= of rows."""
    if "migrations" in path.parts:
        return False
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr == "status"
                    and ast.unparse(target.value) != "run"
                ):
                    return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            owner = ast.unparse(node.func.value)
            if any(word.arg == "status" for word in node.keywords) and not owner.startswith("Run."):
                return True
    return False
