import pytest

from agents.prose.mailbox import of_text

MBOX = """From jonas@feld.example Tue Feb 17 07:41:00 2026
From: Jonas Feld <jonas@feld.example>
Subject: Oak

The first mail.
>From here on it is quoted.

From ana@feld.example Tue Feb 17 08:41:00 2026
From: Ana <ana@feld.example>
Subject: Re: Oak

The second mail.
"""


def only(name, text):
    (message,) = of_text(name, text)
    return message


def test_takes_a_mailbox_apart():
    first, second = of_text("a.mbox", MBOX)

    assert (first.sender, first.text) == ("Jonas Feld", "The first mail. From here on it is quoted.")
    assert first.thread == second.thread == "oak"


def test_leaves_greeting_quotation_and_signature_out():
    head = "From: Jonas <j@f.example>\nSubject: Oak\n\nHi Mara,\n\n"
    said = "the boards come on Friday.\n- 18 of oak\n- 4 of ash\n\n"
    after = "Best regards\nJonas\n\n-- \nFeldholz\n\nOn Monday, Mara wrote:\n> When do they come?\n"
    mail = head + said + after

    assert only("a.eml", mail).text == "The boards come on Friday.\n\n- 18 of oak\n\n- 4 of ash"


def test_takes_what_is_no_mail_for_a_note():
    note = only("stand-up.md", "# Stand-up\n\nThe table is ready.\n")

    assert (note.subject, note.sender, note.text) == ("Stand-up", "", "The table is ready.")


@pytest.mark.parametrize(
    "head",
    [
        "List-Unsubscribe: <x>",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "From: noreply@shop.example",
    ],
)
def test_tells_machines_from_people(head):
    assert only("a.eml", f"{head}\nSubject: News\n\nThe news of the day.\n").automatic
    assert not only("a.eml", "From: a@b.example\nSubject: News\n\nThe news of the day.\n").automatic


def test_names_attachments_and_reads_none():
    head = "From: a@b.example\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n"
    text = "--b\nContent-Type: text/plain\n\nSee the file.\n"
    file = "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nSECRET\n--b--\n"
    mail = head + text + file

    message = only("a.eml", mail)

    assert message.attachments == ("a.txt",)
    assert "SECRET" not in message.text
