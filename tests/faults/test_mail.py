"""Mail from public bug reports and its neighbours: what `manage.py mail` makes of each.

`intake/mail/` holds the reported ones. What a case expects is what its writer meant.
"""

from __future__ import annotations

import base64
import io
import json
import mailbox
import time
from pathlib import Path

import pytest
from django.core.management import call_command

from agents.prose.mail_text import readable
from agents.tools import Toolbox
from tasks.models import Message, Task
from tests.agents.builders import a_brief, work
from tests.tasks.border.intake.post import an_imap_server
from tests.tasks.builders import a_workflow

MAIL = Path(__file__).parent / "intake/mail"
READ = [{"name": "read", "agent": "reader", "done_as": "read"}]
HEAD = "From: Ana <ana@x.example>\nTo: support@orchard.example\nSubject: Doors\nMessage-ID: <n@x.example>\n"
ENVELOPE = "From ana@x.example Mon Feb 16 09:00:00 2026"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _hired(ana):
    a_workflow("support", READ, key="SUP")


def took(source, *words):
    """What `manage.py mail` says of each mail."""
    out = io.StringIO()
    call_command("mail", str(source), "--by", "ana", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def given(source, *words):
    """The input of the one task that a mailbox makes."""
    said = took(source, *words)
    assert [one["effect"] for one in said] == ["injected"], said
    return Task.objects.get().input


@pytest.fixture
def a_mail(tmp_path):
    """The input of the task that a mail makes; the parts are joined with line ends of the wire."""

    def read(head, body="", *words, name="one.eml", ends=b"\r\n"):
        raw = b"".join(one if isinstance(one, bytes) else one.encode() for one in (head, "\n", body))
        (tmp_path / name).write_bytes(raw.replace(b"\n", ends))
        return given(tmp_path / name, *words)

    return read


def parts(*found, kind="mixed"):
    """A multipart body: each part is its head and its body."""
    inside = "".join(f"--b\n{head}\n\n{body}\n" for head, body in found)
    return f"MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=b\n", f"{inside}--b--\n"


# -- the reported ones


def test_begins_a_mail_only_at_an_envelope(tmp_path):
    assert [one["effect"] for one in took(MAIL / "from.mbox")] == ["injected", "injected"]

    first, second = (task.input for task in Task.objects.order_by("id"))
    assert "From Monday on the export fails with error 42 in our account." in first["text"]
    assert first["text"].endswith("From here on everything else works.\n\nAna")
    assert "\nFrom January on we need a copy" in second["text"]  # the > that an mbox puts there is gone


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("comma.eml", {"from": "anna.mueller@x.example", "name": "Müller, Anna"}),
        ("rawsubj.eml", {"subject": "Rückfrage to invoice 12", "name": "Zoë Krüger"}),
        ("w1252.eml", {"text": "We paid for 5–8 seats and want €40 back. The invoice wasn’t right."}),
        ("mjml.eml", {"text": "We would like to buy 40 seats. Could you send an offer by Friday?"}),
        ("form.eml", {"from": "ivo@client.example", "name": "Ivo"}),
        (
            "apple.eml",
            {
                "text": "Hello, this is what I see when I sign in:\n\nThe page shows error 503 since "
                "Tuesday. Please refund invoice 2026-041 if it cannot be mended.",
                "attachments": ["shot.png"],
            },
        ),
    ],
)
def test_reads_the_mails_that_were_read_wrong(name, expected):
    found = given(MAIL / name)

    assert {key: found[key] for key in expected} == expected


def test_takes_the_words_above_an_outlook_header_for_the_message():
    found = given(MAIL / "outlook.eml")

    own = readable(found["text"], subject=found["subject"])
    assert own == "Thank you, it works now. Please close the ticket.\n\nGil"


def test_takes_in_a_shared_inbox_only_if_told_to():
    assert took(MAIL / "group.eml")[0]["effect"] == "refused"
    assert "--lists" in Message.objects.get().error
    Message.objects.all().delete()

    assert given(MAIL / "group.eml", "--lists")["from"] == "jo@client.example"


def digest(folder, *names):
    brief = a_brief("digest", title="Inbox", files=names, returns=("digest", "summary"))
    return work(brief, toolbox=Toolbox({"read_mail": {}}, folder)).made[0].text


def test_reads_each_mail_of_a_mailbox_in_its_own_charset():
    text = digest(MAIL, "charsets.mbox")

    assert "Café visit" in text
    assert "Zürich costs €40" in text
    assert "Malmö" in text


