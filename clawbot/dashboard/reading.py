"""What an editor sees of one review: the draft with its changes, remarks, evidence and what a verdict does.

Reads only. The views in `review.py` ask it for a page and call the verbs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from agents.prose import article
from clawbot import draft, render
from clawbot.numbers import whole
from clawbot.templatetags.clawbot import icon
from tasks import access, artifacts, clock, costs, items, supervision
from tasks.models import Artifact, Comment, Decision, Finding, Review, Run, Task
from tasks.people import asked, policy
from tasks.standing import capital
from tasks.why import why
from tasks.workflow.graph import UNDO

from . import calls, consequences, deciders, history, pace, requests, sources, task_items

VIEWS = {"changes": "Changes", "clean": "Clean", "output": "Output"}
PANES = ("sources", "brief", "thread", "checks")
REASONS = {
    "unsupported": "Unsupported claim",
    "wrong": "Wrong fact",
    "tone": "Tone or voice",
    "structure": "Structure",
    "length": "Length",
    "brief": "Misses the brief",
    "other": "Something else",
}
#: what a decision is called afterwards
PAST = {
    "approve": "approved",
    "send_back": "returned",
    "skip": "skipped",
    "retry": "retried",
    "answer": "answered",
    "cancel": "stopped",
}  # fmt: skip


@dataclass
class Page:
    """Everything the page and its parts show."""

    review: Review
    task: Task
    query: QueryDict
    me: str
    shown: Artifact | None  # the draft on the page
    latest: Artifact | None
    base: Artifact | None  # what its changes are shown against
    bases: list[Artifact]
    base_by: str  # who decided on it: yours, Ben's
    view: str
    pane: str
    sheet: str
    drafts: list[Artifact] = field(default_factory=list)  # all of them, oldest first
    returned: Artifact | None = None  # the draft that this person returned last
    findings: list[Finding] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    length: str = ""
    added_words: int | None = None
    reading: draft.Reading | None = None

    @property
    def open_findings(self) -> list[Finding]:
        return [one for one in self.findings if one.state in {Finding.State.OPEN, Finding.State.DISPUTED}]

    @property
    def pending(self) -> list[Comment]:
        """The person's own remarks that no agent has seen yet, in the order of their numbers to come."""
        return supervision.in_order(one for one in self.comments if one.number is None)

    @property
    def previous(self) -> Artifact | None:
        """The draft before the shown one, where changes may be asked for though nobody decided on any."""
        return self.base or (self.bases[-1] if self.bases else None)

    @property
    def latest_is_shown(self) -> bool:
        return self.shown == self.latest


def page(review: Review, user: Any, query: QueryDict) -> Page:
    """Read the page of a review for a person, as its address asks."""
    task, me = review.task, f"user:{user.username}"
    # A call is no draft: it is read as a table, and nothing is compared with it.
    latest = None if review.kind == Review.Kind.TOOL else review.artifact if review.open else _newest(review)
    drafts = _drafts(latest)
    shown = _numbered(drafts, query.get("to")) or latest
    bases = [one for one in drafts if shown and one.number < shown.number]
    base, base_by = _base(task, bases, me, query.get("from"))
    view = query.get("view", "")
    if view not in VIEWS or (view == "changes" and base is None):
        view = "changes" if base and view != "clean" else "clean"
    pane = query.get("pane", "")
    here = Page(
        review=review, task=task, query=query, me=me, shown=shown, latest=latest, base=base, bases=bases,
        base_by=base_by, view=view, pane=pane if pane in PANES else "", sheet=query.get("sheet", ""),
        drafts=drafts, returned=_returned(task, bases, me),
    )  # fmt: skip
    here.findings = _findings(here)
    here.comments = _comments(here)
    if shown:
        text = draft.read(shown.text)
        here.length = draft.length(shown.text)
        here.added_words = _added(shown, base) if base else None
        old = draft.read(base.text) if base and view == "changes" else None
        here.reading = draft.reading(text, old, _remarks(here), _cite(here), query.get("at", ""))
        _drop_title(here.reading, text, task.title)
    return here


