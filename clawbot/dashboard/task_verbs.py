"""What people do to a task. GET asks (a dialog, or a page without JavaScript), POST does it: one verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from agents.contract import Refused
from clawbot.numbers import whole
from clawbot.redirects import back
from tasks import access, lifecycle, supervision
from tasks.models import Hold, Task

from . import consequences
from .cards import stage_title

Form = dict[str, str]


@dataclass(frozen=True)
class Verb:
    """A verb as a form: its label, what happens then, and the call."""

    label: str
    consequence: str
    call: Callable[[Task, str, Form], Any]
    done: str
    may: str = ""  # the word that access knows it by, where it is another one
    asks_why: bool = True
    is_danger: bool = False
    needs_stage: bool = False
    #: where what happens depends on the task: the sentence instead of `consequence`
    says: Callable[[Task, Form], str] | None = None
    #: where a stage is chosen and each choice does something else: what each does
    starts: Callable[[Task], list[consequences.Start]] | None = None


def _pause(task: Task, by: str, form: Form) -> Any:
    return supervision.pause(
        "task", task.key, by=by, why=form["reason"], stop_now=form.get("stop_now") == "yes"
    )


def _resume(task: Task, by: str, form: Form) -> Any:
    hold = Hold.objects.filter(scope=Hold.Scope.TASK, target=task.key, open=1).first()
    return supervision.resume(hold, by=by) if hold else None


def _move(task: Task, by: str, form: Form) -> Any:
    return supervision.override(
        task, by=by, stage=form["stage"], reason=form["reason"], seen_round=_seen(form)
    )


def _rerun(task: Task, by: str, form: Form) -> Any:
    if not form["stage"]:
        raise Refused(f"Cannot run {task.key} again: choose the stage to begin at.")
    return supervision.rerun_from(
        task, by=by, stage=form["stage"], reason=form["reason"], seen_round=_seen(form)
    )


def _seen(form: Form) -> int | None:
    """The round that the form was made for: sent twice, it moves work once."""
    return whole(form.get("round", ""))


def _retry(task: Task, by: str, form: Form) -> Any:
    return supervision.retry(task, by=by, stage=form["stage"], item=form["item"], reason=form["reason"])


def _skip(task: Task, by: str, form: Form) -> Any:
    return supervision.skip(task, by=by, stage=form["stage"], item=form["item"], reason=form["reason"])


def _cancel(task: Task, by: str, form: Form) -> Any:
    return supervision.cancel(task, by=by, reason=form["reason"])


def _start(task: Task, by: str, form: Form) -> Any:
    return lifecycle.start([task], by=by)


VERBS = {
    "pause": Verb(
        "Pause",
        "What runs now finishes, then the task is held until somebody resumes it. Nothing is lost.",
        _pause,
        "{key} is paused.",
    ),
    "resume": Verb("Resume", "It goes on where it was.", _resume, "{key} goes on.", asks_why=False),
    "move": Verb(
        "Move to stage",
        "This overrides the workflow: open stages before it are skipped, the chosen one and all later ones "
        "run again. What was made stays, and the log says who did it.",
        _move,
        "{key} was moved.",
        may="override",
        needs_stage=True,
        says=consequences.move,
    ),
    "rerun": Verb(
        "Run again",
        "A new round begins at the stage you choose.",
        _rerun,
        "{key} runs again.",
        may="rerun_from",
        says=consequences.rerun,
        starts=consequences.starts,
    ),
    "retry": Verb(
        "Retry",
        "The stage that waits tries again now.",
        _retry,
        "{key} tries again.",
        asks_why=False,
        says=consequences.retry,
    ),
    "skip": Verb(
        "Go on without it",
        "Its work is left out; what waits for it starts at once.",
        _skip,
        "{key} goes on.",
        says=consequences.skip,
    ),
    "cancel": Verb(
        "Cancel task",
        "It ends for good: nothing more runs, nothing is published. What was made is kept.",
        _cancel,
        "{key} was cancelled.",
        is_danger=True,
        says=consequences.cancel,
    ),
    "start": Verb(
        "Start",
        "It leaves the backlog; its first stage may run now.",
        _start,
        "{key} starts.",
        asks_why=False,
    ),
}


@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, key: str, verb: str) -> HttpResponse:
    """Ask for, or do, one verb on one task."""
    if verb not in VERBS:
        raise Http404(f"There is no verb {verb!r}; there are {', '.join(VERBS)}.")
    task = get_object_or_404(access.seen(Task, request.user).select_related("workflow_version"), key=key)
    if request.method == "GET":
        return _ask(request, task, verb)
    if _do(request, task, verb):
        messages.success(request, VERBS[verb].done.format(key=task.key))
    return redirect(back(request, "task", key=task.key))


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """One verb on every selected task; each is refused or done by itself."""
    verb = request.POST.get("verb", "")
    if verb not in {"pause", "resume", "retry", "start"}:
        raise Http404(f"Cannot {verb!r} several tasks at once.")
    there = access.seen(Task, request.user).select_related("workflow_version")
    tasks = there.filter(key__in=request.POST.getlist("key")[:100])
    done = [task.key for task in tasks if _do(request, task, verb)]
    if done:
        label = VERBS[verb].label.lower()
        messages.success(
            request, f"{label.capitalize()}: {', '.join(done[:5])}{' and more' if len(done) > 5 else ''}."
        )
    return redirect(back(request))


def _do(request: HttpRequest, task: Task, verb: str) -> bool:
    form = {name: str(value).strip() for name, value in request.POST.items()}
    form = {"stage": "", "item": ""} | form
    form["reason"] = form.get("reason") or ("from the board" if "key" in form else "")
    try:
        VERBS[verb].call(task, f"user:{request.user.username}", form)
    except Refused as refused:
        messages.error(request, str(refused))
        return False
    return True


def _ask(request: HttpRequest, task: Task, verb: str) -> HttpResponse:
    """The form: as a dialog for a page that asked for a fragment, else as a page of its own."""
    asked = VERBS[verb]
    place = {name: request.GET.get(name, "") for name in ("stage", "item")}
    stages = [(stage["name"], stage_title(stage["name"])) for stage in task.workflow_version.stages]
    context = {
        "task": task,
        "name": verb,
        "verb": asked,
        "consequence": asked.says(task, place) if asked.says else asked.consequence,
        "place": {} if asked.needs_stage or asked.starts else place,
        "starts": asked.starts(task) if asked.starts else [],
        "stages": stages if asked.needs_stage else [],
        "now_at": request.GET.get("stage", ""),
        "why_not": access.reason(request.user, asked.may or verb, task),
        "next": request.GET.get("next", ""),
    }
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "parts/_ask_verb.html" if is_part else "pages/verb.html", context)
