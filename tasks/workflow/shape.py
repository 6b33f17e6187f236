"""The shape of a workflow's file: what each part may say, checked by itself.

What parts say about each other is checked in `graph`. Read from YAML by `workflow.read`, every scalar
arrives as text and is read as its declared type.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from agents.definition import Duration
from agents.strict_yaml import nearest
from tasks import access, clock
from tasks.schedules import cron

from . import conditions

HUMAN = "human"
#: who does a stage that has no agent: one that injects
ENGINE = "clawbot"
OUTPUT = re.compile(r"(staging|published)/[A-Za-z0-9_/{}.,-]+")
_CHOICE = re.compile(r"\{([a-z0-9]+(?:,[a-z0-9]+)*)\}$")
#: owner, a group, or a person as user:ana
WHO = r"^$|^owner$|^[a-z]+$|^user:[A-Za-z0-9_@.+-]{1,150}$"
REFERENCE = conditions.REFERENCE.pattern

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
File = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.py$")]


def endings(output: str) -> tuple[str, list[str]]:
    """A stage's `output` up to the ending of its files, and the endings: one, or several as `{md,html}`."""
    if choice := _CHOICE.search(output):
        return output[: choice.start()], choice[1].split(",")
    stem, _, ending = output.rpartition(".")
    return f"{stem}.", [ending]


