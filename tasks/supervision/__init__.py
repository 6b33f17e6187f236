"""What only people may do. Every door (pages, commands, Slack, API) calls these same functions.

Each verb is one transaction, asks `access` first, guards in the WHERE, writes its event, and may be
called twice: the second call finds the work done and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .answering import answer
from .decisions import UNSETTLED, approve, default_target, send_back, targets
from .holds import lift_due, pause, resume, stop, under
from .moves import cancel, override, rerun_from, retry, skip
from .releasing import release, release_due, seen, undo
from .remarks import comment, in_order, judge, uncomment
from .rewriting import after_edit, edit
from .shared import Stale
from .turns import assign, put_back, take

__all__ = [
    "UNSETTLED",
    "VERBS",
    "Stale",
    "after_edit",
    "answer",
    "approve",
    "assign",
    "cancel",
    "comment",
    "default_target",
    "edit",
    "in_order",
    "judge",
    "lift_due",
    "override",
    "pause",
    "put_back",
    "release",
    "release_due",
    "rerun_from",
    "resume",
    "retry",
    "seen",
    "send_back",
    "skip",
    "stop",
    "take",
    "targets",
    "uncomment",
    "under",
    "undo",
]

#: name -> function: what the command line, the API and MCP offer
VERBS: dict[str, Callable[..., Any]] = {
    "approve": approve,
    "send_back": send_back,
    "answer": answer,
    "edit": edit,
    "override": override,
    "rerun_from": rerun_from,
    "retry": retry,
    "skip": skip,
    "cancel": cancel,
    "pause": pause,
    "resume": resume,
    "undo": undo,
    "take": take,
    "put_back": put_back,
    "assign": assign,
}
