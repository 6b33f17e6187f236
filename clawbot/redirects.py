"""Where a form leads after it was done: to a path of ours, and nowhere else."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def is_path(wanted: str) -> bool:
    """Whether a browser stays with us at this address. Only a path counts: Django's `redirect` takes a bare
    word for the name of a view."""
    return wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None)


def back(request: HttpRequest, otherwise: str = "board", **named: Any) -> str:
    """The page the form stood on, if it is one of ours; else the page of this name."""
    wanted = request.POST.get("next", "")
    return wanted if is_path(wanted) else resolve_url(otherwise, **named)
