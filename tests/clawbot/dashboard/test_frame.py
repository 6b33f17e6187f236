"""What surrounds every page: counts, holds, zone, theme, and a sign-in that never lands in a card."""

import pytest

from clawbot.dashboard.middleware import zone_of
from tasks import log, supervision
from tasks.models import Event
from tests.tasks.builders import a_task, work_until


def frame_of(client, path="/me/"):
    return client.get(path).context["frame"]


def test_carries_the_number_of_the_newest_event(client, ana):
    client.force_login(ana)
    log.record("worker.started", by="clawbot", worker="a")

    page = client.get("/me/")

    assert f'data-seq="{Event.objects.latest("pk").pk}"' in page.text


@pytest.mark.parametrize("group, count", [("editors", 1), ("operators", 1), ("viewers", 0)])
def test_counts_the_reviews_that_this_person_may_decide(client, person, group, count):
    task = a_task()
    work_until(task, "approve")
    client.force_login(person("dora", group))

    assert frame_of(client).reviews == count


def test_shows_a_pause_with_how_much_it_keeps_back(client, cleo, ben):
    a_task()
    supervision.pause("all", by="user:ben", why="bad source feed")
    client.force_login(cleo)

    page = client.get("/me/")

    assert "bad source feed" in page.text
    assert page.context["frame"].pauses[0].held == 1
    assert "Resume now" not in page.text


@pytest.mark.parametrize("group, may", [("viewers", False), ("editors", False), ("operators", True)])
def test_offers_pause_to_those_who_may(client, person, group, may):
    client.force_login(person("dora", group))

    assert ("Pause all" in client.get("/me/").text) is may


def test_keeps_pages_out_of_caches(client, ana):
    client.force_login(ana)

    assert client.get("/me/")["Cache-Control"] == "no-store"


def test_a_part_asked_for_after_the_session_ended_moves_the_whole_page(client, db):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/activity/?kind=hold"}

    answer = client.get("/holds/", headers=headers)

    assert answer["HX-Redirect"] == "/sign-in/?next=%2Factivity%2F%3Fkind%3Dhold"


@pytest.mark.parametrize(
    "zone, used",
    [("America/New_York", "America/New_York"), ("", "Europe/Berlin"), ("Mars/Olympus", "Europe/Berlin")],
)
def test_shows_times_in_the_persons_zone_else_in_the_sites(ana, zone, used):
    ana.zone = zone

    assert zone_of(ana).key == used


def test_the_sign_in_page_has_the_theme_of_the_last_visit(client, db):
    client.cookies["theme"] = "dark"

    assert 'data-theme="dark"' in client.get("/sign-in/").text
