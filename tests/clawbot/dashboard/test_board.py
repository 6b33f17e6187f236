"""The board as people read it: what stands where, what is tinted for whom, what the filters keep."""

import re
from datetime import timedelta

import pytest

from clawbot.dashboard import board
from clawbot.dashboard.cards import cards, stage_title
from clawbot.dashboard.pace import pace
from tasks import clock, supervision
from tasks.models import Subtask, Task
from tests.tasks.builders import (
    a_task,
    a_worker,
    a_workflow,
    claim_all,
    current,
    finish,
    returned,
    work_until,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    from django.core.cache import cache

    from tasks.workflow import versions

    cache.clear()
    yield
    clock.reset()
    versions.forget()


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def lane_of(html, name):
    """The words of one lane."""
    part = html.partition(f'aria-labelledby="lane-{name}"')[2].partition("</section>")[0]
    return words_of(part)


def the_board(client, person, path="/"):
    client.force_login(person)
    return client.get(path).content.decode()


def test_shows_a_task_in_the_lane_of_its_stage(client, cleo):
    task = a_task("Why agents need a manager")
    work_until(task, "write")

    html = the_board(client, cleo)

    assert "Why agents need a manager" in lane_of(html, "write")
    assert "Why agents need a manager" not in lane_of(html, "research")


def test_says_which_stage_an_unclaimed_task_is_next_for(client, cleo):
    a_task("How to read a DPA")
    a_task("Six RFP questions", backlog=True)

    backlog = words_of(
        the_board(client, cleo).partition('aria-labelledby="backlog"')[2].partition("</section>")[0]
    )

    assert "How to read a DPA Next for Research" in backlog
    assert "Six RFP questions No due date" in backlog


def test_keeps_lanes_in_the_order_of_the_workflow(client, cleo):
    a_task()

    html = the_board(client, cleo)

    lanes = re.findall(r'aria-labelledby="lane-(\w+)"', html)
    assert lanes == ["research", "write", "review", "format", "approve", "publish"]


def test_says_waiting_for_you_to_those_who_decide_and_for_editors_to_others(client, ana, cleo):
    task = a_task()
    work_until(task, "approve")

    assert "Waiting for you" in lane_of(the_board(client, ana), "approve")
    theirs = lane_of(the_board(client, cleo), "approve")
    assert "Waiting for editors" in theirs
    assert "Waiting for you" not in theirs


def test_tints_only_the_card_that_waits_for_the_one_who_looks(client, ana, cleo):
    work_until(a_task(), "approve")

    assert "task-card--tinted" in the_board(client, ana)
    assert "task-card--tinted" not in the_board(client, cleo)


def test_a_review_of_somebody_else_is_not_yours(ana, ben):
    task = a_task()
    work_until(task, "approve")
    review = task.reviews.get()
    supervision.take(review, by="user:ana")

    [mine], [theirs] = cards([task], ana), cards([task], ben)

    assert mine.word == "Waiting for you"
    assert theirs.word == "Waiting for ana"


def test_measures_a_running_stage_against_its_own_history(client, cleo):
    for number in range(3):
        task = a_task(f"Earlier {number}")
        work_until(task, "write")
        row = current(task, "research")
        Subtask.objects.filter(pk=row.pk).update(started_at=row.finished_at - timedelta(minutes=18))
    a_task("API quotas, and who pays for them")
    claim_all()
    clock.move(timedelta(minutes=12))

    html = the_board(client, cleo)

    assert re.search(r"of about 18\b", lane_of(html, "research"))


def test_says_nothing_about_usual_before_there_is_history():
    task = a_task()
    finish(claim_all()[0])

    assert "research" not in pace(task.workflow_id)


def test_says_who_returned_a_draft(client, cleo):
    task = a_task()
    work_until(task, "review")
    [claimed] = claim_all()
    finish(claimed, returned())

    assert "Returned by Reviewer" in lane_of(the_board(client, cleo), "write")


def test_a_pause_of_everything_holds_what_waits_and_leaves_decisions_bright(client, ana, ben):
    work_until(decidable := a_task("To decide"), "approve")
    work_until(a_task("To write"), "write")
    supervision.pause("all", by="user:ben", why="bad source feed")

    html = the_board(client, ana)

    assert "Held" in lane_of(html, "write")
    assert "Waiting for you" in lane_of(html, "approve")
    assert "bad source feed" in words_of(html)
    assert decidable.key in html


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?q=caching", {"Edge caching"}),
        ("?q=stage:approve", {"Quarterly spend"}),
        ("?stage=write", {"Edge caching"}),
        ("?agent=writer", {"Edge caching"}),
        ("?is=waiting", {"Quarterly spend"}),
        ("?is=mine", {"Quarterly spend"}),
        ("?q=is:waiting+caching", set()),
    ],
)
def test_keeps_only_what_the_address_asks_for(client, ana, query, kept):
    work_until(a_task("Quarterly spend"), "approve")
    work_until(a_task("Edge caching"), "write")

    html = the_board(client, ana, f"/{query}")

    shown = set(re.findall(r'data-card="[^"]+"\s*>([^<]+)</a>', html))
    assert shown == kept


