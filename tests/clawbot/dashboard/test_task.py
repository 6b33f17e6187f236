"""The page of one task: what it says, what each tab shows, what each role may do."""

import re

import pytest

from agents.contract import Answer, Made, Outcome
from tasks import clock, output, supervision
from tasks.models import Hold
from tests.clawbot.dashboard import desk
from tests.tasks.builders import a_task, claim_all, current, finish, returned, statuses, work_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    from django.core.cache import cache

    from tasks.workflow import versions

    cache.clear()
    yield
    clock.reset()
    versions.forget()


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def the_page(client, person, task, tab="timeline"):
    client.force_login(person)
    return client.get(f"/tasks/{task.key}/?tab={tab}").content.decode()


def test_says_why_it_is_where_it_is_under_the_title(client, ana):
    task = a_task("Why agents need a manager")
    work_until(task, "approve")

    head = words_of(the_page(client, ana, task).partition('id="task-head"')[2].partition("</header>")[0])

    assert "Why agents need a manager" in head
    assert "Waiting for you" in head
    assert task.reviews.get().why in head


def test_marks_stages_done_current_and_later(client, ana):
    task = a_task()
    work_until(task, "approve")

    html = the_page(client, ana, task)

    states = re.findall(r"stepper__step--(\w+)", html)
    assert states == ["done", "done", "done", "done", "current", "later"]
    assert "You decide" in html


def test_counts_the_returns_of_a_stage(client, ana):
    task = a_task()
    work_until(task, "review")
    [claimed] = claim_all()
    finish(claimed, returned())

    assert "1 return" in words_of(
        the_page(client, ana, task).partition('class="stepper')[2].partition("</ol>")[0]
    )


def test_draws_one_bar_for_each_run_and_one_for_the_person(client, ana):
    task = a_task()
    work_until(task, "approve")

    html = the_page(client, ana, task).partition('class="waterfall__rows"')[2].partition("</ol>")[0]

    assert html.count("bar--working") == task.runs.count() == 4
    assert html.count("bar--person") == 1
    assert "Waiting for editors" in html


def test_tells_what_will_fill_an_empty_tab(client, ana):
    task = a_task()

    for tab, sentence in (
        ("timeline", "Nothing has run yet"),
        ("drafts", "No draft yet"),
        ("handoffs", "No hand-off yet"),
        ("files", "No files yet"),
    ):
        assert sentence in the_page(client, ana, task, tab)


def test_compares_any_two_drafts(client, ana):
    task = a_task()
    work_until(task, "approve")
    supervision.edit(task, by="user:ana", text="Agents work, people decide.")
    supervision.edit(task, by="user:ana", text="Agents work, editors decide.")

    html = the_page(client, ana, task, "drafts&from=2&to=3")

    assert re.search(r"<del[^>]*>.*people.*</del>", html)
    assert re.search(r"<ins[^>]*>.*editors.*</ins>", html)


def test_answered_comments_are_no_cards_that_wait_for_an_answer(client, ana):
    review = desk.waiting()
    supervision.comment(review.artifact, by="user:ana", text="How many?", quote="Agents often work at night")
    supervision.send_back(review, by="user:ana", request_id="r", to="write")
    answered = (Answer(number=1, text="Counted them.", quote="212 orders"),)
    desk.write(review.task, desk.SECOND, answers=answered)

    html = the_page(client, ana, review.task, "drafts")
    assert "Counted them." in html
    assert "waits for an answer" not in html


def test_shows_each_event_as_a_sentence(client, ana):
    task = a_task()
    work_until(task, "write")

    said = words_of(the_page(client, ana, task, "log"))

    assert "finished research" in said


def test_keeps_the_receipt_of_what_was_decided(client, ana):
    task = a_task()
    work_until(task, "approve")
    supervision.approve(task.reviews.get(), by="user:ana", request_id="one", undo_seconds=0)

    assert "approved draft 1" in words_of(the_page(client, ana, task, "overview")).lower()


def test_an_unknown_tab_is_not_found(client, ana):
    client.force_login(ana)

    assert client.get(f"/tasks/{a_task().key}/?tab=magic").status_code == 404


def test_offers_a_viewer_no_verb_and_says_why(client, cleo):
    task = a_task()

    html = the_page(client, cleo, task)

    assert f"/tasks/{task.key}/pause/" not in html
    assert "Only operators may pause" in html


# -- Verbs ---------------------------------------------------------------------------------------------


