"""Words from the environment. For each name, `NAME_FILE` may name a file that holds the word instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path


class UnreadableFile(ValueError):
    """The file that `NAME_FILE` names cannot be read; its text says which, and what to do."""


#: how the names of secrets end, those of other programs included
_SECRET = ("SECRET", "SECRET_KEY", "API_KEY", "ACCESS_KEY", "AUDIT_KEY", "TOKEN", "PASSWORD")
#: how the name of a model's key begins; the model's name follows
MODEL_KEY = "CLAWBOT_KEY_"


def value(name: str, environment: Mapping[str, str], default: str = "") -> str:
    """What a name stands for. Raises `UnreadableFile` if its file cannot be read."""
    if file := environment.get(f"{name}_FILE", ""):
        try:
            return Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = f"{name}_FILE={file} cannot be read ({error}). Mend the path or unset it."
            raise UnreadableFile(why) from None
    return environment.get(name, default)


def secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """Every value that its name tells to be a secret. A file that cannot be read holds none that we could
    give away."""
    for given in list(environment):
        name = given.removesuffix("_FILE")
        if name.endswith(_SECRET) or name.startswith(MODEL_KEY):
            try:
                yield value(name, environment)
            except UnreadableFile:
                continue