def test_says_how_many_match_nothing_and_offers_to_clear(client, ana):
    a_task("Edge caching")

    said = words_of(the_board(client, ana, "/?q=procurement+stage:approve"))

    assert "match these filters" in said
    assert "Clear them" in said


def test_a_key_in_the_search_jumps_to_its_task(client, ana):
    task = a_task()
    client.force_login(ana)

    answer = client.get("/", {"q": task.key.lower()})

    assert answer.headers["Location"] == f"/tasks/{task.key}/"


def test_lists_the_same_tasks_as_a_table_that_sorts(client, ana):
    a_task("Bees")
    a_task("Ants")

    html = the_board(client, ana, "/?view=list&sort=-task")

    assert re.findall(r'data-card="([^"]+)"', html) == ["ART-2", "ART-1"]
    assert 'aria-sort="descending"' in html


@pytest.mark.parametrize("column", sorted(board.SORTS))
def test_sorts_the_table_by_every_column(client, ana, column):
    for title in ("Bees", "Ants"):
        a_task(title)

    keys = [
        re.findall(r'data-card="([^"]+)"', the_board(client, ana, f"/?view=list&sort={sort}"))
        for sort in (column, f"-{column}")
    ]

    assert [sorted(found) for found in keys] == [["ART-1", "ART-2"]] * 2


def test_tells_an_editor_how_to_begin_and_a_viewer_who_can(client, ana, cleo):
    assert "Add a task" in words_of(the_board(client, ana))
    assert "/tasks/new/" not in the_board(client, cleo).partition("<main")[2]


def test_a_card_that_left_its_lane_answers_with_nothing(client, ana):
    task = a_task()
    work_until(task, "write")
    client.force_login(ana)

    here = client.get(f"/board/cards/{task.key}/", {"lane": "write"}, headers={"HX-Request": "true"})
    gone = client.get(f"/board/cards/{task.key}/", {"lane": "research"}, headers={"HX-Request": "true"})

    assert (here.status_code, gone.status_code) == (200, 204)
    assert "<html" not in here.content.decode()


def test_the_head_line_knows_when_somebody_moved(client, ana):
    task = a_task()
    client.force_login(ana)
    shape = re.compile(r'id="board-head" data-shape="(\w+)"')
    before = shape.search(client.get("/").content.decode())[1]

    same = shape.search(client.get("/board/head/", headers={"HX-Request": "true"}).content.decode())[1]
    work_until(task, "write")
    other = shape.search(client.get("/board/head/", headers={"HX-Request": "true"}).content.decode())[1]
    tray = client.get("/board/lanes/", headers={"HX-Request": "true"}).content.decode()

    assert same == before
    assert other != before
    assert f'id="tray" data-shape="{other}"' in tray


def test_asks_the_database_as_often_for_fifty_cards_as_for_one(client, ana, django_assert_max_num_queries):
    a_workflow()
    for number in range(50):
        a_task(f"Task {number}")
    client.force_login(ana)
    client.get("/")

    with django_assert_max_num_queries(45):
        client.get("/")
    assert Task.objects.count() == 50


@pytest.mark.parametrize(("name", "said"), [("seo", "SEO"), ("fact_check", "Fact check"), ("write", "Write")])
def test_names_stages_as_people_read_them(name, said):
    assert stage_title(name) == said


def test_counts_every_task_in_work_once_whatever_is_searched_for(client, ana, ben):
    a_worker()
    waiting, held, _ = a_task("Waits"), a_task("Held"), a_task("Runs")
    work_until(waiting, "approve")
    claim_all()
    supervision.pause("task", held.key, by="user:ben", why="A break")
    work_until(cancelled := a_task("Nobody needs it"), "write")
    supervision.cancel(cancelled, by="user:ben")
    client.force_login(ana)

    for query in ("", "?q=waits", "?q=nothing-of-the-kind", "?is=waiting"):
        head = client.get(f"/{query}").context["head"]
        counted = {name: head[name] for name in ("doing", "waiting", "stalled", "held")}
        assert sum(counted.values()) == Task.objects.filter(status="doing").count(), counted
        assert head["week"] >= 1  # the cancelled one stands under "Done today" as well


def test_a_search_that_finds_nothing_says_nothing_of_what_there_is(client, ana):
    a_task("Waits in the backlog", backlog=True)
    client.force_login(ana)

    html = client.get("/?q=nothing-of-the-kind").content.decode()

    assert "Nothing waits to be started" not in html
    assert "Nothing finished yet" not in html
    assert html.count("None of these match.") == 2
