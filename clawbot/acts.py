"""Does to a task, by the name of a verb, what a person may do: the form behind command line, API and MCP.

`tasks.supervision.VERBS` are the verbs. What each one takes, its signature says.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.contract import Refused
from tasks import access, supervision
from tasks.models import Decision, Hold, Review, Task
from tasks.why import why


class Unknown(Refused):
    """What was asked about does not exist. The text names what does."""


@dataclass(frozen=True)
class Said:
    """What a person says with a verb. A verb that does not take one of these refuses it."""

    review: int | None = None  # which one; the one due first where left out
    note: str = ""
    reason: str = ""
    to: str = ""  # a stage; for assign: a user
    requests: Sequence[dict[str, str]] = ()  # {text, quote}
    kind: str = "draft"  # what to edit
    text: str | None = None  # the edited text
    sha256: str | None = None  # decide or save only if the text is still this one
    files: Sequence[tuple[str, bytes]] = ()  # name and content, that go with an answer
    version: int | None = None  # decide only if the review is still this version
    #: after an edit: stage -> keep, rerun or review; None leaves every judgement as it is
    then: Mapping[str, str] | None = None


def find_task(key: str, who: Any) -> Task:
    """The task with this key, in any case, if `who` may see it. Raises Unknown with near keys."""
    there = access.seen(Task, who)
    task = there.select_related("workflow", "workflow_version").filter(key__iexact=key).first()
    if task is None:
        newest = list(there.order_by("-id").values_list("key", flat=True)[:500])
        near = difflib.get_close_matches(key.upper(), newest, n=3) or newest[:3]
        there_is = f"There is {', '.join(near)}." if near else "There is none."
        raise Unknown(f"There is no task {key!r}. {there_is}")
    return task


def act(task: Task, verb: str, said: Said, *, by: str, channel: str) -> Task:
    """Do one verb and return the task as it is then. Raises Unknown, Refused, Stale, NotAllowed."""
    function = supervision.VERBS.get(verb)
    if function is None:
        raise Unknown(f"There is no verb {verb!r}. There is {', '.join(sorted(supervision.VERBS))}.")
    _refuse_unread(task, verb, said)
    given = _values(task, verb, said, by) | {"channel": channel}
    thing = _thing(function, task, said)
    done = function(*thing, **{name: given[name] for name in _asked(function) if name in given})
    if verb == "take" and done is False:
        raise Refused(f"Cannot take the review of {task.key}: somebody else reads it. Ask them, or wait.")
    task.refresh_from_db()
    return task


def _asked(function: Callable[..., Any]) -> list[str]:
    """The names that a verb takes: its signature is the form."""
    kinds = inspect.signature(function).parameters.values()
    return [one.name for one in kinds if one.kind is inspect.Parameter.KEYWORD_ONLY]


#: by which names verbs take what a person says
_TAKEN = {
    "note": {"note"}, "reason": {"reason", "why"}, "to": {"to", "stage"}, "requests": {"requests"},
    "kind": {"kind"}, "text": {"text"}, "sha256": {"artifact_sha256", "base_sha256"},
    "version": {"review_version"}, "then": {"then"}, "files": {"files"}, "review": {"review", "decision"},
}  # fmt: skip


def takes(verb: str) -> list[str]:
    """What a verb takes of `Said`, by its names there."""
    asked = set(inspect.signature(supervision.VERBS[verb]).parameters)
    asked |= {"review"} if verb in {"skip", "retry"} else set()
    return [name for name, taken in _TAKEN.items() if taken & asked]


def _refuse_unread(task: Task, verb: str, said: Said) -> None:
    """What a verb does not take would be lost without a word, as wishes are with an approval."""
    names = takes(verb)
    for one in dataclasses.fields(said):
        value = getattr(said, one.name)
        if one.name not in names and value not in (one.default, None, "", [], {}, ()):
            raise Refused(
                f"Cannot {verb.replace('_', ' ')} {task.key}: {verb} takes no {one.name}, so it would be "
                f"lost. It takes {', '.join(names) or 'nothing'}."
            )


def _values(task: Task, verb: str, said: Said, by: str) -> dict[str, Any]:
    """Everything that was said, by the names that verbs use."""
    values: dict[str, Any] = {
        "by": by, "request_id": uuid.uuid4().hex, "undo_seconds": 0, "note": said.note, "reason": said.reason,
        "why": said.reason, "to": _user(said.to) if verb == "assign" else said.to,
        "stage": said.to or _stage(task, verb, said), "item": _item(task, verb, said),
        "requests": said.requests, "kind": said.kind, "then": said.then,
        "files": said.files,
    }  # fmt: skip
    if said.sha256:
        values["artifact_sha256"] = values["base_sha256"] = said.sha256
    if said.version is not None:
        values["review_version"] = said.version
    if verb == "edit":
        values["review"] = _review(task, said.review) if said.review else None
        if said.text is None:
            raise Refused(f"Cannot edit {task.key}: give the new text.")
        values["text"] = said.text
    return values


def _user(name: str) -> str:
    return f"user:{name.removeprefix('user:')}"


def _stage(task: Task, verb: str, said: Said) -> str:
    """Skip means the stage that waits, where no other is named; a review names the stage of a retry too."""
    asked = verb == "skip" or (verb == "retry" and said.review)
    return _review(task, said.review).subtask.stage if asked else ""


def _item(task: Task, verb: str, said: Said) -> str:
    """Which item of a stage that fans out, where a review is named that waits for one."""
    is_one = said.review and not said.to and verb in {"skip", "retry"}
    return _review(task, said.review).subtask.item if is_one else ""


def _thing(function: Callable[..., Any], task: Task, said: Said) -> list[Any]:
    """What the verb is done to, as its first argument names it."""
    kinds = inspect.signature(function).parameters.values()
    match [one.name for one in kinds if one.kind is not inspect.Parameter.KEYWORD_ONLY]:
        case ["review", *_]:
            return [_review(task, said.review)]
        case ["decision", *_]:
            decisions = Decision.objects.filter(review__task=task)
            decisions = decisions.filter(review=said.review) if said.review else decisions
            return [_newest(decisions, f"Nobody has decided about {task.key} yet.")]
        case ["hold", *_]:
            holds = Hold.objects.filter(open=1, scope="task", target=task.key)
            return [_newest(holds, f"{task.key} is not paused.")]
        case ["scope", *_]:
            return ["task", task.key]
    return [task]


def _review(task: Task, pk: int | None) -> Review:
    reviews = Review.objects.filter(task=task).select_related("subtask", "task")
    if pk:
        found = reviews.filter(pk=pk).first()
        if found is None:
            raise Unknown(f"{task.key} has no review {pk}.")
        return found
    first = reviews.filter(open=1).order_by("due_at", "id").first()
    if first is None:
        raise Refused(f"{task.key} waits for nobody. {why(task).sentence}")
    return first


def _newest(rows: Any, nothing: str) -> Any:
    found = rows.order_by("-id").first()
    if found is None:
        raise Refused(nothing)
    return found
