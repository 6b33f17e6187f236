"""The log as a page: filters, words, and pages by key."""

import pytest

from clawbot.dashboard import paging
from tasks import log, supervision
from tasks.models import Event
from tests.tasks.builders import a_task, a_worker, claim_all, finish


@pytest.fixture
def reader(client, cleo):
    client.force_login(cleo)
    return client


@pytest.fixture
def story(ben):
    """Two tasks; research of both was started, of the first one finished; then everything was paused."""
    first, second = a_task("Edge caching"), a_task("Tender statistics")
    claimed = claim_all(a_worker())
    finish(next(one for one in claimed if one.task.pk == first.pk))
    supervision.pause("all", by="user:ben", why="lunch")
    return first, second


def kinds(page):
    return {event.kind for event in page.context["page"].rows}


def keys(page):
    return {event.task.key for event in page.context["page"].rows if event.task}


def test_tells_everything_newest_first(reader, story):
    rows = reader.get("/activity/").context["page"].rows

    assert rows[0].kind == "hold.placed"
    assert [event.pk for event in rows] == sorted((event.pk for event in rows), reverse=True)
    assert len(rows) == Event.objects.count()


@pytest.mark.parametrize("query", ["?task=ART-1", "?q=task:art-1", "?q=caching", "?q=ART-1"])
def test_narrows_to_one_task(reader, story, query):
    assert keys(reader.get(f"/activity/{query}")) == {"ART-1"}


def test_narrows_to_one_agent(reader, story):
    page = reader.get("/activity/?agent=research")

    assert {event.by for event in page.context["page"].rows} == {"agent:research"}


@pytest.mark.parametrize("query", ["?kind=hold", "?kind=hold.placed", "?q=kind:hold"])
def test_narrows_to_one_kind(reader, story, query):
    assert kinds(reader.get(f"/activity/{query}")) == {"hold.placed"}


def test_all_words_must_fit(reader, story):
    assert keys(reader.get("/activity/?q=caching+tender")) == set()


def test_offers_to_remove_each_filter(reader, story):
    chips = reader.get("/activity/?task=ART-1&kind=subtask").context["chips"]

    assert chips == [("task", "ART-1", "?kind=subtask"), ("kind", "subtask", "?task=ART-1")]


def test_says_what_to_do_where_nothing_matches(reader, story):
    assert "Clear all filters" in reader.get("/activity/?q=nowhere").text


def test_shows_hostile_words_as_words(reader, ben):
    supervision.pause("all", by="user:ben", why="<script>alert(1)</script>")

    assert "<script>alert" not in reader.get("/activity/").text


def test_goes_back_page_by_page_without_losing_a_line(reader, monkeypatch):
    monkeypatch.setattr(paging, "SIZE", 3)
    for number in range(8):
        log.record("worker.started", by="clawbot", worker=str(number))

    seen, query = [], ""
    while query is not None:
        page = reader.get(f"/activity/{query}").context["page"]
        seen += [event.data["worker"] for event in page.rows if event.kind == "worker.started"]
        query = f"?before={page.older}" if page.older else None

    assert seen == [str(number) for number in reversed(range(8))]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1 OR 1=1"])
def test_takes_a_strange_place_for_the_beginning(reader, story, before):
    assert reader.get("/activity/", {"before": before}).context["page"].is_first


def test_only_the_newest_page_listens(reader, story):
    assert 'data-live="activity"' in reader.get("/activity/").text
    assert 'data-live="activity"' not in reader.get("/activity/?before=2").text
