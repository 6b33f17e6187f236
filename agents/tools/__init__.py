"""The tools, one per file, and the Toolbox: the one place where permission is checked.

A tool module has a docstring (what a model reads about it), `Arguments` and `Permission` (pydantic
models) and `async run(arguments, reach)`. A tool that is not granted cannot be reached by any name.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.contract import Refused
from agents.strict_yaml import nearest


class Closed(BaseModel):
    """Arguments or a permission: immutable, and an argument that nobody declared is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Reach:
    """What a tool may look at: the task's workspace, the environment, and its own permission."""

    workspace: Path | None
    environment: Mapping[str, str]
    permission: Any


class Toolbox:
    """The tools of one agent on one task. `permissions` maps each granted tool to its scope."""

    def __init__(
        self,
        permissions: Mapping[str, Mapping[str, Any]],
        workspace: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.permissions = permissions
        self.workspace = workspace
        self.environment = os.environ if environment is None else environment

    async def use(self, name: str, /, **arguments: Any) -> Any:
        """Run a granted tool. Raises `Refused` where it is not granted, unknown, or asked wrongly."""
        if name not in self.permissions:
            granted = ", ".join(sorted(self.permissions)) or "none"
            raise Refused(
                f"The agent tried the tool `{name}`, which its definition does not grant. "
                f"Granted: {granted}. Add it to `tools` in the agent's definition to allow it."
            )
        module = tool(name)
        permission = _shaped(module.Permission, self.permissions[name], f"The permission for `{name}`")
        given = _shaped(module.Arguments, arguments, f"The call of `{name}`")
        return await module.run(given, Reach(self.workspace, self.environment, permission))


def names() -> list[str]:
    """The names of all tools, sorted; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


@cache
def tool(name: str) -> Any:
    """The module of a tool. Raises `Refused` with the likely name where there is none."""
    if name not in names():
        raise Refused(f"There is no tool `{name}`. {nearest(name, names())}")
    return importlib.import_module(f"agents.tools.{name}")


def _shaped(shape: type[BaseModel], value: Mapping[str, Any], what: str) -> Any:
    try:
        return shape.model_validate(dict(value))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Refused(
            f"{what} was refused: {wrong}. It takes: {', '.join(shape.model_fields) or 'nothing'}."
        ) from None
