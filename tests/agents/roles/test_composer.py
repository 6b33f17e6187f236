"""The composer says what specialists said, in one frame, and says when a person should look."""

import pytest

from agents.contract import Given
from tests.agents.builders import Scripted
from tests.tasks.workflows.support.staff import ask, given, text_of

ROUTE = {"topic": "question", "sure": True, "confidence": 0.9}
BILLING = ROUTE | {"topic": "billing"}
REFUND = {
    "state": "refunded", "invoice": "KV-20417", "amount": 36.0, "currency": "EUR",
    "reason": "it was charged twice", "arrival": "It goes back to the account that paid.",
}  # fmt: skip


def points(*texts: str, stage: str = "answer") -> Given:
    cite = {"document": "sync", "title": "Sync problems", "heading": "Sync is slow", "quote": "A quote."}
    said = [{"text": text, "cite": cite} for text in texts]
    return Given(kind="answer", number=1, data={"stage": stage, "points": said})


def compose(*artifacts: Given, model=None, **fields):
    fields = {"route": ROUTE, "answer": {"answer_missing": False}} | fields
    return ask("composer", "A message.", model, artifacts=artifacts, fields=fields)


def test_cites_every_sentence_of_the_knowledge_base():
    reply = text_of(compose(points("Files wait while the disk is full.", "Free one gigabyte.")), "draft")

    assert "Files wait while the disk is full. [1] Free one gigabyte. [1]" in reply
    assert "[1] Sync problems, Sync is slow" in reply


def test_has_one_frame_whatever_the_way():
    answered = text_of(compose(points("Files wait while the disk is full.")), "draft")
    refunded = text_of(compose(route=BILLING, refund=REFUND), "draft")

    for reply in (answered, refunded):
        assert reply.startswith("Hello Sam Orchard,\n\nThank you ")
        assert "Kind regards\n\nKorvel Support" in reply
    assert "We have paid back 36.00 EUR for invoice KV-20417 (it was charged twice)." in refunded


def test_promises_nothing_that_no_stage_did():
    reply = text_of(compose(route=BILLING, refund={"state": "nothing_due", "invoice": "KV-1"}), "draft")

    assert "paid back" not in reply
    assert "refund" not in reply.lower()


def test_holds_a_message_that_nobody_understood():
    outcome = compose(route={"topic": "unclear", "sure": False})

    assert outcome.fields["sure"] is False
    assert "It is with a colleague" in text_of(outcome, "draft")
    assert "not sure what the message is about" in text_of(outcome, "summary")


def test_passes_a_specialists_doubt_on_to_a_person():
    doubting = Given(
        kind="answer", number=1, data={"stage": "answer", "doubts": ["No document answers: “Why?”"]}
    )

    outcome = compose(doubting)

    assert outcome.fields["sure"] is False
    assert "No document answers: “Why?”" in text_of(outcome, "summary")


def test_tells_a_person_that_the_sender_is_no_customer():
    outcome = compose(route=BILLING, account={"known": False, "refundable": 0.0})

    assert outcome.fields["doubts"] == ["The CRM knows no customer with the sender's address."]


def test_leaves_out_what_an_earlier_way_found():
    outcome = compose(points("The old way says this.", stage="triage"))

    assert "The old way" not in text_of(outcome, "draft")


def test_asks_for_what_is_missing():
    asking = Given(kind="triage", number=1, data={"stage": "answer", "asks": ["Which version is it?"]})

    assert "To go on, please tell us:\n\n- Which version is it?" in text_of(compose(asking), "draft")


@pytest.mark.parametrize("name", ["<b>Bob</b>", "Refund 9999 EUR now!", "http://evil.example", "x" * 200, ""])
def test_greets_by_nothing_that_is_no_name(name):
    reply = ask("composer", "A message.", name=name, fields={"route": ROUTE})

    assert text_of(reply, "draft").startswith("Hello,\n")


def test_greets_by_the_name_in_the_books_first():
    account = {"known": True, "customer_name": "Dana Whitfield"}

    assert text_of(compose(route=BILLING, account=account), "draft").startswith("Hello Dana Whitfield,")


def test_takes_a_models_wording_of_a_point():
    said = {"sentences": [{"text": "Your files wait as long as the disk is full.", "points": [1]}]}

    reply = compose(points("Files wait while the disk is full."), model=Scripted({"compose_reply": said}))

    assert "Your files wait as long as the disk is full. [1]" in text_of(reply, "draft")


@pytest.mark.parametrize(
    "sentence",
    [
        "Files wait while the disk is full, for at most 3 hours.",
        "Files wait while the disk is full, and we will pay you for it.",
        "Files wait while the disk is full, says Mira Vance.",
        "Files do not wait while the disk is full.",
        "Files wait while the disk is full: see http://evil.example/login",
        "You get a refund.",
    ],
)
def test_puts_back_what_a_model_adds(sentence):
    said = {"sentences": [{"text": sentence, "points": [1]}]}

    outcome = compose(points("Files wait while the disk is full."), model=Scripted({"compose_reply": said}))

    assert "Files wait while the disk is full. [1]" in text_of(outcome, "draft")
    assert sentence not in text_of(outcome, "draft")


def test_says_every_point_also_where_the_model_forgot_one_or_gives_nothing():
    both = points("Files wait while the disk is full.", "A restart helps.")
    forgot = {"sentences": [{"text": "A restart helps.", "points": [2]}]}

    for replies in ({"compose_reply": forgot}, {}):
        reply = text_of(compose(both, model=Scripted(replies)), "draft")
        assert "Files wait while the disk is full. [1] A restart helps. [1]" in reply


def test_keeps_a_sources_sentence_also_if_the_voice_avoids_a_word_of_it():
    reply = text_of(compose(points("Utilize the newest version in order to sync.")), "draft")

    assert "Utilize the newest version in order to sync. [1]" in reply


def test_hands_the_cited_documents_to_whoever_reads_the_reply():
    answered = ask("knowledge", "Where are our files stored?", stage="answer")

    outcome = compose(*given(answered))

    sources = next(made.data["sources"] for made in outcome.made if made.kind == "research")
    assert "Frankfurt and Vienna" in sources[0]["text"]


def test_puts_the_message_and_the_doubts_beside_the_reply():
    held = compose(route={"topic": "unclear", "sure": False})

    source = next(made.data["sources"][-1] for made in held.made if made.kind == "research")
    assert source["title"] == "The message of sam@orchard.example"
    assert "The router is not sure" in source["text"]
    assert "## The message\n\nA message." in source["text"]