def test_pauses_and_resumes_one_task(client, ben):
    task = a_task()
    client.force_login(ben)

    client.post(f"/tasks/{task.key}/pause/", {"reason": "the source is in doubt"})
    hold = Hold.objects.get(scope="task", target=task.key, open=1)
    client.post(f"/tasks/{task.key}/resume/")
    hold.refresh_from_db()

    assert hold.why == "the source is in doubt"
    assert hold.lifted_by == "user:ben"


def test_moves_a_task_with_a_reason_and_refuses_without(client, ben):
    task = a_task()
    work_until(task, "review")
    client.force_login(ben)

    refused = client.post(f"/tasks/{task.key}/move/", {"stage": "research"}, follow=True)
    assert "say why in a few words" in words_of(refused.content.decode())
    assert current(task, "research").round == 1

    client.post(f"/tasks/{task.key}/move/", {"stage": "research", "reason": "the brief changed"})
    assert statuses(task)["research"] == "ready"
    assert current(task, "research").round == 2


def test_says_before_running_again_what_runs_and_what_is_kept(client, ben):
    task = a_task()
    work_until(task, "approve")
    client.force_login(ben)

    said = words_of(client.get(f"/tasks/{task.key}/rerun/?stage=review").content.decode())

    assert "Runs again: Review, Format, Approve and Publish. Kept: Research and Write." in said
    assert "People are asked again at Approve." in said
    assert "Publish It has not begun yet." in said


def test_runs_again_from_a_stage_with_a_reason_and_refuses_without(client, ben):
    task = a_task()
    work_until(task, "approve")
    client.force_login(ben)
    assert f"/tasks/{task.key}/rerun/" in the_page(client, ben, task)

    for form, sentence in (
        ({"stage": "write"}, "say why in a few words"),
        ({"reason": "New figures"}, "choose the stage to begin at"),
        ({"stage": "nowhere", "reason": "x"}, "its workflow has the stages"),
    ):
        refused = client.post(f"/tasks/{task.key}/rerun/", form, follow=True)
        assert sentence in words_of(refused.content.decode())
    assert statuses(task)["write"] == "done"

    client.post(f"/tasks/{task.key}/rerun/", {"stage": "write", "reason": "New figures"})
    assert (statuses(task)["research"], statuses(task)["write"]) == ("done", "ready")
    assert current(task, "write").round == 2


@pytest.mark.parametrize("verb", ["rerun", "move"])
def test_a_double_click_moves_it_once(client, ben, verb):
    task = a_task()
    work_until(task, "approve")
    client.force_login(ben)
    dialog = client.get(f"/tasks/{task.key}/{verb}/").content.decode()
    [seen] = re.findall(r'name="round" value="(\d+)"', dialog)
    form = {"stage": "write", "reason": "New figures", "round": seen}

    for _ in range(2):
        assert client.post(f"/tasks/{task.key}/{verb}/", form).status_code == 302

    assert current(task, "write").round == 2


def test_a_done_task_opens_again(client, ben, ana):
    task = finished()
    client.force_login(ben)
    assert "is done and opens again" in words_of(client.get(f"/tasks/{task.key}/rerun/").content.decode())

    client.post(f"/tasks/{task.key}/rerun/", {"stage": "format", "reason": "A typo in the page"})

    task.refresh_from_db()
    assert (task.status, statuses(task)["format"]) == ("doing", "ready")


def test_there_is_nothing_to_run_again_before_anything_ran(client, ben):
    assert "/rerun/" not in the_page(client, ben, a_task(backlog=True))


def test_says_of_how_many_lines_of_the_log_it_shows_the_latest(client, ben):
    task = a_task()
    work_until(task, "write")

    assert f"of {task.events.count()} log lines" in words_of(the_page(client, ben, task, tab="timeline"))


# -- A gate that is skipped ----------------------------------------------------------------------------


def finished():
    task = a_task()
    work_until(task, "approve")
    supervision.approve(task.reviews.get(), by="user:ana", request_id="one", undo_seconds=0)
    [claimed] = claim_all()
    finish(claimed)
    task.refresh_from_db()
    return task


def published_without_approval(client, ben, settings, tmp_path):
    """Ben goes on without the gate, by the page; then the publisher writes its file."""
    settings.DATA = tmp_path
    task = a_task()
    work_until(task, "approve")
    client.force_login(ben)
    client.post(f"/tasks/{task.key}/skip/", {"stage": "approve", "reason": "Ana is ill"})
    [claimed] = claim_all()
    made = Made(kind="published_html", text="<p>Out.</p>", suffix="html")
    placed = output.place((made,), {"html": "published/a.html"})
    assert finish(claimed, Outcome(word="done", made=(made,)), placed=placed)
    return task


