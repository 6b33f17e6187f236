"""Nothing of a workflow reaches people who have no role in it: every address, every role, foreign things.

The addresses come from the URLconf and from the API's own document. One that is added without a word here
about what it may show fails the build.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

from clawbot.api.door import api
from clawbot.live.hub import Subscriber
from clawbot.people import tokens
from tasks import access, log
from tasks.models import Event
from tests.clawbot import foreign
from tests.clawbot.foreign import MARKS, World, member

ROLES = ["", *access.GROUPS]
#: Pieces of pages answer only those who ask for a piece; whole pages answer them as well.
PIECE = {"HX-Request": "true"}

#: Says nothing about work: files, forms about oneself, the state of the machine.
NO_WORK = {
    "favicon.ico", "robots.txt", "settings/", "assets/<str:file>",
    "help/", "help/<path:name>/", "me/password/", "me/theme/", "me/tokens/", "me/tokens/<int:pk>/revoke/",
    "me/away/", "me/away/<int:pk>/end/",
    "schedules/words/", "sign-in/", "sign-in/<str:token>/", "sign-out/", "admin/login/",
}  # fmt: skip

#: Lists and forms: the address with what would bring foreign things up. They answer, and without them.
LISTS: dict[str, list[str]] = {
    "": ["", "?workflow={flow}", "?q={key}", "?q=report", "?view=list&workflow={flow}", "?stage=approve"],
    "board/": ["", "?q={key}"],
    "board/head/": ["", "?workflow={flow}"],
    "board/lanes/": ["", "?workflow={flow}&lane=approve"],
    "agents/": ["", "?q=writer"],
    "activity/": ["", "?task={key}", "?q=report", "?kind=task"],
    "activity/export/": ["?format=jsonl", "?format=csv&task={key}"],
    "deliveries/": ["", "?task={key}"],
    "holds/": [""],
    "insights/": [""],
    "messages/": ["", "?task={key}", "?q=report", "?direction=in"],
    "me/": [""],
    "reviews/": ["", "?tab=anyone", "?tab=anyone&sel={review}", "?tab=decided"],
    "reviews/count/": [""],
    "reviews/news/": ["?seen={review}&tab=anyone", "?seen={decided}"],
    "tasks/new/": ["", "?workflow={flow}"],
    "tasks/new/alike/": ["?title=report+letter+order"],
    "schedules/": [""],
    "schedules/new/": ["", "?workflow={flow}"],
    "workflows/": [""],
}

#: Pages of the house: those who may not see them are told so.
HOUSE = {"settings/people/"}

#: Belongs to the whole house; what it did for foreign work is not told.
SHARED = {"agents/<slug:slug>/": "agents/writer/"}

#: Addresses of one thing, and verbs: for foreign things they do not exist.
THINGS: dict[str, str] = {
    "board/cards/<str:key>/": "get {key}",
    "deliveries/<int:pk>/check/": "post {notice}",
    "deliveries/<int:pk>/resend/": "post {notice}",
    "deliveries/<int:pk>/delivered/": "post {notice}",
    "holds/<int:pk>/": "get {hold}",
    "holds/<int:pk>/lift/": "post {hold}",
    "holds/<int:pk>/stop/": "post {hold}",
    "messages/<int:pk>/delivered/": "post {message}",
    "messages/<int:pk>/": "get {message}",
    "messages/<int:pk>/resend/": "post {message}",
    "reviews/<int:pk>/": "get {review}",
    "reviews/<int:pk>/pane/": "get {review}",
    "reviews/<int:pk>/news/": "get {review}",
    "reviews/<int:pk>/approve/": "post {review}",
    "reviews/<int:pk>/return/": "post {review}",
    "reviews/<int:pk>/edit/": "post {review}",
    "reviews/<int:pk>/edit/keep/": "post {review}",
    "reviews/<int:pk>/edit/discard/": "post {review}",
    "reviews/<int:pk>/edit/bring-back/": "post {review}",
    "reviews/<int:pk>/answer/": "post {review}",
    "reviews/<int:pk>/later/": "post {review}",
    "reviews/<int:pk>/retry/": "post {review}",
    "reviews/<int:pk>/skip/": "post {review}",
    "reviews/<int:pk>/cancel/": "post {review}",
    "reviews/<int:pk>/together/<slug:verb>/": "both {review} skip",
    "reviews/<int:pk>/take/": "post {review}",
    "reviews/<int:pk>/here/": "post {review}",
    "reviews/<int:pk>/put-back/": "post {review}",
    "reviews/<int:pk>/take-back/": "post {review}",
    "reviews/<int:pk>/comment/": "post {review}",
    "reviews/<int:pk>/uncomment/": "post {review}",
    "reviews/<int:pk>/judge/": "post {review}",
    "decisions/<int:pk>/undo/": "post {decision}",
    "decisions/<int:pk>/seen/": "post {decision}",
    "schedules/<int:pk>/": "get {schedule}",
    "schedules/<int:pk>/edit/": "both {schedule}",
    "workflows/<slug:slug>/": "get {flow}",
    "workflows/<slug:slug>/diff/": "get {flow}",
    "workflows/<slug:slug>/members/": "both {flow}",
    "workflows/<slug:slug>/versions/<int:number>/": "post {flow} 1",
    "workflows/<slug:slug>/offer/": "post {flow}",
    "tasks/<str:key>/": "get {key}",
    "tasks/<str:key>/<slug:verb>/": "both {key} cancel",
    "tasks/<str:key>/stages/<str:stage>/": "get {key} write",
    "tasks/<str:key>/texts/<int:pk>/": "get {key} {artifact}",
}

#: What a form says that names foreign things: nothing is changed by it, and nothing told.
FORMS: dict[str, list[dict[str, str]]] = {
    "tasks/bulk/": [{"verb": verb, "key": "{key}"} for verb in ("pause", "retry", "start", "resume")],
    "holds/": [
        {"scope": "workflow", "target": "{flow}", "why": "x"},
        {"scope": "task", "target": "{key}", "why": "x"},
        {"scope": "all", "why": "x"},
        {"scope": "agent", "target": "writer", "why": "x"},
    ],
    "tasks/new/": [{"workflow": "{flow}", "title": "Mine", "do": "create", "request_id": "quagga"}],
    "reviews/approve/": [{"review": "{review}"}, {"review": "{review}", "do": "approve", "sure": "yes"}],
    "agents/<slug:slug>/trust/": [{"verb": "raise", "workflow": "{flow}", "kind": "unsupported_claim"}],
    "agents/<slug:slug>/offer/": [{"verb": "use", "number": "1"}],
    "agents/<slug:slug>/versions/<int:number>/": [{}],
    "workflows/<slug:slug>/offer/": [{"verb": "use", "number": "1"}],
    "reviews/<int:pk>/answer/": [{"note": "x"}],
    "reviews/<int:pk>/together/<slug:verb>/": [{"pick": "{review}", "reason": "x"}],
    "reviews/<int:pk>/comment/": [{"text": "x", "quote": ""}],
    "reviews/<int:pk>/judge/": [{"finding": "{finding}", "state": "agreed"}],
    "reviews/<int:pk>/uncomment/": [{"comment": "{comment}"}],
}

#: method and path of the API -> what is sent; `{...}` names foreign things.
PROGRAMS: dict[str, Any] = {
    "get /api/v1/tasks": ["", "?workflow={flow}", "?q=report"],
    "post /api/v1/tasks": [{"workflow": "{flow}", "title": "Mine"}],
    "get /api/v1/tasks/{key}": 404,
    "get /api/v1/tasks/{key}/artifacts": 404,
    "get /api/v1/tasks/{key}/artifacts/{kind}": 404,
    "post /api/v1/tasks/{key}/{verb}": 404,
    "get /api/v1/reviews": ["", "?task={key}", "?workflow={flow}&state=all"],
    "post /api/v1/reviews/{id}/decide": 404,
    "get /api/v1/holds": ["", "?state=all"],
    "post /api/v1/holds": [
        {"scope": "workflow", "target": "{flow}", "why": "x"},
        {"scope": "task", "target": "{key}", "why": "x"},
        {"scope": "all", "why": "x"},
    ],
    "delete /api/v1/holds/{id}": 404,
    "get /api/v1/agents": [""],
    "get /api/v1/agents/{slug}/versions": [""],
    "post /api/v1/agents/{slug}/versions": [{"yaml": "name: zebra"}],
    "get /api/v1/agents/{slug}/trust": [""],
    "post /api/v1/agents/{slug}/trust": [{"verb": "raise", "workflow": "{flow}", "kind": "x"}],
    "post /api/v1/agents/{slug}/offer": [{"verb": "use", "number": 1}],
    "post /api/v1/workflows/{slug}/offer": [{"verb": "use", "number": 1}],
    "get /api/v1/metrics/people": ["", "?whose=me"],
    "get /api/v1/workflows": [""],
    "get /api/v1/events": ["", "?task={key}", "?q=report"],
    "get /api/v1/messages": ["", "?task={key}", "?correlation_id=order-1"],
    "post /api/v1/messages": [
        {"from": "x", "to": "article", "type": "x", "data": {"title": "Mine"}, "correlation_id": "{key}"},
        {"from": "x", "to": "{flow}", "type": "x", "data": {"title": "Mine"}, "correlation_id": "mine"},
    ],
    "get /api/v1/metrics/stages": ["", "?workflow={flow}"],
}  # fmt: skip


def addresses(patterns: list[Any] | None = None, before: str = "") -> Iterator[str]:
    """Every page's address; the API's are in its document, the admin's are the admin's."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        here = before + str(one.pattern)
        if not isinstance(one, URLResolver):
            yield here
        elif here not in {"admin/", "api/v1/"}:
            yield from addresses(one.url_patterns, here)


