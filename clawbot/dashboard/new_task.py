"""New task: a form made from the workflow's input schema, and what will follow from it."""

from __future__ import annotations

import json
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
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from agents import strict_yaml
from clawbot.templatetags.review import role_word
from tasks import access, lifecycle
from tasks import workflow as workflows
from tasks.machine import Refused
from tasks.models import Subtask, Task, Workflow

from . import history

MOST_FILES = 40
MOST_BYTES = 20_000_000
# The title has its own place above the form; a long text is worth more than one line.
LONG_TEXTS = {"brief", "description", "instructions", "text", "body"}
ALIKE_WORDS = 3


@dataclass(frozen=True)
class Field:
    """One input of the form, made from one property of the schema."""

    name: str
    kind: str  # line, text, lines, files, number, date, pair, yes, data
    label: str
    help: str
    required: bool
    value: Any
    error: str = ""


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """The form; posted, it injects a task and goes to it."""
    flow = _flow(request.POST.get("workflow") or request.GET.get("workflow"))
    if request.method == "POST":
        return _inject(request, flow)
    given = _prefilled(request, flow)
    return _form(request, flow, given)


@require_GET
def alike(request: HttpRequest) -> HttpResponse:
    """A hint under the title: tasks that look the same."""
    return render(request, "parts/_alike.html", {"alike": similar(request.GET.get("title", ""))})


def _flow(slug: str | None) -> Workflow | None:
    rows = Workflow.objects.filter(active__isnull=False).select_related("active")
    return rows.filter(slug=slug).first() if slug else rows.first()


def _form(
    request: HttpRequest,
    flow: Workflow | None,
    given: dict[str, Any],
    *,
    trouble: str = "",
    errors: dict[str, str] | None = None,
) -> HttpResponse:
    sample = request.POST.get("sample") or request.GET.get("sample", "")
    return render(request, "pages/new_task.html", {
        "flow": flow, "flows": Workflow.objects.filter(active__isnull=False), "title": given.get("title", ""),
        "fields": fields(flow, given, errors or {}) if flow else [], "samples": samples(flow) if flow else [],
        "sample": sample if flow and sample in samples(flow) else "", "plan": plan(flow) if flow else None,
        "alike": similar(given.get("title", "")), "trouble": trouble, "errors": errors or {},
        "due": request.POST.get("due", ""), "priority": request.POST.get("priority", "0"),
        "start": request.POST.get("start", "now"),
        "request_id": request.POST.get("request_id") or uuid.uuid4().hex,
        "why_not": access.reason(request.user, "inject"),
    }, status=422 if trouble or errors else 200)  # fmt: skip


# -- The form from the schema -------------------------------------------------------------------------


def fields(flow: Workflow, given: dict[str, Any], errors: dict[str, str]) -> list[Field]:
    """Every property of the workflow's input but the title and the due date, in the order of the file."""
    schema = _schema(flow)
    required = set(schema.get("required", []))
    return [
        Field(
            name=name, kind=_kind(name, one), label=name.replace("_", " ").capitalize(),
            help=one.get("description", ""), required=name in required,
            value=_shown(_kind(name, one), given.get(name)), error=errors.get(name, ""),
        )
        for name, one in schema.get("properties", {}).items()
        if name not in {"title", "due"}
    ]  # fmt: skip


def _schema(flow: Workflow) -> dict[str, Any]:
    return dict(flow.active.definition["input"]) if flow.active else {}


def _kind(name: str, one: dict[str, Any]) -> str:
    match one.get("type"):
        case "array" if name in {"sources", "files"}:
            return "files"
        case "array" if one.get("items", {}).get("type") in (None, "string"):
            return "lines"
        case "object" if set(one.get("properties", {})) == {"min", "max"}:
            return "pair"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "yes"
        case "array" | "object":
            return "data"
    if one.get("format") == "date":
        return "date"
    return "text" if name in LONG_TEXTS else "line"


def _shown(kind: str, value: Any) -> Any:
    """A value as the control holds it."""
    if kind in {"lines", "files"}:
        return "\n".join(str(one) for one in value or [])
    if kind == "pair":
        return value if isinstance(value, dict) else {}
    if kind == "data":
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
    return "" if value is None else value


def read(flow: Workflow, post: QueryDict) -> dict[str, Any]:
    """The form's values as the input they stand for. Empty controls are left out. Raises `Refused`
    where one cannot be read."""
    given: dict[str, Any] = {}
    for name, one in _schema(flow).get("properties", {}).items():
        value = _value(_kind(name, one), name, post)
        if value not in (None, "", [], {}):
            given[name] = value
    return given


