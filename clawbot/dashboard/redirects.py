"""Where a form leads after it was done."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def back(request: HttpRequest, otherwise: str = "board", **named: Any) -> str:
    """The page the form stood on, if it is one of ours; else the page of this name.

    Only a path counts: `redirect` would take a bare word for the name of a view.
    """
    wanted = request.POST.get("next", "")
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None)
    return wanted if is_ours else resolve_url(otherwise, **named)
