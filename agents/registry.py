"""Finds the roles: every module in `agents/roles/` is a role, and its file name is its name.

A role module has a docstring (its job description), `ACCEPTS`, `RETURNS` and `TOOLS` (tuples of words,
`("*",)` for any), `Settings` (a pydantic model of what its definition may set) and
`work(brief, desk) -> Outcome`, sync or async.

What else people may write for an agent or its stage is refused unless the role says that it acts on it:

READS    of `OPTIONAL`, the keys that it acts on
FIELDS   the small facts that its outcome says, for `when`, `each`, `give` and others' settings
WRITES   the endings of the files that it writes to its stage's `output`
MOST_RETURNS   how many kinds it makes, if its definition names them

`fields(settings)` and `writes(settings)` say the same if it depends on the settings, and
`references(settings)` names the `stage.field` places that its settings read.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from agents import roles
from agents.contract import Agent, Refused
from agents.strict_yaml import nearest

#: keys of an agent, then of its stage, that only some roles act on
OPTIONAL = (
    "model", "instructions", "voice", "authority", "message_format", "judges", "send_back", "deciders",
)  # fmt: skip

MANY = 1_000
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Role:
    """One kind of work, as code. `text` is its job description, shown on the Agents page."""

    name: str
    text: str
    accepts: tuple[str, ...]
    returns: tuple[str, ...]
    tools: tuple[str, ...]
    settings: type[BaseModel]
    work: Agent
    is_async: bool
    deterministic: bool  # the same brief gives the same work, without a model
    most_returns: int
    module: Any

    def reads(self, key: str) -> bool:
        """Whether it acts on this one of `OPTIONAL`."""
        said: tuple[str, ...] = getattr(self.module, "READS", ())
        return said == ("*",) or key in said

    def fields(self, settings: Settings) -> tuple[str, ...]:
        """The small facts that it says with these settings; `("*",)` for any."""
        return self._says("fields", "FIELDS", settings)

    def writes(self, settings: Settings) -> tuple[str, ...]:
        """The endings of the files that it writes with these settings; `("*",)` for any."""
        return self._says("writes", "WRITES", settings)

    def references(self, settings: Settings) -> dict[str, str]:
        """The `stage.field` places that these settings read, by the setting."""
        function = getattr(self.module, "references", None)
        return dict(function(self.settings.model_validate(settings))) if function else {}

    def _says(self, function: str, constant: str, settings: Settings) -> tuple[str, ...]:
        said: tuple[str, ...] = getattr(self.module, constant, ())
        depends = getattr(self.module, function, None)
        return tuple(depends(self.settings.model_validate(settings))) if depends else said


def names() -> list[str]:
    """The names of all roles, sorted; imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(roles.__path__) if not module.ispkg)
    return sorted(name for name in found if not name.startswith("_"))


@cache
def role(name: str) -> Role:
    """The role of this name. Raises `Refused` with the likely name where there is none."""
    if name not in names():
        raise Refused(f"There is no role `{name}`. {nearest(name, names())}")
    module: Any = importlib.import_module(f"agents.roles.{name}")
    return Role(
        name=name,
        text=inspect.cleandoc(module.__doc__ or ""),
        accepts=module.ACCEPTS,
        returns=module.RETURNS,
        tools=module.TOOLS,
        settings=module.Settings,
        work=module.work,
        is_async=inspect.iscoroutinefunction(module.work),
        deterministic=getattr(module, "DETERMINISTIC", False),
        most_returns=getattr(module, "MOST_RETURNS", MANY),
        module=module,
    )


def all_roles() -> dict[str, Role]:
    """Every role by name."""
    return {name: role(name) for name in names()}
