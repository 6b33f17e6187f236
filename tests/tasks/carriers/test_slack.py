"""Slack as a carrier: what arrives, how it looks, and what is done when it may or may not have arrived."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
from slack_sdk.models.blocks import Block

from agents.contract import Call, Finding, Outcome
from tasks import carriers, clock, outbox, supervision
from tasks.carriers.slack import blocks
from tasks.models import Event, Notice, Review, Task
from tests.tasks.builders import ARTICLE, a_task, a_worker, a_workflow, claim_all, finish, work_until
from tests.tasks.carriers.fake_slack import FakeSlack

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def owed(
    key: str = "completion:1",
    *,
    to: str = "editors",
    kind: str = "completion",
    task: Task | None = None,
    **content,
):
    facts = {"path": "staging/articles/why.php", "summary": "Agents draft, people decide."} | content
    outbox.owe(kind, task=task or a_task(), to=[to], content=facts, key=key)
    return Notice.objects.get(key=f"{key}:slack:{to}")


def state(notice: Notice) -> str:
    notice.refresh_from_db()
    return notice.state


def send(after: timedelta = timedelta(0)) -> int:
    clock.move(after)
    return outbox.send_due()


# -- what arrives


def test_posts_the_four_facts_of_a_completion_to_the_channel_of_the_group(slack: FakeSlack) -> None:
    notice = owed()

    send()

    (message,) = slack.accepted
    said = json.dumps(message["blocks"])
    assert message["channel"] == "C0EDITORIAL"
    assert "ART-1" in said
    assert "Why agents need a manager" in said
    assert "staging/articles/why.php" in said
    assert "Agents draft, people decide." in said
    assert message["text"] == "Done: ART-1 Why agents need a manager"
    assert message["unfurl_links"] is False
    assert state(notice) == "sent"
    assert notice.remote["ts"] == message["ts"]


def test_puts_the_key_of_the_notice_into_the_metadata(slack: FakeSlack) -> None:
    notice = owed()

    send()

    assert slack.keys() == [notice.key]


def test_writes_to_a_person_who_has_no_channel_where_the_group_reads(slack: FakeSlack) -> None:
    owed(to="user:ana", group="editors")

    send()

    assert slack.accepted[0]["channel"] == "C0EDITORIAL"


def test_buries_a_notice_whose_recipient_has_no_channel_and_says_what_to_set(
    slack: FakeSlack, settings
) -> None:
    settings.SLACK_CHANNELS = {}
    notice = owed()

    send()

    assert state(notice) == "dead"
    assert "editors=" in notice.error
    assert slack.calls == []


def test_continues_the_thread_of_a_task_and_broadcasts_only_questions(slack: FakeSlack) -> None:
    task = a_task()
    owed("one", task=task)
    owed("two", task=task)
    owed("three", task=task, kind="escalation", why="Which of the two figures is right?")

    for _ in range(3):
        send(MINUTE)

    first, second, third = slack.accepted
    assert "thread_ts" not in first
    assert second["thread_ts"] == third["thread_ts"] == first["ts"]
    assert (second["reply_broadcast"], third["reply_broadcast"]) == (False, True)


def test_sends_one_message_a_second_into_a_channel(slack: FakeSlack) -> None:
    for number in range(3):
        owed(f"n{number}")

    assert [send(), send(), send(timedelta(seconds=1.1)), send(timedelta(seconds=1.1))] == [1, 0, 1, 1]


# -- what goes wrong


def test_waits_as_long_as_slack_asks_and_sends_nothing_else_there_meanwhile(slack: FakeSlack) -> None:
    slack.script = ["busy 30"]
    first = owed("one")
    send()
    owed("two")

    assert state(first) == "pending"
    assert send(timedelta(seconds=25)) == 0
    assert len(slack.named("chat.postMessage")) == 1
    assert send(timedelta(seconds=10)) == 1
    assert slack.keys() == [first.key]


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9", "99999999"])
def test_takes_an_odd_retry_after_for_a_bounded_wait(slack: FakeSlack, value: str) -> None:
    slack.script = [f"busy {value}"]
    notice = owed()

    send()

    assert state(notice) == "pending"
    assert timedelta(seconds=50) < notice.not_before - clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    "error",
    ["channel_not_found", "not_in_channel", "invalid_auth", "account_inactive", "is_archived", "msg_too_long",
     "invalid_blocks", "missing_scope"],
)  # fmt: skip
def test_buries_a_notice_that_slack_refuses_for_good_with_its_reason(slack: FakeSlack, error: str) -> None:
    slack.script = [f"error {error}"]
    notice = owed()

    send()
    send(timedelta(days=1))

    assert state(notice) == "dead"
    assert error in notice.error
    assert len(slack.calls) == 1
    assert Event.objects.filter(kind="notice.dead").count() == 1


def test_tries_again_later_where_slack_is_not_reached(slack: FakeSlack, settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        settings.SLACK_API_URL = f"http://127.0.0.1:{taken.getsockname()[1]}/api/"
        notice = owed()
        send()
    assert state(notice) == "pending"

    settings.SLACK_API_URL = slack.url
    send(MINUTE)

    assert state(notice) == "sent"
    assert len(slack.accepted) == 1


BEFORE = ["hang", "cut", "status 500", "status 502", "error internal_error", "error fatal_error"]
AFTER = ["take_then_hang", "take_then_cut", "take_then_status 500", "take_then_drip"]


@pytest.mark.parametrize("fault", BEFORE + AFTER)
def test_is_seen_once_after_a_send_whose_answer_never_came(slack: FakeSlack, fault: str) -> None:
    slack.script = [fault]
    notice = owed()
    send()
    assert state(notice) == "uncertain"

    send(MINUTE)

    assert state(notice) == "sent"
    assert slack.keys() == [notice.key]
    assert notice.remote["ts"] == slack.accepted[0]["ts"]


@pytest.mark.parametrize("fault", ["take_then_cut", "cut"])
def test_finds_a_doubtful_message_in_the_thread_of_its_task(slack: FakeSlack, fault: str) -> None:
    task = a_task()
    owed("one", task=task)
    send()
    notice = owed("two", task=task)
    slack.script = [fault]
    send(MINUTE)

    send(MINUTE)

    assert state(notice) == "sent"
    assert len(slack.accepted) == 2
    assert slack.accepted[1]["thread_ts"] == slack.accepted[0]["ts"]


def test_stays_uncertain_and_is_never_repeated_where_nobody_can_look(slack: FakeSlack) -> None:
    slack.script = ["take_then_cut"]
    notice = owed()
    send()
    slack.history_answers = [{"ok": False, "error": "missing_scope"}] * 3

    for _ in range(3):
        send(timedelta(hours=1))

    assert state(notice) == "uncertain"
    assert "channels:history" in notice.error
    assert len(slack.accepted) == 1


def test_reads_every_page_before_it_says_that_a_message_is_not_there(slack: FakeSlack) -> None:
    slack.script = ["take_then_cut"]
    notice = owed()
    send()
    slack.history_answers = [{"ok": True, "messages": [], "response_metadata": {"next_cursor": "more"}}]

    send(MINUTE)

    assert state(notice) == "sent"
    assert len(slack.accepted) == 1
    assert slack.named("conversations.history")[1]["cursor"] == "more"


def test_shows_each_message_once_when_a_third_of_all_sends_goes_wrong(slack: FakeSlack, monkeypatch) -> None:
    monkeypatch.setattr("tasks.carriers.slack.TIMEOUT", 0.2)
    faults = ["take_then_cut", "status 502", "busy 5", "cut", "take_then_status 500", "take_then_hang",
              "hang", "error internal_error"]  # fmt: skip
    task = a_task()
    notices = [owed(f"n{number}", task=task) for number in range(24)]
    slack.script = [faults[number // 3 % len(faults)] if number % 3 == 0 else "ok" for number in range(48)]

    for _ in range(200):
        send(timedelta(seconds=20))

    assert {state(notice) for notice in notices} == {"sent"}
    assert sorted(slack.keys()) == sorted(notice.key for notice in notices)


# -- after the decision


def decided_review(slack: FakeSlack, ana) -> Review:
    task = a_task()
    a_worker()
    work_until(task, "approve")
    send()
    review = Review.objects.get(task=task)
    supervision.approve(
        review, by="user:ana", artifact_sha256=review.artifact_sha256, review_version=review.version,
        request_id="click-1", undo_seconds=0,
    )  # fmt: skip
    return review


def test_replaces_the_link_by_who_decided(slack: FakeSlack, ana) -> None:
    decided_review(slack, ana)
    assert "clawbot.open" in json.dumps(slack.accepted[0]["blocks"])

    send(MINUTE)

    (message,) = slack.accepted
    said = json.dumps(message["blocks"])
    assert "*Approved* by ana" in said
    assert "actions" not in {block["type"] for block in message["blocks"]}
    assert message["metadata"]["event_payload"]["kind"] == "completion"


def test_keeps_the_link_and_says_who_is_still_needed_until_enough_have_approved(
    slack: FakeSlack, ana, ben
) -> None:
    stages = [{**one, "deciders": {"count": 2}} if one["agent"] == "human" else one for one in ARTICLE]
    a_workflow(stages=stages)
    task = a_task()
    a_worker()
    work_until(task, "approve")
    send()
    review = Review.objects.get(task=task)
    assert "Two editors are needed." in json.dumps(slack.accepted[0]["blocks"])

    first = supervision.approve(review, by="user:ana", request_id="1", undo_seconds=0)
    send(MINUTE)
    said = json.dumps(slack.accepted[0]["blocks"])
    assert "*Approved* by ana" in said
    assert "Ana approved; one more editor is needed." in said
    assert "clawbot.open" in said

    supervision.undo(first, by="user:ana")
    send(MINUTE)
    said = json.dumps(slack.accepted[0]["blocks"])
    assert "*Taken back* by ana" in said
    assert "Two editors are needed." in said

    for name in ("ana", "ben"):
        supervision.approve(
            Review.objects.get(pk=review.pk), by=f"user:{name}", request_id=f"again {name}", undo_seconds=0
        )
    send(MINUTE)
    send(MINUTE)
    assert "actions" not in {block["type"] for block in slack.accepted[0]["blocks"]}


def test_tells_the_thread_where_the_message_was_deleted(slack: FakeSlack, ana) -> None:
    decided_review(slack, ana)
    slack.script = ["error message_not_found"]

    send(MINUTE)

    assert slack.accepted[1]["thread_ts"] == slack.accepted[0]["ts"]
    assert "Approved by ana" in slack.accepted[1]["text"]


def test_amends_only_once_the_message_has_settled(slack: FakeSlack, ana) -> None:
    slack.script = ["take_then_cut"]
    decided_review(slack, ana)

    for _ in range(6):
        send(MINUTE)

    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}
    assert len(slack.accepted) == 1
    assert "*Approved* by ana" in json.dumps(slack.accepted[0]["blocks"])


# -- how it looks


def at_a_gate(kind: str = "completion") -> Notice:
    task = a_task("Spend & <sourcing> " + "x" * 150)
    a_worker()
    if kind == "completion":
        work_until(task, "approve")
    else:
        work_until(task, "review")
        finding = Finding(
            kind="unsupported_number",
            text="No source has it.",
            quote="It grew 212%.",
            source=2,
            passage="112%",
        )
        (claimed,) = claim_all()
        finish(claimed, Outcome(word="escalate", question="Keep, fix or drop it?", findings=(finding,)))
    return Notice.objects.get(kind=kind, carrier="slack")


@pytest.mark.parametrize("kind", ["completion", "escalation"])
def test_keeps_every_message_inside_slacks_limits(slack: FakeSlack, kind: str) -> None:
    notice = at_a_gate(kind)
    notice.content |= dict.fromkeys(
        ("summary", "why", "path", "passage", "quote", "owner"), '&<>"\\\n' * 9000
    )

    found = blocks.render(notice)

    assert len(json.dumps(found, ensure_ascii=False)) < 10_000
    for block in found:
        Block.parse(block).validate_json()
    ids = [
        element["action_id"] for block in found if block["type"] == "actions" for element in block["elements"]
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("kind", ["completion", "escalation"])
def test_shows_no_control_that_nothing_answers(slack: FakeSlack, kind: str) -> None:
    """A button with an address is a link; any other waits for somebody to answer its click."""
    found = blocks.render(at_a_gate(kind))

    controls = [one for block in found if block["type"] == "actions" for one in block["elements"]]
    controls += [block["accessory"] for block in found if "accessory" in block]
    assert [(one["type"], one["url"].startswith("http")) for one in controls] == [("button", True)]


def test_leads_to_the_finding_when_an_agent_asks(slack: FakeSlack) -> None:
    notice = at_a_gate("escalation")

    asked, _, actions, foot = blocks.render(notice)

    assert "Keep, fix or drop it?" in asked["text"]["text"]
    assert actions["elements"][-1]["url"].endswith("#f-1")
    assert "anyone of the editors" in foot["elements"][0]["text"]


def test_a_call_is_allowed_where_it_can_be_read(slack: FakeSlack) -> None:
    a_task()
    a_worker()
    (claimed,) = claim_all()
    call = Call(tool="http", target="POST https://pay.example/", arguments={"card": "tok_4242"})
    finish(claimed, Outcome(word="escalate", question="May it be called?", call=call))

    found = blocks.render(Notice.objects.get(kind="escalation", carrier="slack"))

    assert [one["action_id"] for one in found[2]["elements"]] == ["clawbot.open"]
    assert "tok_4242" not in json.dumps(found)


def test_makes_foreign_text_mean_nothing_but_itself(slack: FakeSlack) -> None:
    owed(summary="<!channel> <https://evil.example|Approve> & more", title="<!here>")

    send()

    said = json.dumps(slack.accepted[0])
    assert "&lt;!channel&gt;" in said
    assert "<!channel>" not in said
    assert "<https://evil" not in said


def test_cuts_a_long_text_without_cutting_an_escaped_letter() -> None:
    cut = blocks.escape("&" * 100, 23)

    assert cut == "&amp;" * 4 + "…"


def test_finds_slack_by_its_file_and_refuses_a_carrier_that_is_not_there() -> None:
    assert carriers.get("slack").PACE == 1.0
    with pytest.raises(carriers.Broken, match="console"):
        carriers.get("pigeon")


def test_makes_no_sign_of_a_title_mean_anything(slack: FakeSlack) -> None:
    owed(title="*Bold* _words_ ~gone~ `code` :fire: snake_case at 10:30", kind="escalation", why="*Look*")

    send()

    said = json.dumps(slack.accepted[0], ensure_ascii=False)
    assert "∗Bold∗ ˍwordsˍ ∼gone∼ ˋcodeˋ ∶fire: snake_case at 10:30" in said
    assert "∗Look∗" in said


def test_escapes_a_notice_once_for_each_place(slack: FakeSlack, client, ana) -> None:
    notice = owed(title="R&D <now>", kind="escalation", why="Fish & chips")

    send()

    assert "R&D <now>" in notice.text
    assert "Fish & chips" in notice.text
    said = json.dumps(slack.accepted[0])
    assert "R&amp;D &lt;now&gt;" in said
    assert "amp;amp" not in said
    client.force_login(ana)
    page = client.get("/deliveries/").content.decode()
    assert "R&amp;D &lt;now&gt;" in page
    assert "amp;amp" not in page


def test_escapes_mrkdwn_no_second_time() -> None:
    once = blocks.escape("R&D *now*", 100)

    assert blocks.escape(once, 100) == blocks.said("{}", once) == once == "R&amp;D ∗now∗"