def preview(here: Page, text: str) -> draft.Reading:
    """How words that were typed would read: changes since the draft that they replace, citations as links."""
    old = draft.read(here.review.artifact.text) if here.review.artifact else None
    return draft.reading(draft.read(text), old, cite=_cite(here))


def _added(shown: Artifact, base: Artifact) -> int | None:
    """How many words longer a draft is; None if one is longer than a page shows."""
    if max(len(shown.text), len(base.text)) > render.MOST_SHOWN:
        return None
    return article.word_count(shown.text) - article.word_count(base.text)


def _drop_title(reading: draft.Reading, text: draft.Draft, title: str) -> None:
    """A first heading that only repeats the page's own title says nothing twice."""
    first = reading.rows[0] if reading.rows else None
    repeats = bool(text.blocks) and text.blocks[0].name == "h1" and text.blocks[0].text.strip() == title
    if first and repeats and first.number == 1 and first.kind == "same" and not first.remarks:
        del reading.rows[0]


def _newest(review: Review) -> Artifact | None:
    """What a closed review was about: the text that was decided on."""
    return Artifact.objects.filter(task=review.task, sha256=review.artifact_sha256).first() or review.artifact


def _drafts(latest: Artifact | None) -> list[Artifact]:
    if latest is None:
        return []
    same = Artifact.objects.filter(task=latest.task_id, kind=latest.kind, number__lte=latest.number)
    return list(same.order_by("number"))


def _numbered(drafts: list[Artifact], number: str | None) -> Artifact | None:
    return next((one for one in drafts if str(one.number) == number), None)


def _returned(task: Task, bases: list[Artifact], me: str) -> Artifact | None:
    """The newest of these drafts that this person sent back."""
    mine = Decision.objects.filter(review__task=task, by=me, verb="send_back", undone_at__isnull=True)
    sent = set(mine.values_list("artifact_sha256", flat=True))
    return next((one for one in reversed(bases) if one.sha256 in sent), None)


def _base(task: Task, bases: list[Artifact], me: str, wanted: str | None) -> tuple[Artifact | None, str]:
    """The draft to compare with: the one asked for, else the one you last decided on, else the one
    anybody did, else, after a person's edit, the one they edited."""
    decided = list(
        Decision.objects.filter(review__task=task, undone_at__isnull=True)
        .order_by("-id")
        .values_list("by", "artifact_sha256")
    )
    known = {one.sha256: one for one in bases}
    by = {sha: who for who, sha in reversed(decided)}
    if (asked := _numbered(bases, wanted)) is not None:
        return asked, by.get(asked.sha256, "")
    for who, sha in [pair for pair in decided if pair[0] == me] + decided:
        if sha in known:
            return known[sha], who
    edited = (
        Artifact.objects.filter(task=task, kind="draft", made_by__startswith="user:")
        .order_by("-number")
        .first()
    )
    built_on = [known[sha] for sha in (edited.built_on if edited else []) if sha in known]
    return (built_on[-1], "") if built_on else (None, "")


def _findings(here: Page) -> list[Finding]:
    """What reviewers said about this draft, and what they said that this draft has answered."""
    if here.shown is None:
        return []
    least = here.base.number if here.base else 0
    rows = Finding.objects.filter(
        task=here.task, artifact__kind=here.shown.kind, artifact__number__lte=here.shown.number
    )
    return [
        one
        for one in rows.select_related("artifact", "run")
        if one.state != Finding.State.RESOLVED or one.artifact.number >= least
    ]