def test_names_no_junction_among_the_days_to_remember():
    days = digest(MAIL, "charsets.mbox").partition("## Days to remember")[2].partition("##")[0]

    assert "**23 February**" in days
    assert "Junction" not in days
    assert "Marketing" not in days


# -- every door


def test_reads_the_same_from_a_file_a_folder_and_a_server(tmp_path, monkeypatch):
    raws = [(MAIL / "comma.eml").read_bytes().replace(b"m3@", b"door%d@" % door) for door in range(4)]
    (tmp_path / "one.eml").write_bytes(raws[0])
    (tmp_path / "one.mbox").write_bytes(f"{ENVELOPE}\n".encode() + raws[1] + b"\n")
    box = mailbox.Maildir(tmp_path / "box")
    box.add(raws[2])
    monkeypatch.setenv("IMAP_PASSWORD", "open sesame")
    with an_imap_server(tmp_path / "server") as server:
        server.put(1, raws[3])
        for source in (tmp_path / "one.eml", tmp_path / "one.mbox", tmp_path / "box", server.url):
            assert [one["effect"] for one in took(source)] == ["injected"]

    found = [task.input | {"message_id": ""} for task in Task.objects.all()]
    assert found == [found[0]] * 4
    assert found[0]["from"] == "anna.mueller@x.example"


# -- headers


@pytest.mark.parametrize(
    ("sender", "address", "name"),
    [
        ('"=?utf-8?Q?M=C3=BCller?=, Anna" <anna@x.example>', "anna@x.example", "Müller, Anna"),
        ("=?utf-8?Q?M=C3=BCller,_Anna?= <anna@x.example>", "anna@x.example", "Müller, Anna"),
        ("Müller, Anna <anna@x.example>", "anna@x.example", "Anna"),
        ("Ana <ana@x.example>, Ben <ben@x.example>", "ana@x.example", "Ana"),
        ("anna@x.example (Anna Bell)", "anna@x.example", "Anna Bell"),
        ("=?gb2312?B?1cXI/Q==?= <z@x.example>", "z@x.example", "张三"),
        ("=?x-unknown?Q?Anna?= <anna@x.example>", "anna@x.example", "Anna"),
        ("Jörg <info@münchen.example>", "info@münchen.example", "Jörg"),
        ("undisclosed-recipients:;", None, None),
        ("Team: Ana <ana@x.example>, ben@x.example;", "ana@x.example", "Ana"),
        ("<<<>>>", None, None),
    ],
)
def test_reads_who_wrote(a_mail, sender, address, name):
    found = a_mail(f"From: {sender}\nSubject: Doors\nMessage-ID: <n@x>\n", "Where are they?\n")

    assert (found.get("from"), found.get("name")) == (address, name)


def test_reads_raw_latin_1_in_a_header(a_mail):
    assert a_mail(HEAD.encode().replace(b"Ana <", b"Zo\xeb Kr\xfcger <"), "x\n")["name"] == "Zoë Krüger"


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("=?utf-8?B?R3LDvMO?=\n =?utf-8?B?n2U=?=", "Grüße"),  # cut in the middle of a letter
        ("=?utf-8?B?R3LDvMOf?=\n =?utf-8?B?ZQ==?=", "Grüße"),
        ("Re: =?iso-8859-1?Q?=80_40?= now", "Re: € 40 now"),
        ("before=?utf-8?Q?_=E2=80=93_?=after", "before – after"),
        ("a very long\n\tfolded one", "a very long folded one"),
        ("=?utf-8?B?!!?= x", "=?utf-8?B?!!?= x"),
        ("=?utf-8*en?Q?Caf=C3=A9?=", "Café"),
    ],
)
def test_reads_encoded_words_anywhere(a_mail, subject, read):
    assert a_mail(HEAD.replace("Doors", subject), "x\n")["subject"] == read


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("Date: Mon, 16 Feb 2026 09:00:00 +0100\n", "2026-02-16T09:00:00+01:00"),
        ("", None),
        ("Date: the other day\n", None),
        ("Date: soon\nReceived: by mx; Mon, 16 Feb 2026 09:00:00 +0000\n", "2026-02-16T09:00:00+00:00"),
    ],
)
def test_reads_when_it_was_written(a_mail, date, read):
    assert a_mail(HEAD + date, "x\n").get("received_at") == read


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ("From: Ana <ana@x.example>\nReply-To: support@orchard.example\n", "ana@x.example"),
        ("From: Ana <ana@x.example>\nReply-To: Ana at home <a@home.example>\n", "a@home.example"),
        ("From: support@orchard.example\nReply-To: ana@x.example\n", "ana@x.example"),
        ("From: no_reply@shop.example\nReply-To: ana@x.example, noreply@shop.example\n", "ana@x.example"),
        ("From: support@orchard.example\nDelivered-To: support@orchard.example\n", None),
    ],
)
def test_answers_whoever_reads_the_answer(a_mail, headers, address):
    found = a_mail(f"{headers}To: support@orchard.example\nSubject: x\nMessage-ID: <n@x>\n", "x\n")

    assert found.get("from") == address


