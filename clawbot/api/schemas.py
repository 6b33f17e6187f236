"""What the answers look like, for the OpenAPI document. `clawbot.shapes` makes them; tests hold the two
together. Objects may gain fields: a client ignores what it does not know.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

Stamp = str | None
T = TypeVar("T")


class Given(BaseModel):
    """What a client sends: an unknown key is a mistake, and told so."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def example(**values: Any) -> ConfigDict:
    """The configuration of something given, with an example for the document and its page."""
    return ConfigDict(extra="forbid", populate_by_name=True, json_schema_extra={"example": values})


class Shown(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="allow")


class Page(Shown, Generic[T]):
    """Some of a list. `next` is the address of what comes after, null at the end."""

    items: list[T]
    next: str | None


def page(model: type[BaseModel]) -> type[BaseModel]:
    """A page of these."""
    return create_model(f"{model.__name__}Page", __base__=Page[model])  # type: ignore[valid-type]


class Brief(Shown):
    """A task in a list."""

    key: str
    title: str
    workflow: str
    status: Literal["backlog", "doing", "done"]
    outcome: str | None


class Review(Shown):
    """One wait for a person. A decision names `artifact_sha256` as `sha256`, and `version`."""

    id: int
    kind: str
    stage: str
    item: str | None = Field(description="which item, where the stage fans out")
    reason: str
    needs: str | None = Field(description="who approved and who is still needed, where one is not enough")
    verbs: list[str]
    due_at: Stamp
    owner: str | None
    artifact_sha256: str | None
    version: int


class Waiting(Review):
    """A review with the task that it is about."""

    task: str
    title: str
    workflow: str
    artifact: str | None
    deciders: dict[str, Any]
    open: bool
    opened_at: Stamp
    closed_at: Stamp


class Items(Shown):
    """How many items a stage that fans out has, and how they are."""

    done: int
    of: int
    skipped: int
    waiting: int = Field(description="for a person")
    doing: int


class Child(Shown):
    """A task that another one injected, and for which of its stages."""

    key: str
    stage: str | None
    item: str | None
    status: str
    outcome: str | None


class Stage(Shown):
    """One stage, in its current round."""

    name: str
    item: Any
    status: str
    passed_over: bool = Field(description="its way was not taken; `reason` says why")
    items: Items | None = Field(description="where it fans out")
    awaits: Literal["child", "message"] | None = Field(description="waits for another task, or an answer")
    until: Stamp
    children: list[str] = Field(description="keys of the tasks that it injected")
    agent: str
    round: int
    attempts: int
    done_as: str | None
    reason: str | None
    started_at: Stamp
    finished_at: Stamp


class Artifact(Shown):
    """One version of a thing that was made."""

    kind: str
    version: int
    sha256: str
    path: str | None
    made_by: str
    made_at: Stamp
    stale: bool
    unapproved: list[dict[str, str]] | None = Field(
        description="Of a written file: the gates before it that were skipped, by whom and why"
    )


class ArtifactText(Artifact):
    """The same with what is in it."""

    text: str
    data: Any


class Notice(Shown):
    """One message owed to people."""

    kind: str
    carrier: str
    recipient: str
    state: str
    text: str
    sent_at: Stamp


class Task(Brief):
    """Everything about one task; `why` says where it is and what happens next."""

    stage_status: str
    why: str
    waiting_for: Review | None
    reviews: list[Review]
    stages: list[Stage]
    undoing: bool = Field(description="what it did in the world is taken back; it ends as cancelled")
    undo: list[Stage] = Field(description="what takes back, by the name STAGE.undo")
    parent: str | None = Field(description="the task whose stage injected this one")
    children: list[Child]
    artifacts: list[Artifact]
    notices: list[Notice]


class Hold(Shown):
    """One "stop here"."""

    id: int
    scope: Literal["all", "workflow", "agent", "task"]
    target: str | None
    why: str
    by: str
    at: Stamp
    until: Stamp
    open: bool
    lifted_by: str | None
    lifted_at: Stamp


