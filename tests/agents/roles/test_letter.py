"""A letter changes no word of the reply, and no word of a message becomes one of its headers."""

from email import message_from_string, policy

import pytest

from agents.contract import Given
from tests.tasks.workflows.support.staff import ask, text_of

REPLY = "Hello Sam,\n\nWe have paid back 36.00 EUR. Grüße, 你好\n"
DRAFT = (Given(kind="draft", number=2, text=REPLY),)


def a_letter(**more):
    return ask("letters", "A message.", artifacts=DRAFT, **more)


def mail(outcome):
    return message_from_string(text_of(outcome, "letter_eml"), policy=policy.default)


def test_holds_the_reply_word_for_word():
    outcome = a_letter()

    assert text_of(outcome, "letter_txt") == REPLY
    assert mail(outcome).get_content() == REPLY


def test_is_addressed_to_the_sender_in_the_senders_thread_and_not_sent():
    given = {
        "title": "T",
        "subject": "Charged twice",
        "from": "sam@orchard.example",
        "message_id": "<a1@orchard.example>",
    }

    made = mail(a_letter(input=given))

    assert made["To"] == "sam@orchard.example"
    assert made["From"] == "Korvel Support <support@korvel.example>"
    assert made["Subject"] == "Re: Charged twice"
    assert made["In-Reply-To"] == "<a1@orchard.example>"
    assert made["X-Unsent"] == "1"


def test_lets_no_text_become_a_header():
    made = mail(a_letter(subject="Hi\r\nBcc: all@example.org\nX: y"))

    assert "Bcc" not in made
    assert made["Subject"] == "Re: Hi Bcc: all@example.org X: y"


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "<a@b.example>"],
)
def test_asks_a_person_instead_of_writing_to_what_is_no_address(address):
    outcome = a_letter(sender=address)

    assert outcome.word == "escalate"
    assert "To which address" in outcome.question
    assert "\nTo:" not in outcome.made[0].text


def test_asks_a_person_where_there_is_no_reply():
    assert ask("letters", "A message.").word == "escalate"


@pytest.mark.parametrize(
    ("address", "written"),
    [("info@münchen.example", "info@xn--mnchen-3ya.example"), ("jörg@b.example", "jörg@b.example")],
)
def test_writes_to_addresses_of_every_script(address, written):
    made = a_letter(sender=address).made[-1].text

    assert f"To: {written}\n" in made
