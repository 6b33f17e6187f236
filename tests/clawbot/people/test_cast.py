"""The first people: one admin by name, or the sample people in a house that is new and empty."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from clawbot.people import cast
from clawbot.people.models import User
from tasks import access
from tasks.models import Event, Workflow
from tests.tasks.builders import a_task

pytestmark = pytest.mark.django_db


def test_the_groups_come_with_the_database():
    assert set(Group.objects.values_list("name", flat=True)) == set(access.GROUPS)


@pytest.mark.django_db(transaction=True)
def test_the_groups_stay_when_everything_else_is_flushed(ana):
    call_command("flush", interactive=False, verbosity=0)

    assert not User.objects.exists()
    assert set(Group.objects.values_list("name", flat=True)) == set(access.GROUPS)


def test_a_new_house_gets_one_sample_person_for_each_role_and_nobody_a_password():
    made = cast.make_cast()

    assert [(user.username, access.GROUPS[access.level(user)]) for user in made] == [
        ("admin", "admins"), ("ana", "editors"), ("ben", "operators"), ("cleo", "viewers"),
    ]  # fmt: skip
    assert not any(user.has_usable_password() for user in made)
    assert Event.objects.filter(kind="person.made").count() == len(made)


def test_sample_people_who_were_removed_renamed_or_barred_stay_so():
    cast.make_cast()
    User.objects.filter(username="ana").update(username="anna")
    User.objects.filter(username="ben").update(is_active=False)
    User.objects.get(username="cleo").delete()

    assert cast.make_cast() == []
    assert set(User.objects.values_list("username", flat=True)) == {"admin", "anna", "ben"}
    assert not User.objects.get(username="ben").is_active


def test_they_stay_away_when_all_of_them_were_removed_from_a_house_with_work():
    cast.make_cast()
    a_task()
    User.objects.all().delete()

    assert cast.make_cast() == []
    assert not User.objects.exists()


def test_a_house_that_was_set_up_by_hand_gets_no_sample_people():
    cast.first_admin("root")

    assert cast.make_cast() == []
    assert list(User.objects.values_list("username", flat=True)) == ["root"]


def test_the_shipped_files_can_be_synced_before_there_is_anybody():
    call_command("sync", verbosity=0)

    assert Workflow.objects.filter(slug="article", active__isnull=False).exists()


def test_the_first_admin_may_do_everything_and_comes_in_by_the_link(client, capsys):
    call_command("first_admin", "root")

    link = capsys.readouterr().out.strip()
    landed = client.post("/sign-in/" + link.rstrip("/").rpartition("/")[2] + "/")
    assert landed.status_code == 302
    root = User.objects.get(username="root")
    assert access.can(root, "people")
    assert not root.has_usable_password()
    assert client.get("/admin/").status_code == 200


def test_a_second_first_admin_is_refused_with_who_is_there_and_what_works():
    call_command("first_admin", "root")

    with pytest.raises(CommandError, match=r"an admin already \(root\)\. `\./manage\.py signin root`"):
        call_command("first_admin", "root")
    with pytest.raises(CommandError, match="signin root"):
        call_command("first_admin", "eve")
    assert list(User.objects.values_list("username", flat=True)) == ["root"]


def test_a_house_whose_admins_are_all_gone_gets_a_first_one_again(admin, ana):
    User.objects.filter(username="admin").update(is_active=False)

    cast.first_admin("root")

    assert cast.admins() == ["root"]


@pytest.mark.parametrize(
    "name, why", [("Ana", "has this name already"), ("two words", "valid username"), ("", "cannot be blank")]
)
def test_a_name_that_cannot_be_taken_is_refused(ana, name, why):
    with pytest.raises(CommandError, match=why):
        call_command("first_admin", name)


def test_a_link_for_somebody_in_a_house_without_people_names_the_way_in():
    with pytest.raises(CommandError, match="first_admin NAME"):
        call_command("signin", "admin")


def test_commands_act_for_the_only_admin_whatever_their_name(person, capsys):
    person("root", "admins")

    call_command("pause", "--all", "--why", "moving house")

    assert Event.objects.get(kind="hold.placed").by == "user:root"


def test_commands_ask_who_acts_if_there_are_several_admins(person):
    person("root", "admins")
    person("dora", "admins")

    with pytest.raises(CommandError, match="--by root`. The admins are root, dora"):
        call_command("pause", "--all", "--why", "moving house")


def test_commands_say_how_a_house_without_people_gets_its_first():
    with pytest.raises(CommandError, match="first_admin NAME"):
        call_command("pause", "--all", "--why", "moving house")
