"""Tasks: inject, read, act."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router
from pydantic import AwareDatetime, Field, StrictBool, StrictInt, model_validator

from agents.contract import Refused
from clawbot import acts
from clawbot.shapes import artifact_shape, brief_shapes, task_shape
from tasks import access, lifecycle
from tasks.models import Artifact, Task

from . import schemas
from .doorkeeper import asker
from .once import once
from .paging import Before, Limit, everything, page, reply
from .problems import for_what_was_sent

router = Router(tags=["Tasks"])


@router.get("", response=schemas.page(schemas.Brief), summary="List tasks, newest first")
def listed(
    request: HttpRequest,
    limit: Limit,
    before: Before,
    workflow: str = Query("", description="Only this workflow's"),
    status: Literal["backlog", "doing", "done", ""] = "",
    q: str = Query("", description="Words in the key or the title"),
) -> HttpResponse:
    """A page of tasks with their first fields, newest first."""
    found = access.seen(Task, asker(request)).select_related("workflow")
    if workflow:
        found = found.filter(workflow__slug=workflow)
    if status:
        found = found.filter(status=status)
    for word in q.split()[:20]:
        found = found.filter(Q(key__iexact=word) | Q(title__icontains=word))
    return page(request, found, brief_shapes, limit=limit, before=before)


class NewTask(schemas.Given):
    """A piece of work for a workflow. Files cannot come this way: give addresses and texts as sources."""

    model_config = schemas.example(
        workflow="article", title="Why agents need a manager", input={"brief": "One page for operators."}
    )

    workflow: str = Field(max_length=64, description="Its name, as article")
    title: str = Field("", max_length=200, description="Empty: the input's title")
    input: dict[str, Any] = Field(default={}, description="What the workflow's input schema asks for")
    backlog: StrictBool = Field(False, description="Leave it to the schedule")
    starts_at: AwareDatetime | None = Field(None, description="When its first stage may run")
    due: date | None = None
    priority: StrictInt = Field(0, ge=-10, le=10)
    key: str | None = Field(None, min_length=1, max_length=200, description="Injects once for ever")


@router.post("", response={201: schemas.Task, 200: schemas.Task}, summary="Inject a task")
@once
def inject(request: HttpRequest, given: NewTask) -> HttpResponse:
    """Starts at once, unless `backlog` or `starts_at` says otherwise. 200 where `key` was injected before."""
    title = given.title or str(given.input.get("title") or "")
    is_known = bool(given.key and Task.objects.filter(idempotency_key=given.key).exists())
    with for_what_was_sent():
        task = lifecycle.inject(
            given.workflow, title=title, input=given.input | {"title": title}, key=given.key,
            by=asker(request), backlog=given.backlog, starts_at=given.starts_at, due_on=given.due,
            priority=given.priority,
        )  # fmt: skip
    place = request.build_absolute_uri(reverse("api-1:task", args=[task.key]))
    return reply(task_shape(task), 200 if is_known else 201, Location=place)


@router.get("/{key}", response=schemas.Task, url_name="task", summary="Read a task")
def task(request: HttpRequest, key: str) -> HttpResponse:
    """Exactly what `./manage.py status KEY --json` prints."""
    return reply(task_shape(acts.find_task(key, asker(request))))


@router.get("/{key}/artifacts", response=schemas.page(schemas.Artifact), summary="List what was made")
def artifacts(request: HttpRequest, key: str) -> HttpResponse:
    """Every version of everything that was made for a task, oldest first, without the texts."""
    rows = Artifact.objects.filter(task=acts.find_task(key, asker(request))).order_by("id")
    return everything(map(artifact_shape, rows))


@router.get("/{key}/artifacts/{kind}", response=schemas.ArtifactText, summary="Read an artifact")
def artifact(
    request: HttpRequest,
    key: str,
    kind: str,
    version: int | None = Query(None, ge=1, le=2**31 - 1, description="The newest where left out"),
) -> HttpResponse:
    """Its text and data, as `./manage.py artifact KEY KIND --json` prints it."""
    task = acts.find_task(key, asker(request))
    made = Artifact.objects.filter(task=task, kind=kind).order_by("-number")
    found = made.filter(number=version).first() if version else made.first()
    if found is None:
        names = Artifact.objects.filter(task=task).order_by("kind", "number")
        known = ", ".join(f"{one} {n}" for one, n in names.values_list("kind", "number")) or "nothing yet"
        raise acts.Unknown(f"{key} has no {kind}{f' {version}' if version else ''}. It has: {known}.")
    return reply(artifact_shape(found) | {"text": found.text, "data": found.data})


class Request(schemas.Given):
    """One change that is asked for."""

    text: str = Field(min_length=1, max_length=3000)
    quote: str = Field("", max_length=2000, description="The words it is about")


class File(schemas.Given):
    """A file that goes with an answer: its text, or its bytes in Base64. 20 MB together."""

    name: str = Field(min_length=1, max_length=200)
    text: str | None = None
    base64: str | None = None

    @model_validator(mode="after")
    def _one(self) -> File:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("give `text` or `base64`, one of them")
        return self

    def content(self) -> bytes:
        """Its content. Raises `Refused` for what is no Base64."""
        if self.text is not None:
            return self.text.encode()
        try:
            return b64decode(self.base64 or "", validate=True)
        except ValueError:
            raise Refused(f"Cannot read the file {self.name!r}: its `base64` is no Base64.") from None


class Act(schemas.Given):
    """What goes with a verb; each takes what it needs, as `./manage.py act` does."""

    model_config = schemas.example(note="Reads well.")

    review: StrictInt | None = Field(None, ge=1, le=2**63 - 1, description="The one due first where left out")
    note: str = Field("", max_length=3000)
    reason: str = Field("", max_length=3000, description="Why; some verbs insist")
    to: str = Field("", max_length=160, description="A stage; for assign: a user")
    requests: list[Request | str] = Field(default=[], max_length=100, description="What should change")
    kind: str = Field("draft", max_length=64, description="What to edit")
    text: str | None = Field(None, description="The edited text")
    sha256: str | None = Field(None, max_length=64, description="Only if the text is still this one")
    version: StrictInt | None = Field(None, ge=0, le=2**31 - 1, description="Only if the review still is")
    then: dict[str, Literal["keep", "rerun", "review"]] | None = Field(
        None,
        description="After an edit, by stage: what becomes of what was built on the old text. What is not "
        "named is done as a careful person would; left out, only pages are rendered again",
    )

    files: list[File] = Field(default=[], max_length=20, description="What goes with an answer")

    def said(self, **more: Any) -> acts.Said:
        """As the verbs take it."""
        values = self.model_dump(exclude={"verb", "requests", "files", *more})
        values["files"] = [(one.name, one.content()) for one in self.files]
        asked = [
            one.model_dump() if isinstance(one, Request) else {"text": one, "quote": ""}
            for one in self.requests
        ]
        return acts.Said(requests=asked, **values, **more)


@router.post("/{key}/{verb}", response=schemas.Task, summary="Act on a task")
@once
def act(request: HttpRequest, key: str, verb: str, given: Act | None = None) -> HttpResponse:
    """approve, send_back, answer, edit, retry, skip, cancel, override, rerun_from, pause, resume, undo, take,
    assign. What is decided here takes effect at once."""
    said = (given or Act()).said()
    task = acts.act(acts.find_task(key, asker(request)), verb, said, by=asker(request), channel="api")
    return reply(task_shape(task))
