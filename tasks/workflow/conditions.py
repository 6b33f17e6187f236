"""The conditions of `when` and the references of `each` and `give`: small facts of earlier stages.

    {route.topic: billing}            the field is this word; several keys mean all of them
    {route.topic: [billing, sales]}   one of these
    {refund.amount: {over: 100}}      also `under` and `not`; "8,412.50" is a number too
    {any: [...]}, {all: [...]}        of conditions

`input.field` names what the task was injected with. There is no expression language: a condition is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

REFERENCE = re.compile(r"[a-z][a-z0-9_]{0,63}\.[a-z][a-z0-9_]{0,63}")
TESTS = ("over", "under", "not")
#: facts by stage name, the task's input under `input`
Facts = Mapping[str, Mapping[str, Any]]


def check(condition: Any) -> Any:
    """Return a readable condition as it is. Raises ValueError with what would work."""
    if condition is None:
        return None
    if not isinstance(condition, dict) or not condition:
        raise ValueError("write conditions like {route.topic: billing} or {any: [{...}, {...}]}")
    for key, value in condition.items():
        if key in {"any", "all"}:
            if len(condition) > 1 or not isinstance(value, list) or not value:
                raise ValueError(f"`{key}` stands alone and has a list of conditions")
            for part in value:
                check(part)
        elif not REFERENCE.fullmatch(key):
            raise ValueError(f"`{key}` is no field of a stage; write stage.field, e.g. route.topic")
        else:
            _check_value(key, value)
    return condition


def _check_value(key: str, value: Any) -> None:
    if isinstance(value, dict):
        if len(value) != 1 or next(iter(value)) not in TESTS:
            raise ValueError(f"`{key}` is tested with one of over, under and not, e.g. {{over: 100}}")
        test, wanted = next(iter(value.items()))
        if test != "not" and _number(wanted) is None:
            raise ValueError(f"`{key}: {{{test}: {wanted}}}` compares with a number, e.g. {{{test}: 100}}")
    elif isinstance(value, list) and (not value or any(isinstance(one, dict | list) for one in value)):
        raise ValueError(f"`{key}` has a list of words, e.g. [billing, sales]")


def check_given(value: Any) -> Any:
    """Return what an injected task is given as it is. Raises ValueError where it names nothing."""
    if value != "item" and not REFERENCE.fullmatch(str(value)):
        raise ValueError("write where it comes from: stage.field, input.field, item or item.field")
    return value


def references(condition: Any) -> Iterator[str]:
    """Every stage.field that a condition reads."""
    for key, value in (condition or {}).items():
        if key in {"any", "all"}:
            for part in value:
                yield from references(part)
        else:
            yield key


def holds(condition: Any, facts: Facts) -> bool:
    """Whether a condition holds. What a stage did not say, or a stage that did not run, meets none."""
    for key, wanted in (condition or {}).items():
        if key == "any":
            met = any(holds(part, facts) for part in wanted)
        elif key == "all":
            met = all(holds(part, facts) for part in wanted)
        else:
            found = look_up(key, facts)
            met = found is not None and _meets(found, wanted)
        if not met:
            return False
    return True


def look_up(reference: str, facts: Facts) -> Any:
    """The value of stage.field; None where the stage did not run or did not say."""
    stage, _, field = reference.partition(".")
    return facts.get(stage, {}).get(field)


def _meets(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_same(found, one) for one in wanted)
    if not isinstance(wanted, dict):
        return _same(found, wanted)
    test, value = next(iter(wanted.items()))
    if test == "not":
        return not _same(found, value)
    left, right = _number(found), _number(value)
    if left is None or right is None:
        return False
    return left > right if test == "over" else left < right


def _same(found: Any, wanted: Any) -> bool:
    """YAML reads every scalar as text, so `true` and `0.7` are compared as what the stage said."""
    if isinstance(found, bool):
        return str(wanted).lower() in (("true", "yes") if found else ("false", "no"))
    if isinstance(found, int | float) and (number := _number(wanted)) is not None:
        return float(found) == number
    return str(found) == str(wanted)


def _number(value: Any) -> float | None:
    """A number, also as text with its thousands apart: "8,412.50"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", value):
        value = value.replace(",", "")
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def words(condition: Any) -> str:
    """A condition as people read it: "route topic is billing or sales"."""
    parts = []
    for key, wanted in (condition or {}).items():
        if key in {"any", "all"}:
            glue = ", or " if key == "any" else " and "
            parts.append(glue.join(words(part) for part in wanted))
        else:
            parts.append(f"{key.replace('.', ' ').replace('_', ' ')} is {_value_words(wanted)}")
    return " and ".join(parts)


def _value_words(wanted: Any) -> str:
    if isinstance(wanted, list):
        return " or ".join(map(str, wanted))
    if isinstance(wanted, dict):
        test, value = next(iter(wanted.items()))
        return f"{test} {value if value not in (None, '') else 'empty'}"
    return str(wanted) if wanted not in (None, "") else "empty"
