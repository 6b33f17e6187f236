"""Every address of the product, as every kind of person, over a house in every condition.

Addresses come from the URLconf, the API's own document and the admin; what stands in them comes from the rows
of the house. A new address without a word here about its arguments fails the walk.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings as ours
from django.test import Client
from django.urls import Resolver404, resolve

from agents.models import Agent
from clawbot import assets
from clawbot.admin.site import site
from clawbot.people.models import User
from tasks.models import (
    Artifact,
    Decision,
    Hold,
    Message,
    Notice,
    Review,
    Schedule,
    Subtask,
    Task,
    Workflow,
)  # fmt: skip
from tasks.workflow import shipped
from tests.clawbot.api.caller import Caller
from tests.clawbot.foreign import member
from tests.clawbot.test_foreign_work import addresses, operations
from tests.faults import states

PIECE = {"HX-Request": "true"}
PEOPLE = ("admin", "ana", "ben", "cleo", "mia", "")
QUERIES: dict[str, tuple[str, ...]] = {
    "": (
        "?view=list", "?q=agents", "?q=nothing-matches", "?workflow=article", "?is=mine", "?is=stalled",
        "?is=done&view=list",
    ),
    "tasks/<str:key>/": (
        "?tab=overview", "?tab=drafts", "?tab=handoffs", "?tab=messages", "?tab=log", "?tab=files", "?at=3",
    ),
    "reviews/": ("?tab=mine", "?tab=anyone", "?tab=decided"),
    "reviews/<int:pk>/": (
        "?view=clean", "?view=output", "?pane=thread", "?sheet=edit", "?sheet=return", "?sheet=approve",
    ),
    "workflows/<slug:slug>/diff/": ("?from=1&to=1",),
    "insights/": ("?whose=me",),
}  # fmt: skip
NEWS = re.compile(r"/news/$")  # the only pieces that may have nothing to say
MOST_LINKS = 3  # that differ in nothing but numbers and names are opened
MOST_OF_A_KIND = 8  # rows in unlike conditions that fill one place of an address


class Seen(HTMLParser):
    """What a page holds: its title, headings, words, ids, and where its links and forms lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.targets: set[str] = set()
        self.ids: set[str] = set()
        self.tags: set[str] = set()
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.ids.add(given.get("id", ""))
        if "href" in given and tag == "a":
            self.links.add(given["href"])
        for name in ("action", "formaction", "hx-get", "hx-post", "src"):
            if name in given:
                self.targets.add(given[name])

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def house(
    transactional_db: None, person: Any, admin: Any, ana: Any, ben: Any, cleo: Any, request: Any
) -> None:
    settings, folder = request.getfixturevalue("settings"), request.getfixturevalue("tmp_path")
    settings.DATA = folder / "var"
    settings.DATA.mkdir()
    states.built_by_hand()
    shipped.sync("clawbot")
    states.run_samples(folder)
    states.bring_about()
    states.offer_an_update(folder)
    member(person, "mia", "editors", "article")


def _unlike(rows: Any, *fields: str) -> list[Any]:
    """Primary keys of rows of which no two are alike in these fields."""
    found: dict[tuple[Any, ...], Any] = {}
    for row in rows.order_by("-pk").values("pk", *fields):
        found.setdefault(tuple(str(row[field]) for field in fields), row["pk"])
    return list(found.values())[:MOST_OF_A_KIND]


def _of_task(keys: list[Any]) -> list[str]:
    return [Task.objects.get(pk=key).key for key in keys]