class Agent(Shown):
    """One member of the staff."""

    name: str
    title: str
    role: str
    scope: str
    model: str
    tools: list[str]
    version: int | None
    offered: int | None = Field(description="What its shipped file says, if a person chose another wording")


class AgentVersion(Shown):
    """One wording of an agent."""

    agent: str
    number: int
    active: bool
    note: str
    made_by: str
    made_at: Stamp
    sha256: str
    definition: dict[str, Any]


class Workflow(Shown):
    """One kind of work."""

    name: str
    title: str
    about: str
    key: str
    version: int | None
    offered: int | None = Field(description="What its shipped file says, if a person chose another version")
    input: dict[str, Any] = Field(description="JSON Schema of what a task must bring")
    stages: list[dict[str, Any]]


class Offered(Given):
    """The answer to an update that a shipped file offers."""

    model_config = example(verb="keep", number=4)

    verb: Literal["use", "keep"]
    number: int = Field(ge=1, description="Which offered version; another one is refused")


class Event(Shown):
    """One line of the log."""

    id: int
    at: Stamp
    kind: str
    by: str
    task: str | None
    stage: str | None
    sentence: str
    data: dict[str, Any]


class Message(Shown):
    """One envelope that crossed the border."""

    id: int
    direction: Literal["in", "out"]
    channel: str
    state: str
    task: str | None
    correlation_id: str | None
    envelope: dict[str, Any]
    error: str | None
    at: Stamp
    sent_at: Stamp


class Received(Shown):
    """What became of a message."""

    effect: Literal["injected", "continued", "noted", "again"]
    new: bool
    task: str | None
    message: int


class Shares(Shown):
    """Seconds that half, and that nine of ten, stay below; null where there is nothing."""

    p50: float | None
    p90: float | None


class Figures(Shown):
    """What was counted about decisions. Reading time is judged at four words a second."""

    reviews: int = Field(description="Opened in this time")
    reminded: int = Field(description="Of these, how many needed a reminder")
    open_seconds: Shares = Field(description="From opening to the first look")
    decisions: int
    undone: int
    overridden: int = Field(description="Stages that a person overrode")
    decide_seconds: Shares = Field(description="From the first look to the decision")
    texts: int = Field(description="On which somebody decided")
    returned: int
    approvals_read: int = Field(description="First readings on the page, of which the next is a part")
    approvals_too_soon: int = Field(description="Sooner than the text can be read")


class WeekFigures(Shown):
    """One week, from Monday."""

    week: str
    figures: Figures | None = Field(description="Null where fewer than three people decided")


class WorkflowFigures(Shown):
    """One workflow."""

    workflow: str
    figures: Figures | None


class PeopleFigures(Shown):
    """How people decide: everybody together, or whoever asks."""

    whose: str
    since: Stamp
    until: Stamp
    answers: dict[str, str] = Field(description="The answers of the page Insights, in sentences")
    total: Figures | None
    weeks: list[WeekFigures]
    workflows: list[WorkflowFigures]


class Trust(Shown):
    """How often people agreed with one kind of an agent's remarks in one workflow."""

    workflow: str
    agent: str
    kind: str
    judged: int
    agreed: int
    low: float = Field(description="Of the 95 % interval of the share agreed, 0 to 1")
    high: float
    missing: str | None = Field(description="Before an admin may trust it; null where nothing is")
    trusted: bool
    given_by: str | None
    given_at: Stamp


class StageFigures(Shown):
    """One stage of one workflow: what is in it now, and what left it in the time asked for."""

    workflow: str
    stage: str
    agent: str
    now: dict[str, int]
    finished: int
    seconds: dict[str, float | None] = Field(description="p50, p95 of the last attempt")
    runs: int
    returned: int
    retried: int
    tokens: int
    cost_usd: float


class Wrong(Shown):
    """One thing that is wrong, and where in the body, the query or the address."""

    where: list[Any]
    what: str


class Problem(Shown):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Wrong] | None = None
    review: Review | None = Field(None, description="How it stands now, where it has changed")