def _comments(here: Page) -> list[Comment]:
    """Your pending comments, and those that this draft answers."""
    rows = (
        Comment.objects.filter(task=here.task)
        .select_related("artifact", "answered_in")
        .order_by("number", "id")
    )
    since = here.base.number if here.base else 0
    return [
        one
        for one in rows
        if (one.number is None and one.by == here.me)
        or (
            one.answered_in is not None and here.shown and since < one.answered_in.number <= here.shown.number
        )
    ]


def _remarks(here: Page) -> list[draft.Remark]:
    return [*map(_of_finding, here.findings), *map(_of_comment, here.comments)]


def _of_finding(one: Finding) -> draft.Remark:
    """A finding that was put right is where its sentence was, or where the source's own words stand now."""
    instead = "" if one.state == Finding.State.OPEN else one.passage
    return draft.Remark(
        id=f"finding-{one.number}", kind=_colour(one), quote=one.quote, label=str(one.number),
        words=f"finding {one.number}", instead=instead, said=one,
    )  # fmt: skip


def _of_comment(one: Comment) -> draft.Remark:
    if one.number is None:
        return draft.Remark(
            f"comment-{one.pk}", "comment", one.quote, icon("message-square"), "your comment", said=one
        )
    quote = one.answer_quote or one.quote
    return draft.Remark(f"comment-{one.pk}", "answer", quote, icon("check"), "answered comment", said=one)


def _colour(finding: Finding) -> str:
    """Doubt is amber, evidence is blue."""
    return "finding" if finding.state in {Finding.State.OPEN, Finding.State.DISPUTED} else "evidence"


def _cite(here: Page) -> Any:
    known = {one.get("number") for one in _research_sources(here.task)}

    def cite(number: int, sentence: str) -> str:
        return (
            f"{link(here, src=number, at=sentence, pane='sources')}#source-{number}"
            if number in known
            else ""
        )

    return cite


def _research_sources(task: Task) -> list[dict[str, Any]]:
    research = artifacts.latest(task, "research")
    return research.data.get("sources", []) if research else []


def link(here: Page, **changes: Any) -> str:
    """The page's address with some of its choices changed; an empty one is left out."""
    values = {
        key: value for key, value in here.query.items() if key in {"view", "from", "to", "pane", "src", "at"}
    }
    values |= {key: str(value) for key, value in changes.items()}
    kept = {key: value for key, value in values.items() if value}
    return reverse("review", args=[here.review.pk]) + (f"?{urlencode(kept)}" if kept else "")


# -- Beside the draft ---------------------------------------------------------------------------------


def pane(here: Page) -> dict[str, Any]:
    """The right side: sources, brief, thread and checks."""
    at = here.query.get("at", "")
    sentence = draft.read(here.shown.text).sentence(at) if here.shown and at else ""
    found = sources.read(here.task, opened=_opened(here), sentence=sentence, findings=here.findings)
    return {
        "sources": found,
        "brief": brief(here.task),
        "thread": thread(here),
        "at": at,
        **checks(here.task, here.shown),
    }


def _opened(here: Page) -> int:
    """The source that was asked for; before anybody asks, the one that the first finding refers to."""
    src = here.query.get("src")
    if src is not None:
        return whole(src) or 0
    return next((one.source for one in here.findings if one.source), 0)


def brief(task: Task) -> list[tuple[str, Any]]:
    """What the task was injected with, in words: label and value, lists as lists."""
    return [(key.replace("_", " ").capitalize(), _plain(value)) for key, value in task.input.items() if value]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    if isinstance(value, list):
        return [
            str(one.get("title") or one.get("path") or one) if isinstance(one, dict) else str(one)
            for one in value
        ]
    return value


