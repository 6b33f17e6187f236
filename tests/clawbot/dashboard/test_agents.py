"""The staff page: real figures, pauses, versions to read."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agents import staff
from agents.definition import Definition
from clawbot.dashboard import agents as pages
from clawbot.dashboard.agents import percentile
from tasks import clock, supervision
from tasks.models import Run, Worker
from tests.tasks.builders import a_task, a_worker, claim_all, finish


@pytest.fixture(autouse=True)
def _real_time():
    yield
    clock.reset()


def hire(name, **more):
    return staff.store(Definition(name=name, role=name, **more), by="user:admin", note=more.pop("note", ""))


@pytest.fixture
def team(ana):
    hire("research", scope="Finds and checks sources")
    hire("writer")


def row(slug="research"):
    return next(row for row in pages.rows("clawbot") if row.slug == slug)


@pytest.mark.parametrize("share, value", [(50, 5), (95, 10), (100, 10), (1, 1)])
def test_takes_percentiles_by_nearest_rank(share, value):
    assert percentile([float(n) for n in range(10, 0, -1)], share) == value


def test_knows_no_percentile_of_nothing():
    assert percentile([], 50) is None


def test_shows_what_an_agent_works_on_and_what_waits_for_it(team):
    a_task("First")
    claim_all(a_worker())
    a_task("Second")

    found = row()

    assert (found.condition, found.word, found.queue) == ("running", "1 of 8 working", 1)
    assert [run.task.title for run in found.doing] == ["First"]


def test_counts_the_runs_of_the_last_day(team):
    a_task()
    (claimed,) = claim_all(a_worker())
    finish(claimed)
    Run.objects.update(cost_usd="0.25")
    run = Run.objects.get()
    Run.objects.update(ended_at=run.started_at + timedelta(seconds=90))

    found = row()

    assert (found.succeeded, found.p50, found.p95) == (100, 90.0, 90.0)
    assert found.cost.usd == Decimal("0.25")
    assert found.last == run


def test_a_lost_run_lowers_the_share_that_succeeded(team):
    a_task()
    (claimed,) = claim_all(a_worker())
    finish(claimed)
    Run.objects.update(status=Run.Status.LOST)

    assert row().succeeded == 0


def test_forgets_runs_older_than_a_day(team):
    a_task()
    (claimed,) = claim_all(a_worker())
    finish(claimed)
    clock.move(timedelta(hours=25))

    assert row().succeeded is None


def test_says_who_paused_an_agent_and_lets_an_operator_resume(client, team, ben):
    supervision.pause("agent", "research", by="user:ben", why="new rules")
    client.force_login(ben)

    page = client.get("/agents/").text

    assert "Paused by ben" in page
    assert "new rules" in page
    assert "Resume" in page


def test_a_worker_that_fell_silent_makes_its_agent_silent(team):
    a_task()
    claim_all(a_worker())
    Worker.objects.update(heartbeat_at=clock.now() - timedelta(minutes=31))

    found = row()

    assert (found.condition, found.word) == ("silent", "Silent 31 min")
    assert pages.workers()[0].silent


def test_a_viewer_sees_no_verbs(client, team, cleo):
    client.force_login(cleo)

    page = client.get("/agents/").text

    assert "Finds and checks sources" in page
    assert "Pause" not in page


def test_answers_a_live_question_with_the_part_alone(client, team, cleo):
    client.force_login(cleo)

    part = client.get("/agents/", headers={"HX-Request": "true", "HX-Target": "agents"}).text

    assert part.lstrip().startswith('<div id="agents"')
    assert "<html" not in part


def test_says_that_nothing_moves_without_workers(client, team, cleo):
    client.force_login(cleo)

    assert "No worker is running" in client.get("/agents/").text


def test_reads_an_old_version_beside_the_active_one(client, team, cleo):
    hire("writer", instructions="Name your sources.")
    client.force_login(cleo)

    newest, old = client.get("/agents/writer/").text, client.get("/agents/writer/?v=1").text

    assert "Name your sources." in newest
    assert "Name your sources." not in old
    assert "What it does, in v1" in old


def test_knows_nobody_by_another_name(client, team, cleo):
    client.force_login(cleo)

    assert client.get("/agents/zoe/").status_code == 404


def test_says_that_an_agents_model_is_gone(client, ana, monkeypatch):
    hire("writer", model="careful")
    client.force_login(ana)

    assert "There is no model `careful`." in client.get("/agents/writer/").text

    monkeypatch.setenv("CLAWBOT_MODELS", "careful=openai:gpt")
    assert "There is no model" not in client.get("/agents/writer/").text


def test_an_offered_update_is_shown_with_its_diff_and_the_admin_answers_on_the_page(client, admin, cleo):
    staff.store(Definition(name="writer", role="writer", instructions="As I do."), by="user:admin")
    staff.store(
        Definition(name="writer", role="writer", instructions="As the file says."), by="clawbot", shipped=True
    )

    client.force_login(cleo)
    seen = client.get("/agents/writer/").content.decode()
    client.force_login(admin)
    page = client.get("/agents/writer/").content.decode()
    stays = staff.active("writer").number
    answer = client.post("/agents/writer/offer/", {"verb": "use", "number": 2}, follow=True).content.decode()

    assert "An update is offered: v2" in page
    assert [word in page for word in ("Use it", "Keep mine")] == [True, True]
    assert "Use it" not in seen
    assert (stays, staff.active("writer").number) == (1, 2)
    assert "An update is offered" not in answer
    assert "writer v2 is active" in answer


def test_an_older_wording_is_used_again_from_its_page(client, admin, cleo):
    staff.store(Definition(name="writer", role="writer", instructions="One."), by="user:admin")
    staff.store(Definition(name="writer", role="writer", instructions="Two."), by="user:admin")

    client.force_login(cleo)
    client.post("/agents/writer/versions/1/")
    refused = staff.active("writer").number
    client.force_login(admin)
    page = client.get("/agents/writer/?v=1").content.decode()
    client.post("/agents/writer/versions/1/")

    assert "Use v1 again" in page
    assert refused == 2
    assert (staff.active("writer").number, staff.active("writer").definition["instructions"]) == (3, "One.")
