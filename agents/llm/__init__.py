"""The port to models. `model(name)` gives whatever thinks for an agent: the built-in engine by default.

`CLAWBOT_MODELS` names the models there are, separated by spaces or line breaks:

    default=openai:gpt-5-mini                          OpenAI, key from OPENAI_API_KEY
    default=openai:qwen3@http://127.0.0.1:8080/v1      any server of its kind, key from CLAWBOT_KEY_DEFAULT
    careful=openai:gpt-5 local=openai:smollm2@http://127.0.0.1:8081/v1

An agent's `model:` is one of these names, `built-in`, or a full `openai:MODEL[@URL]` of its own only where
CLAWBOT_MODELS lists it: who may edit an agent must not thereby choose where texts are sent. A key goes to
no server but its own: OPENAI_API_KEY to OpenAI, CLAWBOT_KEY_NAME (the model's name in capitals) to the server
of that model.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.contract import Model, Refused
from agents.environment import MODEL_KEY, UnreadableFile, value
from agents.llm.built_in import BuiltIn

BUILT_IN = "built-in"
_ENTRY = re.compile(
    r"^(?P<name>[a-z][a-z0-9_-]*)=(?P<provider>[a-z]+):(?P<model>[^@\s]+)(?:@(?P<url>https?://\S+))?$"
)


@dataclass(frozen=True)
class Listed:
    """One entry of CLAWBOT_MODELS."""

    name: str
    provider: str
    model: str
    url: str = ""

    @property
    def key(self) -> str:
        """The name of the variable that holds its key."""
        if not self.url:
            return "OPENAI_API_KEY"
        return MODEL_KEY + self.name.upper().replace("-", "_")


def listed(environment: Mapping[str, str]) -> dict[str, Listed]:
    """The models that CLAWBOT_MODELS names. Raises `Refused` for an entry that cannot be read."""
    found = {}
    try:
        entries = value("CLAWBOT_MODELS", environment).split()
    except UnreadableFile as error:
        raise Refused(str(error)) from None
    for entry in entries:
        match = _ENTRY.match(entry)
        if match is None or match["provider"] != "openai":
            raise Refused(
                f"CLAWBOT_MODELS has the entry {entry!r}, which cannot be read. Write NAME=openai:MODEL or "
                "NAME=openai:MODEL@http://host:port/v1, entries separated by spaces."
            )
        if match["name"] in found or match["name"] == BUILT_IN:
            why = "is the engine's own name" if match["name"] == BUILT_IN else "is there twice"
            raise Refused(
                f"CLAWBOT_MODELS has the entry {entry!r}: `{match['name']}` {why}. Take another name."
            )
        found[match["name"]] = Listed(match["name"], match["provider"], match["model"], match["url"] or "")
    return found


def names(environment: Mapping[str, str] | None = None) -> list[str]:
    """Every name that an agent's `model` may have. Raises `Refused` for an entry that cannot be read."""
    found = sorted(listed(os.environ if environment is None else environment))
    return list(dict.fromkeys([BUILT_IN, "default", *found]))


def missing(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Why no agent can be given the model of this name; empty if it can."""
    try:
        known = names(environment)
    except Refused as refused:
        return str(refused)
    if name in known:
        return ""
    return (
        f"There is no model `{name}`. Known: {', '.join(known)}. "
        "Add it to CLAWBOT_MODELS, or set the agent's `model`."
    )


def model(name: str = "default", environment: Mapping[str, str] | None = None) -> Model:
    """The model of this name. "default" is the built-in engine if CLAWBOT_MODELS names no default.

    Raises `Refused` for a name that is not listed.
    """
    environment = os.environ if environment is None else environment
    if name == BUILT_IN:
        return BuiltIn()
    if why := missing(name, environment):
        raise Refused(why)
    if (found := listed(environment).get(name)) is None:
        return BuiltIn()
    from agents.llm.openai_compatible import OpenAICompatible  # a second and 70 MB: only where it is used

    return OpenAICompatible(found, environment)