def thread(here: Page) -> list[dict[str, Any]]:
    """Earlier returns by people, newest first: what was asked and what was answered."""
    returns = Decision.objects.filter(
        review__task=here.task, verb="send_back", undone_at__isnull=True
    ).order_by("-id")
    asked = list(
        Comment.objects.filter(task=here.task, number__isnull=False)
        .select_related("artifact", "answered_in")
        .order_by("number")
    )
    known = {one.sha256: one for one in Artifact.objects.filter(task=here.task, kind="draft")}
    found = []
    for decision in returns:
        about = known.get(decision.artifact_sha256)
        found.append({
            "decision": decision, "draft": about, "reason": REASONS.get(decision.note, decision.note),
            "requests": [one for one in asked if about and _sent_with(one, decision, about)],
        })  # fmt: skip
    return found


def _sent_with(comment: Comment, decision: Decision, about: Artifact) -> bool:
    """Whether a comment went out with this return: made before it, on this draft or carried over to it."""
    if comment.by != decision.by or comment.made_at > decision.decided_at:
        return False
    later = comment.answered_in.number if comment.answered_in else None
    return comment.artifact.number <= about.number and (later is None or later > about.number)


@dataclass(frozen=True)
class CheckLine:
    """An item of the checklist; what was not checked has neither a tick nor a warning."""

    name: str
    text: str
    status: str
    icon: str
    said: str

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> CheckLine:
        """From the data of a review, which any agent may have made."""
        passed = stored.get("passed")
        status, icon, said = _CHECKED[passed if isinstance(passed, bool) else None]
        return cls(str(stored.get("name", "")), str(stored.get("text", "")), status, icon, said)


_CHECKED: Mapping[bool | None, tuple[str, str, str]] = {
    True: ("done", "circle-check", "passed"),
    False: ("warn", "triangle-alert", "not passed"),
    None: ("queued", "circle-dashed", "not checked"),
}


def _sum(lines: Sequence[CheckLine]) -> str:
    made = [line for line in lines if line.said != "not checked"]
    told = f"{sum(line.said == 'passed' for line in made)} of {len(made)} pass"
    return told + (f", {len(lines) - len(made)} not checked" if len(made) < len(lines) else "")


def checks(task: Task, shown: Artifact | None) -> dict[str, Any]:
    """The reviewer's checklist of the draft on the page; else the last one there is, with the draft that it
    is about. It says nothing of any other draft."""
    found = list(Artifact.objects.filter(task=task, kind="review").order_by("-number"))
    about = artifacts.subjects(found)
    mine = next((one for one in found if shown and about.get(one.pk) == shown), None)
    report = mine or next((one for one in found if one.pk in about), None)
    stored = report.data.get("checks", []) if report else []
    listed = [CheckLine.of(one) for one in stored if isinstance(one, Mapping)]
    return {
        "checks": listed,
        "checks_sum": _sum(listed),
        "checks_of": about[report.pk] if report else None,
        "unchecked": shown if report and shown and shown.kind == "draft" and mine is None else None,
    }


def outputs(here: Page, wanted: str) -> dict[str, Any]:
    """The rendered files of the task: the page as read and the source of each, one of them chosen."""
    newest: dict[str, Artifact] = {}
    for one in Artifact.objects.filter(task=here.task, kind__startswith="page_").order_by("number"):
        newest[one.kind.removeprefix("page_")] = one
    kind = wanted if wanted in newest else ""
    page, chosen = newest.get("md", here.shown), newest.get(kind)
    body = draft.body(page.text) if page else ""
    return {
        "files": newest,
        "chosen": chosen,
        "page": page,
        "kind": kind,
        "body": body,
        "rest": render.rest(chosen.text if chosen else body),
        "stale": any(one.stale_since for one in newest.values()),
    }


# -- The verdict --------------------------------------------------------------------------------------


def place(review: Review) -> str:
    """What a review is about, in a sentence: fact check; item 3 of read; the taking back of pay."""
    row = review.subtask
    stage = row.stage.removesuffix(UNDO).replace("_", " ")
    stage = f"the taking back of {stage}" if row.stage.endswith(UNDO) else stage
    return f"item {items.number(row.item)} of {stage}" if row.item else stage


