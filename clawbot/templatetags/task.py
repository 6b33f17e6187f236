"""Marks of the board and of the task page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from clawbot.dashboard import task_items
from clawbot.dashboard.cards import stage_title
from tasks import items

from .clawbot import CONDITIONS, icon

register = template.Library()


@register.simple_tag
def condition_icon(condition: str) -> SafeString:
    """The icon of a condition, where its word stands elsewhere."""
    return icon(CONDITIONS[condition][0]) if condition in CONDITIONS else SafeString("")


register.filter("stage_title", stage_title)


@register.filter
def running_on(sentence: str) -> str:
    """A sentence that follows its subject: "Made draft 1" becomes "made draft 1", a name stays."""
    is_word = sentence[1:2].islower() or sentence[1:2] == " "
    return sentence[:1].lower() + sentence[1:] if is_word else sentence


@register.filter
def plain(value: Any) -> str:
    """A value of a task's input as words: lists with commas, mappings as "min 900, max 1500"."""
    if isinstance(value, list):
        items = [plain(one).rstrip(".") for one in value]
        return ("; " if any(" " in item for item in items) else ", ").join(items)
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items())
    return str(value)


register.filter("item_number", items.number)
register.filter("item_words", task_items.words)


@register.filter
def value_of(row: dict[str, Any], name: str) -> Any:
    """One value of a row of a table; nothing where the row lacks it."""
    value = row.get(name)
    return "" if value is None else value
