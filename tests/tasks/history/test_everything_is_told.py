"""Whatever is changed in a table behind the log is named: which row, and which column, in words."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models, transaction

from agents.contract import Send
from agents.definition import Definition
from agents.models import Agent, AgentVersion
from clawbot.people import links, tokens
from clawbot.people.models import SignInLink, Token, User
from tasks import clock, log, outbox, schedules, supervision
from tasks.history import append_only, changes, seal
from tasks.models import (
    Absence,
    Artifact,
    Comment,
    Decision,
    Event,
    Finding,
    Hold,
    Member,
    Message,
    Notice,
    Occurrence,
    Review,
    Run,
    Schedule,
    Seal,
    Subtask,
    Task,
    Trust,
    Workflow,
    WorkflowVersion,
)
from tasks.people import away, members
from tasks.schedules import occurrences
from tasks.workflow import shipped
from tests.tasks.builders import a_task, a_workflow, claim_all, done, finish, returned, work_until

# -- Every column has its place ----------------------------------------------------------------------

TIME = "the line that tells of it has its own time"
COUNTER = "a counter that pages compare; nobody decides by it"
LIVE = "changes while work or a delivery goes on, and is worth nothing afterwards"
KEY = "the row's own number; the log names the row by it"
DERIVED = "derived: an invariant computes it from other rows"
LOOKS = "only how pages look to this person"
DJANGO = "no rule of ours asks Django's own permissions"

OFFER = "decides only whether a file is offered; what is active is compared, and each answer has its line"
#: what is neither compared with the log nor hashed: model -> column -> why not
NOT_TOLD: dict[type[models.Model], dict[str, str]] = {
    Task: {"version": COUNTER, "started_at": TIME},
    Subtask: {
        "workflow_id": DERIVED, "needs_left": DERIVED, "not_before": LIVE, "worker_id": LIVE,
        "started_at": TIME, "finished_at": TIME, "version": COUNTER,
    },
    Artifact: {
        "text": "hashed: its sha256 is in the log", "data": "hashed: its sha256 is in the log",
        "subtask_id": "the stage is in the log", "run_id": "the stage and the maker are in the log",
        "made_at": TIME,
    },
    Finding: {"run_id": "the artifact it is about is in the log"},
    Review: {},
    Run: {"started_at": TIME},
    Message: {
        "state": "compared: its last line says it", "channel": LIVE, "address": LIVE, "error": LIVE,
        "attempts": LIVE, "fence": LIVE, "not_before": LIVE, "sending_until": LIVE, "sent_at": TIME,
    },
    Notice: {
        "state": "compared: its last line says it", "attempts": LIVE, "fence": LIVE, "not_before": LIVE,
        "sending_until": LIVE, "sent_at": TIME, "remote": LIVE, "error": LIVE,
    },
    Schedule: {"next_at": "derived: from the line, the zone and the clock"},
    Trust: {"looked_at": LIVE},
    Workflow: {"last_number": DERIVED, "chosen_by": OFFER, "offered_id": OFFER},
    WorkflowVersion: {"created_at": TIME, "shipped": OFFER},
    Agent: {
        "slug": "compared: with its lines", "active_id": "compared: with its lines", "created_at": TIME,
        "chosen_by": OFFER, "offered_id": OFFER,
    },
    AgentVersion: {
        "agent_id": "compared: with its line", "number": "compared: with its line",
        "definition": "hashed: its sha256 is in the log", "sha256": "compared: with its line",
        "note": "compared: with its line", "created_by": "compared: with its line", "created_at": TIME,
        "shipped": OFFER,
    },
    User: {
        "last_login": TIME, "first_name": LOOKS, "last_name": LOOKS, "date_joined": TIME, "zone": LOOKS,
        "theme": LOOKS, "single_keys": LOOKS,
    },
    Token: {"hint": LOOKS, "used_at": LIVE},
    SignInLink: {"created_at": TIME},
}  # fmt: skip
#: tables on which nobody relies
NOT_RELIED_ON = {
    "tasks.event": "the log itself: sealed", "tasks.seal": "the log itself: chained by keyed hashes",
    "tasks.wake": "a doorbell; losing it loses nothing", "tasks.worker": LIVE,
    "tasks.process": LIVE, "tasks.unsavededit": "one person's words, seen by them alone",
    "tasks.site": "which data folder is this database's; `doctor` compares it with the folder's mark",
    "tasks.presence": "a hint who reads; no rule reads it",
    "people.failedsignin": "counts for minutes, and only slows guessing down",
}  # fmt: skip


def ours() -> list[type[models.Model]]:
    found = [
        model for name in ("tasks", "agents", "people") for model in apps.get_app_config(name).get_models()
    ]
    return [model for model in found if model._meta.label_lower not in NOT_RELIED_ON]


@pytest.mark.parametrize("model", ours(), ids=lambda model: model.__name__)
def test_each_column_is_compared_or_hashed_or_says_why_not(model: Any) -> None:
    told = {"id", *NOT_TOLD.get(model, {})}
    if issubclass(model, changes.Recorded):
        told |= {*model.LOGGED, *model.HASHED, *(name for name in model.NAMED_BY if name != "pk")}

    assert {field.attname for field in model._meta.concrete_fields} == told


# -- Forty changes -----------------------------------------------------------------------------------


@pytest.fixture
def house(database: str, ana: Any, ben: Any, admin: Any, cleo: Any, tmp_path: Any, settings: Any) -> None:
    """A house in which everything that can be told of is there."""
    settings.DATA = tmp_path
    with transaction.atomic():
        shipped.hire(Definition(name="writer", role="llm", title="Writer"), by="user:admin", note="first")
        shipped.hire(Definition(name="writer", role="llm", title="Writes"), by="user:admin", note="second")
    flow = a_workflow()
    task = a_task(input={"topic": "Agents"}, key="once")
    work_until(task, "review")
    (claimed,) = claim_all()
    finish(claimed, returned())
    work_until(task, "approve")
    review = Review.objects.get(open=1)
    supervision.comment(Artifact.objects.filter(kind="draft").latest("pk"), by="user:ana", text="Shorter.")
    supervision.approve(review, by="user:ana", request_id="1", note="It is right.", undo_seconds=0)
    (claimed,) = claim_all()
    finish(claimed, done("published_html", "<p>Agents.</p>", sends=(Send(to="shop", type="news", data={}),)))
    supervision.pause("all", by="user:ben", why="A look around.")
    supervision.resume(Hold.objects.get(), by="user:ben")
    made = schedules.add("article", name="daily", line="0 4 * * *", zone="Europe/Berlin", by="user:ben")
    with transaction.atomic():
        occurrences.occur(made, clock.now(), by="user:ben")
    members.give(flow, "cleo", "editors", by="user:admin")
    away.leave("user:ana", starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1), why="Rest")
    tokens.make("ana", "import", by="user:ana")
    links.make("ben")
    with transaction.atomic():
        Trust.objects.create(
            workflow=flow, agent="reviewer", kind="typo", evidence={"judged": 30}, given_by="user:admin",
            given_at=clock.now(), looked_at=clock.now(),
        )  # fmt: skip
        facts: Any = {"workflow": "article", "agent": "reviewer", "kind": "typo"}
        log.record("trust.raised", by="user:admin", judged=30, agreed=29, low=0.83, **facts)
    outbox.send_due()
    seal.seal()


def verify() -> list[str]:
    """What `verify` names."""
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("verify", "--json", stdout=out)
    said = json.loads(out.getvalue())
    broken = [f"{name} {place}" for name, places in said["invariants"].items() for place in places]
    return [*broken, *said["differences"], *(fault["text"] for fault in said["log"]["faults"])]


Row = tuple[type[models.Model], dict[str, Any]]
#: model, which of its rows, column, what somebody writes into it, and what the answer must say
CHANGES: list[tuple[type[models.Model], dict[str, Any], str, Any, str]] = [
    (Task, {}, "title", "Another", "title"),
    (Task, {}, "input", '{"topic": "Ads"}', "input"),
    (Task, {}, "owner", "user:ben", "owner"),
    (Task, {}, "idempotency_key", "twice", "idempotency_key"),
    (Subtask, {"stage": "write", "live": 1}, "requests", "[]", "requests"),
    (Subtask, {"stage": "write", "live": 1}, "fields", '{"sum": 5}', "fields"),
    (Subtask, {"stage": "write", "live": 1}, "given", '"x"', "given"),
    (Subtask, {"stage": "write", "live": 1}, "agent", "formatter", "agent"),
    (Subtask, {"stage": "write", "live": 1}, "max_attempts", 9, "max_attempts"),
    (Artifact, {"kind": "draft", "number": 2}, "text", "Invented.", "text"),
    (Artifact, {"kind": "draft", "number": 2}, "data", '{"a": 1}', "text or data"),
    (Artifact, {"kind": "draft", "number": 2}, "built_on", '["x"]', "built_on"),
    (Artifact, {"kind": "draft", "number": 2}, "made_by", "user:ana", "made_by"),
    (Finding, {}, "text", "All is well.", "text"),
    (Finding, {}, "answer", "I did it.", "answer"),
    (Finding, {}, "severity", "minor", "severity"),
    (Comment, {}, "text", "Longer.", "text"),
    (Comment, {}, "by", "user:ben", "by"),
    (Review, {"kind": "gate"}, "deciders", '{"group": "viewers"}', "deciders"),
    (Review, {"kind": "gate"}, "why", "Nothing to see.", "why"),
    (Decision, {}, "note", "It is wrong.", "note"),
    (Decision, {}, "by", "user:ben", "by"),
    (Run, {"agent": "writer", "status": "done"}, "cost_usd", "7.5", "cost_usd"),
    (Run, {"agent": "writer", "status": "done"}, "tokens_out", 9, "tokens_out"),
    (Run, {"agent": "writer", "status": "done"}, "summary", "Wrote a book.", "summary"),
    (Run, {"agent": "writer", "status": "done"}, "notes", '[{"text": "x"}]', "notes"),
    (Run, {"agent": "writer", "status": "done"}, "brief", '{"x": 1}', "brief"),
    (Run, {"agent": "writer", "status": "done"}, "agent_version", 7, "agent_version"),
    (Hold, {}, "why", "Never mind.", "why"),
    (Message, {}, "envelope", '{"to": "me"}', "envelope"),
    (Message, {}, "state", "sent", "state"),
    (Notice, {"kind": "completion"}, "text", "Approve at http://evil", "text"),
    (Notice, {"kind": "completion"}, "content", "{}", "content"),
    (Notice, {"kind": "completion"}, "recipient", "user:cleo", "recipient"),
    (Notice, {"kind": "completion"}, "state", "pending", "state"),
    (Schedule, {}, "cron", "0 5 * * *", "cron"),
    (Schedule, {}, "input", '{"x": 1}', "input"),
    (Occurrence, {}, "started", '["ART-9"]', "started"),
    (Member, {}, "role", "admins", "role"),
    (Absence, {}, "why", "Ill", "why"),
    (Trust, {}, "kind", "invented_figure", "kind"),
    (Workflow, {}, "title", "Artikel", "title"),
    (Workflow, {}, "about", "Something", "about"),
    (WorkflowVersion, {}, "definition", '{"stages": []}', "definition"),
    (AgentVersion, {"number": 2}, "definition", '{"role": "shell"}', "definition"),
    (AgentVersion, {"number": 2}, "sha256", "0" * 64, "hash"),
    (AgentVersion, {"number": 2}, "note", "third", "note"),
    (User, {"username": "cleo"}, "is_superuser", True, "is_superuser"),
    (User, {"username": "cleo"}, "password", "md5$x$y", "password"),
    (User, {"username": "cleo"}, "username", "cleopatra", "username"),
    (Token, {}, "scope", "read", "scope"),
    (Token, {}, "sha256", "0" * 64, "sha256"),
    (SignInLink, {}, "token_sha256", "0" * 64, "token_sha256"),
]  # fmt: skip


def write(model: type[models.Model], pk: int, column: str, value: Any) -> None:
    """As somebody does who has the database and not the program."""
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(column)
        cursor.execute(f"UPDATE {model._meta.db_table} SET {quoted} = %s WHERE id = %s", [value, pk])


def read(model: type[models.Model], pk: int, column: str) -> Any:
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(column)
        cursor.execute(f"SELECT {quoted} FROM {model._meta.db_table} WHERE id = %s", [pk])
        value = cursor.fetchone()[0]
    return json.dumps(value) if isinstance(value, dict | list) else value


def test_names_every_change_of_a_column_and_raises_no_false_alarm(house: None, database: str) -> None:
    assert verify() == []
    table = []
    for model, which, column, value, word in CHANGES:
        row = model._default_manager.filter(**which).latest("pk")
        before = read(model, row.pk, column)
        write(model, row.pk, column, value)
        said = verify()
        write(model, row.pk, column, before)
        named = [one for one in said if word in one]
        table.append((model._meta.db_table, column, named[0] if named else f"NOT NAMED: {said}"))
    print(f"\n{database}")
    for line in table:
        print("  {:24} {:16} {}".format(*line))

    assert [line for line in table if line[2].startswith("NOT NAMED")] == []
    assert verify() == []


#: a statement, and what the answer must say
STATEMENTS = [
    ("DELETE FROM tasks_need", "need", "is gone, and the log tells of it"),
    ("DELETE FROM tasks_comment", "comment", "is gone"),
    ("DELETE FROM tasks_member", "member", "is gone"),
    ("DELETE FROM people_user_groups WHERE user_id = (SELECT id FROM people_user WHERE username = 'ben')",
     "ben", "groups is None"),
    ("UPDATE people_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'admins') "
     "WHERE user_id = (SELECT id FROM people_user WHERE username = 'cleo')", "cleo", "groups is ['admins']"),
    ("UPDATE agents_agent SET active_id = (SELECT id FROM agents_agentversion WHERE number = 1)",
     "agent writer", "active is version 1"),
    ("DELETE FROM tasks_absence", "absence", "is gone"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "row", "words"), STATEMENTS, ids=[one[0][:40] for one in STATEMENTS])
def test_names_rows_that_are_gone_and_powers_that_were_given(
    house: None, statement: str, row: str, words: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert any(row in one and words in one for one in verify()), verify()


def test_says_a_lost_key_once(house: None, settings: Any) -> None:
    for _ in range(3):
        log.record("worker.started", by="clawbot", worker="x")
        seal.seal()
    settings.AUDIT_KEY = "another key altogether, of the same length"

    said = verify()

    assert len(said) == 1
    assert said[0].startswith("4 seals, 1 to 4, were made with another key")
    assert "lost, exchanged or not copied" in said[0]


def test_raises_no_false_alarm_after_an_upgrade_and_names_what_is_changed_from_then_on(house: None) -> None:
    """As a house is whose lines carried no changes yet: each migration notes what it finds."""
    with append_only.lifted():
        Seal.objects.all().delete()
        Event.objects.update(changed=None)
        for name in ("tasks.migrations.0008_seals", "tasks.migrations.0014_told_of_everything",
                     "clawbot.people.migrations.0005_told_in_the_log"):  # fmt: skip
            import_module(name).note(apps, None)

    assert verify() == []

    write(Comment, Comment.objects.get().pk, "text", "Longer.")
    assert [one for one in verify() if one.startswith("comment")]
