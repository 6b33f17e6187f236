"""The outbox as a page: the message as it was written, its state in words, and what may be done."""

import pytest

from clawbot.dashboard.deliveries import KINDS, WORDS
from tasks import notices
from tasks.models import Notice
from tests.tasks.builders import a_task, work_until

S = Notice.State


@pytest.fixture
def notice(ana):
    work_until(a_task("Edge caching"), "approve")
    return Notice.objects.get()


def become(notice, state, error=""):
    Notice.objects.filter(pk=notice.pk).update(state=state, error=error)


def test_has_words_for_every_state_and_every_kind():
    assert set(WORDS) == set(S)
    assert set(KINDS) == set(notices.KINDS)


def test_shows_the_four_facts(client, notice, cleo):
    content = notice.content | {
        "path": "staging/articles/2026-11-21-edge.php",
        "summary": "Explains edge caching.",
    }
    Notice.objects.update(content=content)
    client.force_login(cleo)

    page = client.get("/deliveries/").text

    for fact in ("ART-1", "Edge caching", "staging/articles/2026-11-21-edge.php", "Explains edge caching."):
        assert fact in page


def test_shows_a_notice_that_says_no_more_than_its_summary(client, notice, cleo):
    Notice.objects.update(content={"summary": "12 messages, 3 ask for <something>."})
    client.force_login(cleo)

    assert "12 messages, 3 ask for &lt;something&gt;." in client.get("/deliveries/").text


@pytest.mark.parametrize("state", list(S))
def test_says_the_state_in_words(client, notice, cleo, state):
    become(notice, state)
    client.force_login(cleo)

    assert WORDS[state][1] in client.get(f"/deliveries/?state={state}").text


def test_an_operator_sends_a_failed_message_again(client, notice, ben):
    become(notice, S.DEAD, "channel_not_found")
    client.force_login(ben)

    page = client.get("/deliveries/").text
    client.post(f"/deliveries/{notice.pk}/resend/", {"next": "/deliveries/"})

    notice.refresh_from_db()
    assert "channel_not_found" in page
    assert "Send again" in page
    assert notice.state == S.PENDING


def test_a_viewer_may_not(client, notice, cleo):
    become(notice, S.DEAD, "channel_not_found")
    client.force_login(cleo)

    page = client.get("/deliveries/").text
    answer = client.post(f"/deliveries/{notice.pk}/resend/", {"next": "/deliveries/"}, follow=True)

    notice.refresh_from_db()
    assert "Send again" not in page
    assert "Only operators" in answer.text
    assert notice.state == S.DEAD


def test_does_not_repeat_what_was_sent(client, notice, ben):
    become(notice, S.SENT)
    client.force_login(ben)

    answer = client.post(f"/deliveries/{notice.pk}/resend/", {"next": "/deliveries/"}, follow=True)

    notice.refresh_from_db()
    assert "Cannot resend" in answer.text.replace("&#x27;", "'")
    assert notice.state == S.SENT


def test_looks_for_an_uncertain_message_before_anything_else(client, notice, ben):
    become(notice, S.UNCERTAIN, "timeout")
    client.force_login(ben)

    answer = client.post(f"/deliveries/{notice.pk}/check/", {"next": "/deliveries/"}, follow=True)

    notice.refresh_from_db()
    assert "Clawbot looks for it now" in answer.text
    assert notice.state == S.UNCERTAIN
