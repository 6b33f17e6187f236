"""The agent's page says what it has earned, and lets an admin trust it or not any more."""

from __future__ import annotations

from typing import Any

import pytest

from agents import staff
from agents.definition import Authority, Definition
from tasks.models import Trust
from tasks.people import authority
from tests.tasks.answers import judge
from tests.tasks.builders import a_task, work_until

pytestmark = pytest.mark.django_db
ENOUGH, TOO_FEW = (40, 0), (10, 1)
RAISE = {"verb": "raise", "workflow": "article", "kind": "tone"}
END = {"verb": "end", "workflow": "article", "kind": "tone", "why": "We changed our mind."}


@pytest.fixture
def page(client: Any, ana: Any, admin: Any, cleo: Any) -> Any:
    """`page(*ENOUGH, who=admin)`: a reviewer with that record, and how its page reads to somebody."""

    def made(yes: int, no: int, who: Any, correct: Any = "minor") -> str:
        rule = Authority(correct=correct, kinds=("spelling",), words=40)
        staff.store(Definition(name="reviewer", role="reviewer", authority=rule), by="clawbot", note="")
        task = a_task()
        work_until(task, "review")
        judge(task, yes, no)
        client.force_login(who)
        return str(client.get("/agents/reviewer/").text)

    return made


def post(client: Any, **what: str) -> Any:
    return client.post("/agents/reviewer/trust/", what, follow=True)


def test_shows_the_record_in_numbers_and_what_is_missing(page: Any, cleo: Any) -> None:
    text = page(*TOO_FEW, who=cleo)

    assert "91%, from 62% to 98%" in text
    assert "11 of at least 20 judgements so far." in text
    assert "corrects minor remarks of spelling by itself, at most 40 words a run" in text


def test_an_admin_reads_the_consequence_and_trusts(client: Any, page: Any, admin: Any) -> None:
    text = page(*ENOUGH, who=admin)
    assert "It will then correct tone in Article by itself, minor or major, at most 40 words a run" in text
    assert "when people agreed with fewer than 80% of its newest 20" in text

    text = post(client, **RAISE).text

    assert "reviewer is trusted with tone." in text
    assert authority.trusted(Trust.objects.get().workflow_id, "reviewer") == {"tone"}
    assert "End trust…" in text


def test_ending_it_needs_a_click_and_is_kept_in_the_history(client: Any, page: Any, admin: Any) -> None:
    page(*ENOUGH, who=admin)
    post(client, **RAISE)

    text = post(client, **END).text
    again = post(client, **END).text

    assert authority.trusted(Trust.objects.get().workflow_id, "reviewer") == set()
    assert "We changed our mind." in text
    assert "on 40 of 40 agreed (at least 91%)" in text
    assert "It was so already." in again


def test_others_read_that_it_is_enough_and_may_do_nothing(client: Any, page: Any, cleo: Any) -> None:
    text = page(*ENOUGH, who=cleo)

    assert "Enough for an admin to trust it." in text
    assert 'value="raise"' not in text
    assert "Only admins may configure" in post(client, **RAISE).text
    assert not Trust.objects.exists()


def test_offers_no_trust_that_would_change_nothing(page: Any, admin: Any) -> None:
    text = page(*ENOUGH, who=admin, correct="none")

    assert "Its file says that it corrects nothing, so trust would change nothing." in text
    assert 'value="raise"' not in text


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (RAISE | {"workflow": "poem"}, "There is no workflow &#x27;poem&#x27;. There are: article."),
        (RAISE | {"kind": "rhyme"}, "made no remark of kind &#x27;rhyme&#x27; in article. It made: tone."),
        (RAISE | {"verb": "leap"}, "Cannot leap: choose Trust or End trust."),
        (RAISE, "11 of at least 20 judgements so far."),
    ],
)
def test_refuses_in_a_sentence(
    client: Any, page: Any, admin: Any, what: dict[str, str], sentence: str
) -> None:
    page(*TOO_FEW, who=admin)

    assert sentence in post(client, **what).text
    assert not Trust.objects.exists()


def test_an_agent_that_makes_no_remarks_has_no_such_section(client: Any, cleo: Any) -> None:
    staff.store(Definition(name="writer", role="writer"), by="clawbot", note="")
    client.force_login(cleo)

    assert "What it may correct by itself" not in client.get("/agents/writer/").text
