"""Words of the pages that measure: kinds of remark, shares."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def kind_words(kind: str) -> str:
    """A kind of remark as it reads: "banned word"."""
    return kind.replace("_", " ")


@register.filter
def percent(share: float) -> str:
    """0.854 as "85%"."""
    return f"{100 * share:.0f}%"
