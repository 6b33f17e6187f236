"""The workflow pages: drawing and list say the same, counts are live, versions are compared."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from agents import staff
from agents.definition import Definition
from clawbot.dashboard import stages as words
from clawbot.dashboard import versions, workflows
from tasks import supervision
from tasks.models import Workflow
from tests.tasks.builders import ARTICLE, a_task, a_workflow, claim_all, work_until

ROUTED: list[dict[str, Any]] = [
    {"name": "route", "agent": "router", "done_as": "routed"},
    {
        "name": "answer", "agent": "writer", "needs": ["route"], "done_as": "answered",
        "when": {"route.topic": ["billing", "sales"]}, "undo": "router", "on_failure": "undo",
    },
    {
        "name": "part", "title": "One portion", "agent": "writer", "needs": ["route"], "done_as": "parted",
        "each": "route.files", "group": 25, "at_most_at_once": 8,
    },
    {
        "name": "child", "inject": "article", "needs": ["route"], "done_as": "asked",
        "give": {"title": "input.title"},
    },
    {
        "name": "approve", "agent": "human", "needs": ["answer", "part", "child"], "done_as": "approved",
        "send_back": {"to": "route", "at_most": 2}, "deciders": {"group": "operators", "count": 2},
        "due": {"after": 14400, "then": [{"remind": "owner"}, {"after": 7200, "escalate": "admins"}]},
    },
]  # fmt: skip


@pytest.fixture
def routed():
    a_workflow()
    return a_workflow("routed", ROUTED, key="RTD")


def html(client, who, path):
    client.force_login(who)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def text(markup):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def drawn(client, who, path="/workflows/routed/"):
    return re.search(r'<svg class="flow".*?</svg>\s*</div></div>', html(client, who, path), re.S)[0]


def line_of(client, who, stage, path="/workflows/routed/"):
    return text(
        re.search(
            rf'<li class="flow-list__stage" id="stage-{stage}">.*?</li>', html(client, who, path), re.S
        )[0]
    )


# -- the list of workflows


def test_counts_what_goes_on_in_each_workflow(client, cleo, routed):
    task = a_task()
    work_until(task, "approve")
    a_task("Another")
    a_task("Later", backlog=True)

    row = next(row for row in workflows.rows(cleo) if row.flow.slug == "article")

    assert (row.counts["backlog"], row.counts["doing"], row.counts["waiting"]) == (2, 1, 1)
    assert row.who == "6 stages, 1 for people"
    assert "Routed" in html(client, cleo, "/workflows/")


def test_says_how_to_begin_where_there_is_no_workflow(client, cleo):
    assert "No workflow yet" in html(client, cleo, "/workflows/")


# -- the drawing and the list


def test_every_stage_is_a_link_to_its_line(client, cleo, routed):
    links = re.findall(r'<a class="flow__stage[^"]*" href="#stage-(\w+)"', drawn(client, cleo))

    assert links == [stage["name"] for stage in ROUTED]
    page = html(client, cleo, "/workflows/routed/")
    assert all(page.count(f'id="stage-{name}"') == 1 for name in links)


def test_a_stage_says_its_condition_its_portions_and_who_does_it_to_those_who_listen(client, cleo, routed):
    labels = [
        unescape(label) for label in re.findall(r"<a [^>]*>\s*<title>(.*?)</title>", drawn(client, cleo))
    ]

    assert labels == [
        "Route, router",
        "Answer, writer, if route topic is billing or sales",
        "One portion, writer, each 25 of route files, 8 at once",
        "Child, a task of article",
        "Approve, a person decides",
    ]


def test_draws_returns_and_undoes_apart_from_needs(client, cleo, routed):
    kinds = re.findall(r"flow__edge--(\w+)", drawn(client, cleo))

    assert sorted(kinds) == ["back", *["needs"] * 6, "undo"]


def test_the_list_says_everything_that_the_file_says(client, cleo, routed):
    assert "Only if route topic is billing or sales" in line_of(client, cleo, "answer")
    assert "then undoes what was done and ends the task" in line_of(client, cleo, "answer")
    assert "Undone by router" in line_of(client, cleo, "answer")
    assert "Once for each 25 of route files, 8 at once" in line_of(client, cleo, "part")
    assert "Gives title from input title" in line_of(client, cleo, "child")
    assert "After answer, part and child" in line_of(client, cleo, "approve")
    assert "Decides 2 operators" in line_of(client, cleo, "approve")
    assert "Due after 4 h, then remind the owner, then 2 h later bring in admins" in line_of(
        client, cleo, "approve"
    )
    assert "May return to route, twice at most; then a person" in line_of(client, cleo, "approve")


def test_a_childs_stage_leads_to_its_workflow(client, cleo, routed):
    assert 'href="/workflows/article/">a task of article</a>' in html(client, cleo, "/workflows/routed/")


def test_counts_what_is_queued_doing_waiting_and_done_today_at_each_stage(client, cleo):
    a_workflow()
    waiting = a_task()
    work_until(waiting, "approve")
    a_task("Doing")
    claim_all()
    a_task("Queued")
    flow = Workflow.objects.get()

    found = {stage.name: stage for stage in words.of(flow, flow.active.stages, {})}

    assert found["research"].now == "1 doing, 1 queued"
    assert found["research"].done_today == 1
    assert found["approve"].now == "1 waiting for people"
    assert found["approve"].marks == [("waiting", "hand", 1)]
    page = html(client, cleo, "/workflows/article/")
    assert 'data-live="workflows board"' in page
    assert "1 waiting for people" in page


def test_escapes_what_a_file_says(client, cleo):
    evil = [{**ARTICLE[0], "title": "<script>alert(1)</script>"}]
    a_workflow("article", evil)

    assert "<script>alert" not in html(client, cleo, "/workflows/article/")


def test_shows_where_the_time_goes_with_the_figures(client, cleo):
    task = a_task()
    work_until(task, "write")

    page = text(html(client, cleo, "/workflows/article/"))

    assert "Where a task’s time goes" in page
    assert "Medians of the newest tasks" in page


def test_says_what_a_task_must_bring(client, ana):
    flow = a_workflow()
    flow.active.definition["input"] = {
        "required": ["brief"],
        "properties": {"brief": {"type": "string", "description": "The angle"}, "words": {"type": "integer"}},
    }  # fmt: skip
    flow.active.save()

    page = text(html(client, ana, "/workflows/article/"))

    assert "brief text The angle words number optional" in page
    assert "/tasks/new/?workflow=article" in html(client, ana, "/workflows/article/")


# -- pause


def test_an_operator_pauses_the_workflow_from_its_page(client, ben):
    a_workflow()
    client.force_login(ben)
    client.post(
        "/holds/",
        {"scope": "workflow", "target": "article", "why": "Wrong prices", "next": "/workflows/article/"},
    )

    page = text(html(client, ben, "/workflows/article/"))

    assert "paused it" in page
    assert "“Wrong prices”" in page
    assert "Resume" in page


def test_a_viewer_finds_nothing_to_press(client, cleo):
    a_workflow()
    page = html(client, cleo, "/workflows/article/")

    assert "pause-workflow" not in page
    assert "Activate" not in page


# -- versions


@pytest.fixture
def two_versions(admin):
    for name in {stage["agent"] for stage in ARTICLE} - {"human"}:
        staff.store(Definition(name=name, role="llm"), by="user:admin")
    a_workflow("article", [{**ARTICLE[0], "retry": {"times": 4, "backoff": 30}}, *ARTICLE[1:]])
    changed = [
        {**ARTICLE[0], "retry": {"times": 5, "backoff": 30}},
        *ARTICLE[1:-1],
        {**ARTICLE[-1], "name": "release"},
    ]
    return a_workflow("article", changed)


def test_names_each_version_with_who_when_and_how_many_still_run_by_it(client, cleo, two_versions):
    old = two_versions.versions.get(number=1)
    a_task()
    Workflow.objects.update(active=old)
    a_task("By the old one")

    page = text(html(client, cleo, "/workflows/article/"))

    assert re.search(r"v2 Clawbot, .*? 1 task, 1 still runs by it v1 Active", page)


def test_compares_two_versions_part_by_part(two_versions):
    old, new = two_versions.versions.order_by("number")

    found = {block.name: block for block in versions.changes(old, new)}

    assert {name: block.fate for name, block in found.items()} == {
        "Stage research": "changed", "Stage release": "added", "Stage publish": "removed"
    }  # fmt: skip
    changed = [
        (piece.kind, piece.text.strip())
        for line in found["Stage research"].lines
        for piece in line
        if piece.kind != "same"
    ]
    assert changed == [("removed", "4"), ("added", "5")]


def test_shows_the_comparison_and_any_older_version(client, cleo, two_versions):
    diff = text(html(client, cleo, "/workflows/article/diff/?from=1&to=2"))
    old = text(html(client, cleo, "/workflows/article/?v=1"))

    assert "What changed from v1 to v2" in diff
    assert "removed: 4" in diff
    assert "This is v1. New tasks run under v2" in old
    assert client.get("/workflows/article/?v=9").status_code == 404
    assert client.get("/workflows/nothing/").status_code == 404


def test_an_admin_goes_back_and_nobody_else(client, ben, admin, two_versions):
    client.force_login(ben)
    client.post("/workflows/article/versions/1/")
    refused = Workflow.objects.get().active.number
    client.force_login(admin)
    answer = client.post("/workflows/article/versions/1/", follow=True)

    assert (refused, Workflow.objects.get().active.number) == (2, 1)
    assert "Running ones keep theirs" in answer.content.decode()


def test_shows_the_page_that_ships_beside_the_file_safely(client, cleo, tmp_path, monkeypatch):
    a_workflow()
    (tmp_path / "article").mkdir()
    (tmp_path / "article" / "README.md").write_text("# Article\n\nIt **works** <script>alert(1)</script>.\n")
    monkeypatch.setattr(workflows.workflows, "FOLDER", tmp_path)

    page = html(client, cleo, "/workflows/article/")

    assert "It <strong>works</strong>" in page
    assert "<script>alert" not in page


def test_a_paused_schedule_and_a_hold_are_two_things(client, ben):
    a_workflow()
    supervision.pause("workflow", "article", by="user:ben", why="Lunch")

    row = workflows.rows(ben)[0]

    assert (row.hold.why, row.flow.slug) == ("Lunch", "article")