def arguments(route: str) -> list[dict[str, Any]]:
    """What fills the places of a route, from the rows that there are."""
    places = re.findall(r"<\w+:(\w+)>", route)
    if not places:
        return [{}]
    first = route.partition("/")[0]
    pks = {
        "deliveries": lambda: _unlike(Notice.objects, "kind", "state", "carrier"),
        "messages": lambda: _unlike(Message.objects, "direction", "state", "channel"),
        "holds": lambda: _unlike(Hold.objects, "scope", "open"),
        "reviews": lambda: _unlike(Review.objects, "kind", "open", "task__workflow", "artifact__kind"),
        "decisions": lambda: _unlike(Decision.objects, "verb"),
        "me": lambda: [1],
        "schedules": lambda: _unlike(Schedule.objects, "name", "workflow"),
    }
    tasks = _of_task(_unlike(Task.objects, "workflow", "status", "stage_status", "outcome"))
    slugs = {
        "agents": list(Agent.objects.order_by("slug").values_list("slug", flat=True))[:MOST_OF_A_KIND],
        "workflows": list(Workflow.objects.values_list("slug", flat=True)),
    }
    match places:
        case ["pk"]:
            return [{"pk": pk} for pk in pks[first]()]
        case ["key"]:
            return [{"key": key} for key in tasks]
        case ["slug"]:
            return [{"slug": slug} for slug in slugs[first]]
        case ["slug", "number"]:
            return [{"slug": slug, "number": 1} for slug in slugs[first]]
        case ["key", "stage"]:
            rows = Subtask.objects.exclude(spread=None).filter(live=1)[:MOST_OF_A_KIND]
            return [{"key": row.task.key, "stage": row.stage} for row in rows]
        case ["key", "verb"]:
            return [
                {"key": key, "verb": verb}
                for key in tasks[:4]
                for verb in ("pause", "retry", "move", "rerun", "cancel", "skip", "nonsense")
            ]
        case ["pk", "verb"]:
            return [{"pk": pk, "verb": verb} for pk in pks[first]()[:3] for verb in ("skip", "retry")]
        case ["key", "pk"]:
            return [{"key": row.task.key, "pk": row.pk} for row in Artifact.objects.order_by("-pk")[:3]]
        case ["name"]:
            return [
                {"name": str(path.relative_to(ours.ROOT / "docs").with_suffix(""))}
                for path in sorted((ours.ROOT / "docs").rglob("*.md"))
            ]
        case ["file"]:
            return [
                {"file": address.rpartition("/")[2]} for address in (assets.stylesheet(), assets.script())
            ]
        case ["token"]:
            return [{"token": "nothing-of-ours"}]
    raise AssertionError(f"Say in tests/faults/test_walk.py what stands in {places} of {route!r}.")


def every_address() -> Iterator[str]:
    """Every address that a browser may ask for, filled with rows."""
    for route in addresses():
        for place, given in enumerate(arguments(route)):
            address = "/" + re.sub(r"<\w+:(\w+)>", "{\\1}", route).format(**given)
            yield address
            if place < 4:
                yield from (address + query for query in QUERIES.get(route, ()))
    for model in site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield from (base, f"{base}add/")
        for row in model._default_manager.all()[:2]:
            yield from (f"{base}{row.pk}/change/", f"{base}{row.pk}/history/", f"{base}{row.pk}/delete/")
    yield from ("/admin/", "/admin/password_change/", "/nothing-of-ours/")


def whole(answer: Any) -> bool:
    """Whether an answer is a page, and no fragment, file or redirect."""
    return answer.get("Content-Type", "").startswith("text/html") and b"<html" in answer.content


def test_every_address_answers_every_person_in_every_condition(house: None) -> None:
    assert states.missing() == set()
    faults: list[str] = []
    answers: dict[tuple[str, str], int] = {}
    tally: Counter[tuple[str, int]] = Counter()
    leads: dict[str, set[str]] = {}
    todo = list(dict.fromkeys(every_address()))
    for name in PEOPLE:
        client = Client(raise_request_exception=False)
        if name:
            client.force_login(User.objects.get(username=name))
        who = name or "anonymous"
        for address in todo:
            answer = client.get(address)
            answers[who, address] = answer.status_code
            tally[who, answer.status_code] += 1
            faults += [f"{who} {address}: {why}" for why in _wrong(answer, {})]
            if name == "ana":
                piece = client.get(address, headers=PIECE)
                faults += [f"{who} {address} as a piece: {why}" for why in _wrong(piece, PIECE)]
            if name and answer.status_code == 200 and whole(answer):
                page = Seen(answer.content.decode())
                if not address.startswith("/admin/"):  # Django's own pages
                    faults += [f"{who} {address}: {why}" for why in _nowhere(page, address)]
                    for link in page.links:
                        to = urljoin(address, link).partition("#")[0]
                        leads.setdefault(f"{who} {to}", set()).add(address)
    faults += _dead_links(leads, answers)
    print(f"{len(todo)} addresses, {sum(tally.values())} answers: {sorted(tally.items())}")
    assert faults == [], "\n".join(faults)