def test_says_before_a_gate_is_skipped_that_nobody_will_have_approved(client, ben):
    task = a_task()
    work_until(task, "approve")
    client.force_login(ben)
    assert f"/tasks/{task.key}/skip/?stage=approve" in the_page(client, ben, task)

    skip = words_of(client.get(f"/tasks/{task.key}/skip/?stage=approve").content.decode())
    move = words_of(client.get(f"/tasks/{task.key}/move/").content.decode())

    assert "Nobody will have approved it. Publish begins." in skip
    assert "say that Approve was skipped by you, not approved" in skip
    assert "Move past Approve and nobody will have approved it." in move


def test_the_history_and_the_file_say_that_nobody_approved(client, ben, settings, tmp_path):
    task = published_without_approval(client, ben, settings, tmp_path)

    log, files = (words_of(the_page(client, ben, task, tab)) for tab in ("log", "files"))
    head, receipt = (words_of(the_page(client, ben, task, tab)) for tab in ("timeline", "overview"))

    assert "skipped approve; nobody approved at approve: Ana is ill" in log
    assert "made published_html 1; nobody approved at approve" in log
    assert "Nobody approved it: ben skipped approve (Ana is ill)" in files
    assert "Nobody approved it: approve was skipped." in head
    assert "skipped, not approved" in head
    assert "ben skipped approve: nobody approved there" in receipt


def test_a_file_that_people_approved_has_no_such_mark(client, ben, ana):
    task = finished()

    assert "nobody approved" not in words_of(the_page(client, ben, task, "log")).lower()
    assert task.artifacts.get(kind="published_html").data == {}


def test_an_agent_cannot_say_who_approved(client, ben):
    task = a_task()
    [claimed] = claim_all()
    finish(claimed, Outcome(word="done", made=(Made(kind="research", data={"unapproved": [], "n": 1}),)))

    assert task.artifacts.get().data == {"n": 1}


def test_cancels_a_task(client, ben):
    task = a_task()
    client.force_login(ben)

    client.post(f"/tasks/{task.key}/cancel/", {"reason": "written elsewhere"})
    task.refresh_from_db()

    assert (task.status, task.outcome) == ("done", "cancelled")


def test_starts_a_task_of_the_backlog(client, ana):
    task = a_task(backlog=True)
    client.force_login(ana)

    client.post(f"/tasks/{task.key}/start/")

    assert statuses(task)["research"] == "ready"


@pytest.mark.parametrize("verb", ["pause", "move", "rerun", "skip", "retry", "cancel"])
def test_refuses_an_operators_verb_to_an_editor_in_words(client, ana, verb):
    task = a_task()
    client.force_login(ana)

    said = words_of(
        client.post(
            f"/tasks/{task.key}/{verb}/", {"reason": "x", "stage": "research"}, follow=True
        ).content.decode()
    )

    assert "Only operators may" in said
    assert statuses(task)["research"] == "ready"


def test_asks_in_a_dialog_or_on_a_page_of_its_own(client, ben):
    task = a_task()
    client.force_login(ben)

    part = client.get(f"/tasks/{task.key}/move/", headers={"HX-Request": "true"}).content.decode()
    page = client.get(f"/tasks/{task.key}/move/").content.decode()

    assert part.lstrip().startswith("<dialog")
    assert "<html" in page
    assert "overrides the workflow" in page


def test_goes_back_only_to_a_page_of_ours(client, ben):
    task = a_task()
    client.force_login(ben)

    ours = client.post(f"/tasks/{task.key}/resume/", {"next": "/?sel=ART-1"})
    theirs = client.post(f"/tasks/{task.key}/resume/", {"next": "https://elsewhere.example/"})

    assert ours.headers["Location"] == "/?sel=ART-1"
    assert theirs.headers["Location"] == f"/tasks/{task.key}/"


def test_does_one_verb_to_each_selected_task(client, ben):
    first, second, left = a_task("First"), a_task("Second"), a_task("Left")
    client.force_login(ben)

    client.post("/tasks/bulk/", {"verb": "pause", "key": [first.key, second.key]})

    held = set(Hold.objects.filter(open=1).values_list("target", flat=True))
    assert held == {first.key, second.key}
    assert left.key not in held
