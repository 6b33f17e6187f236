"""What surrounds every page: where we are, what waits, what is held, what this person may do.

Everything but the sequence number is asked for when the template asks: parts pay nothing for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from clawbot.live import feed
from clawbot.people.models import User
from tasks import access, supervision
from tasks.models import Hold, Review, Subtask

#: url name -> the page of the top bar it belongs to
SECTIONS = {"task": "board", "review": "reviews", "agent": "agents", "help_page": "help"}


class Frame:
    """The frame of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user: User | None = request.user if isinstance(request.user, User) else None
        # Before the page's own queries: whatever changes while it renders is newer than this and
        # reaches the browser after it connects.
        self.seq = feed.newest() if self.user and request.method == "GET" and not _is_part(request) else 0

    @property
    def here(self) -> str:
        """The page of the top bar that is open."""
        match = self.request.resolver_match
        name = match.url_name if match and match.url_name else ""
        return SECTIONS.get(name, name)

    @property
    def theme(self) -> str:
        """auto, light or dark; from the cookie before somebody signs in, so that the first paint is right."""
        return self.user.theme if self.user else self.request.COOKIES.get("theme", "auto")

    @cached_property
    def reviews(self) -> int:
        """How many open reviews this person may decide."""
        groups = access.GROUPS[: access.level(self.user) + 1]
        mine = Q(deciders__group__in=groups) | Q(deciders__group__isnull=True)
        return Review.objects.filter(mine, open=1).count() if access.can(self.user, "approve") else 0

    @cached_property
    def hold(self) -> Hold | None:
        """The open hold on everything, with how much still runs and how much it keeps back."""
        hold = Hold.objects.filter(scope=Hold.Scope.ALL, open=1).first() if self.user else None
        if hold:
            rows = supervision.under(hold)
            hold.running = rows.filter(status=Subtask.Status.DOING).count()  # type: ignore[attr-defined]
            hold.held = rows.filter(status=Subtask.Status.READY).count()  # type: ignore[attr-defined]
        return hold

    @cached_property
    def can_inject(self) -> bool:
        return access.can(self.user, "inject")

    @cached_property
    def can_pause(self) -> bool:
        return access.can(self.user, "pause")

    @cached_property
    def can_configure(self) -> bool:
        return access.can(self.user, "configure")

    @cached_property
    def read_only(self) -> bool:
        """Whether this person may look and nothing else."""
        return self.user is not None and not access.can(self.user, "comment")


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def context(request: HttpRequest) -> dict[str, Any]:
    """The context of base.html."""
    frame = getattr(request, "frame", None)
    return {"frame": frame, "theme": frame.theme} if frame else {}