def operations() -> set[str]:
    """Every operation of the API."""
    paths = api.get_openapi_schema()["paths"]
    return {f"{method} {path}" for path, found in paths.items() for method in found}


def verbs_of_schedules() -> dict[str, str]:
    return {
        f"schedules/<int:pk>/{verb}/": "post {schedule}"
        for verb in ("pause", "resume", "run", "backfill", "remove")
    }


THINGS |= verbs_of_schedules()


def test_every_address_has_its_word_here() -> None:
    said = NO_WORK | HOUSE | set(LISTS) | set(SHARED) | set(THINGS) | set(FORMS)

    assert set(addresses()) - said == set(), "say what these may show of work that one may not see"
    assert said - set(addresses()) == set()


def test_every_operation_of_the_api_has_its_word_here() -> None:
    assert operations() == set(PROGRAMS)


@pytest.fixture
def world(person: Any) -> World:
    return foreign.build(person)


def names(world: World) -> dict[str, Any]:
    """The foreign things by the names that the tables use."""
    return {
        "key": world.task.key, "flow": world.flow.slug, "slug": "writer", "kind": "draft",
        "id": world.review.pk, "verb": "cancel", "review": world.review.pk, "hold": world.hold.pk,
        "decision": world.decision.pk, "decided": world.decision.review_id, "message": world.message.pk,
        "notice": world.notice.pk, "schedule": world.schedule.pk, "comment": world.comment.pk,
        "finding": world.finding, "artifact": world.artifact.pk,
    }  # fmt: skip