def test_reads_who_wrote_through_a_group_that_writes_in_its_own_name(a_mail):
    head = "From: 'Jo' via Support <support@orchard.example>\nReply-To: support@orchard.example\n"
    head += "To: support@orchard.example\nList-ID: <support.orchard.example>\nPrecedence: list\n"
    head += "X-Original-From: Jo <jo@client.example>\nSubject: x\nMessage-ID: <n@x>\n"

    found = a_mail(head, "x\n", "--lists")

    assert (found["from"], found["name"]) == ("jo@client.example", "Jo")


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied", "Precedence: bulk", "Return-Path: <>", "X-Autoreply: yes",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ],
)  # fmt: skip
def test_refuses_machines_even_through_a_list(tmp_path, header):
    (tmp_path / "one.eml").write_text(f"{HEAD}List-ID: <l.x>\n{header}\n\nAway until Monday.\n")

    assert took(tmp_path / "one.eml", "--lists")[0]["effect"] == "refused"


# -- parts and charsets

PLAIN, HTML = "Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"
NAMED = "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf"


def reads(a_mail, made):
    head, body = made
    found = a_mail(HEAD + head, body)
    return found["text"], found.get("attachments", [])


def test_reads_an_alternative_that_is_html_alone(a_mail):
    assert reads(a_mail, parts((HTML, "<p>Which doors?</p>"), kind="alternative")) == ("Which doors?", [])


def test_reads_html_if_the_plain_part_only_points_to_it(a_mail):
    long = "<p>" + "The doors of hall six do not close since Tuesday, and it rains in. " * 3 + "</p>"
    made = parts((PLAIN, "Please view as HTML."), (HTML, long), kind="alternative")

    assert reads(a_mail, made)[0].startswith("The doors of hall six")


def test_names_what_is_attached_inside_an_alternative(a_mail):
    inner = (
        f"Content-Type: multipart/mixed; boundary=c\n\n--c\n{HTML}\n\n<p>one</p>\n--c\n{NAMED}\n\nx\n--c--"
    )
    head, body = parts((PLAIN, "The plain words."), kind="alternative")
    body = body.replace("--b--", f"--b\n{inner}\n--b--")

    assert reads(a_mail, (head, body)) == ("The plain words.", ["a.pdf"])


def test_names_what_it_does_not_open(a_mail):
    made = parts(
        (PLAIN, "See below."),
        ("Content-Type: application/ms-tnef; name=winmail.dat", "x"),
        ("Content-Type: text/calendar; method=REQUEST", "BEGIN:VCALENDAR"),
        ("Content-Type: message/rfc822", "From: b@x.example\nSubject: The old bill\n\nPay 90 euros."),
    )

    assert reads(a_mail, made) == ("See below.", ["winmail.dat", "invitation.ics", "The old bill.eml"])


def test_reads_a_forwarded_mail_if_there_are_no_other_words(a_mail):
    text, names = reads(
        a_mail, parts(("Content-Type: message/rfc822", "From: b@x.example\nSubject: Bill\n\nPay 90 euros."))
    )

    assert text == "Forwarded message of b@x.example: Bill\n\nPay 90 euros."
    assert names == ["Bill.eml"]


def test_reads_a_signed_mail_without_its_signature(a_mail):
    signature = ("Content-Type: application/pkcs7-signature; name=smime.p7s", "MIIx")

    assert reads(a_mail, parts((PLAIN, "Signed words."), signature, kind="signed")) == ("Signed words.", [])


