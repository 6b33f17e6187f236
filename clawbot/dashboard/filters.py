"""What the board's address asks for, and the menus that write such addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tasks import access
from tasks.models import Task
from tasks.workflow.shape import HUMAN

from .cards import Card, stage_title

QUALIFIERS = {"workflow", "stage", "agent", "is"}
#: what each head-line filter keeps
CONDITIONS = {
    "running": {"running"},
    "waiting": {"waiting"},
    "stalled": {"stalled", "failed"},
    "returned": {"returned"},
    "queued": {"queued", "held"},
    "held": {"held"},
    "done": {"done"},
}
#: the board of all workflows at once
ALL = "all"


@dataclass
class Filters:
    """What the address asks for. `q` may carry qualifiers: `stage:write is:stalled caching`."""

    workflow: str = ""
    stage: str = ""
    agent: str = ""
    condition: str = ""
    words: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, query: Any) -> Filters:
        """Read a query string's values."""
        found = {name: query.get(name, "") for name in QUALIFIERS}
        words = []
        for word in query.get("q", "").split():
            name, colon, value = word.partition(":")
            if colon and name in QUALIFIERS:
                found[name] = value
            else:
                words.append(word.lower())
        return cls(found["workflow"], found["stage"], found["agent"], found["is"], words)

    @property
    def narrows(self) -> bool:
        """Whether anything but the workflow is asked for."""
        return bool(self.stage or self.agent or self.condition or self.words)

    def keep(self, card: Card, user: Any) -> bool:
        """Whether a card is asked for."""
        row = card.row
        if self.stage and self.stage not in {*card.why.at, card.lane}:
            return False
        if self.agent and not (row and row.agent == self.agent):
            return False
        if self.condition == "undoing" and not card.why.undoing:
            return False
        if self.condition == "outside" and not card.why.waits_for:
            return False
        if self.condition == "mine" and not (card.yours or card.task.owner == f"user:{user.username}"):
            return False
        if self.condition in CONDITIONS and card.status not in CONDITIONS[self.condition]:
            return False
        text = f"{card.task.key} {card.task.title}".lower()
        return all(word in text for word in self.words)

    def tasks(self, user: Any) -> QuerySet[Task]:
        """The same question to the database, as far as it can answer it."""
        found = access.seen(Task, user).select_related("workflow", "workflow_version")
        if self.workflow and self.workflow != ALL:
            found = found.filter(workflow__slug=self.workflow)
        for word in self.words:
            found = found.filter(Q(title__icontains=word) | Q(key__icontains=word))
        return found


def menus(
    request: HttpRequest, filters: Filters, workflows: list[Any], stages: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The filters as menus of links, so that every choice is an address."""
    agents = dict.fromkeys(stage["agent"] for stage in stages if stage["agent"] not in {HUMAN, ""})
    found = [
        _menu(request, "stage", filters.stage, [(s["name"], stage_title(s["name"])) for s in stages]),
        _menu(request, "agent", filters.agent, [(agent, agent) for agent in agents]),
    ] if stages else []  # fmt: skip
    if len(workflows) > 1:
        choice = [(ALL, f"All workflows · {sum(one.doing for one in workflows)}")]
        choice += [(one.slug, f"{one.title} · {one.doing}") for one in workflows]
        found.append(_menu(request, "workflow", filters.workflow, choice, fixed=True))
    return found


def _menu(
    request: HttpRequest, name: str, value: str, choice: list[tuple[str, str]], fixed: bool = False
) -> dict[str, Any]:
    def address(wanted: str) -> str:
        query = request.GET.copy()
        query.pop(name, None)
        if wanted:
            query[name] = wanted
        return f"?{query.urlencode()}"

    return {
        "label": name.capitalize(),
        "value": value,
        "shown": dict(choice).get(value, value),
        "clear": address(""),
        "fixed": fixed,
        "options": [{"value": each, "label": label, "url": address(each)} for each, label in choice],
    }
