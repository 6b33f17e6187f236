"""What every page's frame shows: counts, holds, live sequence."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, Any]:
    """The context of base.html."""
    return {}
