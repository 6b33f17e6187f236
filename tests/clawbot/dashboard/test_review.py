"""An editor reads one draft and decides."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from agents.contract import Answer
from tasks import clock, supervision
from tasks.models import Artifact, Comment, Decision, Finding, Review
from tests.clawbot.dashboard import desk
from tests.tasks.builders import statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client, ana) -> Client:
    client.force_login(ana)
    return client


def page(client: Client, review: Review, query: str = "") -> str:
    answer = client.get(reverse("review", args=[review.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# -- Read


def test_shows_a_first_draft_clean_with_nothing_to_compare(editor: Client):
    html = page(editor, desk.waiting())

    assert "First draft, nothing to compare" in html
    assert "Draft 1 of 1" in html
    assert "<ins" not in html


def test_states_what_approving_does_before_the_click(editor: Client):
    review = desk.waiting()

    assert "Approving lets publish begin" in text_of(page(editor, review))


def test_shows_a_finding_at_its_sentence_with_the_passage_of_its_source(editor: Client):
    html = page(editor, desk.waiting(desk.FIRST, desk.DOUBT))
    row = html.split('id="p1"')[1].split('id="p2"')[0]

    assert "No source for “often”." in row
    assert "Agents work at night on 212 orders." in row
    assert 'href="#finding-1"' in row


def test_opens_the_source_at_the_passage_that_proves_the_cited_sentence(editor: Client):
    html = page(editor, desk.waiting(), "?src=1&at=p1s1&pane=sources")

    assert re.search(r'<mark[^>]*id="passage"[^>]*>Agents work at night on 212 orders.</mark>', html)
    assert 'data-at="here"' in html


def test_says_beside_a_source_what_of_it_is_in_doubt(editor: Client):
    assert "It was read as windows-1252, a guess." in page(editor, desk.waiting(), "?pane=sources")


def test_serves_the_evidence_alone_for_a_citation_that_was_followed(editor: Client):
    review = desk.waiting()
    answer = editor.get(
        reverse("review_pane", args=[review.pk]) + "?src=1&at=p1s1", headers={"HX-Request": "true"}
    )

    assert answer.status_code == 200
    assert b"<html" not in answer.content
    assert b'id="passage"' in answer.content


def test_shows_the_checks_with_those_that_fail(editor: Client):
    assert "1 of 2 pass, 1 not checked" in page(editor, desk.waiting())


def test_shows_the_brief_and_an_empty_thread(editor: Client):
    review = desk.waiting()

    assert "Nobody has returned this yet" in page(editor, review, "?pane=thread")
    assert "Why agents need a manager" in page(editor, review, "?pane=brief")


def test_shows_php_as_source_and_never_as_markup(editor: Client):
    assert "&lt;?php echo 1;" in page(editor, desk.waiting(), "?view=output&file=php")


def test_lets_hostile_text_of_a_draft_and_of_a_comment_do_nothing(editor: Client, ana):
    review = desk.waiting("Hello <script>alert(1)</script> **there**.\n\n<img src=x onerror=alert(1)>\n")
    supervision.comment(
        review.artifact, by="user:ana", text="<script>alert(2)</script>", quote="<b>there</b>"
    )
    html = page(editor, review)

    assert "<script>alert" not in html
    assert "<img" not in html


def test_answers_404_for_a_review_that_never_was(editor: Client):
    assert editor.get("/reviews/999999/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "?view=nonsense",
        "?from=99&to=77",
        "?src=abc&at=<p>",
        "?pane=x&sheet=y",
        "?src=99999999999999999999",
        "?file=../x&view=output",
    ],
)
def test_shows_the_page_whatever_its_address_says(editor: Client, query: str):
    page(editor, desk.waiting(), query)


def test_lets_a_viewer_read_and_decide_nothing(client: Client, cleo, ana):
    review = desk.waiting()
    client.force_login(cleo)

    assert "Only editors may approve" in text_of(page(client, review))
    answer = client.post(reverse("review_approve", args=[review.pk]), desk.bound(review))
    assert answer.status_code == 422
    assert not Decision.objects.exists()


# -- Approve


def test_approves_exactly_what_was_read(editor: Client):
    review = desk.waiting()
    answer = editor.post(reverse("review_approve", args=[review.pk]), desk.bound(review))

    decision = Decision.objects.get()
    assert answer.status_code == 302
    assert (decision.verb, decision.by, decision.artifact_sha256) == (
        "approve",
        "user:ana",
        review.artifact_sha256,
    )


def test_makes_one_decision_of_a_double_click(editor: Client):
    review = desk.waiting()
    for _ in range(2):
        assert editor.post(reverse("review_approve", args=[review.pk]), desk.bound(review)).status_code == 302

    assert Decision.objects.count() == 1


def test_goes_on_to_the_next_review_with_the_way_back(editor: Client):
    first, second = desk.waiting(), desk.waiting(title="A second thing entirely")
    answer = editor.post(reverse("review_approve", args=[first.pk]), desk.bound(first), follow=True)

    assert answer.redirect_chain == [(reverse("review", args=[second.pk]), 302)]
    assert "Approved draft 1 of ART-1" in answer.content.decode()
    assert reverse("decision_undo", args=[Decision.objects.get().pk]) in answer.content.decode()


def test_undoes_an_approval_inside_its_window(editor: Client):
    review = desk.waiting()
    editor.post(reverse("review_approve", args=[review.pk]), desk.bound(review))
    answer = editor.post(reverse("decision_undo", args=[Decision.objects.get().pk]), follow=True)

    assert answer.redirect_chain[0][0] == reverse("review", args=[review.pk])
    assert desk.open_review(review.task).pk == review.pk


def test_says_why_an_undo_came_too_late(editor: Client):
    review = desk.waiting()
    editor.post(reverse("review_approve", args=[review.pk]), desk.bound(review))
    clock.move(timedelta(seconds=61))  # no page has said that its Undo was seen
    supervision.release_due()
    answer = editor.post(reverse("decision_undo", args=[Decision.objects.get().pk]), follow=True)

    assert "was released already" in answer.content.decode()


def test_asks_one_line_of_reason_where_findings_are_open(editor: Client):
    review = desk.waiting(desk.FIRST, desk.DOUBT)
    address = reverse("review_approve", args=[review.pk])

    assert "Approve with 1 open finding" in text_of(page(editor, review))
    assert editor.post(address, desk.bound(review, why="  ", sheet="approve")).status_code == 422
    assert editor.post(address, desk.bound(review, why="The customer knows.")).status_code == 302
    assert Decision.objects.get().note == "The customer knows."


def test_does_not_let_the_reason_be_left_out_of_the_form(editor: Client):
    review = desk.waiting(desk.FIRST, desk.DOUBT)

    assert editor.post(reverse("review_approve", args=[review.pk]), desk.bound(review)).status_code == 422
    assert not Decision.objects.exists()


# -- Stale


def test_shows_409_and_the_difference_where_a_newer_draft_arrived(editor: Client, ben):
    review = desk.waiting()
    read = desk.bound(review)
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)
    answer = editor.post(reverse("review_approve", args=[review.pk]), read)
    html = answer.content.decode()

    assert answer.status_code == 409
    assert "draft 2 arrived since you read it" in html
    assert f"{reverse('review', args=[review.pk])}?view=changes&amp;from=1&amp;to=2" in html
    assert not Decision.objects.exists()


def test_shows_409_and_who_was_faster(editor: Client, ben):
    review = desk.waiting()
    read = desk.bound(review)
    supervision.send_back(review, by="user:ben", request_id="ben", requests=[{"text": "Shorter."}])
    answer = editor.post(reverse("review_approve", args=[review.pk]), read)

    assert answer.status_code == 409
    assert "returned it already" in answer.content.decode()
    assert statuses(review.task)["write"] == "ready"


def test_keeps_comments_when_a_newer_draft_arrives(editor: Client, ana, ben):
    review = desk.waiting()
    supervision.comment(
        review.artifact, by="user:ana", text="Who decides?", quote="People decide in the end."
    )
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)

    row = page(editor, review).split('id="p2"')[1]
    assert "Who decides?" in row


# -- Comment and judge


def test_keeps_a_comment_at_its_words_until_the_verdict(editor: Client):
    review = desk.waiting()
    form = {"artifact": review.artifact.pk, "text": "Who decides?", "quote": "People decide"}
    answer = editor.post(reverse("review_comment", args=[review.pk]), form)
    comment = Comment.objects.get()

    assert answer["Location"] == f"{reverse('review', args=[review.pk])}#comment-{comment.pk}"
    assert "Who decides?" in page(editor, review).split('id="p2"')[1]


def test_takes_back_a_pending_comment(editor: Client):
    review = desk.waiting()
    comment = supervision.comment(review.artifact, by="user:ana", text="Who?")
    editor.post(reverse("review_uncomment", args=[review.pk]), {"comment": comment.pk})

    assert not Comment.objects.exists()


def test_refuses_an_empty_comment_and_keeps_its_quote(editor: Client):
    review = desk.waiting()
    form = {"artifact": review.artifact.pk, "text": " ", "quote": "People decide"}
    answer = editor.post(reverse("review_comment", args=[review.pk]), form)

    assert answer.status_code == 422
    assert "write what should change" in answer.content.decode()


def test_shows_nobody_elses_pending_comments(client: Client, ana, ben):
    review = desk.waiting()
    supervision.comment(review.artifact, by="user:ana", text="Only mine so far.")
    client.force_login(ben)

    assert "Only mine so far." not in page(client, review)


@pytest.mark.parametrize("state", ["agreed", "disputed"])
def test_judges_a_finding(editor: Client, state: str):
    review = desk.waiting(desk.FIRST, desk.DOUBT)
    finding = Finding.objects.get()
    editor.post(reverse("review_judge", args=[review.pk]), {"finding": finding.pk, "state": state})

    finding.refresh_from_db()
    assert (finding.state, finding.decided_by) == (state, "user:ana")


# -- Return


def test_shows_the_requests_as_a_letter_with_the_numbers_the_agent_gets(editor: Client, ana):
    review = desk.waiting()
    supervision.comment(review.artifact, by="user:ana", text="Who decides?", quote="People decide")
    sheet = page(editor, review, "?sheet=return").split('id="return-sheet"')[1]

    assert f"Draft 1 of “{review.task.title}” comes back with 1 request from ana." in sheet
    assert "1. About “People decide”: Who decides?" in sheet


def test_returns_a_draft_with_its_comments_and_free_requests_numbered(editor: Client, ana):
    review = desk.waiting()
    comment = supervision.comment(review.artifact, by="user:ana", text="Who decides?", quote="People decide")
    form = desk.bound(
        review,
        **{
            f"comment-{comment.pk}": "Who decides?",
            "request": ["Shorter.", " "],
            "to": "write",
            "reason": "tone",
        },
    )
    answer = editor.post(reverse("review_return", args=[review.pk]), form)

    row = review.task.subtasks.get(stage="write", live=1)
    assert answer.status_code == 302
    assert [(one["number"], one["text"], one["quote"]) for one in row.requests] == [
        (1, "Who decides?", "People decide"),
        (2, "Shorter.", ""),
    ]
    assert Decision.objects.get().note == "tone"


def test_sends_a_comment_as_it_was_reworded_in_the_sheet(editor: Client, ana):
    review = desk.waiting()
    first = supervision.comment(review.artifact, by="user:ana", text="Hm.", quote="People decide")
    second = supervision.comment(review.artifact, by="user:ana", text="Drop this one.")
    form = desk.bound(
        review, **{f"comment-{first.pk}": "Name who decides.", f"comment-{second.pk}": "", "to": "write"}
    )
    editor.post(reverse("review_return", args=[review.pk]), form)

    row = review.task.subtasks.get(stage="write", live=1)
    assert [(one["text"], one["quote"]) for one in row.requests] == [("Name who decides.", "People decide")]


def test_refuses_a_return_without_a_request_and_keeps_what_was_chosen(editor: Client):
    review = desk.waiting()
    answer = editor.post(
        reverse("review_return", args=[review.pk]),
        desk.bound(review, to="research", reason="tone", sheet="return"),
    )
    html = answer.content.decode()

    assert answer.status_code == 422
    assert "one request is enough" in html
    assert re.search(r'value="research"[^>]*checked', html)
    assert re.search(r'value="tone" selected', html)


def test_keeps_typed_requests_when_somebody_was_faster(editor: Client, ben):
    review = desk.waiting()
    read = desk.bound(review, request=["Say who decides."], to="write", sheet="return")
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)
    answer = editor.post(reverse("review_return", args=[review.pk]), read)

    assert answer.status_code == 409
    assert "Say who decides." in answer.content.decode()


def test_shows_the_next_draft_with_its_changes_and_the_answers(editor: Client, ana):
    review = desk.waiting()
    supervision.comment(
        review.artifact, by="user:ana", text="Since when?", quote="Agents often work at night"
    )
    editor.post(reverse("review_return", args=[review.pk]), desk.bound(review, to="write", reason="wrong"))
    task = review.task
    desk.write(
        task, desk.SECOND, (Answer(number=1, text="Counted the orders.", quote="measured on 212 orders"),)
    )
    desk.review(task)
    desk.render(task)
    again = desk.open_review(task)
    html = page(editor, again)

    assert "since draft 1, yours" in html
    assert re.search(r"<del[^>]*>.*?often", html)
    assert re.search(r"<ins[^>]*>.*?now", html)
    assert "Counted the orders." in html.split('id="p1"')[1].split('id="p2"')[0]
    assert "Counted the orders." in page(editor, again, "?pane=thread")


# -- Edit


def test_saves_an_edit_as_a_new_draft_by_its_editor(editor: Client):
    review = desk.waiting()
    text = desk.FIRST.replace("in the end", "at last")
    answer = editor.post(
        reverse("review_edit", args=[review.pk]),
        desk.bound(review, text=text.replace("\n", "\r\n"), do="save"),
        follow=True,
    )
    made = desk.draft_of(review.task)

    assert (made.number, made.made_by, made.text) == (2, "user:ana", text)
    assert "Saved as draft 2." in answer.content.decode()
    assert "since draft 1" in answer.content.decode()


def test_saves_and_approves_the_saved_text(editor: Client):
    review = desk.waiting()
    editor.post(reverse("review_edit", args=[review.pk]), desk.bound(review, text="All new.\n", do="approve"))

    assert Decision.objects.get().artifact_sha256 == desk.draft_of(review.task).sha256


def test_previews_an_edit_without_saving_it(editor: Client):
    review = desk.waiting()
    text = desk.FIRST.replace("often", "rarely")
    answer = editor.post(
        reverse("review_edit", args=[review.pk]), desk.bound(review, text=text, do="preview", sheet="edit")
    )
    html = answer.content.decode()

    assert "How it would read" in html
    assert re.search(r"<ins[^>]*>.*?rarely", html)
    assert "Agents rarely work" in html
    assert Artifact.objects.filter(kind="draft").count() == 1


def test_keeps_the_typed_text_when_another_draft_arrived_meanwhile(editor: Client, ben):
    review = desk.waiting()
    read = desk.bound(review, text="My long careful edit.", do="save", sheet="edit")
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)
    answer = editor.post(reverse("review_edit", args=[review.pk]), read)

    assert answer.status_code == 409
    assert "My long careful edit." in answer.content.decode()
    assert desk.draft_of(review.task).text == desk.SECOND


# -- Other kinds of review


def test_puts_an_agents_question_on_top_and_lets_the_safe_verb_lead(editor: Client):
    html = page(editor, desk.asked("Keep, fix or drop the sentence?"))

    assert "Reviewer asks you" in html
    assert "Keep, fix or drop the sentence?" in html
    assert "Approve as is" in text_of(html)


def test_offers_an_operator_what_helps_a_stage_out_of_attempts(client: Client, ben):
    review = desk.given_up()
    client.force_login(ben)
    html = page(client, review)

    assert "Out of attempts at research" in html
    assert reverse("review_retry", args=[review.pk]) in html
    assert reverse("review_approve", args=[review.pk]) not in html
    client.post(reverse("review_retry", args=[review.pk]), desk.bound(review))
    assert statuses(review.task)["research"] == "ready"


def test_asks_an_operator_for_a_reason_to_go_on_without_a_stage(client: Client, ben):
    review = desk.given_up()
    client.force_login(ben)
    address = reverse("review_skip", args=[review.pk])

    assert client.post(address, desk.bound(review)).status_code == 422
    assert client.post(address, desk.bound(review, why="Notes came by mail.")).status_code == 302
    assert statuses(review.task)["research"] == "skipped"


def test_stops_a_task_from_its_review(client: Client, ben):
    review = desk.given_up()
    client.force_login(ben)
    client.post(reverse("review_cancel", args=[review.pk]), desk.bound(review, why="Not needed."))

    review.task.refresh_from_db()
    assert review.task.outcome == "cancelled"


# -- Others


def test_says_who_is_reading(client: Client, ana, ben):
    review = desk.waiting()
    client.force_login(ben)
    assert client.post(reverse("review_here", args=[review.pk])).status_code == 200
    client.force_login(ana)

    assert "ben is reading" in page(client, review)
    clock.move(timedelta(minutes=1))
    assert "is reading" not in page(client, review)


def test_does_not_take_a_review_away_from_who_reads_it(client: Client, ana, ben):
    review = desk.waiting()
    supervision.take(review, by="user:ben")
    client.force_login(ana)
    client.post(reverse("review_take", args=[review.pk]))

    review.refresh_from_db()
    assert review.owner == "user:ben"


def test_announces_a_newer_draft_and_a_decision_of_somebody_else(editor: Client, ben):
    review = desk.waiting()
    address = (
        f"{reverse('review_news', args=[review.pk])}?version={review.version}&sha={review.artifact_sha256}"
    )

    assert editor.get(address, headers={"HX-Request": "true"}).status_code == 204
    supervision.edit(review.task, by="user:ben", text=desk.SECOND)
    assert "Draft 2" in text_of(editor.get(address, headers={"HX-Request": "true"}).content.decode())
    review.refresh_from_db()
    supervision.approve(review, by="user:ben", request_id="ben")
    assert "approved this" in text_of(editor.get(address, headers={"HX-Request": "true"}).content.decode())


def test_shows_a_decided_review_with_who_decided_it(editor: Client):
    review = desk.waiting()
    supervision.approve(review, by="user:ana", request_id="once")

    assert "ana approved this" in text_of(page(editor, review)).lower()


def test_a_reader_who_may_not_edit_finds_the_decision_at_the_editors_address(client: Client, cleo):
    client.force_login(cleo)

    page = client.get(f"{reverse('review', args=[desk.waiting().pk])}?sheet=edit").text

    assert 'href="#decision"' in page
    assert 'id="decision"' in page
    assert 'id="editor-text"' not in page