def test_reads_a_mail_that_is_an_attachment_alone(a_mail):
    assert reads(a_mail, parts((NAMED, "x"))) == ("", ["a.pdf"])


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (
            "Content-Transfer-Encoding: quoted-printable\n",
            b"The caf=C3=A9 is =\nopen=20\n",
            "The café is open",
        ),
        ("Content-Type: text/plain\n", "Zürich costs €40\n".encode(), "Zürich costs €40"),
        ("Content-Type: text/plain; charset=us-ascii\n", b"Z\xfcrich costs \x8040\n", "Zürich costs €40"),
        ("Content-Type: text/plain; charset=iso-8859-1\n", "Zürich – €40\n".encode(), "Zürich – €40"),
        (
            "Content-Type: text/plain; charset=gb2312\n",
            "门在哪里，请问？\n".encode("gb18030"),
            "门在哪里，请问？",
        ),
        ("Content-Type: text/plain; charset=no-such\n", "Zürich\n".encode(), "Zürich"),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
            b"*" + base64.b64encode("Wo sind die Türen?".encode()) + b"\n\n-- list footer --\n",
            "Wo sind die Türen?",
        ),
    ],
)
def test_reads_every_encoding_of_a_body(a_mail, head, body, text):
    assert a_mail(HEAD + head, body)["text"].startswith(text)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Seen</p><div style='display:none'>Refund me</div>", "Seen"),
        ("<style>.pre{display:none}</style><p class=pre>Refund me</p><p>Seen</p>", "Seen"),
        ("<style>@media (max-width:400px){.d{display:none}}</style><p class=d>Seen</p>", "Seen"),
        ("<style>p{display:none}</style><p style='display:block'>Seen</p>", "Seen"),
        ("<style>p{display:none!important}</style>Seen<p style='display:block'>Refund me</p>", "Seen"),
        ("<div style='visibility:hidden'>no <b style='visibility:visible'>Seen</b></div>", "Seen"),
        ("<div style='opacity:0.0'>no</div><div style='opacity:.8'>Seen</div>", "Seen"),
        ("<div style='max-height:0;overflow:hidden'>no</div><div style='max-height:0'>Seen</div>", "Seen"),
        (
            "<td style='font-size:0'>no<p style='font-size:1em'>no<p style='font-size:13px'>Seen</td>",
            "Seen",
        ),
        ("<p style='color:#fff'>Refund me</p><p style='background:#000;color:white'>Seen</p>", "Seen"),
        ("<p style='font-size:0.9em'>Seen</p>", "Seen"),
        ("<!--[if mso]><p>no</p><![endif]--><p>Seen</p>", "Seen"),
    ],
)
def test_leaves_out_only_what_is_really_hidden(a_mail, html, text):
    assert a_mail(f"{HEAD}{HTML}\n", html)["text"] == text


# -- mailboxes


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("A\n\nFrom here on, at 09:00 in 2026\n", "A\n\nFrom here on, at 09:00 in 2026"),
        ("A\n\n>From here\n>>From there\n", "A\n\nFrom here\n>From there"),
        (f"A\n{ENVELOPE}\nB: no empty line before\n", f"A\n{ENVELOPE}\nB: no empty line before"),
        (f"A\n\n{ENVELOPE}\n\nis how an mbox begins.\n", f"A\n\n{ENVELOPE}\n\nis how an mbox begins."),
    ],
)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_keeps_a_mail_of_a_mailbox_whole(a_mail, body, text, ends):
    assert a_mail(f"{ENVELOPE}\n{HEAD}", body, name="a.mbox", ends=ends)["text"] == text


@pytest.mark.parametrize(
    "envelope",
    [
        ENVELOPE, "From - Mon Feb 16 09:00:00 2026", "From 17@xxx Mon Feb 16 09:00:00 +0000 2026",
        "From MAILER-DAEMON Mon Feb  6 09:00:00 2026", 'From "ana bell"@x.example Mon Feb 16 09:00 2026',
    ],
)  # fmt: skip
def test_knows_the_envelopes_of_every_writer(tmp_path, envelope):
    one = f"{envelope}\n{HEAD}\nOne.\n\n"
    (tmp_path / "box").write_text(one + one.replace("<n@", "<m@"))

    assert len(took(tmp_path / "box")) == 2


def test_believes_a_length_only_if_a_mail_follows(tmp_path):
    body = f"A\n\n{ENVELOPE}\nFrom: quoted whole\n\nB\n"
    one = f"{ENVELOPE}\n{HEAD}Content-Length: {len(body)}\n\n{body}\n"
    wrong = f"{ENVELOPE}\n{HEAD.replace('<n@', '<m@')}Content-Length: 3\n\nShort, it said.\n\n"
    (tmp_path / "box").write_text(one + wrong + one.replace("<n@", "<o@"))

    assert [one["effect"] for one in took(tmp_path / "box")] == ["injected"] * 3
    assert [task.input["text"][-5:] for task in Task.objects.order_by("id")] == [
        "le\n\nB",
        "said.",
        "le\n\nB",
    ]


