"""New task: a form made from the workflow's input schema, and what will follow from it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from agents.contract import Refused
from clawbot.templatetags.review import role_word
from tasks import access, lifecycle
from tasks import workflow as workflows
from tasks.models import Subtask, Task, Workflow
from tasks.workflow.samples import read as read_sample
from tasks.workflow.shape import ENGINE, HUMAN

from . import pace
from .parts import part_of
from .task_form import fields, missing, number, read, upload_to

MOST_FILES = 40
MOST_BYTES = 20_000_000
ALIKE_WORDS = 3


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """The form; posted, it injects a task and goes to it."""
    flow = _flow(request, request.POST.get("workflow") or request.GET.get("workflow"))
    if request.method == "POST":
        return _inject(request, flow)
    given = _prefilled(request, flow)
    return _form(request, flow, given)


@require_GET
@part_of("new_task")
def alike(request: HttpRequest) -> HttpResponse:
    """A hint under the title: tasks that look the same."""
    return render(request, "parts/_alike.html", {"alike": similar(request, request.GET.get("title", ""))})


def _flows(request: HttpRequest) -> QuerySet[Workflow]:
    """The workflows that this person may see."""
    return access.seen(Workflow, request.user).filter(active__isnull=False).select_related("active")


def _flow(request: HttpRequest, slug: str | None) -> Workflow | None:
    rows = _flows(request)
    return rows.filter(slug=slug).first() if slug else rows.first()


def _form(
    request: HttpRequest,
    flow: Workflow | None,
    given: dict[str, Any],
    *,
    trouble: str = "",
    errors: dict[str, str] | None = None,
    is_asked: bool = False,
) -> HttpResponse:
    sample = request.POST.get("sample") or request.GET.get("sample", "")
    return render(request, "pages/new_task.html", {
        "flow": flow, "flows": _flows(request), "title": given.get("title", ""),
        "fields": fields(flow, given, errors or {}) if flow else [], "samples": samples(flow) if flow else [],
        "sample": sample if flow and sample in samples(flow) else "", "plan": plan(flow) if flow else None,
        "alike": similar(request, given.get("title", "")), "trouble": trouble, "errors": errors or {},
        "due": request.POST.get("due", ""), "priority": request.POST.get("priority", "0"),
        "start": request.POST.get("start", "now"),
        "request_id": request.POST.get("request_id") or uuid.uuid4().hex,
        "upload_to": upload_to(flow) if flow else "", "is_asked": is_asked,
        "optional": [one.label for one in fields(flow, {}, {}) if not one.required and one.kind != "files"]
        if flow else [],
        "why_not": access.reason(request.user, "inject", flow),
    }, status=422 if trouble or errors else 200)  # fmt: skip


# -- Inject -------------------------------------------------------------------------------------------


def _inject(request: HttpRequest, flow: Workflow | None) -> HttpResponse:
    if flow is None:
        raise Http404("There is no workflow yet. `./manage.py sync` loads the shipped ones.")
    title, given = " ".join(request.POST.get("title", "").split()), {}
    with tempfile.TemporaryDirectory(prefix="clawbot-upload-") as folder:
        try:
            given = read(flow, request.POST)
            if request.POST.get("do") == "rows":
                return _form(request, flow, {**given, "title": title}, is_asked=True)
            if files := _gather(request, flow, Path(folder)):
                place = upload_to(flow)
                given[place] = [*given.get(place, []), *files]
            if errors := missing(flow, title, given):
                return _form(request, flow, {**given, "title": title}, errors=errors)
            task = lifecycle.inject(
                flow.slug, title=title, input={**given, "title": title},
                by=f"user:{request.user.username}", folder=Path(folder),
                key=request.POST.get("request_id") or None, backlog=request.POST.get("start") == "backlog",
                due_on=_date(request.POST.get("due", "")),
                priority=max(-10, min(10, int(number(request.POST.get("priority", "0"), "priority") or 0))),
            )  # fmt: skip
        except Refused as refused:
            return _form(request, flow, {**given, "title": title}, trouble=str(refused))
    messages.success(
        request, f"{task.key} is {'in the backlog' if task.starts_at is None else 'on its way'}."
    )
    if request.POST.get("do") == "another":
        return redirect(f"{request.path}?workflow={flow.slug}")
    return redirect(f"/tasks/{task.key}/")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"Due: {text!r} is not a date. Write it as 2026-11-21.") from None


def _gather(request: HttpRequest, flow: Workflow, folder: Path) -> list[str]:
    """Put the sample's files and the uploaded ones into `folder`; return the uploaded names."""
    if request.POST.get("sample") in samples(flow):
        shutil.copytree(_folder(flow) / "samples" / request.POST["sample"], folder, dirs_exist_ok=True)
    uploads = request.FILES.getlist("upload")
    if len(uploads) > MOST_FILES or sum(one.size or 0 for one in uploads) > MOST_BYTES:
        raise Refused(f"Cannot take these files: at most {MOST_FILES} of 20 MB together. Leave some out.")
    return [_store(one, folder) for one in uploads]


