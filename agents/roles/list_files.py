"""Lists what came with a task, so that others can share the work.

Takes: the task's workspace. Gives: *listing*: how many files of which kind, and each that cannot be read,
with the reason. `fields.files` has one entry per file, in order: {number, path, bytes, kind, why}; a stage
with `each: STAGE.files` works through them. Unreadable files are in it too: named at the end, not lost.
Tools: list_files. Asks a person when there is no file, or none that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from agents import assignment
from agents.contract import Brief, Desk, Made, Outcome
from agents.prose.plain import escaped
from agents.tools import Closed

ACCEPTS = ()
RETURNS = ("listing",)
TOOLS = ("list_files",)
FIELDS = ("files", "count", "unreadable", "bytes")

MOST_NAMED = 200  # unreadable files that the listing names; every one is in `fields.files`


class Settings(Closed):
    """Which part of the workspace is listed."""

    folder: str = Field("", max_length=500)


async def work(brief: Brief, desk: Desk) -> Outcome:
    """List, count, number."""
    settings = Settings.model_validate(brief.settings)
    found = (await desk.use("list_files", folder=settings.folder))["files"]
    files = [{"number": number, **one} for number, one in enumerate([*found, *_texts(brief)], start=1)]
    unreadable = [one for one in files if one["why"]]
    if len(unreadable) == len(files):
        return _nothing(files)
    total = sum(one["bytes"] for one in files)
    summary = f"Listed {_count(len(files))}, {size(total)} in all."
    if unreadable:
        summary += f" {_count(len(unreadable))} cannot be read."
    return Outcome(
        made=(Made(kind=brief.returns[0] if brief.returns else "listing", text=_markdown(files, summary)),),
        summary=summary,
        fields={"files": files, "count": len(files), "unreadable": len(unreadable), "bytes": total},
    )


def _texts(brief: Brief) -> list[dict[str, Any]]:
    """Texts that a program gave with the task instead of files. Their entry names the place of their source:
    an item of a stage holds no text, because a long one would not fit."""
    given = assignment.read(brief).sources
    return [
        {"path": one.title or f"text {place}", "bytes": len(one.text.encode()), "kind": "text", "why": "",
         "source": place}
        for place, one in enumerate(given, start=1) if one.text
    ]  # fmt: skip


def _nothing(files: Sequence[dict[str, Any]]) -> Outcome:
    reasons = "\n".join(f"- {one['path']}: {one['why']}" for one in files[:20])
    return Outcome(
        word="escalate",
        question="There is no file that can be read. Which files or folders should be worked through?",
        why=f"None of the {len(files)} files can be read.\n{reasons}"
        if files
        else "No file came with the task.",
    )


def _markdown(files: Sequence[dict[str, Any]], summary: str) -> str:
    kinds = Counter(one["kind"] for one in files if not one["why"])
    lines = [f"# {summary}", "", *(f"- {kind}: {count:,}" for kind, count in kinds.most_common())]
    if unreadable := [one for one in files if one["why"]]:
        lines += ["", "## Cannot be read", ""]
        lines += [f"- {escaped(one['path'])}: {escaped(one['why'], 200)}" for one in unreadable[:MOST_NAMED]]
        lines += [f"- and {len(unreadable) - MOST_NAMED:,} more"] if len(unreadable) > MOST_NAMED else []
    return "\n".join(lines) + "\n"


def _count(files: int) -> str:
    return f"{files:,} {'file' if files == 1 else 'files'}"


def size(count: float) -> str:
    """Bytes as people say them: 812 bytes, 14 KB, 2.3 MB."""
    if count < 1_000:
        return f"{count:.0f} bytes"
    return f"{count / 1_000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
