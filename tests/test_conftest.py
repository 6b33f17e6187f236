"""The suite's own ground: what conftest promises, held to it."""

import socket
import subprocess
import sys

import pytest
from django.conf import settings

from tests import conftest, databases, network


def test_gives_each_process_of_the_suite_a_data_folder_of_its_own():
    assert settings.DATA == conftest.DATA


def test_refuses_an_address_outside_this_machine():
    with socket.socket() as way_out, pytest.raises(network.OutOfBounds):
        way_out.connect(("192.0.2.1", 80))


def test_refuses_to_look_up_a_name_outside_this_machine():
    with pytest.raises(network.OutOfBounds):
        socket.create_connection(("example.org", 80))


def test_gives_each_person_of_the_cast_one_group(ana, ben, cleo, admin):
    groups = {person.username: person.groups.get().name for person in (ana, ben, cleo, admin)}

    assert groups == {"ana": "editors", "ben": "operators", "cleo": "viewers", "admin": "admins"}


def test_points_this_process_at_each_kind_of_database(database, ana):
    from django.db import connection

    assert {"sqlite": "sqlite", "postgres": "postgresql", "mariadb": "mysql"}[database] == connection.vendor
    assert ana.pk


def test_empties_the_database_after_each_test(database):
    from clawbot.people.models import User

    assert not User.objects.exists()


def test_lets_a_started_process_use_each_kind_of_database(environment):
    count = "from tasks.models import Task; print(Task.objects.count())"

    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", count],
        cwd=databases.ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "0"
