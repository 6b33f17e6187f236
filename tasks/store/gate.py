"""What every claim must respect: the holds, and how much each agent may do at once.

A claim passes the gate shared, `pause` closes it exclusively: a claim either commits before the pause
or sees it. Without that, a claim under way could commit after the pause did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from agents.models import Agent
from tasks.models import Hold, Subtask, Task, Wake, Worker, Workflow
from tasks.workflow import versions

ADVISORY_LOCK = 0x636C6177  # "claw"
ROW = "gate"


@dataclass
class Gate:
    """Who is held back, and how many more subtasks each agent may take."""

    shut: bool = False
    agents: set[str] = field(default_factory=set)  # held
    workflows: list[int] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)  # agents that are near their limit only
    versions: dict[str, int] = field(default_factory=dict)  # number of each agent's active version

    @property
    def closed_agents(self) -> list[str]:
        """Agents that get nothing now: held, at their limit, or no agents at all."""
        return ["human", *self.agents, *(slug for slug, free in self.slots.items() if free <= 0)]

    def admit(self, rows: Iterable[Subtask]) -> list[Subtask]:
        """Those of `rows` for which their agent has a free slot, in the same order; takes the slots."""
        admitted = []
        for row in rows:
            if self.slots.get(row.agent, 1) <= 0:
                continue
            self.take(row.agent, 1)
            admitted.append(row)
        return admitted

    def take(self, agent: str, count: int) -> None:
        """Count slots as used."""
        if agent in self.slots:
            self.slots[agent] -= count


def enter(worker: Worker, now: datetime) -> Gate:
    """Pass the gate shared for the rest of this transaction and look at who may take what."""
    _lock(shared=True)
    living = dict(Worker.objects.filter(ended_at=None).order_by().values_list("pk", "stop_asked_at"))
    if worker.pk not in living or living[worker.pk]:
        return Gate(shut=True)
    gate = holds(now)
    if not gate.shut:
        _limits(gate, capacity=settings.CONCURRENCY * len(living))
    return gate


def close_gate() -> None:
    """Wait until no claim is under way and keep new ones out until this transaction ends (for `pause`)."""
    _lock(shared=False)


def _lock(*, shared: bool) -> None:
    """SQLite needs none: an IMMEDIATE transaction is alone."""
    if connection.vendor == "postgresql":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [ADVISORY_LOCK])
    elif connection.vendor == "mysql":
        _lock_row("LOCK IN SHARE MODE" if shared else "FOR UPDATE")


def _lock_row(mode: str) -> None:
    with connection.cursor() as cursor:
        if not cursor.execute(f"SELECT id FROM {Wake._meta.db_table} WHERE queue = %s {mode}", [ROW]):
            Wake.objects.get_or_create(queue=ROW)
            cursor.execute(f"SELECT id FROM {Wake._meta.db_table} WHERE queue = %s {mode}", [ROW])


def holds(now: datetime) -> Gate:
    """What the open holds cover now."""
    gate = Gate()
    still = Q(until=None) | Q(until__gt=now)
    targets: dict[str, list[str]] = {}
    for scope, target in Hold.objects.filter(still, open=1).order_by().values_list("scope", "target"):
        targets.setdefault(scope, []).append(target)
    gate.shut = Hold.Scope.ALL in targets
    gate.agents = set(targets.get(Hold.Scope.AGENT, ()))
    if slugs := targets.get(Hold.Scope.WORKFLOW):
        gate.workflows = list(Workflow.objects.filter(slug__in=slugs).values_list("pk", flat=True))
    if keys := targets.get(Hold.Scope.TASK):
        gate.tasks = list(Task.objects.filter(key__in=keys).values_list("pk", flat=True))
    return gate


def _limits(gate: Gate, capacity: int) -> None:
    """Set the free slots of every agent that this claim, or another at the same time, could overfill.

    An agent with room for all that every living worker may hold needs no lock. The others are locked, so
    that two claims do not both count the same slot; who finds one locked passes it by for this time.
    """
    gate.versions = dict(Agent.objects.order_by().exclude(active=None).values_list("slug", "active__number"))
    limits = {slug: _concurrency(slug, number) for slug, number in gate.versions.items()}
    tight = {slug: most for slug, most in limits.items() if most < capacity}
    if not tight:
        return
    mine = _lock_agents(tight)
    doing = Subtask.objects.filter(status=Subtask.Status.DOING, agent__in=mine).order_by()
    used = Counter({row["agent"]: row["n"] for row in doing.values("agent").annotate(n=Count("pk"))})
    gate.slots = {slug: most - used[slug] if slug in mine else 0 for slug, most in tight.items()}


def _concurrency(slug: str, number: int) -> int:
    """One at a time where the version cannot be read: its runs will say so, and the others go on."""
    try:
        return versions.agent(slug, number).limits.concurrency
    except ValueError:
        return 1


def _lock_agents(tight: Iterable[str]) -> set[str]:
    agents = Agent.objects.filter(slug__in=list(tight)).order_by("pk")
    features = connection.features
    if features.has_select_for_update:
        agents = agents.select_for_update(
            skip_locked=features.has_select_for_update_skip_locked,
            no_key=features.has_select_for_no_key_update,
        )
    return set(agents.values_list("slug", flat=True))
