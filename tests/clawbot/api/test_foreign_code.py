"""No call of the API can name code to run."""

from __future__ import annotations

import pytest
from django_q.models import OrmQ, Schedule, Task

from agents import staff
from agents.definition import Definition
from agents.models import Agent
from tests.tasks.builders import a_workflow

pytestmark = pytest.mark.django_db

CODE = {"func": "os.system", "args": ["true"], "hook": "os.system", "q_options": {"cluster": "clawbot"}}


@pytest.mark.parametrize("word", CODE)
def test_a_task_has_no_word_for_it(as_admin, word):
    a_workflow()

    answer = as_admin.post("tasks", {"workflow": "article", "title": "Hello", word: CODE[word]})

    assert answer.status_code == 422
    assert word in answer.text
    assert [model for model in (OrmQ, Schedule, Task) if model.objects.exists()] == []


@pytest.mark.parametrize(
    "path", ["django_q/schedule", "schedules/django_q", "queue", "admin/django_q/schedule/add"]
)
def test_the_queue_has_no_address(as_admin, path):
    assert as_admin.post(path, CODE).status_code in {404, 405}


@pytest.mark.parametrize(
    "yaml",
    [
        "name: dora\nrole: os\n",
        "name: dora\nrole: ../roles/writer\n",
        "name: dora\nrole: writer.__init__\n",
        "name: dora\nrole: writer\ntools: [subprocess]\n",
        "name: dora\nrole: writer\nvoice: ../../settings\n",
        "name: dora\nrole: writer\nsettings: !!python/object/apply:os.system ['true']\n",
        "name: dora\nrole: http\nsettings: {url: 'file:///etc/passwd'}\n",
        "name: dora\nrole: http\nsettings: {url: 'https://a.example/', secret: SECRET_KEY}\n",
        "name: dora\nrole: router\nsettings: {topics: {a: {}, b: {}}, details: {x: '(?P<a>x)(?P=a)'}}\n",
    ],
)
def test_an_agent_names_only_what_was_made_for_it(as_admin, yaml):
    staff.store(Definition(name="dora", role="writer"), by="user:admin", note="")

    answer = as_admin.post("agents/dora/versions", {"yaml": yaml})

    assert answer.status_code == 422, answer.text
    assert Agent.objects.get(slug="dora").versions.count() == 1