class Closed(BaseModel):
    """A part of the file: keys that nobody declared are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cron(Closed):
    """When the orchestrator starts the backlog, or with `input` injects a task: a cron line in a zone."""

    cron: str
    zone: str = "UTC"
    input: dict[str, Any] | None = None
    misfire: Literal["newest", "all", "skip"] = "newest"
    undated: int = Field(1, ge=0, le=10_000)  # how many tasks without a due date it starts at once

    @field_validator("cron")
    @classmethod
    def _readable(cls, value: str) -> str:
        return cron.readable(value)

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        return str(clock.zone(value).key)


class SendBack(Closed):
    """Where a reviewing stage returns work to, and how often before a person is asked."""

    to: Name
    at_most: int = Field(3, ge=1, le=20)


class Retry(Closed):
    """How often a stage is tried, and the pause before the second try (doubled each time)."""

    times: int = Field(3, ge=1, le=20)
    backoff: Duration = Field(30.0, ge=0, le=86_400)


class Deciders(Closed):
    """Who may answer a gate, and how many of them must: see `tasks/people/policy.py`."""

    group: str = "editors"
    count: Annotated[int, Field(ge=1, le=10)] | Literal["all"] = 1
    each: tuple[str, ...] = ()
    four_eyes: bool = False

    @field_validator("group", "each")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for group in (value,) if isinstance(value, str) else value:
            if group not in access.GROUPS[1:]:
                raise ValueError(nearest(group, list(access.GROUPS[1:])))
        return value

    @model_validator(mode="after")
    def _one_rule(self) -> Deciders:
        if self.each and (self.count != 1 or len(self.each) < 2):
            raise ValueError("`each` names two groups or more and stands without `count`")
        return self


class Rung(Closed):
    """One rung of a due ladder: after a pause, remind somebody, give it to somebody, bring in a group, or
    end the wait."""

    after: Duration = Field(0.0, ge=0, le=30 * 86_400)
    remind: Annotated[str, Field(pattern=WHO)] = ""
    reassign: Annotated[str, Field(pattern=WHO)] = ""
    escalate: str = ""
    end: Literal["", "cancel", "skip", "send_back", "approve"] = ""

    @field_validator("escalate")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in access.GROUPS:
            raise ValueError(nearest(value, list(access.GROUPS)))
        return value

    @model_validator(mode="after")
    def _does_one_thing(self) -> Rung:
        if sum(bool(one) for one in (self.remind, self.reassign, self.escalate, self.end)) != 1:
            raise ValueError("a rung does one thing: `remind`, `reassign`, `escalate` or `end`")
        return self


class StageLimits(Closed):
    """What one run at this stage may spend; each tightens what its agent may spend anywhere."""

    steps: int | None = Field(None, ge=1, le=200)
    tokens: int | None = Field(None, ge=0, le=5_000_000)
    cost_usd: float | None = Field(None, ge=0, le=1_000)


class Limits(Closed):
    """How much of a workflow may be under way: tasks in work, and reviews that wait for a person."""

    at_once: int | None = Field(None, ge=1, le=100_000)
    reviews: int | None = Field(None, ge=1, le=100_000)


class Due(Closed):
    """By when a person should answer, and what happens then. A wait never fails by time-out."""

    after: Duration = Field(..., gt=0, le=90 * 86_400)
    then: Annotated[tuple[Rung, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _ends_last(self) -> Due:
        if any(rung.end for rung in self.then[:-1]):
            raise ValueError("`end` closes the review, so it is the last rung")
        return self


class Stage(Closed):
    """One step of a workflow: an agent, a person or another workflow."""

    name: Name
    agent: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$|^$")] = ""
    inject: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$|^$")] = ""
    give: dict[Name, Annotated[str, BeforeValidator(conditions.check_given)]] = Field(default_factory=dict)
    needs: tuple[Name, ...] = ()
    done_as: Name
    title: str = Field("", max_length=40)
    when: Annotated[dict[str, Any] | None, BeforeValidator(conditions.check)] = None
    each: Annotated[str, Field(pattern=rf"^{REFERENCE}$|^[a-z][a-z0-9_]{{0,63}}$|^$")] = ""
    group: int = Field(1, ge=1, le=10_000)
    at_most_at_once: int | None = Field(None, ge=1, le=10_000)
    judges: str = ""
    send_back: SendBack | None = None
    on_failure: Literal["escalate", "retry", "skip", "undo"] = "escalate"
    undo: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$|^$")] = ""
    timeout: Duration | None = Field(None, gt=0, le=86_400)
    retry: Retry = Retry()
    priority: int = Field(0, ge=-10, le=10)
    limits: StageLimits = StageLimits()
    output: str = ""
    notify: tuple[str, ...] = ()
    deciders: Deciders = Deciders()
    due: Due | None = None

    @field_validator("output")
    @classmethod
    def _safe(cls, value: str, info: ValidationInfo) -> str:
        if value and (not OUTPUT.fullmatch(value) or ".." in value or "//" in value):
            raise ValueError(
                "a path below staging/ or published/ made of letters, digits, - _ . and "
                "{date} {slug} {key} {item} {php,html,md}"
            )
        return value

    @model_validator(mode="after")
    def _fits(self) -> Stage:
        if bool(self.agent) == bool(self.inject):
            raise ValueError("a stage has either an `agent` (or `human`) or `inject: WORKFLOW`")
        for name in ("undo", "on_failure", "retry", "timeout", "limits", "output", "priority"):
            if self.agent == HUMAN and self._says(name):
                raise ValueError(f"at this stage a person decides; `{name}` is for agents. Remove it")
        for name in ("judges", "send_back", "retry", "timeout", "limits", "output", "priority", "deciders"):
            if self.inject and self._says(name):
                raise ValueError(f"this stage injects a task; `{name}` is for agents and people. Remove it")
        for name in ("group", "at_most_at_once"):
            if self._says(name) and not self.each:
                raise ValueError(f"`{name}` is for a stage that fans out; add `each: stage.field`")
        if self.give and not self.inject:
            raise ValueError("`give` is what an injected task brings; add `inject: WORKFLOW`")
        return self

    def _says(self, name: str) -> bool:
        # Not by which keys were set: a stored definition has all of them.
        return bool(
            getattr(self, name) != type(self).model_fields[name].get_default(call_default_factory=True)
        )


class Shape(Closed):
    """A whole workflow file."""

    name: Name
    title: str = Field(..., min_length=1, max_length=120)
    key: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,7}$")]
    about: str = Field("", max_length=1000)
    schedule: Cron | None = None
    priority: int = Field(0, ge=-10, le=10)
    limits: Limits = Limits()
    services: dict[Name, Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.py$")]] = Field(
        default_factory=dict
    )
    input: dict[str, Any] = Field(default_factory=dict)
    materials: dict[Name, str] = Field(default_factory=dict)
    stages: tuple[Stage, ...] = Field(..., min_length=1, max_length=60)
