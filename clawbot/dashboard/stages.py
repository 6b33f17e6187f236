"""A workflow's stages in words and figures: what the drawing shows and the list beside it says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.utils import timezone

from clawbot import words
from tasks import clock
from tasks.models import Subtask, Workflow
from tasks.workflow import conditions
from tasks.workflow.graph import UNDO
from tasks.workflow.shape import HUMAN

from .cards import stage_title
from .pace import Pace

S = Subtask.Status
LIVE = (S.READY, S.DOING, S.WAITING)
FAILURES = {
    "retry": "tries again for ever, with longer pauses",
    "skip": "goes on without it",
    "undo": "undoes what was done and ends the task",
}
#: tries, and seconds before the second: what holds for a stage that says nothing else
USUAL = (3, 30)
MOST_LETTERS = 22  # of a line in the drawing


@dataclass
class Stage:
    """One stage as the page shows it."""

    data: Mapping[str, Any]
    counts: Counter[str] = field(default_factory=Counter)
    done_today: int = 0
    pace: Pace | None = None

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def title(self) -> str:
        return str(self.data["title"] or stage_title(self.name))

    @property
    def kind(self) -> str:
        """Who does it: a person, an agent, another workflow."""
        if self.data.get("inject"):
            return "child"
        return "person" if self.data["agent"] == HUMAN else "agent"

    @property
    def by(self) -> str:
        """The agent as avatars know it."""
        return f"agent:{self.data['agent']}"

    @property
    def who(self) -> str:
        """Who does it, in a few words."""
        if self.kind == "child":
            return f"a task of {self.data['inject']}"
        return "a person decides" if self.kind == "person" else str(self.data["agent"])

    @property
    def when(self) -> str:
        """The condition under which it runs; empty: always."""
        return conditions.words(self.data.get("when"))

    @property
    def each(self) -> str:
        """What it is done once for; empty: once."""
        each = self.data.get("each")
        if not each:
            return ""
        size, at_once = self.data.get("group", 1), self.data.get("at_most_at_once")
        what = (
            each.replace(".", " ").replace("_", " ") if "." in each else f"item of {each.replace('_', ' ')}"
        )
        what = f"{size} of {what}" if size > 1 else what
        return f"{what}, {at_once} at once" if at_once else what

    @property
    def needs(self) -> str:
        """What must be done before it."""
        return _list(self.data["needs"])

    @property
    def gives(self) -> str:
        """What it hands to the task that it injects."""
        return ", ".join(
            f"{name} from {_plain(source)}" for name, source in self.data.get("give", {}).items()
        )

    @property
    def failure(self) -> str:
        """What happens after the last attempt."""
        retry = self.data["retry"]
        usual = (retry["times"], retry["backoff"]) == USUAL and self.data.get("on_failure") in {
            None,
            "escalate",
        }
        if self.kind == "person" or usual:
            return ""
        tries = f"{retry['times']} tries, first after {words.duration(retry['backoff'])}"
        then = FAILURES.get(self.data.get("on_failure", "escalate"), "asks a person")
        return then if self.data.get("on_failure") == "retry" else f"{tries}; then {then}"

    @property
    def returns(self) -> str:
        """Where it may send work back to."""
        back = self.data.get("send_back")
        return f"to {_plain(back['to'])}, {_times(back['at_most'])} at most; then a person" if back else ""

    @property
    def deciders(self) -> str:
        """Who may answer here."""
        if self.kind != "person":
            return ""
        rule = self.data["deciders"]
        who = f"{rule['count']} {rule['group']}" if rule["count"] != 1 else f"one of {rule['group']}"
        if rule.get("each"):
            who = f"one each of {_list(rule['each'])}"
        return f"{who}, not the one who edited it" if rule["four_eyes"] else who

    @property
    def due(self) -> str:
        """By when, and what happens then."""
        due = self.data.get("due")
        if not due:
            return ""
        said = [f"after {words.duration(due['after'])}"]
        for rung in due["then"]:
            later = f"{words.duration(rung['after'])} later " if rung["after"] else ""
            said.append(f"{later}{_rung(rung)}")
        return ", then ".join(said)

    @property
    def eyebrows(self) -> list[str]:
        """What stands above the title in the drawing."""
        return [
            _fit(text, MOST_LETTERS + 8)
            for text in (self.when and f"if {self.when}", self.each and f"each {self.each}") if text
        ]  # fmt: skip

    @property
    def lines(self) -> int:
        """How many lines of text its node has."""
        return 2 + len(self.eyebrows)

    @property
    def short(self) -> str:
        return _fit(self.title, MOST_LETTERS)

    @property
    def short_who(self) -> str:
        return _fit(self.who, MOST_LETTERS + 2)

    @property
    def short_undo(self) -> str:
        return _fit(str(self.data.get("undo", "")), 15)

    @property
    def marks(self) -> list[tuple[str, str, int]]:
        """The live counts that are not zero: (condition, icon, number)."""
        kinds = (
            ("waiting", "hand", S.WAITING), ("running", "loader-circle", S.DOING),
            ("queued", "circle-dashed", S.READY),
        )  # fmt: skip
        return [(name, icon, self.counts[status]) for name, icon, status in kinds if self.counts[status]]

    @property
    def now(self) -> str:
        """The live counts in words."""
        said = {S.WAITING: "waiting for people", S.DOING: "doing", S.READY: "queued"}
        found = [f"{self.counts[status]} {word}" for status, word in said.items() if self.counts[status]]
        undoing = sum(self.counts[f"{UNDO}{status}"] for status in LIVE)
        return ", ".join(found + ([f"{undoing} being undone"] if undoing else []))


def of(flow: Workflow, stages: Iterable[Mapping[str, Any]], pace: Mapping[str, Pace]) -> list[Stage]:
    """The stages of one version with what goes on in them now, whatever version a task runs under."""
    found = [Stage(data, pace=pace.get(data["name"])) for data in stages]
    live, done = _live(flow), _done_today(flow)
    for stage in found:
        fans_out = bool(stage.data.get("each"))
        for status in LIVE:
            # Of a fan-out the items are the work; its own row only holds them together, until it waits.
            own = 0 if fans_out and status != S.WAITING else live[stage.name, False, status]
            stage.counts[status] = own + live[stage.name, True, status]
            stage.counts[f"{UNDO}{status}"] = live[stage.name + UNDO, False, status]
        stage.done_today = done[stage.name]
    return found


def _live(flow: Workflow) -> dict[tuple[str, bool, str], int]:
    """(stage, whether an item of it, status) -> how many rows."""
    counts: dict[tuple[str, bool, str], int] = defaultdict(int)
    rows = Subtask.objects.filter(workflow=flow, live=1, status__in=LIVE)
    for stage, item, status, number in (
        rows.values_list("stage", "item", "status").annotate(number=Count("id")).order_by()
    ):
        counts[stage, bool(item), status] += number
    return counts


def _done_today(flow: Workflow) -> Counter[str]:
    midnight = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Subtask.objects.filter(workflow=flow, item="", status=S.DONE, finished_at__gte=midnight)
    counted = rows.values_list("stage").annotate(number=Count("id")).order_by()
    return Counter(dict(counted))


def _rung(rung: Mapping[str, Any]) -> str:
    """What one rung of a due ladder does."""
    if rung.get("remind"):
        return f"remind {_person(rung['remind'])}"
    if rung.get("reassign"):
        return f"give it to {_person(rung['reassign'])}"
    return f"bring in {rung['escalate']}" if rung.get("escalate") else f"{_plain(rung.get('end', 'wait'))} it"


def _person(who: str) -> str:
    return "the owner" if who == "owner" else who.removeprefix("user:")


def _plain(text: str) -> str:
    return text.replace(".", " ").replace("_", " ")


def _list(names: Iterable[str]) -> str:
    *most, last = [_plain(name) for name in names] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _fit(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"
