"""Where the files of a stage lie, and what keeps them whole and inside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.contract import Made, Refused
from tasks import lifecycle, output
from tasks.models import Artifact, Task
from tests.tasks.builders import a_task, a_worker, a_workflow, claim_all, done

PATTERN = "staging/articles/{date}-{slug}.{php,html,md}"


@pytest.fixture
def data(tmp_path: Path, settings: Any) -> Path:
    settings.DATA = tmp_path
    return tmp_path


@pytest.fixture
def task(db: None, data: Path) -> Task:
    task = a_task("Why agents need a manager")
    Task.objects.filter(pk=task.pk).update(created_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    task.refresh_from_db()
    return task


def test_names_files_by_the_day_of_injection_in_the_sites_zone_and_by_slug(task: Task) -> None:
    found = output.paths(task, PATTERN)

    assert found == {
        suffix: f"staging/articles/2026-11-21-why-agents-need-a-manager.{suffix}"
        for suffix in ("php", "html", "md")
    }


def test_a_pattern_without_choices_is_one_file(task: Task) -> None:
    assert output.paths(task, "published/{key}.txt") == {"txt": "published/art-1.txt"}


def test_appends_the_key_where_another_task_holds_the_name(task: Task) -> None:
    other = a_task("Another")
    Artifact.objects.create(
        task=other, kind="page_md", number=1, stage="format", sha256="0" * 64, made_by="agent:formatter",
        made_at=other.created_at, path="staging/articles/2026-11-21-why-agents-need-a-manager.md",
    )  # fmt: skip

    assert output.paths(task, PATTERN)["php"].endswith("-why-agents-need-a-manager-art-1.php")


def test_keeps_its_own_names_when_it_runs_again(task: Task) -> None:
    path = output.paths(task, PATTERN)["md"]
    Artifact.objects.create(
        task=task, kind="page_md", number=1, stage="format", sha256="0" * 64, made_by="agent:formatter",
        made_at=task.created_at, path=path,
    )  # fmt: skip

    assert output.paths(task, PATTERN)["md"] == path


@pytest.mark.parametrize(
    "pattern",
    ["staging/../etc/{slug}.md", "/etc/{slug}.md", "secret/{slug}.md", "staging/.{slug}.md", "staging"],
)
def test_refuses_a_pattern_that_leads_out(task: Task, pattern: str) -> None:
    with pytest.raises(Refused, match="below staging/ or published/"):
        output.paths(task, pattern)


@pytest.mark.parametrize("slug", ["../../etc/passwd", "a/b", ".hidden", "a\nb", "x" * 300, ""])
def test_refuses_a_slug_that_would_lead_out(task: Task, slug: str) -> None:
    task.slug = slug

    with pytest.raises(Refused):
        output.paths(task, "staging/{slug}.md") if slug else output.paths(task, "staging/{slug}/{slug}.md")


def test_writes_beside_the_target_and_shows_nothing_yet(data: Path) -> None:
    [placed] = output.place(
        [Made(kind="page_md", text="# Grüße", suffix="md")], {"md": "staging/articles/a.md"}
    )

    assert placed.waiting.read_text("utf-8") == "# Grüße"
    assert placed.waiting.parent == placed.target.parent == data / "staging" / "articles"
    assert not placed.target.exists()


def test_what_has_no_suffix_is_no_file(data: Path) -> None:
    assert output.place([Made(kind="draft", text="Words")], {}) == []


def test_refuses_a_suffix_the_stage_does_not_name_and_leaves_nothing(data: Path) -> None:
    made = [Made(kind="page_md", text="a", suffix="md"), Made(kind="page_exe", text="b", suffix="exe")]

    with pytest.raises(Refused, match=r"\.exe"):
        output.place(made, {"md": "staging/a.md"})

    assert [path for path in data.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", ["staging", "staging/articles"])
def test_follows_no_link_out_of_the_data_folder(data: Path, tmp_path_factory: Any, place: str) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (data / place).parent.mkdir(parents=True, exist_ok=True)
    (data / place).symlink_to(outside)

    with pytest.raises(Refused, match="Links are not followed"):
        output.place([Made(kind="page_md", text="a", suffix="md")], {"md": "staging/articles/a.md"})

    assert list(outside.iterdir()) == []


def test_a_link_in_the_targets_place_is_replaced_not_followed(
    db: None, data: Path, tmp_path_factory: Any
) -> None:
    secret = tmp_path_factory.mktemp("outside") / "secret"
    secret.write_text("keep")
    (data / "staging").mkdir()
    (data / "staging" / "a.md").symlink_to(secret)

    assert _finish_with_a_file(data)

    assert secret.read_text() == "keep"
    assert (data / "staging" / "a.md").read_text() == "new"
    assert not (data / "staging" / "a.md").is_symlink()


def test_the_file_appears_with_the_result_and_is_named_by_its_artifact(db: None, data: Path) -> None:
    assert _finish_with_a_file(data)

    assert (data / "staging" / "a.md").read_text() == "new"
    assert Artifact.objects.get(kind="page_md").path == "staging/a.md"
    assert list((data / "staging").iterdir()) == [data / "staging" / "a.md"]


def test_a_refused_result_changes_no_file(db: None, data: Path) -> None:
    (data / "staging").mkdir()
    (data / "staging" / "a.md").write_text("old")

    assert not _finish_with_a_file(data, late=True)

    assert (data / "staging" / "a.md").read_text() == "old"
    assert list((data / "staging").iterdir()) == [data / "staging" / "a.md"]


def _finish_with_a_file(data: Path, *, late: bool = False) -> bool:
    """Bring back one result with a file; `late`, after the stage was given to somebody else."""
    a_workflow("short", [{"name": "write", "agent": "writer", "done_as": "written"}], key="SH")
    a_task(flow="short")
    [claimed] = claim_all(a_worker())
    made = Made(kind="page_md", text="new", suffix="md")
    outcome = done().model_copy(update={"made": (made,)})
    placed = output.place(outcome.made, {"md": "staging/a.md"})
    if late:
        claimed.fence -= 1
    return not lifecycle.finish([lifecycle.Result(claimed, outcome, placed=placed)])


def test_putting_a_file_in_its_place_twice_changes_nothing(data: Path) -> None:
    [placed] = output.place([Made(kind="page_md", text="new", suffix="md")], {"md": "staging/a.md"})

    placed.put()
    placed.put()

    assert placed.target.read_text() == "new"


def test_a_file_that_vanished_before_it_was_put_is_an_error(data: Path) -> None:
    [placed] = output.place([Made(kind="page_md", text="new", suffix="md")], {"md": "staging/a.md"})
    placed.waiting.unlink()

    with pytest.raises(FileNotFoundError):
        placed.put()


def test_a_file_and_its_folders_are_as_open_as_the_folder_they_go_into(data: Path) -> None:
    for root, mode in (("published", 0o755), ("staging", 0o700)):
        (data / root).mkdir()
        (data / root).chmod(mode)

        [placed] = output.place(
            [Made(kind="page_md", text="a", suffix="md")], {"md": f"{root}/articles/2026/a.md"}
        )

        assert placed.waiting.stat().st_mode & 0o777 == mode & 0o666
        assert placed.target.parent.stat().st_mode & 0o777 == mode
        assert placed.target.parent.parent.stat().st_mode & 0o777 == mode