def _store(upload: UploadedFile, folder: Path) -> str:
    """One uploaded file under its own name; two of the same name get two."""
    name = PurePosixPath((upload.name or "source").replace("\\", "/")).name.lstrip(".") or "source"
    place, number = folder / "uploads" / name, 2
    while place.exists():
        place, number = place.with_name(f"{number}-{name}"), number + 1
    place.parent.mkdir(exist_ok=True)
    with place.open("wb") as out:
        for chunk in upload.chunks():
            out.write(chunk)
    return f"uploads/{place.name}"


# -- Samples, likeness, plan --------------------------------------------------------------------------


def _folder(flow: Workflow) -> Path:
    return workflows.FOLDER / flow.slug


def samples(flow: Workflow) -> list[str]:
    """The names of the samples that ship with a workflow, the default one first."""
    names = sorted(path.parent.name for path in _folder(flow).glob("samples/*/brief.yaml"))
    return sorted(names, key=lambda name: name != "default")


def _prefilled(request: HttpRequest, flow: Workflow | None) -> dict[str, Any]:
    """What the address already says: a sample, or single values (`?title=...`)."""
    given = {name: value for name, value in request.GET.items() if name not in {"workflow", "sample"}}
    sample = request.GET.get("sample", "")
    if flow is None or sample not in samples(flow):
        return given
    return {**read_sample(flow.slug, sample)[0], **given}


def similar(request: HttpRequest, title: str) -> list[Task]:
    """Recent tasks whose title shares most of its longer words."""
    wanted = _long_words(title)
    if len(wanted) < 2:
        return []
    recent = access.seen(Task, request.user).exclude(outcome=Task.Ending.CANCELLED).order_by("-id")[:300]
    return [task for task in recent if _alike(wanted, _long_words(task.title))][:3]


def _long_words(text: str) -> set[str]:
    return {word.strip(".,:;?!\"'").lower() for word in text.split() if len(word) > 3}


def _alike(left: set[str], right: set[str]) -> bool:
    shared = len(left & right)
    return shared >= 2 and (shared >= ALIKE_WORDS or shared / max(len(left | right), 1) >= 0.5)


@dataclass(frozen=True)
class Step:
    """One stage of the plan: whose it is, what it is called, how long it usually takes."""

    by: str  # agent:writer, clawbot for a task that is injected; empty for a person
    word: str
    seconds: float | None
    terms: str = ""


@dataclass(frozen=True)
class Plan:
    """What will run, and what it usually takes."""

    steps: list[Step]
    seconds: float | None  # of the agents' work; people are not predicted
    cost: Decimal | None
    ahead: int  # waiting before the first stage
    publishes: list[str]


def plan(flow: Workflow) -> Plan:
    """The stages of the active version with their usual times, from recent runs."""
    stages: list[dict[str, Any]] = flow.active.stages if flow.active else []
    usual = pace.stages(flow.pk)
    agents = [stage["name"] for stage in stages if stage["agent"] != HUMAN and not _is_perhaps(stage, stages)]
    known = all(name in usual for name in agents) and bool(agents)
    first = [stage["name"] for stage in stages if not stage["needs"]]
    return Plan(
        steps=[_step(stage, usual) for stage in stages],
        seconds=sum(usual[name].working for name in agents) if known else None,
        cost=sum((usual[name].cost for name in agents), Decimal(0)) if known else None,
        ahead=Subtask.objects.filter(workflow=flow, stage__in=first, status=Subtask.Status.READY).count(),
        publishes=list(_outputs(stages)),
    )


def _is_perhaps(stage: dict[str, Any], stages: list[dict[str, Any]]) -> bool:
    """Whether only some tasks go through a stage: it, or every way to it, has a condition."""
    if stage.get("when"):
        return True
    needed = [one for one in stages if one["name"] in stage["needs"]]
    return bool(needed) and all(_is_perhaps(one, stages) for one in needed)


def _step(stage: dict[str, Any], usual: dict[str, pace.Pace]) -> Step:
    by = "" if stage["agent"] == HUMAN else f"agent:{stage['agent']}" if stage["agent"] else ENGINE
    word = stage["title"] or role_word(stage["name"])
    seconds = usual[stage["name"]].working if by and stage["name"] in usual else None
    return Step(by, word, seconds, _terms(stage))


def _terms(stage: dict[str, Any]) -> str:
    """When, and how often, a stage runs, where that is not simply once."""
    if stage.get("each"):
        return "once for each item"
    return "if needed" if stage.get("when") else ""


def _outputs(stages: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (stage["output"] for stage in stages if stage["output"].startswith("published/"))
