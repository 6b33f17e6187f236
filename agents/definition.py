"""An agent as its YAML file describes it: who may do a stage, with what, within which limits.

This module reads and refuses; it stores nothing. Unknown keys, roles, tools and settings are refused
with file, line, what was found and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator

from agents import message_format, registry
from agents import tools as toolbox
from agents.contract import CALL
from agents.message_format import MessageFormat
from agents.strict_yaml import Document, Unreadable, check, load, nearest

FOLDER = Path(__file__).parent / "definitions"
VOICES = Path(__file__).parent / "voice"

#: which models the agent of this name may ask for
Models = Callable[[str], Collection[str]]
BUILT_IN = "built-in"

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(value: Any) -> float:
    """Read a duration ("90", "30s", "15m", "4h", "2d") as seconds; raises ValueError."""
    if isinstance(value, int | float):
        return float(value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", str(value).strip())
    if not found:
        raise ValueError("write a duration like 30s, 15m, 4h or 2d")
    return float(found[1]) * _UNITS[found[2] or "s"]


def words(value: float) -> str:
    """Write seconds as a duration that `seconds` reads: 900 becomes "15m"."""
    for unit in ("d", "h", "m", "s"):
        if value >= _UNITS[unit] and value % _UNITS[unit] == 0:
            return f"{int(value // _UNITS[unit])}{unit}"
    return f"{value:g}s"


Duration = Annotated[float, BeforeValidator(seconds), PlainSerializer(words, when_used="json")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Closed(BaseModel):
    """A part of a definition: keys that nobody declared are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Limits(Closed):
    """What one run may spend. A run that passes a limit stops and is escalated."""

    timeout: Duration = Field(900, gt=0, le=86_400)
    steps: int = Field(20, ge=1, le=200)  # model calls and tool calls together
    tokens: int = Field(60_000, ge=0, le=5_000_000)
    cost_usd: float = Field(0.50, ge=0, le=1_000)
    concurrency: int = Field(8, ge=1, le=1_000)


class Authority(Closed):
    """What the agent may decide by itself. Agents never approve; the key says so in every file."""

    correct: Literal["none", "minor", "all"] = "none"
    kinds: tuple[Kind, ...] = ()  # of remark that it may correct; empty: all that `correct` allows
    words: int = Field(60, ge=1, le=100_000)  # that it may change in one run
    send_back: bool = False
    approve: bool = False

    @field_validator("approve")
    @classmethod
    def _never(cls, value: bool) -> bool:
        if value:
            raise ValueError("agents never approve; write false. A person decides at the workflow's gate")
        return value


class Definition(Closed):
    """One configured agent. `settings` is the role's own part, checked by the role's schema."""

    name: Name
    role: Name
    title: str = Field("", max_length=80)
    scope: str = Field("", max_length=500)
    accepts: tuple[Kind, ...] = ()
    returns: tuple[Kind, ...] = ()
    model: str = Field("default", max_length=200)
    instructions: str = Field("", max_length=40_000)
    voice: str = ""
    tools: tuple[Name, ...] = ()
    permissions: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    limits: Limits = Limits()
    authority: Authority = Authority()
    escalates: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    message_format: MessageFormat = MessageFormat()

    def grants(self) -> dict[str, dict[str, Any]]:
        """Every permitted tool with its scope: what a Toolbox is built from."""
        return {tool: self.permissions.get(tool, {}) for tool in self.tools}

    def voice_text(self) -> str:
        """The brand voice as Markdown, empty where the agent has none."""
        return (VOICES / f"{self.voice}.md").read_text("utf-8") if self.voice else ""

    def yaml(self) -> str:
        """The definition as the YAML that `loads` reads back to an equal one."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def loads(text: str, name: str, models: Models | None = None) -> Definition:
    """Read one definition from YAML text; `name` stands in front of each problem. `models` tells which
    models the agent of a name may ask for, if that is known here. Raises `Unreadable`."""
    document = load(text, name)
    definition = check(document, Definition)
    problems = _problems(document, definition)
    if models and definition.model not in (known := models(definition.name)):
        hint = nearest(definition.model, sorted(known))
        text = (
            f"there is no model `{definition.model}`. {hint} CLAWBOT_MODELS lists the models of this house."
        )
        problems.append(document.problem(text, "model"))
    if problems:
        raise Unreadable(problems)
    return definition


def read(path: Path, models: Models | None = None) -> Definition:
    """Read one definition file. Raises `Unreadable`, also if file name and agent name differ."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable([f"{path.name}: cannot be read ({error}). Save it as UTF-8 text."]) from None
    definition = loads(text, path.name, models)
    if definition.name != path.stem:
        raise Unreadable([
            f"{path.name}, line 1: the agent is called `{definition.name}`; a file is named after its "
            f"agent, so call it `{definition.name}.yaml` or change `name`."
        ])  # fmt: skip
    return definition


