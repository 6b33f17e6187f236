"""The data folder is made at a start and by nothing else, and says in a sentence why it cannot be."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tasks import folder
from tests.databases import ROOT

READ_KEY = "from django.conf import settings; print(settings.SECRET_KEY, settings.AUDIT_KEY)"
LOOKING = [["check"], ["help"], ["up", "--help"]]


def manage(data: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "SECRET_KEY"}
    environment |= {"CLAWBOT_DATA": str(data), "DATABASE_URL": f"sqlite:///{data / 'clawbot.sqlite3'}"}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=120, check=False, **more,
    )  # fmt: skip


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_a_command_that_only_looks_makes_no_file(tmp_path: Path, words: list[str]) -> None:
    done = manage(tmp_path / "var", *words)

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_start_makes_everything_private_to_its_user(tmp_path: Path) -> None:
    data = tmp_path / "var"
    old = os.umask(0o022)
    try:
        done = manage(data, "migrate", "--verbosity", "0")
    finally:
        os.umask(old)

    assert done.returncode == 0, done.stderr
    assert {name for name in folder.PARTS if (data / name).is_dir()} == set(folder.PARTS)
    assert [mode(path) for path in (data, *(data / name for name in folder.PARTS))] == [0o700] * 6
    assert [mode(data / name) for name in ("secret_key", "audit_key", "clawbot.sqlite3")] == [0o600] * 3


def test_a_start_leaves_a_folder_that_is_there_as_open_as_it_was(tmp_path: Path, settings: Any) -> None:
    settings.DATA = tmp_path / "var"
    settings.DATA.mkdir()
    settings.DATA.chmod(0o750)

    folder.prepare()
    folder.prepare()

    assert mode(settings.DATA) == 0o750


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    done = manage(tmp_path / "file" / "var", "migrate", "--skip-checks")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"The data folder {tmp_path}/file/var cannot be made by the user " in done.stderr
    assert "CLAWBOT_DATA" in done.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused_in_a_sentence(tmp_path: Path, settings: Any) -> None:
    settings.DATA = tmp_path
    tmp_path.chmod(0o500)

    with pytest.raises(folder.FolderError, match="cannot be written by the user"):
        folder.prepare()


def test_of_many_that_start_at_once_all_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(
            pool.map(lambda _: manage(tmp_path / "var", "shell", "--no-imports", "-c", READ_KEY), range(3))
        )

    assert [one.returncode for one in done] == [0] * 3, done[0].stderr
    assert len({one.stdout for one in done}) == 1
    assert mode(tmp_path / "var" / "secret_key") == 0o600


def test_of_many_threads_one_makes_the_key_and_the_others_wait_for_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: folder.key(tmp_path, "secret_key"), range(64)))

    assert len(keys) == 1
    assert len(keys.pop()) >= 60


def test_an_empty_key_file_is_refused_and_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 0.0)
    (tmp_path / "secret_key").touch()

    with pytest.raises(folder.FolderError, match="is empty. Remove it"):
        folder.key(tmp_path, "secret_key")


def test_a_kept_key_counts_as_given_before_it_was_made(tmp_path: Path) -> None:
    kept = folder.KeptKey(tmp_path / "var", "secret_key")

    assert kept
    assert not (tmp_path / "var").exists()
    assert str(kept) == (tmp_path / "var" / "secret_key").read_text()
