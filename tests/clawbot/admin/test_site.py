"""The admin has the tables that were named for it, and lets nobody take an account."""

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Permission
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from clawbot.admin.site import site
from clawbot.people.models import User
from clawbot.urls import urlpatterns

NAMED = {
    "agents.agent", "agents.agentversion", "people.user", "tasks.artifact", "tasks.decision", "tasks.event",
    "tasks.finding", "tasks.hold", "tasks.notice", "tasks.occurrence", "tasks.review", "tasks.run",
    "tasks.schedule", "tasks.subtask", "tasks.task", "tasks.worker", "tasks.workflow",
    "tasks.workflowversion",
}  # fmt: skip
QUEUE = ["failure", "ormq", "schedule", "success", "task"]


@pytest.fixture
def desk(client, admin):
    client.force_login(admin)
    return client


def test_has_the_tables_that_were_named_for_it():
    assert {model._meta.label_lower for model in site._registry} == NAMED


def test_what_a_package_registers_for_itself_has_no_address(desk):
    from django_q import admin as _  # noqa: F401 as Django's autodiscovery would

    assert django_admin.site.is_registered(Schedule)
    assert not site.is_registered(Schedule)
    assert desk.get("/admin/django_q/").status_code == 404
    assert "django_q" not in desk.get("/admin/").text


@pytest.mark.parametrize("table", QUEUE)
def test_no_form_writes_a_row_that_names_code(desk, table):
    words = {
        "name": "x", "func": "os.system", "args": "'true'", "schedule_type": "O", "repeats": "-1",
        "next_run_0": f"{timezone.now():%Y-%m-%d}", "next_run_1": "00:00:00", "cluster": "clawbot",
        "_save": "Save",
    }  # fmt: skip

    assert desk.get(f"/admin/django_q/{table}/").status_code == 404
    assert desk.get(f"/admin/django_q/{table}/add/").status_code == 404
    assert desk.post(f"/admin/django_q/{table}/add/", words).status_code == 404
    assert [model for model in (Schedule, OrmQ, Task) if model.objects.exists()] == []


def test_no_address_of_the_house_leads_into_the_queue():
    def views(patterns):
        for one in patterns:
            yield from views(one.url_patterns) if hasattr(one, "url_patterns") else [one.callback]

    assert not [view for view in views(urlpatterns) if view.__module__.startswith("django_q")]


@pytest.fixture
def helper(client, person):
    """Staff of the admins who is no superuser, with every permission that Django knows."""
    user = person("dora", "admins")
    user.is_superuser = False
    user.save()
    user.groups.get().permissions.set(Permission.objects.all())
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    "address", ["", "add/", "{pk}/change/", "{pk}/delete/", "{pk}/password/", "{pk}/history/"]
)
def test_nobody_but_a_superuser_comes_near_an_account(helper, ana, address):
    assert helper.get(f"/admin/people/user/{address.format(pk=ana.pk)}").status_code == 403


def test_nobody_makes_themself_a_superuser(helper):
    dora = User.objects.get(username="dora")

    answer = helper.post(
        f"/admin/people/user/{dora.pk}/change/", {"username": "dora", "is_superuser": "on", "is_active": "on"}
    )

    assert answer.status_code == 403
    dora.refresh_from_db()
    assert not dora.is_superuser


def test_nobody_makes_a_way_in_for_another(helper, ana):
    answer = helper.post(
        "/admin/people/user/", {"action": "sign_in_link", "_selected_action": ana.pk}, follow=True
    )

    assert answer.status_code == 403
    assert not ana.sign_in_links.exists()