def read_all(folder: Path = FOLDER, models: Models | None = None) -> dict[str, Definition]:
    """Read every `*.yaml` in a folder, by name; raises one `Unreadable` with the problems of all."""
    found: dict[str, Definition] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found[path.stem] = read(path, models)
        except Unreadable as error:
            problems += error.problems
    if problems:
        raise Unreadable(problems)
    return found


def _problems(document: Document, definition: Definition) -> list[str]:
    if definition.role not in registry.names():
        hint = nearest(definition.role, registry.names())
        return [document.problem(f"unknown role `{definition.role}`. {hint}", "role")]
    role = registry.role(definition.role)
    return [
        *_unknown_kinds(document, "accepts", definition.accepts, role.accepts),
        *_unknown_kinds(document, "returns", definition.returns, role.returns),
        *_wrong_tools(document, definition, role.tools),
        *_wrong_settings(document, definition.settings, role),
        *_wrong_voice(document, definition.voice),
        *_unread(document, definition, role),
        *message_format.problems(document, definition.message_format),
    ]


def _unread(document: Document, definition: Definition, role: registry.Role) -> list[str]:
    """Keys that the role would not act on, and kinds that it would never make."""
    problems = []
    for key in registry.OPTIONAL:
        if key in Definition.model_fields and not role.reads(key) and _says(definition, key):
            text = f"the role `{role.name}` does not read `{key}`, so it would do nothing. Remove it."
            problems.append(document.problem(text, key))
    authority = definition.authority
    if authority.correct == "none" and role.reads("authority"):
        for name in ("kinds", "words"):
            if getattr(authority, name) != Authority.model_fields[name].default:
                text = f"`{name}` limits what it corrects, and it corrects nothing. Write `correct: minor`."
                problems.append(document.problem(text, "authority", name))
    if len(definition.returns) > role.most_returns:
        text = f"the role `{role.name}` makes {role.most_returns} of these at most. Name fewer."
        problems.append(document.problem(text, "returns", role.most_returns))
    return problems


def _says(definition: Definition, key: str) -> bool:
    """Whether a definition asks for something by this key."""
    if key == "model":  # without a language model it is done by code, whichever of the two is written
        return definition.model not in {"default", BUILT_IN}
    value = getattr(definition, key)
    return bool(value != Definition.model_fields[key].get_default(call_default_factory=True))


def _unknown_kinds(document: Document, key: str, given: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    reserved = [
        document.problem(
            f"the kind `{CALL}` is Clawbot's own: no agent gets or makes it. Rename it.", key, place
        )
        for place, kind in enumerate(given)
        if kind == CALL
    ]
    if known == ("*",) or reserved:
        return reserved
    return [
        document.problem(
            f"the role does not know the kind `{kind}`. {nearest(kind, list(known))}", key, place
        )
        for place, kind in enumerate(given)
        if kind not in known
    ]


def _wrong_tools(document: Document, definition: Definition, usable: tuple[str, ...]) -> list[str]:
    problems = []
    for place, tool in enumerate(definition.tools):
        if tool not in toolbox.names():
            hint = nearest(tool, toolbox.names())
            problems.append(document.problem(f"unknown tool `{tool}`. {hint}", "tools", place))
        elif usable != ("*",) and tool not in usable:
            hint = nearest(tool, list(usable))
            problems.append(document.problem(f"the role cannot use `{tool}`. {hint}", "tools", place))
    for tool, scope in definition.permissions.items():
        if tool not in definition.tools:
            text = f"a permission for `{tool}`, which is not in `tools`. Add it there or remove it here."
            problems.append(document.problem(text, "permissions", tool))
        elif tool in toolbox.names():
            problems += _against(document, toolbox.tool(tool).Permission, scope, ("permissions", tool))
    return problems


def _wrong_settings(document: Document, settings: Mapping[str, Any], role: registry.Role) -> list[str]:
    return _against(document, role.settings, settings, ("settings",))


def _against(
    document: Document, shape: type[BaseModel], value: Any, path: tuple[str | int, ...]
) -> list[str]:
    try:
        check(document.part(value, *path), shape)
    except Unreadable as error:
        return [
            problem.replace("unknown key `", f"unknown key `{'.'.join(map(str, path))}.", 1)
            for problem in error.problems
        ]
    return []


def _wrong_voice(document: Document, voice: str) -> list[str]:
    known = sorted(path.stem for path in VOICES.glob("*.md"))
    if not voice or voice in known:
        return []
    return [document.problem(f"unknown voice `{voice}`. {nearest(voice, known)}", "voice")]
