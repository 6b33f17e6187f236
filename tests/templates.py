"""A template that shows what does not exist fails the test that renders it."""

from __future__ import annotations

import sys
from pathlib import Path

OURS = Path(__file__).resolve().parents[1] / "templates"
#: What somebody typed or asked for; any field of it may be missing.
TYPED = ("request.GET.", "typed.", "given.")


class Undefined(str):
    """Takes the place of Django's `string_if_invalid`: whoever would show it is told which name there is not.
    Templates of libraries (the admin's) look up what may be missing, and show nothing."""

    def __new__(cls) -> Undefined:
        return super().__new__(cls, "%s")

    def __contains__(self, part: object) -> bool:
        return True

    def __mod__(self, name: object) -> str:
        origin = _rendering()
        if origin and Path(origin).is_relative_to(OURS) and not str(name).startswith(TYPED):
            raise AssertionError(f"{Path(origin).relative_to(OURS)} shows {name}, which does not exist.")
        return ""


def _rendering() -> str:
    """The file of the template that is being rendered."""
    frame = sys._getframe(2)
    while frame is not None:
        context = frame.f_locals.get("context")
        template = getattr(getattr(context, "render_context", None), "template", None)
        if template is not None:
            return str(template.origin.name)
        frame = frame.f_back
    return ""
