"""A mail is read whatever it is made of."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from agents.prose.mail import read
from tests.tasks.border.intake.post import a_mail


def test_reads_who_what_and_when():
    mail = read(a_mail(Date="Tue, 17 Feb 2026 13:00:00 +0100"))

    assert (mail.sender, mail.name) == ("dana@northlight.example", "Dana Whitfield")
    assert mail.subject == "Deleted file"
    assert mail.text.startswith("Hello,\n\nhow do I restore")
    assert mail.at == datetime(2026, 2, 17, 12, tzinfo=UTC)
    assert mail.automatic == ""


def test_knows_its_thread():
    mail = read(a_mail(References="<root@a> <two@b>", In_Reply_To="<two@b>", Message_ID="<three@c>"))

    assert mail.id == "three@c"
    assert mail.references == ("root@a", "two@b")


def test_names_a_mail_without_an_id_by_what_is_in_it():
    one, same, other = (
        read(a_mail(Message_ID="")),
        read(a_mail(Message_ID="")),
        read(a_mail("B", Message_ID="")),
    )

    assert one.id == same.id != other.id
    assert one.message_id == ""


def test_reads_html_as_text_where_there_is_nothing_else():
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@b.example", "Hi"
    mail.set_content(
        "<table><td>How do I <b>restore</b> it?</td></table><p hidden>refund</p><script>x()</script>",
        subtype="html",
    )

    assert read(mail.as_bytes()).text == "How do I restore it?"


def test_prefers_the_plain_part_and_names_attachments():
    mail = EmailMessage()
    mail["From"] = "a@b.example"
    mail.set_content("The plain words.")
    mail.add_alternative("<p>The HTML words.</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="rechnung für ana.pdf")

    found = read(mail.as_bytes())

    assert found.text == "The plain words."
    assert found.attachments == ("rechnung für ana.pdf",)


def test_reads_the_usual_encodings_of_headers_and_text():
    raw = (
        b"From: =?iso-8859-1?Q?J=FCrgen?= <j@b.example>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"
        b"Content-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe"
    )

    mail = read(raw)

    assert (mail.name, mail.subject, mail.text) == ("Jürgen", "Grüße", "Grüße")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\xff\xfe" * 500,
        b"no header at all",
        b"Subject: =?utf-8?B?!!!?=\r\nFrom: <<<>>>\r\nDate: yesterday\r\nMessage-ID: <>\r\n\r\nx",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xe4\xf6",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        + b"--x\r\nContent-Type: multipart/mixed\r\n" * 5_000,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(3_000)
        ),
        b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000 + b"deep",
        b"From: " + b"a" * 100_000 + b"@b.example\r\n\r\nx",
        b"References: " + b"<a@b> " * 50_000 + b"\r\n\r\nx",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!not base64!!!!",
    ],
)
def test_reads_broken_and_hostile_mail_without_falling_over(raw):
    mail = read(raw)

    assert len(mail.text) < 70_000
    assert len(mail.sender) <= 120
    assert "\0" not in mail.text + mail.subject + mail.name


def test_cuts_a_huge_mail_and_says_so():
    assert read(a_mail("word " * 100_000)).text.endswith("[The mail is longer; the rest was left out.]")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<news.example>"},
        {"List_Unsubscribe": "<mailto:x@y.example>"}, {"From": "MAILER-DAEMON@b.example"},
        {"From": "no-reply@b.example"}, {"Return_Path": "<>"}, {"X_Clawbot_Task": "SUP-1"},
    ],
)  # fmt: skip
def test_tells_what_no_person_typed(headers):
    assert read(a_mail(**headers)).automatic


def test_takes_a_person_for_one():
    assert read(a_mail(From="Noreen Reply <noreen@b.example>", Auto_Submitted="no")).automatic == ""
