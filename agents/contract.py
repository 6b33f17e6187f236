"""The whole interface between the memory and the hands, on one screen.

An agent is a function `Brief, Desk -> Outcome`. Everything it is given is in the Brief, everything
it may reach is on the Desk, everything it hands back is in the Outcome. None of them can write a
task's state, approve, wake another agent or send a message; what an Outcome *means* is decided by
`tasks/lifecycle.py`. This module must stay importable without Django.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: the kind of artifact that keeps a call an agent asks leave for; no agent is given or makes one
CALL = "call"


class Part(BaseModel):
    """A value that crosses the border: immutable, and closed to keys that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Given(Part):
    """One artifact as an agent receives it: an exact version, named by its hash."""

    kind: str
    number: int  # version of this kind within the task, 1..n
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    sha256: str = ""
    made_by: str = ""


class Item(Part):
    """What one item of an earlier fan-out brought: its value and what its run handed back."""

    item: Any = None  # the element, or the list of elements where they were grouped
    fields: dict[str, Any] = Field(default_factory=dict)
    artifacts: tuple[Given, ...] = ()
    missing: str = ""  # why it brought nothing, where it was skipped


class Request(Part):
    """One numbered wish of a reviewer or a person about an earlier draft."""

    number: int
    text: str
    quote: str = ""  # the sentence it is about, verbatim from the draft
    by: str = ""  # "user:ana" or "agent:reviewer"


class Brief(Part):
    """Everything an agent is given. Self-contained: the same brief gives the same work."""

    task: str  # the task's key, e.g. "ART-142"; the envelope's correlation_id
    title: str
    stage: str
    agent: str
    role: str
    instructions: str = ""
    voice: str = ""  # the brand voice, Markdown
    input: dict[str, Any] = Field(default_factory=dict)  # what the task was injected with
    # What the workflow's folder lends to every task, by name and file stem: the audience's profile,
    # past examples, the list of existing articles: {"audience": {"purchasing_leads": "..."}}.
    materials: dict[str, dict[str, str]] = Field(default_factory=dict)
    artifacts: tuple[Given, ...] = ()  # latest version of each kind that this stage accepts
    requests: tuple[Request, ...] = ()  # what was asked when work came back, numbered from 1
    round: int = 1  # 1 on the first pass, +1 with each return
    attempt: int = 1
    files: tuple[str, ...] = ()  # names inside the task's workspace that tools may read
    output: tuple[str, ...] = ()  # paths of this stage's files, else of the latest stage that wrote some
    returns: tuple[str, ...] = ()  # artifact kinds that this stage is expected to make
    settings: dict[str, Any] = Field(default_factory=dict)  # the agent's own settings (YAML)
    authority: dict[str, Any] = Field(default_factory=dict)  # what it may decide by itself
    message_format: dict[str, Any] = Field(default_factory=dict)  # how the outside names its fields
    fields: dict[str, dict[str, Any]] = Field(default_factory=dict)  # small facts of earlier stages
    item: Any = None  # what this run works on, where its stage fans out
    items: tuple[Item, ...] = ()  # what the items of a needed fan-out brought, in their order
    key: str = ""  # the same for every attempt at this piece of work: idempotency key for the outside
    correlation_id: str = ""  # what the outside calls this task; the task's key where it has no name
    undo: str = ""  # the stage whose effect must be taken back, where that is what is asked
    why: str = ""  # why it must be taken back
    granted: tuple[str, ...] = ()  # SHA-256 of the calls that people allowed for this very piece of work
    replies: tuple[dict[str, Any], ...] = ()  # envelopes that answered what this stage sent
    sent_by: str = "clawbot"
    sent_at: datetime | None = None

    def artifact(self, kind: str) -> Given | None:
        """The given artifact of this kind, or None where the stage got none."""
        return next((a for a in self.artifacts if a.kind == kind), None)

    def envelope(self) -> dict[str, Any]:
        """The brief as the envelope in which every hand-off travels (docs/lifecycle.md)."""
        data = self.model_dump(mode="json", exclude={"task", "sent_by", "sent_at", "agent"})
        stamp = self.sent_at.isoformat().replace("+00:00", "Z") if self.sent_at else None
        return {
            "from": self.sent_by, "to": self.agent, "type": self.stage, "data": data,
            "correlation_id": self.correlation_id or self.task, "timestamp": stamp,
        }  # fmt: skip


class Made(Part):
    """One artifact that an agent made. `suffix` marks a file of the stage's `output`."""

    kind: str
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    suffix: str = ""  # "php", "html", "md": written to the output path with this ending


class Finding(Part):
    """One remark of a reviewer, anchored to a sentence of the judged text."""

    kind: str  # unsupported_number, unsupported_quote, contradiction, banned_word, structure, ...
    text: str  # what is wrong, in one sentence
    quote: str = ""  # the sentence, verbatim; empty where something is missing altogether
    before: str = ""  # the sentence before the agent corrected it, verbatim
    severity: Literal["minor", "major"] = "major"
    source: int | None = None  # number of the source it refers to
    passage: str = ""  # the source's words, verbatim
    suggestion: str = ""  # what would repair it
    state: Literal["open", "corrected"] = "open"


class Answer(Part):
    """What an agent did about request `number`."""

    number: int
    text: str
    quote: str = ""  # the sentence in the new draft, verbatim; empty where it was removed


