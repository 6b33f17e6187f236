"""A role in one workflow: what it opens, what it takes along when it goes, and when it may not go."""

from __future__ import annotations

from typing import Any

import pytest

from agents.contract import Refused
from tasks import access, supervision
from tasks.models import Event, Member, Review, Workflow
from tasks.people import members, policy
from tests.tasks.builders import ARTICLE, a_task, a_workflow, work_until

GATE = {"group": "editors", "count": 1, "four_eyes": True}
TWO_EYES = [{**stage, "deciders": GATE} if stage["name"] == "approve" else stage for stage in ARTICLE]


@pytest.fixture
def dora(person: Any) -> Any:
    """Somebody without any group."""
    user = person("dora", "viewers")
    user.groups.clear()
    return user


def fresh(user: Any) -> Any:
    """As the next request finds them: roles are asked once per request."""
    return type(user).objects.get(pk=user.pk)


def test_a_member_may_do_in_their_workflow_what_the_role_may(admin: Any, dora: Any) -> None:
    mine, other = a_workflow(), a_workflow("other", key="OTH")

    members.give(mine, "dora", "editors", by="user:admin")

    user = fresh(dora)
    assert access.can(user, "approve", mine)
    assert not access.can(user, "pause", mine)
    assert access.reason(user, "read", other) == "You have no role in this workflow; ask an admin for one."
    assert list(access.seen(Workflow, user)) == [mine]
    assert access.people("editors", mine) - access.people("editors") == {"user:dora"}


def test_giving_the_same_role_twice_is_one_event(admin: Any, dora: Any) -> None:
    flow = a_workflow()

    for _ in range(2):
        members.give(flow, "dora", "editors", by="user:admin")
    for _ in range(2):
        members.take(flow, "dora", by="user:admin")

    told = [event.data for event in Event.objects.filter(kind="member.set").order_by("pk")]
    row = f"{flow.pk}/{dora.pk}"
    assert told == [
        {"user": "user:dora", "workflow": "article", "role": role, "member": row} for role in ("editors", "")
    ]  # fmt: skip
    assert not Member.objects.exists()


def test_only_admins_change_members_and_one_of_a_workflow_only_its_own(
    admin: Any, ben: Any, dora: Any
) -> None:
    mine, other = a_workflow(), a_workflow("other", key="OTH")
    with pytest.raises(Refused, match="Only admins may change members"):
        members.give(mine, "dora", "viewers", by="user:ben")
    members.give(mine, "dora", "admins", by="user:admin")

    members.give(mine, "ben", "admins", by="user:dora")

    with pytest.raises(Refused, match="no role in this workflow"):
        members.give(other, "ben", "admins", by="user:dora")


def test_refuses_nobody_and_no_role(admin: Any) -> None:
    flow = a_workflow()

    with pytest.raises(Refused, match="no active person 'nobody'"):
        members.give(flow, "nobody", "editors", by="user:admin")
    with pytest.raises(Refused, match="the roles are viewers, editors, operators, admins"):
        members.give(flow, "admin", "kings", by="user:admin")


def test_a_review_in_the_hands_of_who_goes_becomes_anybodys(admin: Any, ana: Any, dora: Any) -> None:
    flow = a_workflow()
    members.give(flow, "dora", "editors", by="user:admin")
    task = a_task()
    work_until(task, "approve")
    review = Review.objects.get(task=task, open=1)
    supervision.take(review, by="user:dora")

    said = members.consequences(flow, fresh(dora), "")
    members.take(flow, "dora", by="user:admin")

    review.refresh_from_db()
    assert review.owner == ""
    assert any("1 open review" in one for one in said)
    assert Event.objects.filter(kind="review.assigned", data__to="").count() == 1


def test_the_last_second_pair_of_eyes_stays(admin: Any, dora: Any) -> None:
    flow = a_workflow(stages=TWO_EYES)
    members.give(flow, "dora", "editors", by="user:admin")
    assert not policy.impossible(GATE, lambda group: access.people(group, flow))

    with pytest.raises(Refused, match="approve asks for 2 different people of editors"):
        members.take(flow, "dora", by="user:admin")

    assert Member.objects.count() == 1


def test_says_before_what_a_change_means(admin: Any, dora: Any) -> None:
    flow = a_workflow()

    gained = members.consequences(flow, dora, "editors")
    members.give(flow, "dora", "operators", by="user:admin")
    lost = members.consequences(flow, fresh(dora), "editors")

    assert gained[0] == "dora sees the tasks, reviews and files of Article."
    assert "approve" in gained[1] and "pause" not in gained[1]  # noqa: PT018
    assert lost == [
        "dora may not assign, retry, skip, cancel, override, rerun from, pause, resume, resend and schedule "
        "any more."
    ]
