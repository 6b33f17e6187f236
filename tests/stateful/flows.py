"""The workflows of the house: small, and together with every turn that a workflow may take."""

from __future__ import annotations

from typing import Any

from agents.definition import Definition
from tests.tasks.builders import a_workflow, hired

LADDER = {"after": 3600, "then": [{"after": 0, "remind": "owner"}, {"after": 600, "escalate": "operators"},
                                  {"after": 600, "reassign": "user:dora"}]}  # fmt: skip

RETURNS = 2
#: A text that somebody approves who wrote nothing of it; a reviewer who returns it.
ARTICLE: list[dict[str, Any]] = [
    {"name": "write", "agent": "writer", "done_as": "draft_ready", "retry": {"times": 2, "backoff": 0}},
    {"name": "review", "agent": "reviewer", "needs": ["write"], "judges": "write", "done_as": "reviewed",
     "send_back": {"to": "write", "at_most": RETURNS}},
    {"name": "format", "agent": "formatter", "needs": ["review"], "done_as": "formatted"},
    {"name": "approve", "agent": "human", "needs": ["format"], "judges": "write", "done_as": "approved",
     "notify": ["editors"], "deciders": {"four_eyes": True}, "due": LADDER},
    {"name": "publish", "agent": "publisher", "needs": ["approve"], "done_as": "published"},
]  # fmt: skip

#: Items, two at a time; what was done is taken back; one person of each of two groups.
FANNED: list[dict[str, Any]] = [
    {"name": "find", "agent": "finder", "done_as": "found", "undo": "loser"},
    {"name": "read", "agent": "writer", "done_as": "read", "needs": ["find"], "each": "find.names",
     "at_most_at_once": 2, "on_failure": "skip", "undo": "loser"},
    {"name": "sum", "agent": "publisher", "done_as": "summed", "needs": ["read"], "on_failure": "undo",
     "undo": "loser"},
    {"name": "approve", "agent": "human", "done_as": "approved", "needs": ["sum"], "notify": ["editors"],
     "deciders": {"each": ["editors", "operators"]},
     "due": {"after": 3600, "then": [{"after": 600, "end": "cancel"}]}},
]  # fmt: skip

#: A task that injects another one and waits for it; two people approve, one of whom wrote nothing of it.
PARENT: list[dict[str, Any]] = [
    {"name": "begin", "agent": "finder", "done_as": "begun", "undo": "loser"},
    {"name": "order", "inject": "fanned", "done_as": "ordered", "needs": ["begin"]},
    {"name": "approve", "agent": "human", "done_as": "approved", "needs": ["order"], "notify": ["editors"],
     "deciders": {"group": "editors", "count": 2, "four_eyes": True},
     "due": {"after": 3600, "then": [{"after": 600, "end": "approve"}]}},
]  # fmt: skip

#: Ways that are taken or not, a join, and everybody of a group.
ROUTED: list[dict[str, Any]] = [
    {"name": "pick", "agent": "finder", "done_as": "picked"},
    {"name": "left", "agent": "writer", "done_as": "left_done", "needs": ["pick"],
     "when": {"pick.way": "left"}, "on_failure": "skip"},
    {"name": "right", "agent": "writer", "done_as": "right_done", "needs": ["pick"],
     "when": {"pick.way": "right"}, "retry": {"times": 1, "backoff": 0}},
    {"name": "join", "agent": "publisher", "done_as": "joined", "needs": ["left", "right"],
     "on_failure": "retry"},
    {"name": "approve", "agent": "human", "done_as": "approved", "needs": ["join"], "judges": "left",
     "notify": ["editors"], "deciders": {"count": "all"},
     "due": {"after": 3600, "then": [{"after": 600, "end": "send_back"}]}},
]  # fmt: skip

NAMES = ("article", "fanned", "parent", "routed")
AGENTS = ("writer", "publisher", "finder", "formatter")
#: agent -> the kind of thing that it makes
MAKES = {"writer": "draft", "reviewer": "review", "formatter": "page_html", "publisher": "published_html"}


def lay() -> None:
    """Hire the agents and store the workflows."""
    for name in (*AGENTS, "reviewer", "loser"):
        role = "formatter" if name == "formatter" else "llm"
        hired(Definition(name=name, role=role, title=name.capitalize()))
    for name, stages, key in zip(
        NAMES, (ARTICLE, FANNED, PARENT, ROUTED), ("ART", "FAN", "PAR", "ROU"), strict=True
    ):
        limits = {"limits": {"at_once": 3, "reviews": 4}} if name == "routed" else {}
        a_workflow(name, stages, key, **limits)