class Check(Part):
    """One item of the reviewer's checklist, as a person reads it: "Length", "1,240 of 900 to 1,500".

    `passed` is None if it was not checked; `text` says why.
    """

    name: str
    passed: bool | None
    text: str


class Send(Part):
    """One envelope for another system, published by the queue bridge once the outcome is accepted."""

    to: str = Field(..., min_length=1, max_length=120)
    type: str = Field(..., min_length=1, max_length=120)
    data: dict[str, Any] = Field(default_factory=dict)


class Call(Part):
    """One call to the outside, exactly as it would be made: what a person is asked to allow, once."""

    tool: str = Field(..., min_length=1, max_length=64)  # who makes it: http, queue
    target: str = Field(..., min_length=1, max_length=2_100)  # "POST https://pay.example/refund"
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """The call as canonical JSON: equal calls have equal texts, whatever the order of their keys. Raises
        ValueError for a number that JSON does not know."""
        return json.dumps(
            self.model_dump(), sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2
        )  # fmt: skip

    @property
    def sha256(self) -> str:
        """What a grant is bound to: the hash of `text`, tool and target included."""
        return digest(self.text)


def digest(text: str) -> str:
    """The SHA-256 of a call's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class Outcome(Part):
    """What an agent hands back. `word` says how it went; the rest is the work.

    done       the work is finished; `made` holds it
    send_back  the judged text must go back; `findings` become numbered requests
    escalate   a person must answer `question`; `made` may hold what was done so far
    retry      something outside failed for now; try again after `after_seconds`
    fail       it cannot be done and another try would not help; the stage's `on_failure` decides
    await      another system was asked by `sends`; goes on when it answers, or after `after_seconds`
    """

    word: Literal["done", "send_back", "escalate", "retry", "fail", "await"] = "done"
    made: tuple[Made, ...] = ()
    summary: str = ""  # one sentence about what was done, for timeline and log
    question: str = ""  # for escalate: the one question a person must answer
    call: Call | None = None  # for escalate: what it may do only once a person allowed exactly this
    why: str = ""  # for escalate, send_back, retry and fail: why the agent cannot go on
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    answers: tuple[Answer, ...] = ()
    fields: dict[str, Any] = Field(default_factory=dict)  # small facts that routing may read
    sends: tuple[Send, ...] = ()  # envelopes for other systems
    confidence: float | None = None  # 0..1, where the agent can say
    after_seconds: float | None = None

    @model_validator(mode="after")
    def _asks_before_it_does(self) -> Outcome:
        if self.call and (self.word != "escalate" or self.sends):
            raise ValueError("who asks leave for a call escalates, and sends nothing with it")
        return self


class Usage(BaseModel):
    """What a run has spent so far; tokens as the provider counts them, cost in US dollars."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    calls: int = 0


class Ask(BaseModel):
    """One request to a model. `kind` names the job (the built-in engine knows a fixed set of
    jobs); `instructions` and `material` are what a language model reads; `returns` is the pydantic
    type that the reply must have."""

    kind: str
    instructions: str
    material: dict[str, Any]
    returns: type[BaseModel]


class Model(Protocol):
    """The port to whatever thinks: the built-in engine or a provider."""

    name: str  # "built-in" or "openai/gpt-..."
    label: str  # what a person reads: "Built-in engine, no language model"
    priced: bool  # whether what a call costs is known

    async def answer(self, ask: Ask, usage: Usage) -> BaseModel:
        """Return an instance of `ask.returns` and add what it cost to `usage`.

        Raises `Unavailable` where trying later may help, `Unusable` where the reply cannot be read.
        """
        ...


class Desk(Protocol):
    """Everything an agent may reach while it works."""

    usage: Usage

    @property
    def model(self) -> Model:
        """The model that this agent is configured to use."""
        ...

    async def ask(self, ask: Ask) -> Any:
        """Ask the desk's model, inside the agent's limits; logs the call on the notepad."""
        ...

    async def use(self, tool: str, /, **arguments: Any) -> Any:
        """Use a permitted tool. Raises `Refused` where the agent's permissions do not allow it."""
        ...

    def note(self, text: str, **data: Any) -> None:
        """Write one line on the notepad; people see it live on the task page."""
        ...

    def crossed(
        self, direction: str, envelope: dict[str, Any], *, address: str = "", status: str = ""
    ) -> None:
        """Note an envelope that went `out` to another system or came `in` from it during this run.

        `address` says where, `status` how it went. It is kept whatever the run's end.
        """
        ...


Agent = Callable[[Brief, Desk], "Outcome | Awaitable[Outcome]"]


class Refused(Exception):
    """Somebody said no, and the text is for whoever asked: what was tried, why it was refused, what would
    work. Everything that is refused with a sentence descends from this, so that each door turns all of it
    into an answer in one place."""


class Unavailable(Exception):
    """Something outside did not answer; trying later may help. `after_seconds` where known.

    `tried` False where nobody was asked, because others found out before: it counts as no attempt.
    """

    def __init__(self, text: str, after_seconds: float | None = None, *, tried: bool = True) -> None:
        super().__init__(text)
        self.after_seconds = after_seconds
        self.tried = tried


class Unusable(Exception):
    """A reply came but cannot be used (wrong shape, refusal, cut off)."""
