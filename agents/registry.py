"""Finds the roles: every module in `agents/roles/` is a role, and its file name is its name.

A role module has a docstring (its job description), `ACCEPTS`, `RETURNS` and `TOOLS` (tuples of words,
`("*",)` for any), `Settings` (a pydantic model of what its definition may set) and
`work(brief, desk) -> Outcome`, sync or async.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from agents import roles
from agents.contract import Agent, Refused
from agents.strict_yaml import nearest


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
    )


def all_roles() -> dict[str, Role]:
    """Every role by name."""
    return {name: role(name) for name in names()}
