"""The project's own files, as its house rules look at them: whatever git would keep."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
IGNORED = [
    line.rstrip("/")
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def ours(pattern: str = "*", under: Path = ROOT) -> Iterator[Path]:
    """Every file under a folder whose name matches, without what .gitignore names."""
    for path in sorted(under.iterdir()):
        if path.name == ".git" or any(fnmatch.fnmatch(path.name, rule) for rule in IGNORED):
            continue
        if path.is_dir():
            yield from ours(pattern, path)
        elif fnmatch.fnmatch(path.name, pattern):
            yield path


def text_of(path: Path) -> str:
    """The text of a file; empty for pictures, fonts and other files that are not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def name_of(path: Path) -> str:
    """A file's name as people write it, from the project's root."""
    return path.relative_to(ROOT).as_posix()
