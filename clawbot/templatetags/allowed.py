"""What the reader may do, for templates. Built in: they need no `{% load %}`."""

from __future__ import annotations

from typing import Any

from django import template

from tasks import access

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], verb: str, thing: Any = None) -> bool:
    """Whether the reader may use a verb on something: `{% may "resend" notice as can_resend %}`."""
    return access.can(context["request"].user, verb, thing)


@register.simple_tag(takes_context=True)
def why_not(context: dict[str, Any], verb: str, thing: Any = None) -> str:
    """Why the reader may not, in the words of `access.reason`; empty where they may."""
    return access.reason(context["request"].user, verb, thing)