def _value(kind: str, name: str, post: QueryDict) -> Any:
    text = post.get(name, "").strip()
    match kind:
        case "lines" | "files":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "pair":
            ends = {end: _number(post.get(f"{name}_{end}", ""), name) for end in ("min", "max")}
            return {end: value for end, value in ends.items() if value is not None}
        case "number":
            return _number(text, name)
        case "yes":
            return name in post
        case "data":
            return _data(text, name)
    return text


def _number(text: str, name: str) -> int | float | None:
    text = text.strip()
    if not text:
        return None
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        raise Refused(f"{name.replace('_', ' ').capitalize()}: {text!r} is not a number.") from None


def _data(text: str, name: str) -> Any:
    if not text:
        return None
    try:
        return strict_yaml.load(text, name, scalars="json").value
    except strict_yaml.Unreadable as error:
        raise Refused(f"{name.replace('_', ' ').capitalize()}: {error}") from None


# -- Inject -------------------------------------------------------------------------------------------


def _inject(request: HttpRequest, flow: Workflow | None) -> HttpResponse:
    if flow is None:
        raise Http404("There is no workflow yet. `manage.py sync` loads the shipped ones.")
    title, given = " ".join(request.POST.get("title", "").split()), {}
    with tempfile.TemporaryDirectory(prefix="clawbot-upload-") as folder:
        try:
            given = read(flow, request.POST)
            if errors := _missing(flow, title, given):
                return _form(request, flow, {**given, "title": title}, errors=errors)
            files = _gather(request, flow, Path(folder))
            sources = [*given.get("sources", []), *files]
            task = lifecycle.inject(
                flow.slug, title=title, input={**given, **({"sources": sources} if sources else {})},
                by=f"user:{request.user.username}", folder=Path(folder),
                key=request.POST.get("request_id") or None, backlog=request.POST.get("start") == "backlog",
                due_on=_date(request.POST.get("due", "")),
                priority=max(-10, min(10, int(_number(request.POST.get("priority", "0"), "priority") or 0))),
            )  # fmt: skip
        except Refused as refused:
            return _form(request, flow, {**given, "title": title}, trouble=str(refused))
    messages.success(
        request, f"{task.key} is {'in the backlog' if task.starts_at is None else 'on its way'}."
    )
    if request.POST.get("do") == "another":
        return redirect(f"{request.path}?workflow={flow.slug}")
    return redirect(f"/tasks/{task.key}/")


def _missing(flow: Workflow, title: str, given: dict[str, Any]) -> dict[str, str]:
    """What is required and empty, by field."""
    values = {**given, "title": title}
    required = dict.fromkeys(["title", *_schema(flow).get("required", [])])
    return {
        name: f"{name.replace('_', ' ').capitalize()} is needed." for name in required if not values.get(name)
    }


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
    brief = _folder(flow) / "samples" / sample / "brief.yaml"
    return {**strict_yaml.load(brief.read_text("utf-8"), brief.name, scalars="json").value, **given}


def similar(title: str) -> list[Task]:
    """Recent tasks whose title shares most of its longer words."""
    wanted = _long_words(title)
    if len(wanted) < 2:
        return []
    recent = Task.objects.exclude(outcome=Task.Ending.CANCELLED).order_by("-id")[:300]
    return [task for task in recent if _alike(wanted, _long_words(task.title))][:3]


def _long_words(text: str) -> set[str]:
    return {word.strip(".,:;?!\"'").lower() for word in text.split() if len(word) > 3}


def _alike(left: set[str], right: set[str]) -> bool:
    shared = len(left & right)
    return shared >= 2 and (shared >= ALIKE_WORDS or shared / max(len(left | right), 1) >= 0.5)


@dataclass(frozen=True)
class Step:
    """One stage of the plan: whose it is, what it is called, how long it usually takes."""

    by: str  # agent:writer; empty for a person
    word: str
    seconds: float | None


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
    usual = history.usual_stages(flow.pk)
    agents = [stage["name"] for stage in stages if stage["agent"] != "human"]
    known = all(name in usual for name in agents) and bool(agents)
    first = [stage["name"] for stage in stages if not stage["needs"]]
    return Plan(
        steps=[_step(stage, usual) for stage in stages],
        seconds=sum(usual[name].seconds for name in agents) if known else None,
        cost=sum((usual[name].cost for name in agents), Decimal(0)) if known else None,
        ahead=Subtask.objects.filter(workflow=flow, stage__in=first, status=Subtask.Status.READY).count(),
        publishes=list(_outputs(stages)),
    )


def _step(stage: dict[str, Any], usual: dict[str, history.Usual]) -> Step:
    by = "" if stage["agent"] == "human" else f"agent:{stage['agent']}"
    word = stage["title"] or role_word(stage["name"])
    return Step(by, word, usual[stage["name"]].seconds if stage["name"] in usual else None)


def _outputs(stages: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (stage["output"] for stage in stages if stage["output"].startswith("published/"))
