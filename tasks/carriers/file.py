"""The carrier that keeps the heads of the log in `CLAWBOT_DATA/audit/heads.jsonl`, one line each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tasks.carriers import Broken, Busy

if TYPE_CHECKING:
    from tasks.models import Notice

PACE = 0.0
NAME = "audit/heads.jsonl"


def send(notice: Notice) -> dict[str, Any]:
    """Append the head, on disk before it counts."""
    if notice.kind != "head":
        raise Broken(f"The file carrier keeps heads of the log, no {notice.kind}. Name another carrier.")
    file = _file()
    line = json.dumps({**notice.content, "key": notice.key}, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as out:
            out.write(line + "\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise Busy(f"{file} cannot be written ({error.strerror}).") from None
    return {"file": NAME}


def find(notice: Notice) -> dict[str, Any] | None:
    """Look for its line."""
    file = _file()
    key = json.dumps(notice.key)
    there = file.is_file() and any(key in line for line in file.read_text("utf-8").splitlines())
    return {"file": NAME} if there else None


def _file() -> Path:
    return Path(settings.DATA) / NAME
