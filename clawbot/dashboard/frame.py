"""What surrounds every page: where we are, what waits, what is held, what this person may do.

Everything but the sequence number is asked for when the template asks: parts pay nothing for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from clawbot.live import feed
from clawbot.people.models import User
from tasks import access, database
from tasks.engine import site
from tasks.models import Absence, Hold
from tasks.people import away

from . import pausing, queue

#: url name -> the page of the top bar it belongs to
SECTIONS = {
    "task": "board", "task_items": "board", "review": "reviews",
    "agent": "agents", "help_page": "help", "workflow": "workflows",
    "workflow_diff": "workflows", "members": "workflows", "schedule": "schedules",
    "new_schedule": "schedules",
    "edit_schedule": "schedules", "message": "messages",
}  # fmt: skip


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

    @property
    def zone(self) -> str:
        """The name of the zone in which this page shows its times."""
        return timezone.get_current_timezone_name()

    @cached_property
    def reviews(self) -> int:
        """How many decisions wait for this person."""
        return queue.count(self.user) if access.anywhere(self.user, "approve") else 0

    @property
    def at(self) -> str:
        """The page that is looked at, also while only its banner is asked for."""
        asked = self.request.GET.get("at", "") if self.here == "holds" else ""
        return asked or self.request.path

    @cached_property
    def pauses(self) -> list[pausing.Pause]:
        """The open holds that this page is under, with how far each is."""
        return pausing.touching(self.request, self.at) if self.user else []

    @cached_property
    def hold(self) -> Hold | None:
        """The open hold on everything."""
        return next((one.hold for one in self.pauses if one.hold.scope == Hold.Scope.ALL), None)

    @property
    def faults(self) -> list[str]:
        """Which processes do not see the data folder that the others see, and what helps."""
        faults = site.here.faults if site.here and self.can_pause else []
        return [*faults, site.REMEDY] if faults else []

    @property
    def ailment(self) -> database.Ailment | None:
        """What ails the database, as far as it is known without asking it."""
        return database.trouble()

    @cached_property
    def absence(self) -> Absence | None:
        """The time away that this person is in."""
        return away.current(f"user:{self.user.username}") if self.user else None

    @cached_property
    def can_inject(self) -> bool:
        return access.anywhere(self.user, "inject")

    @cached_property
    def can_pause(self) -> bool:
        return access.can(self.user, "pause")

    @cached_property
    def can_schedule(self) -> bool:
        return access.anywhere(self.user, "schedule")

    @cached_property
    def can_configure(self) -> bool:
        return access.can(self.user, "configure")

    @cached_property
    def read_only(self) -> bool:
        """Whether this person may look and nothing else."""
        return self.user is not None and not access.anywhere(self.user, "comment")


def _is_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def context(request: HttpRequest) -> dict[str, Any]:
    """The context of base.html."""
    frame = getattr(request, "frame", None)
    return {"frame": frame, "theme": frame.theme} if frame else {}
