"""The pages of docs/, as /help/. Rendered like every other Markdown; links between them stay inside."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from clawbot.render import markdown
from tasks import access
from tasks.models import Workflow

DOCS = Path(settings.ROOT) / "docs"
INDEX = "index"
_LINK = re.compile(r'(<a href=")([^"]+)(")')
_TO_WORKFLOW = re.compile(r'<a href="/workflows/(\w+)/"[^>]*>(.*?)</a>', re.DOTALL)
_HEADING = re.compile(r"<(h[23])>(.*?)</\1>", re.DOTALL)
_WORKFLOW = re.compile(r"\.\./tasks/workflows/(\w+)/README")
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Page:
    """One page of docs/. `name` is its path without the ending: howto/slack."""

    name: str
    title: str
    html: SafeString

    @property
    def url(self) -> str:
        return reverse("help") if self.name == INDEX else reverse("help_page", args=[self.name])


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """docs/index.md."""
    return page(request, INDEX)


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One page, beside the list of all. 404 for a name that docs/ does not hold."""
    pages = {one.name: one for one in all_pages()}
    if name not in pages:
        raise Http404(f"There is no help page {name!r}.")
    html = _only_seen(pages[name].html, request)
    groups = _groups(list(pages.values()))
    return render(request, "pages/help.html", {"page": pages[name], "html": html, "groups": groups})


def _only_seen(html: SafeString, request: HttpRequest) -> SafeString:
    """The page without links to workflows that are not here, or that this reader may not see."""
    seen = set(access.seen(Workflow, request.user).values_list("slug", flat=True))
    return SafeString(_TO_WORKFLOW.sub(lambda link: link[0] if link[1] in seen else link[2], html))


def all_pages() -> list[Page]:
    """Every page, the index first. Only names that were found here are ever opened."""
    files = sorted(DOCS.rglob("*.md"), key=lambda file: (file.parent != DOCS, file.stem != INDEX, file))
    return [_read(file, file.stat().st_mtime_ns) for file in files]


@lru_cache(maxsize=500)
def _read(file: Path, changed_at: int) -> Page:
    text = file.read_text(encoding="utf-8")
    name = file.relative_to(DOCS).with_suffix("").as_posix()
    title = next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), name)
    html = _HEADING.sub(_with_anchor, markdown(text, ours=True))
    return Page(name, title, SafeString(_LINK.sub(lambda link: _inside(link, name), html)))


def _with_anchor(heading: re.Match[str]) -> str:
    words = _TAG.sub("", heading[2]).lower()
    anchor = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
    return f'<{heading[1]} id="{anchor}">{heading[2]}</{heading[1]}>'


def _inside(link: re.Match[str], name: str) -> str:
    """Turn a link to another page's file into its address; other files of the project have none here."""
    parts = urlsplit(link[2])
    if parts.scheme or parts.netloc or not parts.path.endswith(".md"):
        return link[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path)).removesuffix(".md")
    if shipped := _WORKFLOW.fullmatch(target):  # its README is shown on its own page
        return f"{link[1]}{reverse('workflow', args=[shipped[1]])}{link[3]}"
    url = reverse("help") if target == INDEX else reverse("help_page", args=[target])
    return f"{link[1]}{url}{'#' + parts.fragment if parts.fragment else ''}{link[3]}"


def _groups(pages: list[Page]) -> Iterator[tuple[str, list[Page]]]:
    """Pages by folder: the top, then how to do things, then why they are as they are."""
    named = dict.fromkeys(posixpath.dirname(page.name) for page in pages)
    folders = sorted(named, key=lambda folder: (folder.startswith("decisions"), folder != ""))
    for folder in folders:
        yield (
            folder.replace("/", ", ").capitalize(),
            [one for one in pages if posixpath.dirname(one.name) == folder],
        )
