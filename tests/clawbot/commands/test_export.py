"""`./manage.py export` and `./manage.py sync`: what one writes the other reads, and nothing has changed."""

from __future__ import annotations

import pytest
import yaml

from agents.models import AgentVersion
from tasks.models import WorkflowVersion
from tasks.workflow import FOLDER, shipped

pytestmark = pytest.mark.django_db

# Every key that a stage and a workflow may say, none of them as it would be without.
EVERYTHING = """\
name: everything
title: Everything
key: ALL
about: Says all that a file can say.
schedule:
  cron: "30 2 * * *"
  zone: Europe/Berlin
  misfire: all
  input: {brief: What happened, words: 900, urgent: true}
priority: 3
limits: {at_once: 7, reviews: 2}
input:
  required: [brief]
  properties: {title: {type: string}, brief: {type: string}, words: {type: integer}, urgent: {type: boolean}}
stages:
  - {name: sort, agent: sorter, done_as: sorted, priority: -4, timeout: 20m, retry: {times: 5, backoff: 2m}}
  - name: part
    title: One portion
    agent: sorter
    needs: [sort]
    done_as: parted
    each: sort.files
    group: 25
    at_most_at_once: 8
    on_failure: skip
    limits: {steps: 3, tokens: 400, cost_usd: 0.25}
  - {name: pay, agent: sorter, needs: [sort], when: {sort.topic: [billing, sales]}, done_as: paid,
     undo: sorter, on_failure: undo}
  - name: child
    inject: other
    needs: [sort]
    when: {any: [{sort.amount: {over: 100}}, {all: [{input.urgent: true}, {sort.topic: {not: billing}}]}]}
    give: {title: input.title, brief: sort.brief}
    done_as: asked
  - name: approve
    agent: human
    needs: [part, pay, child]
    send_back: {to: sort, at_most: 2}
    notify: [editors, operators]
    deciders: {group: operators, count: 1}
    due: {after: 4h, then: [{remind: owner}, {after: 2h, escalate: admins}]}
    done_as: approved
  - {name: print, agent: sorter, needs: [approve], output: "published/all/{date}-{slug}.{md,html}",
     done_as: printed}
"""

OTHER = """\
name: other
title: Another one
key: OTH
input: {required: [title], properties: {brief: {type: string}}}
stages: [{name: ask, agent: sorter, done_as: asked}]
"""


def test_reads_back_every_shipped_agent_and_workflow_with_no_change(manage, admin, tmp_path) -> None:
    assert manage("sync").code == 0
    agents, workflows = AgentVersion.objects.count(), WorkflowVersion.objects.count()

    exported = manage("export", "--out", str(tmp_path))
    again = manage("sync", str(tmp_path))

    assert (exported.code, exported.err, again.err) == (0, "", "")
    assert again.out.strip() == "Nothing changed."
    assert (AgentVersion.objects.count(), WorkflowVersion.objects.count()) == (agents, workflows)
    assert {path.parent.name for path in tmp_path.glob("workflows/*/workflow.yaml")} == {
        path.parent.name for path in FOLDER.glob("*/workflow.yaml")
    }


@pytest.fixture
def everything(tmp_path):
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "sorter.yaml").write_text(
        "name: sorter\nrole: http\nsettings: {url: http://127.0.0.1:9/}\n"
    )
    for name, text in (("everything", EVERYTHING), ("other", OTHER)):
        (tmp_path / "workflows" / name).mkdir(parents=True)
        (tmp_path / "workflows" / name / "workflow.yaml").write_text(text)
    return tmp_path


def test_reads_back_every_key_that_a_file_may_say(manage, admin, everything, tmp_path_factory) -> None:
    first = manage("sync", str(everything))
    out = tmp_path_factory.mktemp("exported")
    manage("export", "--out", str(out))

    again = manage("sync", str(out))

    assert first.err == ""
    assert again.out.strip() == "Nothing changed."
    written = yaml.safe_load((out / "workflows/everything/workflow.yaml").read_text())
    said = yaml.safe_load(EVERYTHING)
    assert written.keys() - said.keys() <= {"materials"}
    assert written["schedule"]["input"] == {"brief": "What happened", "words": 900, "urgent": True}
    assert [set(one) for one in written["stages"]] == [set(one) for one in said["stages"]]


def test_reads_back_what_it_exported_into_an_empty_place(manage, admin, everything, tmp_path_factory) -> None:
    shipped.sync("user:admin", agents=everything / "agents", workflows=everything / "workflows")
    before = {one.definition["name"]: one.sha256 for one in WorkflowVersion.objects.all()}
    out = tmp_path_factory.mktemp("exported")
    manage("export", "--out", str(out))
    from tasks.models import Schedule, Workflow

    Schedule.objects.all().delete()
    Workflow.objects.update(active=None)
    WorkflowVersion.objects.all().delete()
    Workflow.objects.all().delete()

    manage("sync", str(out))

    assert {one.definition["name"]: one.sha256 for one in WorkflowVersion.objects.all()} == before
