"""A house in which every sample ran to its end, and tasks stand in every condition the product knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agents.contract import Finding
from agents.outside import circuit
from clawbot.people import tokens
from tasks import clock, schedules, supervision
from tasks.border import messages
from tasks.models import Artifact, Notice, Review, Task
from tasks.people import away
from tasks.workflow import shipped
from tests.clawbot.dashboard import desk
from tests.tasks.builders import a_task, work_until
from tests.tasks.workflows import journey
from tests.tasks.workflows.order.till import a_shop
from tests.tasks.workflows.support.sample import a_desk

BRIEF = {"brief": "Explain it."}
SAMPLES = Path(shipped.__file__).resolve().parents[1] / "workflows"


def run_samples(folder: Path) -> None:
    """Every sample of every shipped workflow, as far as it goes without a person; a shop and a desk of books
    answer."""
    begun = [
        journey.begin(workflow.name, "--sample", sample.name)
        for workflow in sorted(SAMPLES.iterdir())
        for sample in sorted((workflow / "samples").glob("*"))
    ]
    circuit.forget()
    with (
        a_shop(folder / "shop") as shop,
        a_desk(folder / "desk") as books,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("CLAWBOT_SERVICES", f"shop={shop.url} desk={books.url}")
        with journey.at_work():
            for task in begun:
                journey.until_still(task, waiting=False)


def bring_about() -> None:
    """By the verbs that people use: returned, edited, approved, failed, cancelled, skipped, paused, asked,
    in doubt, away, scheduled."""
    gates = [*Review.objects.filter(open=1, kind=Review.Kind.GATE, artifact__kind="draft").order_by("pk")]
    approved, returned, edited, paused, undone = gates[:5]
    supervision.comment(returned.artifact, by="user:ana", text="Which orders?", quote="")
    supervision.approve(approved, by="user:ana", request_id="a", undo_seconds=0, note="Fine as it is.")
    supervision.approve(undone, by="user:ana", request_id="u", undo_seconds=3_600, note="Fine as it is.")
    supervision.send_back(returned, by="user:ana", request_id="r", requests=[{"text": "Shorter."}])
    text = edited.artifact.text.replace("the", "The", 1)
    supervision.edit(edited.task, by="user:ana", text=text)
    supervision.pause("task", paused.task.key, by="user:ben", why="Legal wants to see it first")
    supervision.pause("agent", "seo", by="user:ben", why="A new version comes")
    supervision.pause("workflow", "documents", by="user:ben", why="The archive moves")
    lifted = supervision.pause("all", "", by="user:ben", why="A short test")
    supervision.resume(lifted, by="user:ben")
    supervision.pause("all", "", by="user:ben", why="Bad source feed", until=clock.now() + timedelta(hours=1))
    supervision.cancel(
        a_task("A task that nobody needs", input=BRIEF), by="user:ben", reason="Asked for twice"
    )
    a_task("A task of the backlog", input=BRIEF)
    schedules.add(
        "article",
        name="mondays",
        line="0 7 * * 1",
        zone="UTC",
        by="user:admin",
        input={"title": "M", **BRIEF},
    )
    away.leave(
        "user:ana",
        starts_at=clock.now() - timedelta(hours=1),
        ends_at=clock.now() + timedelta(days=2),
        why="Skiing",
    )
    tokens.make("ana", "nightly import", by="user:ana", scope="read")
    for state in (Notice.State.DEAD, Notice.State.UNCERTAIN, Notice.State.PENDING):
        notice = Notice.objects.filter(state=Notice.State.PENDING).exclude(kind="inbox").first()
        if notice:
            Notice.objects.filter(pk=notice.pk).update(state=state, error="The channel is gone.")
    messages.receive(
        {
            "from": "books", "to": "article", "type": "wish", "data": {"title": "By mail", **BRIEF},
            "correlation_id": "wish-1", "timestamp": "2026-02-17T12:00:00Z",
        },
        channel="api", by="user:admin",
    )  # fmt: skip


def built_by_hand() -> None:
    """What the samples do not come to: a finding in dispute, a question, a stage that gave up."""
    doubt = Finding(
        kind="unsupported_number", text="No source.", quote="Agents often work at night.", source=1
    )
    desk.waiting(desk.FIRST, doubt, title="A draft with a finding")
    desk.asked()
    desk.given_up()
    work_until(a_task("A stage that an operator skips"), "review")
    assert Artifact.objects.exists()
    assert Task.objects.exists()
