"""What people see of each other while they decide, what is in doubt, what a pause means, who is away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from agents.contract import Refused
from tasks import clock, supervision
from tasks.models import Absence, Decision, Event, Notice, Presence, Review
from tasks.people import deliveries
from tests.clawbot.dashboard import desk
from tests.tasks.builders import a_task, claim_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client, ana) -> Client:
    client.force_login(ana)
    return client


def for_two() -> Review:
    review = desk.waiting()
    Review.objects.filter(pk=review.pk).update(deciders={"group": "editors", "count": 2, "four_eyes": True})
    review.refresh_from_db()
    return review


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def test_shows_how_many_have_approved_and_what_is_missing(editor: Client, ben):
    review = for_two()
    supervision.approve(review, by="user:ben", request_id="b")

    for path in (reverse("reviews"), reverse("review", args=[review.pk])):
        html = text(editor, path)
        assert "1 of 2" in html
        assert "Ben approved; one more editor is needed." in html


def test_whoever_has_answered_is_not_asked_again_and_may_take_it_back(editor: Client, ben):
    review = for_two()
    supervision.take(review, by="user:ana")
    supervision.approve(review, by="user:ana", request_id="a")

    review.refresh_from_db()
    assert review.owner == ""  # the others see it at once
    assert f'data-row="{review.pk}"' not in text(editor, reverse("reviews"))
    html = text(editor, reverse("review", args=[review.pk]))
    assert "You approved it already. One more editor is needed." in html
    assert "verdict__approve" not in html
    assert "Undo" in html


def test_says_who_has_it_until_when_and_lets_them_put_it_back(client: Client, ana, ben):
    review = desk.waiting()
    client.force_login(ben)
    client.post(reverse("review_take", args=[review.pk]))
    client.force_login(ana)
    assert "has it until" in text(client, reverse("review", args=[review.pk]))

    client.force_login(ben)
    client.post(reverse("review_put_back", args=[review.pk]))
    review.refresh_from_db()
    assert (review.owner, review.taken_until) == ("", None)


def test_reading_tells_the_others_and_writes_no_event(editor: Client):
    review = desk.waiting()
    before = Event.objects.count()
    editor.post(reverse("review_here", args=[review.pk]))
    editor.post(reverse("review_here", args=[review.pk]))

    assert Presence.objects.filter(review=review).count() == 1
    assert Event.objects.count() == before


def test_a_taken_review_is_renewed_by_reading_it(editor: Client):
    review = desk.waiting()
    supervision.take(review, by="user:ana")
    clock.move(timedelta(minutes=25))
    editor.post(reverse("review_here", args=[review.pk]))

    review.refresh_from_db()
    assert review.taken_until > clock.now() + timedelta(minutes=20)


def test_approves_together_only_what_has_no_open_finding_each_by_its_own_hash(editor: Client, ben):
    good, doubtful = desk.waiting(), desk.waiting(desk.FIRST, desk.DOUBT, title="In doubt")
    late = desk.waiting(title="Changed meanwhile")
    html = text(editor, reverse("bulk_approve"))
    assert "In doubt" not in html
    assert "Lets publish begin." in html
    form: dict[str, object] = {"pick": [good.pk, late.pk, doubtful.pk]}
    for one in (good, late, doubtful):
        form |= {f"sha-{one.pk}": one.artifact_sha256, f"version-{one.pk}": one.version}
    supervision.edit(late.task, by="user:ben", text=desk.SECOND)
    told = editor.post(reverse("bulk_approve"), form).text

    assert "1 approved, 2 refused" in told
    assert "arrived since you read it" in told
    assert [one.review_id for one in Decision.objects.all()] == [good.pk]


def test_a_delivery_in_doubt_waits_for_an_operator_who_can_say_that_it_arrived(client: Client, ana, ben):
    review = desk.waiting()
    now = clock.now()
    notice = Notice.objects.create(
        key="doubt", kind="completion", carrier="slack", recipient="editors", task=review.task, content={},
        text="Ready", state="uncertain", error="Slack did not answer.", not_before=now, created_at=now,
    )  # fmt: skip
    client.force_login(ana)
    assert "Slack did not answer." not in text(client, reverse("reviews"))
    client.force_login(ben)
    assert "Slack did not answer." in text(client, reverse("reviews"))
    client.post(reverse("notice_delivered", args=[notice.pk]))

    notice.refresh_from_db()
    assert notice.state == "sent"
    assert Event.objects.filter(kind="notice.sent", by="user:ben").exists()
    deliveries.delivered(notice, by="user:ben")  # twice is once
    notice.state = "pending"
    notice.save()
    with pytest.raises(Refused, match="on its way"):
        deliveries.delivered(notice, by="user:ben")


def test_shows_each_request_with_its_answer_and_the_changed_words(editor: Client, ana):
    from agents.contract import Answer

    review = desk.waiting()
    supervision.comment(review.artifact, by="user:ana", text="How many?", quote="Agents often work at night")
    supervision.send_back(review, by="user:ana", request_id="r", to="write")
    desk.write(
        review.task, desk.SECOND, answers=(Answer(number=1, text="Counted them.", quote="212 orders"),)
    )
    desk.review(review.task)
    desk.render(review.task)
    html = text(editor, reverse("review", args=[desk.open_review(review.task).pk]))
    panel = html.split('class="answered"')[1].split("</details>")[0]

    assert "Request 1" in panel
    assert "Counted them." in panel
    assert "often" in panel.split("<del")[1].split("</del>")[0]
    assert "212 orders" in panel.split("After: ")[1]


def test_a_pause_says_what_still_finishes_and_what_goes_on_afterwards(client: Client, ben):
    running = a_task()
    claim_all()
    a_task("Another one")
    hold = supervision.pause("workflow", "article", by="user:ben", why="Bad feed.")
    client.force_login(ben)

    html = text(client, f"/tasks/{running.key}/")
    assert "Workflow article is pausing: 1 finishing" in html
    assert "Bad feed." in html
    assert "Workflow article" not in text(client, "/me/")  # a page that it does not touch
    page = text(client, reverse("hold", args=[hold.pk]))
    assert "1 stage may start at once" in page

    client.post(reverse("stop_now", args=[hold.pk]))
    assert "Workflow article is paused" in text(client, f"/tasks/{running.key}/")
    client.post(reverse("lift", args=[hold.pk]))
    assert "Workflow article" not in text(client, f"/tasks/{running.key}/").split("<main")[0]


def test_leaves_for_a_while_with_somebody_who_stands_in_and_comes_back(editor: Client, ben):
    review = desk.waiting()
    supervision.take(review, by="user:ana")
    assert review.task.key in text(editor, "/me/")
    until = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    assert editor.post(reverse("leave"), {"ends_at": until, "delegate": "ben"}).status_code == 302

    review.refresh_from_db()
    assert review.owner == "user:ben"
    assert "You are out" in text(editor, "/me/")
    editor.post(reverse("come_back", args=[Absence.objects.get().pk]))
    assert "You are out" not in text(editor, "/me/")


def test_keeps_what_was_typed_where_a_time_away_is_refused(editor: Client):
    answer = editor.post(reverse("leave"), {"ends_at": "2001-01-01T10:00", "why": "Sea"})

    assert answer.status_code == 422
    assert "must end after it starts" in answer.text
    assert 'value="Sea"' in answer.text


def test_what_somebody_paused_is_not_offered_for_approval_together_and_named(editor: Client, ben):
    held, free = desk.waiting(title="Legal looks at it"), desk.waiting(title="Nobody minds")
    supervision.pause("task", held.task.key, by="user:ben", why="Legal wants to see it first")
    html = text(editor, reverse("bulk_approve"))

    offered, _, left_out = html.partition("Paused, and so left out")
    assert f'name="pick" value="{free.pk}"' in offered
    assert f'name="pick" value="{held.pk}"' not in html
    assert held.task.key in left_out
    assert "Legal wants to see it first" in left_out


def test_groups_what_may_be_approved_together_by_workflow(editor: Client):
    desk.waiting(title="One")
    desk.waiting(title="Two")
    assert "All 2" in text(editor, reverse("bulk_approve"))


@pytest.mark.parametrize("version", ["²", "-1", "nonsense", "9" * 5_000])
def test_a_decision_about_no_version_is_refused(editor: Client, version: str):
    review = desk.waiting()

    answer = editor.post(
        reverse("review_approve", args=[review.pk]), {"review_version": version, "request_id": "a"}
    )

    assert answer.status_code == 409
    assert not Decision.objects.filter(review=review).exists()