def verdict(here: Page, user: Any) -> dict[str, Any]:
    """What can be decided, what it does, and why a control is missing."""
    review = here.review
    next_stage, call = history.after(review), calls.read(review)
    verbs, may_edit = set(review.verbs) if review.open else set(), access.can(user, "edit", review)
    return {
        "place_word": place(review),
        "item": task_items.words(review.subtask.given) if review.subtask.item else "",
        "skips": _skips(review),
        "meanwhile": _meanwhile(review),
        "undoes": review.subtask.stage.endswith(UNDO),
        "cancels": consequences.cancel(here.task) if review.open and "cancel" in review.verbs else "",
        "verbs": verbs,
        "why_not": access.reason(user, "approve", review),
        "approved": review.open and here.me in policy.approvers(review),
        "may_answer": access.can(user, "answer", review),
        "may_operate": access.can(user, "retry", here.task),
        "may_edit": may_edit,
        "editing": here.sheet == "edit" and "edit" in verbs and may_edit and not call,
        "publishes": [] if call else history.planned_paths(here.task, next_stage),
        "next_stage": next_stage,
        "gate": review.kind == Review.Kind.GATE,
        "call": call,
        "last": last_decision(review),
        "question": "" if review.kind == Review.Kind.GATE else asked.said(review),
    }


def last_decision(review: Review) -> Decision | None:
    """The answer that stands."""
    return review.decisions.filter(undone_at__isnull=True).order_by("-id").first()


def _meanwhile(review: Review) -> str:
    """What goes on until somebody answers."""
    if review.kind == Review.Kind.TOOL:
        return "Nothing was sent. Unless somebody approves it, nothing will be; the agent waits."
    if review.subtask.item:
        return "The other items go on meanwhile; the stage ends when somebody answers."
    if any(one != review.subtask.stage for one in why(review.task).at):
        return "What does not need this stage goes on meanwhile."
    return "Nothing moves on until somebody answers."


def _skips(review: Review) -> str:
    """What going on without it means."""
    stage = capital(place(review))
    if review.subtask.stage.endswith(UNDO):
        return f"{stage} is left out: what that stage did in the world stays as it is."
    if review.subtask.item:
        return f"{stage} is left out; the others are joined without it."
    return "Its work is left out; what waits for it starts at once."


def sheet(here: Page) -> dict[str, Any]:
    """The return sheet: where to, the numbered requests so far, and what a return costs."""
    targets, is_call = supervision.targets(here.review), here.review.kind == Review.Kind.TOOL
    default = supervision.default_target(here.review)
    stages = {stage["name"]: stage for stage in here.task.workflow_version.stages}
    return {
        "targets": [(name, stages[name]["agent"]) for name in targets if is_call or _makes_text(name, here)],
        "default": default,
        "agent": stages[default]["agent"] if default in stages else "",
        "first": 1,
        "what": "The work"
        if is_call or not here.latest
        else f"Draft {here.latest.number} of “{here.task.title}”",
        "reasons": REASONS,
        "usual": pace.stages(here.task.workflow_id).get(default),
    }


def _makes_text(stage: str, here: Page) -> bool:
    """A return goes to a stage that can act on a remark: not to one that only judges or renders."""
    wanted = {"research", "draft", here.shown.kind if here.shown else ""}
    made = Artifact.objects.filter(task=here.task, stage=stage).values_list("kind", flat=True)
    return stage == here.review.subtask.stage or bool(set(made) & wanted)


def facts(here: Page) -> dict[str, Any]:
    """The line under the title."""
    readers = deciders.reading([here.review.pk], but=here.me).get(here.review.pk, ())
    return {
        "cost": costs.spent(Run.objects.filter(task=here.task)),
        "standing": deciders.standing(here.review, readers),
        "answered": requests.answered(here.task, here.base, here.shown) if here.shown else [],
        "late": bool(here.review.due_at and here.review.open and here.review.due_at < clock.now()),
    }
