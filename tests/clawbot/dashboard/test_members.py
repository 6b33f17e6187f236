"""The members of a workflow, and everybody's roles on one page."""

import pytest

from tasks.models import Member
from tasks.people import members
from tests.tasks.builders import a_workflow


@pytest.fixture
def dora(person):
    user = person("dora", "viewers")
    user.groups.clear()
    return user


def test_says_the_consequences_before_a_role_is_given(client, admin, dora):
    a_workflow()
    client.force_login(admin)

    asked = client.get("/workflows/article/members/", {"person": "dora", "role": "editors"})
    assert "dora sees the tasks, reviews and files of Article." in asked.text
    assert not Member.objects.exists()

    client.post("/workflows/article/members/", {"person": "dora", "role": "editors"})
    page = client.get("/workflows/article/members/")
    assert Member.objects.get().role == "editors"
    assert "Take away…" in page.text


def test_takes_a_role_away(client, admin, dora):
    members.give(a_workflow(), "dora", "editors", by="user:admin")
    client.force_login(admin)

    assert "is not there for dora any more" in client.get("/workflows/article/members/?person=dora").text
    client.post("/workflows/article/members/", {"person": "dora", "role": ""})

    assert not Member.objects.exists()


@pytest.mark.parametrize("name", ["cleo", "ana", "ben"])
def test_who_may_not_change_members_reads_why_and_has_no_button(client, person, admin, name):
    a_workflow()
    client.force_login(person(name, {"cleo": "viewers", "ana": "editors", "ben": "operators"}[name]))

    page = client.get("/workflows/article/members/?person=admin&role=viewers").text

    assert "Only admins may" in page
    assert "See what it changes" not in page
    assert "Give this role" not in page


def test_a_refusal_is_said_on_the_page_that_follows(client, ben, dora):
    a_workflow()
    client.force_login(ben)

    page = client.post("/workflows/article/members/", {"person": "dora", "role": "admins"}, follow=True)

    assert "Only admins may" in page.text
    assert not Member.objects.exists()


def test_shows_everybody_with_their_roles_to_admins_only(client, admin, ana, dora):
    members.give(a_workflow(), "dora", "operators", by="user:admin")
    client.force_login(admin)
    page = client.get("/settings/people/").text
    client.force_login(ana)
    refused = client.get("/settings/people/")

    assert 'members/">Article</a> operator' in page
    assert refused.status_code == 403
    assert "Only admins may" in refused.text
    assert "dora" not in refused.text
