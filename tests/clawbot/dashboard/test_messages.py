"""Messages as a page: which way, between whom, what became of each, and what it said, safely."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clawbot.dashboard.messages import WORDS
from tasks import clock
from tasks.border import messages
from tasks.models import Message
from tests.tasks.builders import a_task, a_workflow

M = Message.State


def arrive(**change):
    envelope = {"from": "shop", "to": "article", "type": "new", "data": {"title": "Two lamps"}, **change}
    return messages.receive(envelope, channel="amqp:orders", by="clawbot", address="orders").message


def owed(task=None, state="pending", error="", to="warehouse", number=1):
    now = clock.now()
    return Message.objects.create(
        direction="out", channel="queue", key=f"send:{number}", state=state, error=error, task=task,
        envelope={"from": "stock", "to": to, "type": "check-stock", "data": {"sku": "SKU-1"}},
        correlation_id="order-7", not_before=now + timedelta(minutes=5), at=now,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _article(db):
    a_workflow()


def test_has_words_for_every_state():
    assert set(WORDS) == set(M)


def test_shows_who_said_what_to_whom_and_what_came_of_it(client, cleo):
    row = arrive()
    client.force_login(cleo)

    page = client.get("/messages/").text

    for fact in ("shop", "article", "new", "Two lamps", "amqp:orders", "Received", f"/tasks/{row.task.key}/"):
        assert fact in page


def test_shows_what_could_not_be_read(client, cleo):
    messages.refuse(b"<script>alert(1)</script>", "It is not JSON.", channel="q", by="clawbot")
    client.force_login(cleo)

    page = client.get("/messages/").text

    assert "Could not be read" in page
    assert "It is not JSON." in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("direction=in", {"Two lamps"}),
        ("direction=out", {"SKU-1"}),
        ("state=dead", {"SKU-1"}),
        ("state=received", {"Two lamps"}),
        ("channel=amqp:orders", {"Two lamps"}),
        ("task=art-1", {"Two lamps"}),
        ("q=order-7", {"SKU-1"}),
        ("q=lamps", {"Two lamps"}),
        ("q=warehouse", {"SKU-1"}),
        ("q=nothing", set()),
        ("state=nonsense&before=x", {"Two lamps", "SKU-1"}),
    ],
)
def test_narrows_by_each_filter(client, cleo, query, found):
    arrive()
    owed(state="dead")
    client.force_login(cleo)

    page = client.get(f"/messages/?{query}").text

    assert {fact for fact in ("Two lamps", "SKU-1") if f"&quot;{fact}&quot;" in page} == found


def test_is_a_tab_of_the_task_it_belongs_to(client, cleo):
    task = a_task()
    client.force_login(cleo)
    before = client.get(f"/tasks/{task.key}/").text
    arrive(correlation_id=task.key, data={"answer": "Three are there"})
    owed(task)

    page = client.get(f"/tasks/{task.key}/?tab=messages").text

    assert "?tab=messages" not in before
    assert "Three are there" in page
    assert "Noted" in page
    assert page.index("Three are there") < page.index("SKU-1")  # as it happened


def test_says_so_where_a_task_has_none(client, cleo):
    client.force_login(cleo)

    assert "No message yet" in client.get(f"/tasks/{a_task().key}/?tab=messages").text


def test_renders_hostile_text_as_text(client, cleo):
    arrive(data={"title": "<img src=x onerror=alert(1)>"}, **{"from": "<b>shop</b>"})
    client.force_login(cleo)

    page = client.get("/messages/").text

    assert "<img src=x" not in page
    assert "<b>shop</b>" not in page.replace("<b>&lt;b&gt;shop", "")
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_shows_a_long_envelope_in_full_on_its_own_page(client, cleo):
    row = arrive(data={"title": "Long", "text": "word " * 5_000 + "the end"})
    client.force_login(cleo)

    assert "the end" not in client.get("/messages/").text
    assert "the end" in client.get(f"/messages/{row.pk}/").text


def test_lets_an_operator_send_a_failed_message_again(client, ben):
    row = owed(a_task(), state="dead", error="The format cannot name it.")
    client.force_login(ben)

    page = client.get("/messages/").text
    client.post(f"/messages/{row.pk}/resend/", {"next": "/messages/"})

    row.refresh_from_db()
    assert "The format cannot name it." in page
    assert "Send again" in page
    assert row.state == "pending"


def test_says_when_it_tries_again(client, cleo):
    owed(state="uncertain", error="The broker went away.")
    client.force_login(cleo)

    assert "Tries again <time" in client.get("/messages/").text


def test_lets_a_viewer_only_look(client, cleo):
    row = owed(a_task(), state="dead", error="No.")
    client.force_login(cleo)

    page = client.get("/messages/").text
    answer = client.post(f"/messages/{row.pk}/resend/", {"next": "/messages/"}, follow=True)

    row.refresh_from_db()
    assert "Send again" not in page
    assert "Only operators may resend" in answer.text
    assert row.state == "dead"


def test_says_no_where_there_is_nothing_to_send_again(client, ben):
    row = arrive()
    client.force_login(ben)

    answer = client.post(f"/messages/{row.pk}/resend/", {"next": "/messages/"}, follow=True)

    assert "it is neither dead nor uncertain" in answer.text
