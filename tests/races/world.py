"""The world outside: an append-only file in which bodies of runs and carriers write what really happened.

It is written with one `write` per line, so that lines of many processes never mix, and it survives every
kill: what the database believes is compared with it afterwards.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write(kind: str, **data: Any) -> None:
    """Append one line."""
    line = json.dumps({"kind": kind, "pid": os.getpid(), **data}) + "\n"
    file = os.open(os.environ["RACE_WORLD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def read(path: Path, kind: str) -> list[dict[str, Any]]:
    """Every line of a kind."""
    if not path.exists():
        return []
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [line for line in lines if line["kind"] == kind]
