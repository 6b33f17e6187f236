"""Processes that do not share their data folder and their database find out, and say what differs."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.contract import Refused
from tasks import queue
from tasks.engine import site
from tasks.engine.site import UNPROVED, Watch
from tasks.models import Event, Process, Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def host(tmp_path: Path, settings: Any) -> Callable[[str], Path]:
    """From now on this process is on a host whose data folder is this one."""

    def be(name: str) -> Path:
        settings.DATA = tmp_path / name
        settings.DATA.mkdir(exist_ok=True)
        return tmp_path / name

    return be


@pytest.fixture
def join() -> Iterator[Callable[..., Watch]]:
    """A process begins to serve and has looked once."""
    watches: list[Watch] = []

    def begin(kind: str = "work", cluster: str = "") -> Watch:
        watches.append(Watch(kind, cluster))
        watches[-1].look()
        return watches[-1]

    yield begin
    for one in watches:
        one._leave()


def unmark(folder: Path) -> None:
    """What a folder looks like whose network disk is gone: empty."""
    for path in folder.iterdir():
        shutil.rmtree(path)


def test_the_first_process_marks_its_folder(host: Any, join: Any) -> None:
    folder = host("a")

    watch = join()

    assert watch.fault == ""
    assert [path.name for path in (folder / "sites").iterdir()] == [Site.objects.get().name]


def test_nothing_is_proved_before_the_first_look() -> None:
    assert Watch("work").fault == UNPROVED


def test_those_who_share_a_folder_agree(host: Any, join: Any) -> None:
    host("a")

    assert [join().fault, join("web").fault, join().fault] == ["", "", ""]
    assert site.report()[0]


def test_a_host_with_another_folder_is_told_what_differs(host: Any, join: Any) -> None:
    host("a")
    first = join()
    folder = host("b")

    second = join("web")

    assert f"The data folder {folder} does not bear the mark of this database's site" in second.fault
    assert list(folder.iterdir()) == []
    event = Event.objects.get(kind="process.apart")
    assert (event.data["process"], event.data["folder"]) == ("web", str(folder))
    host("a")
    first.look()
    assert first.fault == ""
    assert [fault.split(":")[0] for fault in first.faults] == [str(Process.objects.get(kind="web"))]


def test_a_copy_of_the_folder_is_found_out_although_it_has_the_mark(
    host: Any, join: Any, tmp_path: Path
) -> None:
    host("a")
    first = join()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    shutil.rmtree(tmp_path / "b" / "processes")
    host("b")

    second = join()

    assert f"is not the one that {Process.objects.first()} uses" in second.fault
    host("a")
    first.look()
    assert first.fault == "", "who was there first goes on"


def test_the_copy_does_not_win_when_the_others_restart(host: Any, join: Any, tmp_path: Path) -> None:
    host("a")
    first = join()
    shutil.copytree(tmp_path / "a" / "sites", tmp_path / "b" / "sites")
    host("b")
    copied = join()
    first._leave()

    copied.look()
    assert "of those none runs now" in copied.fault
    host("a")
    assert join().fault == ""
    host("b")
    copied.look()
    assert "is not the one that" in copied.fault


def test_the_right_folder_ends_it(host: Any, join: Any) -> None:
    host("a")
    join()
    host("b")
    second = join()
    assert second.fault

    host("a")
    second.look()

    assert second.fault == ""
    assert list(Event.objects.values_list("kind", flat=True)) == ["process.apart", "process.agrees"]


def test_a_folder_that_is_lost_while_it_runs_is_noticed_and_comes_back(
    host: Any, join: Any, tmp_path: Path
) -> None:
    host("a")
    watch = join()
    shutil.move(tmp_path / "a", tmp_path / "elsewhere")
    (tmp_path / "a").mkdir()

    assert "mark is gone" in watch.lost(), "at this very moment"
    watch.look()
    assert "is not mounted" in watch.fault
    assert list((tmp_path / "a").iterdir()) == []

    (tmp_path / "a").rmdir()
    shutil.move(tmp_path / "elsewhere", tmp_path / "a")
    watch.look()
    assert watch.fault == ""


def test_a_folder_that_does_not_exist_any_more_says_so(host: Any, join: Any, tmp_path: Path) -> None:
    host("a")
    watch = join()
    shutil.rmtree(tmp_path / "a")

    watch.look()

    assert "No such file or directory" in watch.fault


def test_a_folder_that_never_answers_counts_as_lost(host: Any, join: Any) -> None:
    host("a")
    watch = join()

    watch._asked_at = time.monotonic() - 60

    assert "has not answered for 60 seconds" in watch.fault


def test_another_database_in_the_same_folder_is_refused(host: Any, join: Any) -> None:
    folder = host("a")
    join()
    (other,) = (folder / "processes").iterdir()
    older = folder / "sites" / "0ther"
    older.touch()
    os.utime(older, (1, 1))
    said = json.loads(other.read_text())
    (folder / "processes" / "stranger").write_text(json.dumps({**said, "site": "0ther", "host": "far"}))

    second = join()

    assert "is in use by work on far" in second.fault
    assert "DATABASE_URL" in second.fault


def test_what_a_killed_process_left_in_the_folder_fools_nobody(host: Any, join: Any) -> None:
    folder = host("a")
    watch = join()
    older = folder / "sites" / "0ther"
    older.touch()
    os.utime(older, (1, 1))
    said = {"site": "0ther", "kind": "work", "host": "far", "pid": 1}
    left = folder / "processes" / "left"
    left.write_text(json.dumps(said))
    os.utime(left, (1000, 1000))
    (folder / "processes" / "half").write_text("{")

    watch.look()

    assert watch.fault == ""


def test_a_restored_database_takes_another_folder_once_somebody_says_so(
    host: Any, join: Any, tmp_path: Path
) -> None:
    host("a")
    join()._leave()
    host("new")
    watch = join()
    assert watch.fault

    site.adopt()
    watch.look()

    assert watch.fault == ""


def test_a_process_that_was_silent_for_long_does_not_count(host: Any, join: Any, tmp_path: Path) -> None:
    host("a")
    join()
    Process.objects.update(seen_at=site.DatabaseNow() - 2 * site.OLD)
    shutil.copytree(tmp_path / "a" / "sites", tmp_path / "b" / "sites")
    host("b")

    assert join().fault == ""
    assert Process.objects.count() == 1


def test_nothing_is_left_of_a_process_that_ends(host: Any) -> None:
    folder = host("a")
    watch = site.watch("work")
    over = time.monotonic() + 20
    while watch.fault and time.monotonic() < over:
        time.sleep(0.01)
    assert watch.fault == ""

    watch.stop()

    assert not Process.objects.exists()
    assert list((folder / "processes").iterdir()) == []


def test_sweeps_wait_until_a_drain_of_their_cluster_has_proved_it(
    host: Any, join: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []
    turns = iter([False, True, False, True])
    monkeypatch.setattr(queue, "stopping", lambda cluster: next(turns))
    monkeypatch.setattr("tasks.orchestrator.tick", lambda: swept.append("swept"))
    monkeypatch.setattr(queue, "orphaned", lambda: False)
    host("a")
    join(cluster="far-1.1")

    queue.round_of_sweeps("here", 60)
    assert swept == []

    join(cluster="here-1.1")
    queue.round_of_sweeps("here", 60)
    assert swept == ["swept"]


def test_files_are_not_brought_into_a_folder_that_the_others_do_not_see(host: Any, join: Any) -> None:
    host("a")
    join()
    host("b")

    with pytest.raises(Refused, match="Cannot keep the files of this task"):
        site.require_folder()
