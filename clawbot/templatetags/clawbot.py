"""Marks and figures that every page uses. Built in: templates need no `{% load %}`.

A tag here draws one thing and asks the database nothing but people's names and agents' roles.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from agents.masking import mask
from clawbot import assets, render, words
from clawbot.people import names
from clawbot.people.models import User
from tasks import moments
from tasks.clock import now
from tasks.costs import Cost
from tasks.models import Review
from tasks.people import asked

register = template.Library()

# What a condition looks like. Icon, word and colour always come together; the colour is CSS's.
CONDITIONS = {
    "queued": ("circle-dashed", "Queued"),
    "held": ("pause", "Held"),
    "running": ("loader-circle", "Running"),
    "waiting": ("hand", "Waiting for you"),
    "returned": ("undo-2", "Returned"),
    "stalled": ("timer-off", "Stalled"),
    "silent": ("heart-pulse", "Silent"),
    "warn": ("triangle-alert", "Warning"),
    "failed": ("octagon-x", "Failed"),
    "done": ("circle-check", "Done"),
    "cancelled": ("octagon-x", "Cancelled"),
    "paused": ("pause", "Paused"),
    "idle": ("circle", "Idle"),
}

ROLE_ICONS = {
    "research": "telescope",
    "writer": "pen-line",
    "seo": "search-check",
    "reviewer": "scan-eye",
    "formatter": "file-code",
    "publisher": "upload",
    "reporter": "megaphone",
    "human": "hand",
    "http": "plug",
    "router": "route",
    "triage": "circle-help",
    "knowledge": "search",
    "composer": "message-square",
    "letter": "send",
    "list_files": "list",
    "summarise": "file-text",
    "digest": "inbox",
    "combine": "layers",
    "llm": "bot",
}


@register.simple_tag
def icon(name: str, label: str = "", extra: str = "") -> SafeString:
    """One icon of the sprite. Without `label` it is decoration and hidden from screen readers."""
    aria = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon{}" {}><use href="{}#{}"></use></svg>',
        f" {extra}" if extra else "", aria, static("icons.svg"), name,
    )  # fmt: skip


@register.simple_tag
def avatar(by: str | User, extra: str = "") -> SafeString:
    """Agents are square, people are round. Decoration: the name stands beside it."""
    someone = names.who(f"user:{by.username}" if isinstance(by, User) else by)
    inside = someone.initials if someone.kind == "person" else icon(_agent_icon(someone))
    return format_html(
        '<span class="avatar avatar--{}{}" aria-hidden="true">{}</span>',
        someone.kind, f" {extra}" if extra else "", inside,
    )  # fmt: skip


def _agent_icon(someone: names.Who) -> str:
    return "mark" if someone.kind == "clawbot" else role_icon(someone.name)


def role_icon(agent: str) -> str:
    """The name of the icon that shows what an agent does: by its name, else by its role."""
    return ROLE_ICONS.get(agent) or ROLE_ICONS.get(names.role(agent), "square-dashed")


@register.simple_tag
def status(condition: str, word: str = "", chip: bool = False, title: str = "") -> SafeString:
    """A condition as icon and word; as a tinted chip where it is the page's one status."""
    name, usual = CONDITIONS[condition]
    return format_html(
        '<span class="status{}" data-status="{}"{}>{}{}</span>',
        " status--chip" if chip else "", condition,
        format_html(' title="{}"', title) if title else "", icon(name), word or usual,
    )  # fmt: skip


@register.filter
def who(by: str) -> str:
    """The short name behind a `by`: Ana, writer, Clawbot."""
    return names.who(by).name if by else ""


@register.filter
def recipient(name: str) -> str:
    """Whom a notice went to: a person by name, a group as it is."""
    return names.who(name).name if name.startswith("user:") else name


@register.filter
def masked(value: Any) -> str:
    """What somebody wrote into a brief, without secrets."""
    return mask(str(value))


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """A `<time>` that counts: "4 min ago", "in 2 h". The exact moment is its title."""
    return _time(moment, words.distance(moment, now()), "data-ago") if moment else ""


@register.filter
def soon(moment: datetime | None) -> SafeString | str:
    """As `ago`, for narrow columns: "in 3 h" without its minutes."""
    return _time(moment, words.distance(moment, now(), short=True), 'data-ago="short"') if moment else ""


@register.filter
def clock(moment: datetime | None) -> SafeString | str:
    """A `<time>` with the time of day, with the date unless it is today."""
    return _time(moment, moments.clock(moment, now())) if moment else ""


@register.filter
def moment(moment: datetime | None) -> SafeString | str:
    """A `<time>` to the second, with the date unless it is today: for lists of events."""
    return _time(moment, moments.to_the_second(moment, now())) if moment else ""


@register.filter
def stamp(moment: datetime | None) -> SafeString | str:
    """A `<time>` for logs, to the millisecond: 12:51:14.220."""
    return _time(moment, f"{timezone.localtime(moment):%H:%M:%S.%f}"[:-3]) if moment else ""


def _time(moment: datetime, text: str, mark: str = "") -> SafeString:
    local = timezone.localtime(moment)
    title = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"
    mark = mark_safe(f" {mark}" if mark else "")  # one of the words above
    return format_html('<time datetime="{}" title="{}"{}>{}</time>', moment.isoformat(), title, mark, text)


@register.filter
def since(moment: datetime | None) -> SafeString | str:
    """A `<time>` that counts a length: "12 min" since the moment."""
    return _time(moment, words.duration(now() - moment), "data-since") if moment else ""


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Seconds or a timedelta as "1 h 12 min"."""
    return words.duration(value)


@register.filter
def money(value: Cost | Decimal | float | None) -> str:
    """US dollars: "$0.41"."""
    return words.money(value)


@register.filter
def markdown(text: str) -> SafeString:
    """Untrusted Markdown as safe HTML, as much as a page shows (clawbot/render.py)."""
    return render.markdown(text)


@register.simple_tag
def stylesheet() -> str:
    """The address of the stylesheet."""
    return assets.stylesheet()


@register.simple_tag
def script(*entries: str) -> str:
    """The address of the page's script, with these entries beside what every page has."""
    return assets.script(*entries)


@register.filter
def first_part(text: str) -> str:
    """As much of a text as a page shows."""
    return render.first(text)


@register.simple_tag
def agent_icon(agent: str) -> SafeString:
    """The icon of an agent's role, without a ground: for headings."""
    return icon(role_icon(agent))


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The page's query string with some values changed; an empty value removes its key."""
    values: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = value
    return f"?{values.urlencode()}" if values else "."


@register.filter
def said(review: Review) -> str:
    """What a review asks, as it is now."""
    return asked.said(review)