def _wrong(answer: Any, headers: dict[str, str]) -> Iterator[str]:
    html = answer.get("Content-Type", "").startswith("text/html")
    if answer.status_code >= 500:
        yield f"answers {answer.status_code} {getattr(answer, 'exc_info', ('', ''))[1]!r}"
    elif headers and answer.status_code == 200 and not b"".join(answer).strip():
        if not NEWS.search(answer.request["PATH_INFO"]):
            yield "is a blank piece"
    elif headers or not html or answer.status_code not in (200, 403, 404, 410):
        return
    elif not whole(answer):
        yield "is a piece of a page, or blank"
    else:
        page = Seen(answer.content.decode())
        if "title" not in page.tags or "h1" not in page.tags or not page.words.strip():
            yield "has no title, no heading or no words"


def _nowhere(page: Seen, address: str) -> Iterator[str]:
    """Links, forms and fragments that no address of ours answers, and anchors that are not on the page."""
    for target in page.links | page.targets:
        parts = urlsplit(urljoin(address, target))
        if parts.scheme or parts.netloc or parts.path.startswith(("/static/", "/api/v1/")):
            continue
        if target.startswith("#"):
            if target[1:] and target[1:] not in page.ids:
                yield f"leads to {target}, which is not on the page"
            continue
        try:
            resolve(parts.path)
        except Resolver404:
            yield f"leads to {target}, which is no address"


def _dead_links(leads: dict[str, set[str]], answers: dict[tuple[str, str], int]) -> Iterator[str]:
    """Links of pages that their own reader cannot open, also after they were led on. What answered the walk
    with a page is not asked again."""
    client, before = Client(raise_request_exception=False), ""
    kinds: dict[tuple[str, str, str], int] = {}
    for lead in sorted(leads):
        name, _, link = lead.partition(" ")
        parts = urlsplit(link)
        if answers.get((name, link)) == 200:
            continue
        kind = (
            name,
            re.sub(r"[A-Z]+-\d+|\d+|(?<=/agents/)[^/]+", "…", parts.path),
            re.sub(r"=[^&]*", "", parts.query) if name == "ana" else "",  # filters are alike for all
        )
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] > MOST_LINKS:
            continue
        if name != before:
            client.force_login(User.objects.get(username=name))
            before = name
        if urlsplit(link).scheme or link.startswith(("/static/", "/admin/")):
            continue
        answer = client.get(link, follow=True)
        if answer.status_code != 200:
            yield f"{name} {min(leads[lead])}: links to {link}, which answers {answer.status_code}"


def test_every_reading_operation_of_the_api_answers(house: None) -> None:
    caller = Caller("admin")
    rows: dict[str, Any] = {
        "key": _of_task(_unlike(Task.objects, "workflow", "status")), "slug": ["writer"], "kind": ["draft"],
        "id": [Review.objects.latest("pk").pk], "number": [1],
    }  # fmt: skip
    asked = 0
    for operation in sorted(operations()):
        method, _, path = operation.partition(" ")
        if method != "get":
            continue
        place = re.findall(r"{(\w+)}", path)
        for value in rows.get(place[0], ["nothing"]) if place else [""]:
            filled = re.sub(
                r"{(\w+)}",
                lambda match: str(rows[match[1]][0]),
                path.replace(f"{{{place[0]}}}", str(value)) if place else path,
            )
            answer = caller.get(filled.removeprefix("/api/v1/"))
            asked += 1
            assert answer.status_code in (200, 404), (filled, answer.content)
            assert answer["Content-Type"].startswith("application/")
    assert asked > 10
