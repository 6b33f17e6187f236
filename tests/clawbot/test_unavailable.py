"""While the database is read-only or lost: what people and programs are told, what still answers, and that
it ends by itself. On real databases of every kind, made read-only as their owners would."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from clawbot.people import tokens
from clawbot.unavailable import NOTHING_DONE
from tasks import database as db
from tasks import supervision
from tasks.models import Review
from tests import databases
from tests.tasks.builders import a_task, work_until

READ_ONLY, LOST = db.Ailment.READ_ONLY.value, db.Ailment.LOST.value
PAGES = [
    "/", "/reviews/", "/agents/", "/activity/", "/deliveries/", "/messages/",
    "/schedules/",
    "/workflows/", "/workflows/article/", "/insights/", "/me/", "/help/", "/holds/", "/tasks/new/",
    "/settings/people/",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _known_anew() -> Iterator[None]:
    db.well()
    yield
    db.well()


@pytest.fixture
def house(database: str, admin: Any) -> dict[str, Any]:
    """A task that waits for a person, who is signed in on the pages and has a token."""
    task = a_task()
    work_until(task, "approve")
    browser = Client(raise_request_exception=False)
    browser.force_login(admin)
    secret = tokens.make("admin", "a program", by="user:admin").secret
    review = Review.objects.get(task=task)
    return {"task": task.key, "review": review.pk, "browser": browser, "token": secret}


@pytest.fixture
def read_only(database: str) -> Iterator[Callable[[bool], None]]:
    """Makes the database take no changes, and take them again."""
    place = dict(connection.settings_dict)
    login = f"reader_{uuid.uuid4().hex[:8]}"

    def turn(on: bool) -> None:
        if database == "sqlite":
            usual = place["OPTIONS"]["init_command"]
            command = usual + " PRAGMA query_only=ON;" if on else usual
            connection.settings_dict["OPTIONS"] = {**place["OPTIONS"], "init_command": command}
            connection.close()
        elif database == "postgres":
            # Sessions that are open keep what they began with: only who reconnects sees the change.
            word = "on" if on else "off"
            databases._execute(
                databases.postgres(),
                f"ALTER DATABASE {place['NAME']} SET default_transaction_read_only = {word}",
            )
            if on:
                connection.close()
        else:
            if on:
                databases._execute(databases.mariadb(), f"CREATE USER {login}@'%'")
                databases._execute(databases.mariadb(), f"GRANT SELECT ON {place['NAME']}.* TO {login}@'%'")
            usual = {key: place[key] for key in ("USER", "PASSWORD")}
            connection.settings_dict.update({"USER": login, "PASSWORD": ""} if on else usual)
            connection.close()

    yield turn
    turn(False)
    connection.close()
    if database == "mariadb":
        databases._execute(databases.mariadb(), f"DROP USER IF EXISTS {login}@'%'")


@pytest.fixture
def lost(database: str) -> Iterator[Callable[[bool], None]]:
    """Takes the database away, and brings it back."""
    place = dict(connection.settings_dict)

    def turn(on: bool) -> None:
        away = {"NAME": f"{place['NAME']}/away/none.sqlite3"} if database == "sqlite" else {"PORT": 1}
        connection.settings_dict.update(away if on else {key: place[key] for key in away})
        connection.close()

    yield turn
    turn(False)


def told(house: dict[str, Any], path: str, **more: Any) -> Any:
    """What a program is told."""
    client = Client(raise_request_exception=False)
    return client.get(path, headers={"Authorization": f"Bearer {house['token']}"}, **more)


def test_reads_still_answer_while_it_is_read_only(house: Any, read_only: Any) -> None:
    read_only(True)
    pages = [*PAGES, f"/tasks/{house['task']}/", f"/reviews/{house['review']}/"]

    answers = {page: house["browser"].get(page).status_code for page in pages}
    answers["API"] = told(house, "/api/v1/tasks").status_code

    assert {page: code for page, code in answers.items() if code != 200} == {}


def test_changes_are_refused_with_503_while_it_is_read_only_and_work_again_after(
    house: Any, read_only: Any
) -> None:
    page = f"/reviews/{house['review']}/"
    form = {"scope": "all", "why": "looking into it"}
    read_only(True)

    answer = house["browser"].post("/holds/", form)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert READ_ONLY in answer.text
    part = house["browser"].post("/holds/", form, headers={"HX-Request": "true"})
    assert (part.status_code, part.text) == (503, f"{READ_ONLY} {NOTHING_DONE}")
    assert READ_ONLY in house["browser"].get(page).text, "the banner"

    read_only(False)
    db._memory.looked_at -= 2 * db.LOOK
    assert READ_ONLY not in house["browser"].get(page).text
    assert house["browser"].post("/holds/", form).status_code == 302


def test_programs_get_a_problem_while_it_is_read_only(house: Any, read_only: Any) -> None:
    read_only(True)
    client = Client(raise_request_exception=False)

    answer = client.post(
        "/api/v1/holds", {"scope": "all", "why": "x"}, "application/json",
        headers={"Authorization": f"Bearer {house['token']}", "Idempotency-Key": "one"},
    )  # fmt: skip

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"].endswith("#read-only")


def test_is_not_ready_while_it_is_read_only_and_ready_after(house: Any, read_only: Any) -> None:
    client = Client(raise_request_exception=False)
    read_only(True)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["why"]) == (503, READ_ONLY)
    read_only(False)
    assert client.get("/readyz").status_code == 200


def test_everything_answers_503_while_it_is_lost_and_200_after(house: Any, lost: Any) -> None:
    lost(True)

    page, change = house["browser"].get("/"), house["browser"].post("/holds/", {"scope": "all", "why": "x"})
    program = told(house, "/api/v1/tasks")

    assert [one.status_code for one in (page, change, program)] == [503] * 3
    assert [one["Retry-After"] for one in (page, change, program)] == ["5"] * 3
    assert LOST in page.text
    assert program.json()["type"].endswith("#lost")
    assert Client(raise_request_exception=False).get("/readyz").status_code == 503
    assert Client().get("/livez").status_code == 200
    lost(False)
    assert house["browser"].get("/").status_code == 200
    assert told(house, "/api/v1/tasks").status_code == 200


def test_a_connection_that_was_cut_is_made_anew(house: Any, database: str) -> None:
    """Django looks at each connection before a request; here the request itself has to find out."""
    assert house["browser"].get("/").status_code == 200
    if database == "sqlite":
        pytest.skip("SQLite has no connection that somebody else could cut")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if database == "postgres" else "SELECT connection_id()")
        (number,) = cursor.fetchone()
    server = databases.postgres() if database == "postgres" else databases.mariadb()
    cut = f"SELECT pg_terminate_backend({number})" if database == "postgres" else f"KILL {number}"
    databases._execute(server, cut)

    codes = [house["browser"].get("/").status_code for _ in range(2)]

    assert codes == [503, 200]


def test_too_many_connections_are_busy_not_a_fault(house: Any, database: str) -> None:
    if database != "postgres":
        pytest.skip("the limit of one database is PostgreSQL's")
    name = connection.settings_dict["NAME"]
    databases._execute(databases.postgres(), f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    connection.close()

    assert house["browser"].get("/").status_code == 503

    databases._execute(databases.postgres(), f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert house["browser"].get("/").status_code == 200


def test_a_fault_of_ours_stays_a_fault(house: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks_schedule RENAME TO elsewhere")
    try:
        assert house["browser"].get("/schedules/").status_code == 500
        assert db.trouble() is None
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO tasks_schedule")


def test_a_database_without_tables_is_not_called_a_fault_of_ours(
    house: Any, database: str, tmp_path: Path
) -> None:
    """So it looks when the file of an SQLite database is gone, or an address names another database."""
    usual = connection.settings_dict["NAME"]
    with databases.throw_away(database, tmp_path) as url:
        connection.close()
        name = url.rpartition("/")[2] if database != "sqlite" else url.removeprefix("sqlite:///")
        connection.settings_dict["NAME"] = name
        try:
            page, program = house["browser"].get("/"), told(house, "/api/v1/tasks")
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual

    assert (page.status_code, program.status_code) == (503, 503)
    assert db.Ailment.EMPTY.value in page.text
    assert program.json()["type"].endswith("#empty")


def test_work_waits_while_it_is_read_only_and_goes_on_after(house: Any, read_only: Any) -> None:
    read_only(True)
    with pytest.raises(Exception) as refused:
        supervision.pause("all", "", by="user:admin", why="x")

    assert db.ailment(refused.value) is db.Ailment.READ_ONLY
    assert db.look() is db.Ailment.READ_ONLY
    read_only(False)
    assert db.look() is None
