"""`./manage.py member`: roles in one workflow from the command line."""

import json

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Member
from tests.tasks.builders import a_workflow


@pytest.fixture
def flow(admin, person):
    person("dora", "viewers").groups.clear()
    return a_workflow()


def test_adds_lists_and_removes(flow, capsys):
    call_command("member", "add", "dora", "article", "editors")
    assert "dora sees the tasks, reviews and files of Article." in capsys.readouterr().out

    call_command("member", "list", "--json")
    found = json.loads(capsys.readouterr().out)
    assert [(one["person"], one["workflow"], one["role"]) for one in found] == [
        ("dora", "article", "editors")
    ]

    call_command("member", "remove", "dora", "article")
    assert not Member.objects.exists()


def test_refuses_what_is_not_there(flow):
    with pytest.raises(CommandError, match="There are: article"):
        call_command("member", "add", "dora", "novel", "editors")
    with pytest.raises(CommandError, match="no role in this workflow"):
        call_command("member", "add", "dora", "article", "editors", "--by", "dora")
