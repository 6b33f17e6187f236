"""A house in which every sample ran to its end, and tasks stand in every condition the product knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agents import definition
from agents.contract import Finding
from agents.outside import circuit
from clawbot.people import tokens
from tasks import clock, models, schedules, supervision
from tasks.border import messages
from tasks.models import Artifact, Event, Notice, Review, Task
from tasks.people import away
from tasks.schedules import occurrences
from tasks.workflow import shipped
from tests.clawbot.dashboard import desk
from tests.tasks.builders import a_task, work_until
from tests.tasks.workflows import journey
from tests.tasks.workflows.order.till import a_shop
from tests.tasks.workflows.support.sample import a_desk

BRIEF = {"brief": "Explain it."}
#: What must have happened in the house; a verb that changed nothing would leave a condition out.
HAPPENED = {
    "absence.began", "absence.ended", "agent.offered", "artifact.edited", "comment.made", "finding.judged",
    "hold.lifted", "hold.placed", "message.received", "review.answered", "review.assigned", "review.decided",
    "review.opened", "review.put_back", "review.taken", "schedule.added", "schedule.fired", "schedule.paused",
    "subtask.returned", "subtask.skipped", "task.cancelled", "task.done", "task.rerun", "token.made",
    "token.revoked",
}  # fmt: skip
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
    supervision.edit(edited.task, by="user:ana", text=f"{edited.artifact.text}\nPeople had the last word.\n")
    _ask_and_take_turns(paused)
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
    daily = schedules.add(
        "article", name="daily", line="0 7 * * *", zone="UTC", by="user:admin", input={"title": "D", **BRIEF}
    )
    occurrences.run(daily, by="user:admin")
    schedules.pause(daily, by="user:admin", why="Nobody reads it in summer")
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
    ended = away.leave(
        "user:ben", starts_at=clock.now(), ends_at=clock.now() + timedelta(days=9), why="Moving"
    )
    away.come_back("user:ben", ended)
    tokens.make("ana", "nightly import", by="user:ana", scope="read")
    tokens.revoke(tokens.make("ana", "an old import", by="user:ana").token, by="user:ana")
    for state in (Notice.State.DEAD, Notice.State.UNCERTAIN, Notice.State.PENDING):
        notice = Notice.objects.filter(state=Notice.State.PENDING).exclude(kind="inbox").first()
        if notice:
            Notice.objects.filter(pk=notice.pk).update(state=state, error="The channel is gone.")
    # As an older version, or the digest's own kind of message, stored it: without a reason.
    Notice.objects.filter(pk=Notice.objects.latest("pk").pk).update(content={"summary": "12 messages."})
    messages.receive(
        {
            "from": "books", "to": "article", "type": "wish", "data": {"title": "By mail", **BRIEF},
            "correlation_id": "wish-1", "timestamp": "2026-02-17T12:00:00Z",
        },
        channel="api", by="user:admin",
    )  # fmt: skip


def _ask_and_take_turns(review: Review) -> None:
    """Questions with and without an answer, findings judged, reviews taken and handed on, stages skipped and
    done again."""
    questions = Review.objects.filter(open=1, kind=Review.Kind.ESCALATION).order_by("-pk")
    question = next(one for one in questions if "answer" in one.verbs)
    supervision.answer(question, by="user:ana", request_id="q", note="Keep the sentence.")
    remark = models.Finding.objects.filter(state=models.Finding.State.OPEN).latest("pk")
    supervision.judge(remark, by="user:ana", state=models.Finding.State.DISPUTED)
    supervision.take(review, by="user:ana")
    supervision.put_back(review, by="user:ana")
    supervision.assign(review, by="user:ben", to="user:ana")
    skipped = Task.objects.get(title="A stage that an operator skips")
    supervision.skip(skipped, by="user:ben", stage="approve", reason="It was read on paper")
    again = Task.objects.filter(workflow__slug="support", outcome="completed").first()
    supervision.rerun_from(
        again, by="user:ben", stage=again.subtasks.filter(live=1).last().stage, reason="Once more"
    )


def offer_an_update(folder: Path) -> None:
    """A person chose how an agent works, and its file says something newer."""
    file = definition.FOLDER / "seo.yaml"
    own = definition.read(file, shipped.models).model_copy(update={"title": "Our own"})
    shipped.hire(own, by="user:admin")
    (folder / "agents").mkdir()
    newer = file.read_text("utf-8").replace("title: SEO", "title: The newest")
    (folder / "agents" / "seo.yaml").write_text(newer, "utf-8")
    shipped.sync("clawbot", agents=folder / "agents", workflows=folder / "none")


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


def missing() -> set[str]:
    """What should have happened in the house and did not."""
    return HAPPENED - set(Event.objects.values_list("kind", flat=True))