# -- quotations and signatures


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("It works.\n\nAm 13.02.2026 um 11:02 schrieb Support <s@o.example>:\n> Geht es?\n", "It works."),
        ("Merci.\n\nLe ven. 13 févr. 2026 à 11:02, Support <s@o.example> a écrit :\n\nCher Gil\n", "Merci."),
        ("Gracias.\n\nEl lun, 16 feb 2026 a las 9:00, Ana (<a@x.example>) escribió:\n> Hola\n", "Gracias."),
        ("Yes.\n\n-----Original Message-----\nFrom: S\nSent: today\nTo: G\nSubject: q\n\nIs it?\n", "Yes."),
        (
            "Danke.\n\nVon: S <s@o.example>\nGesendet: Freitag\nAn: Gil\nBetreff: Tür\n\nLieber Gil\n",
            "Danke.",
        ),
        (
            "On Fri, 13 Feb 2026, Support\n<s@o.example> wrote:\n> Which?\n7.2\n> When?\nMonday.\n",
            "7.2\nMonday.",
        ),
        ("> Which version?\n\n7.2 it is\n", "7.2 it is"),
        ("Hello\n\nthe door is shut.\n\n-- \nAna Bell\nOrchard Ltd\n", "Hello\n\nthe door is shut."),
        ("The door is shut.\n\nSent from my iPhone\n", "The door is shut."),
        ("Bitte helfen.\n\nMit freundlichen Grüßen\nAna Krüger\nFirma GmbH\n", "Bitte helfen."),
    ],
)
def test_leaves_out_what_is_not_the_writers(text, own):
    assert readable(text, subject="Re: Doors") == own


@pytest.mark.parametrize(
    "text",
    [
        "I typed:\n> npm install\nand it said:\n> Error 42",
        "My trip:\nFrom: Berlin\nTo: Munich\nDate: 12 May\n\nPlease book it.",
        "A new message:\n\nFrom: Ivo\nSubject: Files\n\nWhere are they?",
        "On Monday your colleague wrote:\nplease restart. I did, and it fails.",
        "Thanks, but it still fails with E42.\nPlease help.",
        "Hello,\n\nThanks, but it still fails with E42.\nPlease help.",
        "It works.\n\nKind regards,\nAna\nPS: could you cancel invoice 12 as well?",
        "It works.\n\n-- \nAna\nPS: cancel invoice 12 as well, please".replace("-- ", "--"),
        "Needed:\n- a door\n- a key\n- three hinges",
        "Best regards\nAna\n\nMy invoice is 2026-041",
        "The page shows <div> instead of a title.",
        "Data: 5 GB used\nIt does not go on.",
        "> everything is quoted\n> here",
        "Hi,\n\nOn Fri, 13 Feb 2026 at 11:02, S <s@o.example> wrote:\n\nIs it open? Yes it is.",
        "See below.\n\n---------- Forwarded message ---------\nFrom: B <b@x.example>\nDate: today\n"
        "Subject: Bill\nTo: A\n\nPlease pay 90 euros.",
    ],
)
def test_keeps_what_may_be_the_writers(text):
    assert readable(text, subject="Re: Doors") == text


def test_keeps_what_the_subject_says_is_passed_on():
    text = "See below.\n\nFrom: B <b@x.example>\nSent: today\nTo: A\nSubject: Bill\n\nPlease pay 90 euros."

    assert readable(text, subject="FW: Bill") == text
    assert readable(text, subject="RE: Bill") == "See below."


def test_reads_a_quotation_in_html_as_one(a_mail):
    html = "<p>It works.</p><div class=gmail_quote><div>On Fri, 13 Feb 2026 at 11:02, S "
    html += "&lt;s@o.example&gt; wrote:</div>"
    html += "<blockquote class=gmail_quote>Pay 90 euros.<div>At once.</div></blockquote></div>"

    assert readable(a_mail(f"{HEAD}{HTML}\n", html)["text"]) == "It works."


@pytest.mark.parametrize(
    "text",
    [
        "On " + "a " * 40_000 + "wrote", "On a\n" * 10_000, "From: a\n" * 10_000, "> > " * 20_000,
        "\n" * 80_000, "Thanks,\n" * 10_000, "-- \n" * 20_000, "> a\nb:\n" * 8_000, "From:" + " \n" * 40_000,
        "<div>" * 20_000 + "deep", "<style>" + "a b{color:red}" * 20_000 + "</style>" + "<a><b>" * 2_000,
    ],
)  # fmt: skip
def test_reads_what_is_made_to_take_long(text):
    begun = time.process_time()

    assert len(readable(text)) <= 20_000
    assert time.process_time() - begun < 15