def leaks(text: str, sent: str) -> list[str]:
    """The marks of foreign work in an answer, but for those that the question brought."""
    return [mark for mark in MARKS if mark in text.lower() and mark not in sent.lower()]


def visits(world: World) -> Iterator[tuple[str, str, dict[str, str], bool]]:
    """Each address with foreign things in it: method, path, form, whether it must not exist."""
    known = names(world)
    for route, queries in LISTS.items():
        yield from (("get", f"/{route}{query.format(**known)}", {}, False) for query in queries)
    yield from (("get", f"/{path}", {}, False) for path in SHARED.values())
    for route, said in THINGS.items():
        method, *values = said.format(**known).split()
        parts = route.replace(">", "<").split("<")
        path = "/" + "".join(part if at % 2 == 0 else values[at // 2] for at, part in enumerate(parts))
        for form in FORMS.get(route, [{"reason": "x", "why": "x", "request": "x"}]):
            sent = {name: value.format(**known) for name, value in form.items()}
            if method in {"get", "both"}:
                yield "get", path, {}, True
            if method in {"post", "both"}:
                yield "post", path, sent, True
    for route in set(FORMS) - set(THINGS):
        for form in FORMS[route]:
            path = "/" + route.replace("<slug:slug>", "writer").replace("<int:number>", "1")
            yield "post", path, {name: value.format(**known) for name, value in form.items()}, False


@pytest.mark.django_db
@pytest.mark.parametrize("page", sorted(HOUSE))
def test_the_pages_of_the_house_are_closed_to_members(
    client: Client, person: Any, world: World, page: str
) -> None:
    client.force_login(member(person, "dora", "admins"))

    answer = client.get(f"/{page}")

    assert answer.status_code == 403
    assert leaks(answer.text, "") == []


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_no_page_shows_or_changes_foreign_work(client: Client, person: Any, world: World, role: str) -> None:
    client.force_login(member(person, "dora", role))
    before = foreign.rows()
    wrong: list[Any] = []

    for method, path, form, gone in visits(world):
        answer: Any = client.post(path, form) if method == "post" else client.get(path, headers=PIECE)
        text = (
            answer.content.decode() if not answer.streaming else b"".join(answer.streaming_content).decode()
        )
        text += (
            client.get("/me/").content.decode() if answer.status_code == 302 else ""
        )  # the toast that follows
        # A schedule that is not there was removed by somebody else: its verbs lead back to the list.
        fine = {200} if method == "get" else {200, 302, 404, 422}
        fine = {302, 404} if path.startswith("/schedules") and method == "post" else {404} if gone else fine
        if answer.status_code not in fine:
            wrong.append((method, path, answer.status_code))
        if answer.status_code >= 500 or leaks(text, f"{path} {form}"):
            wrong.append((method, path, answer.status_code, leaks(text, f"{path} {form}")))

    assert wrong == []
    assert foreign.rows() == before


@pytest.mark.parametrize("role", ROLES)
def test_no_program_reads_or_changes_foreign_work(person: Any, world: World, role: str) -> None:
    dora = member(person, "dora", "viewers")
    secret = tokens.make("dora", "Dora's program", by="user:dora").secret
    dora.memberships.all().delete() if not role else dora.memberships.update(role=role)
    kept = list(Event.objects.values_list("pk", flat=True))
    before, known = foreign.rows(), names(world)
    wrong: list[Any] = []

    for operation, said in PROGRAMS.items():
        method, path = operation.split()
        known["id"] = world.hold.pk if "holds" in path else world.review.pk
        tries = [{"verb": "cancel", "reason": "x"}] if said == 404 else said
        for sent in tries:
            query = sent.format(**known) if isinstance(sent, str) else ""
            body = json.dumps(sent).replace("{key}", world.task.key).replace("{flow}", "zebra")
            if "/{verb}" in path:
                body = "{}"
            answer = Client().generic(
                method.upper(), path.format(**known) + query, "" if method == "get" else body,
                content_type="application/json", headers={"Authorization": f"Bearer {secret}"},
            )  # fmt: skip
            found = leaks(answer.content.decode(), f"{path.format(**known)} {query} {body}")
            if found or answer.status_code >= 500 or (said == 404 and answer.status_code not in {404, 403}):
                wrong.append((operation, sent, answer.status_code, found))
            if said == 404 and role and answer.status_code != 404:
                wrong.append((operation, answer.status_code))

    assert wrong == []
    assert list(Event.objects.values_list("pk", flat=True)) == kept
    assert foreign.rows() == before


def test_the_same_addresses_show_it_to_its_own_members(client: Client, person: Any, world: World) -> None:
    """So that the tables above would notice a leak."""
    client.force_login(member(person, "zoe", "viewers", "zebra"))

    missing = [
        (path, answer.status_code)
        for method, path, _, gone in visits(world)
        if method == "get" and gone and (answer := client.get(path, headers=PIECE)).status_code != 200
        and not path.startswith(("/board/cards", f"/reviews/{world.review.pk}/news"))
        and "/stages/" not in path
    ]  # fmt: skip

    assert missing == []
    for page in ("/?workflow=zebra", "/activity/", "/deliveries/", "/messages/", "/reviews/?tab=anyone",
                 "/schedules/", "/workflows/"):  # fmt: skip
        assert leaks(client.get(page).content.decode(), ""), page


def test_an_admin_of_one_workflow_has_no_key_to_the_admin(client: Client, person: Any, world: World) -> None:
    client.force_login(member(person, "dora", "admins"))

    assert {client.get(f"/admin/{page}").status_code for page in ("", "tasks/task/", "tasks/event/")} == {302}


@pytest.mark.django_db
def test_a_socket_tells_no_key_of_foreign_work(world: World) -> None:
    from clawbot.live import feed

    log.record("task.done", by="clawbot", task=world.task, outcome="completed")
    log.record("worker.started", by="clawbot", worker="a")
    dora, everybody = Subscriber([world.flow.pk + 999]), Subscriber()
    changes = feed.since(0, 1000)

    dora.hear(changes)
    everybody.hear(changes)

    told = [dora.queue.get_nowait() for _ in range(dora.queue.qsize())]
    assert {message["t"] for message in told} == {"system"}
    assert leaks(json.dumps(told), "") == []
    assert world.task.key in str([everybody.queue.get_nowait() for _ in range(everybody.queue.qsize())])


@pytest.mark.django_db
def test_a_kind_of_row_of_which_nobody_said_who_sees_it_is_shown_to_nobody() -> None:
    from tasks.models import Worker

    with pytest.raises(LookupError, match="WAYS"):
        access.seen(Worker, "user:nobody")


#: Rows of the machine, or of a person alone.
NOT_WORK = {"worker", "wake", "seal", "absence", "presence", "need", "site", "process", "unsavededit"}


def test_every_noun_says_how_it_belongs_to_a_workflow() -> None:
    from django.apps import apps

    nouns = {model._meta.model_name for model in apps.get_app_config("tasks").get_models()}

    assert nouns - NOT_WORK == set(access.WAYS) | {"hold"}
