"""Every kind of event and the facts that it carries. `docs/events.md` is made from this table.

`log.line()` refuses an event that lacks one of its facts, or has one that its kind does not name: readers
of the log may rely on what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """Which facts an event carries always, which it may carry, and a word on what they mean."""

    always: frozenset[str]
    maybe: frozenset[str]
    note: str

    def misfit(self, facts: set[str]) -> str:
        """What is wrong with these facts, in words; empty if they fit."""
        if lacks := self.always - facts:
            return f"lacks {', '.join(sorted(lacks))}"
        if foreign := facts - self.always - self.maybe:
            return f"does not name {', '.join(sorted(foreign))}"
        return ""


def _kind(always: str = "", maybe: str = "", note: str = "") -> Kind:
    return Kind(frozenset(always.split()), frozenset(maybe.split()), note)


_SCHEDULE = "schedule workflow name cron zone"
_NOTICE = "notice kind carrier recipient"

KINDS: dict[str, Kind] = {
    "task.injected": _kind("workflow version", note="version: the workflow version it runs under"),
    "task.started": _kind("stages", note="which may run now"),
    "task.done": _kind("outcome"),
    "task.changed": _kind("because", note="the kind of the event, of another task, that brought it about"),
    "task.restored": _kind("of id columns", note="columns: [was, now], by what the log says"),
    "task.noted": _kind("rows", note="how the task was found when the log began to carry changes"),
    "task.cancelled": _kind("reason"),
    "task.undoing": _kind("why stages", note="the stage that failed, and what is taken back, newest first"),
    "task.rerun": _kind("round reason", note="a new round from that stage"),
    "task.overridden": _kind(
        "round reason was", "unapproved", "was: the stages that were open; unapproved: its gates"
    ),
    "subtask.claimed": _kind(
        "subtask item agent attempt fence worker run version", note="version: the agent's"
    ),
    "subtask.finished": _kind("done_as summary attempt seconds", "subtask item"),
    "subtask.spread": _kind("items", note="into how many it was spread"),
    "subtask.passed_over": _kind("why", note="its branch was not taken"),
    "subtask.awaits": _kind("why", "item until", "until: an answer from another system comes by then"),
    "subtask.answered": _kind("message", "item"),
    "subtask.injects": _kind("item child", note="child: the key of the task it waits for"),
    "subtask.retried": _kind("why not_before attempt", "item"),
    "subtask.waiting": _kind("why", "item"),
    "subtask.returned": _kind("to round requests", "why", "requests: how many"),
    "subtask.skipped": _kind("item reason", "unapproved", "unapproved: a gate, at which nobody approved"),
    "review.answered": _kind(
        "item review request files sources",
        note="request: its number; sources: what joined those of the task",
    ),
    "subtask.retry": _kind("item reason", note="a person let it try again"),
    "subtask.rescued": _kind("worker attempt crashes", "item"),
    "subtask.released": _kind(
        "why not_before attempt", "item", "given back unfinished, without counting as an attempt"
    ),
    "subtask.stopped": _kind("reason", note="a person fenced off what ran"),
    "run.discarded": _kind("attempt", note="its result came too late and was not used"),
    "artifact.made": _kind(
        "kind number sha256 path built_on", "unapproved",
        "built_on: its hash; unapproved: gates skipped before it",
    ),
    "artifact.tampered": _kind(
        "artifact kind number sha256 found why", note="found: the hash of what is there now"
    ),
    "artifact.edited": _kind("kind number sha256 base", "then", "then: what was chosen for the stages after"),
    "review.opened": _kind("review kind due_at"),
    "review.decided": _kind("review verb artifact_sha256 note channel"),
    "review.undone": _kind("review verb", "why", "why: an edit did it"),
    "review.released": _kind("review verb"),
    "review.undo_seen": _kind("review release_at", note="the undo window began as its button was seen"),
    "review.completed": _kind("review why", note="whoever was still needed has left or is away"),
    "tool.granted": _kind(
        "review tool target sha256 approved_by until", note="sha256: of the call; it may be made once"
    ),
    "review.seen": _kind("review", note="somebody who may answer it opened it for the first time"),
    "review.taken": _kind("review"),
    "review.assigned": _kind("review to", "why"),
    "review.reminded": _kind("review rung to", note="a reminder, or another group"),
    "review.ended": _kind("review verb", note="the end of its ladder"),
    "review.put_back": _kind("review"),
    "absence.began": _kind("user until delegate why"),
    "absence.ended": _kind("user"),
    "member.set": _kind("user workflow role member", note="role: empty if taken away; member: its row"),
    "finding.judged": _kind("finding state"),
    "finding.revoked": _kind("finding kind quote", note="a person took a correction back"),
    "trust.raised": _kind("workflow agent kind judged agreed low"),
    "trust.ended": _kind("workflow agent kind why"),
    "comment.made": _kind("comment artifact"),
    "comment.removed": _kind("comment"),
    "hold.placed": _kind("hold scope target why until"),
    "hold.lifted": _kind("hold scope target"),
    "hold.restored": _kind("of id columns", note="columns: [was, now], by what the log says"),
    "hold.noted": _kind("rows", note="the holds that were found when the log began to carry changes"),
    "notice.owed": _kind("notices kind", note="if nothing else tells of them"),
    "notice.sent": _kind(_NOTICE, "why", "why: a person saw that it had arrived"),
    "notice.uncertain": _kind(f"{_NOTICE} error"),
    "notice.dead": _kind(f"{_NOTICE} error"),
    "notice.resent": _kind(_NOTICE, note="a person asked for it"),
    "message.crossed": _kind(
        "messages", note="envelopes that agents sent and got while their runs went on"
    ),
    "message.received": _kind("message channel sender type effect", note="effect: injected or continued"),
    "message.noted": _kind("message channel sender type effect", note="nothing waited for it"),
    "message.refused": _kind("message channel error"),
    "message.sent": _kind("message channel to type", "why", "why: a person saw that it had arrived"),
    "message.uncertain": _kind(
        "message channel to type error", note="it may have arrived, and is sent again"
    ),
    "message.dead": _kind("message channel to type error"),
    "message.resent": _kind("message channel to type", note="a person asked for it"),
    "schedule.fired": _kind("schedule workflow name due_at tasks trouble"),
    "schedule.missed": _kind(
        "schedule workflow name since policy", note="what its policy leaves out after a stop"
    ),
    "schedule.added": _kind(_SCHEDULE),
    "schedule.changed": _kind(_SCHEDULE),
    "schedule.removed": _kind(_SCHEDULE),
    "schedule.paused": _kind(f"{_SCHEDULE} why"),
    "schedule.resumed": _kind(_SCHEDULE),
    "stage.silent": _kind("item reason", note="it stands still, and the row says so until it is claimed"),
    "stage.stalled": _kind("seconds usual"),
    "worker.started": _kind("worker"),
    "worker.lost": _kind("worker held"),
    "worker.ended": _kind("worker why"),
    "cluster.restarted": _kind("why"),
    "queue.refused": _kind("queue why", note="a task in it was not one of ours, and was removed unrun"),
    "process.apart": _kind(
        "process host pid folder why", note="it does not see what others see, and claims nothing"
    ),
    "process.agrees": _kind("process host pid folder", note="it sees what the others see again"),
    "person.made": _kind("user role", note="role: the group; made at a terminal, as the first people are"),
    "agent.version": _kind("agent number sha256 note"),
    "agent.offered": _kind(
        "agent number sha256", note="what its shipped file says now; a person chose another wording"
    ),
    "agent.activated": _kind("agent number was", note="the offered version is the active one"),
    "agent.kept": _kind("agent number", note="the offered version was put aside"),
    "workflow.version": _kind("workflow number sha256"),
    "workflow.offered": _kind(
        "workflow number sha256", note="what its shipped file says now; a person chose another"
    ),
    "workflow.activated": _kind("workflow number was", note="another version is the active one"),
    "workflow.kept": _kind("workflow number", note="the offered version was put aside"),
    "house.noted": _kind(
        "rows", note="what was found of people, messages and settings when the log began to tell of them"
    ),
    "person.changed": _kind("person name", note="an account, its password, or a power of it became another"),
    "person.groups": _kind("person name groups", note="the groups of that account from now on"),
    "person.removed": _kind("person name"),
    "link.made": _kind("link name", note="a one-time way in was made for that account"),
    "link.used": _kind("link"),
    "person.signed_in": _kind("how", note="password or link"),
    "token.made": _kind("token name owner scope expires_at"),
    "token.revoked": _kind("token name owner"),
}  # fmt: skip
