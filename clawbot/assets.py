"""The stylesheet and the scripts of a page, each as one file: a first visit asks for two instead of ninety.

The sources stay small files that browsers could load as they are. They are put together when a page first
needs them, in the order in which they import each other. The address holds a hash of what it gives, so that
browsers keep it for good and ask again when it changed.

What may stand in a source is little, and held by a test: an import on a line of its own, `export function`,
and in the stylesheet `@import url("…") layer(…);`.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

SOURCES = Path(settings.ROOT) / "static"
#: What a page may load beside what every page has.
ENTRIES = ("all", "ask", "board", "form", "queue", "reading", "review", "submit", "tray")

_FILE = re.compile(r"(?P<name>[a-z+]{1,100})-(?P<digest>[0-9a-f]{12})\.(?P<kind>css|js)")
_SHEET = re.compile(r'^@import url\("([a-z/-]+\.css)"\)(?: layer\((\w+)\))?;$', re.M)
_ADDRESS = re.compile(r'url\("\.\./([^"]+)"\)')
_IMPORT = re.compile(r'^import (?:\{ [\w, ]+ \} from )?"\./([a-z]+)\.js";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?function (\w+))", re.M)


def stylesheet() -> str:
    """The address of the stylesheet."""
    return _address("css", "clawbot")


def script(*entries: str) -> str:
    """The address of the script of a page with these entries. Raises ValueError for one that there is not."""
    if unknown := set(entries) - set(ENTRIES):
        raise ValueError(f"There is no script {', '.join(sorted(unknown))}. There are {', '.join(ENTRIES)}.")
    return _address("js", "+".join(["clawbot", *entries]))


def _address(kind: str, name: str) -> str:
    return reverse("asset", args=[f"{name}-{_digest(kind, name)}.{kind}"])


def _digest(kind: str, name: str) -> str:
    return hashlib.sha256(_made(kind, name).encode()).hexdigest()[:12]


def _made(kind: str, name: str) -> str:
    """The file; made once, and while one develops whenever a source was saved."""
    newest = max(path.stat().st_mtime_ns for path in (SOURCES / kind).rglob("*")) if settings.DEBUG else 0
    return _make(kind, name, newest)


@lru_cache(maxsize=64)
def _make(kind: str, name: str, newest: int) -> str:
    return _sheet() if kind == "css" else _modules(name.split("+"))


def _sheet() -> str:
    def layered(match: re.Match[str]) -> str:
        text = (SOURCES / "css" / match[1]).read_text("utf-8")
        text = _ADDRESS.sub(lambda one: f'url("{static(one[1])}")', text)
        return f"@layer {match[2]} {{\n{text}}}" if match[2] else text

    return _SHEET.sub(layered, (SOURCES / "css/clawbot.css").read_text("utf-8"))


def _modules(entries: list[str]) -> str:
    """The modules that these need, each once and after what it imports, each in a scope of its own that gives
    away what it exports."""
    order: dict[str, str] = {}

    def add(name: str) -> None:
        if name in order:
            return
        text = (SOURCES / "js" / f"{name}.js").read_text("utf-8")
        for needed in _IMPORT.findall(text):
            add(needed)
        given = ", ".join(_EXPORT.findall(text))
        body = _EXPORT.sub("", _IMPORT.sub("", text))
        order[name] = f"const {{ {given} }} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n"

    for entry in entries:
        add(entry)
    return "".join(order.values())


@login_not_required
@require_safe
def asset(request: HttpRequest, file: str) -> HttpResponse:
    """One of the files. An address with an older hash gives what there is now, and is not kept."""
    match = _FILE.fullmatch(file)
    if match is None or not _is_made(match["kind"], match["name"]):
        raise Http404("There is no such file.")
    kind, name = match["kind"], match["name"]
    types = {"css": "text/css", "js": "text/javascript"}
    answer = HttpResponse(_made(kind, name), content_type=f"{types[kind]}; charset=utf-8")
    kept = match["digest"] == _digest(kind, name)
    answer["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
    return answer


def _is_made(kind: str, name: str) -> bool:
    """Whether a page could have named it: nobody makes us put other files together."""
    first, *entries = name.split("+")
    if kind == "css":
        return name == "clawbot"
    return first == "clawbot" and set(entries) <= set(ENTRIES) and len(set(entries)) == len(entries)
