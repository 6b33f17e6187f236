import base64
from pathlib import Path

import pytest

from agents.tools import Toolbox
from tests.agents.builders import Scripted, a_brief, work

SAMPLE = Path(__file__).parents[3] / "tasks/workflows/inbox_digest/samples/default/sources"
MAIL = """From: Jonas Feld <jonas@feldholz.example>
Subject: Oak
Date: Tue, 17 Feb 2026 07:41:00 +0100

Hi Mara,

the delivery of 18 boards moves to 26 February. Can you tell me whether that suits you?

Jonas
"""


def digest(folder, model=None, **more):
    names = tuple(sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()))
    brief = a_brief("digest", title="Inbox", files=names, returns=("digest", "summary"), **more)
    return work(brief, model, Toolbox({"read_mail": {}}, folder))


def section(outcome, heading):
    """The lines under a heading of the digest."""
    return outcome.made[0].text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


@pytest.fixture
def inbox(tmp_path):
    def put(name, text):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return put


@pytest.fixture(scope="module")
def sample():
    return digest(SAMPLE)


def test_puts_who_wants_an_answer_first_in_their_own_words(sample):
    asking = section(sample, "Wants an answer")

    assert "Jonas Feld" in asking
    assert "“Can you tell me by Wednesday whether the new date works for you" in asking
    assert "“Please approve the repair" in asking
    assert "January figures" not in asking


def test_tells_a_conversation_once_with_each_of_its_messages(sample):
    line = next(one for one in section(sample, "Wants an answer").splitlines() if "breakfast room" in one)

    assert "“Could you send a new quote for 64 chairs in ash" in line
    assert "24 April, not 30 April" in line
    assert "Re:" not in line


def test_lists_the_days_to_come_in_their_order(sample):
    days = section(sample, "Days to remember")

    assert days.index("1 March") < days.index("5 March") < days.index("24 April") < days.index("4 May")
    assert "12 January" not in days


def test_follows_no_order_and_says_that_there_is_one(sample):
    text = sample.made[0].text

    assert "URGENT: mailbox migration" in section(sample, "Handle with care")
    assert "archive@" not in text
    assert "unless you confirm your password" not in text


def test_shows_nothing_that_its_writer_hid(sample):
    assert "Secret text" not in sample.made[0].text
    assert "14 of your pallets" in sample.made[0].text


def test_keeps_machines_apart_from_people(sample):
    machines = section(sample, "Sent by machines")

    assert "Tool Week" in machines
    assert "A document is waiting" in machines


def test_names_what_it_could_not_read(sample):
    assert "logo.png" in section(sample, "Left out")


def test_gives_the_notice_one_paragraph(sample):
    summary = sample.made[1]

    assert summary.kind == "summary"
    assert summary.text.startswith("14 messages from 8 people; 7 conversations want an answer: ")


def test_reads_mail_in_every_encoding(inbox):
    body = base64.b64encode("Der Preis für 3 Stühle steht. Könnten Sie please confirm?".encode("latin-1"))
    head = b"From: A <a@b.example>\nSubject: =?utf-8?q?St=C3=BChle?=\nContent-Transfer-Encoding: base64\n"
    folder = inbox("a.eml", head + b"Content-Type: text/plain; charset=iso-8859-1\n\n" + body + b"\n")

    text = digest(folder).made[0].text

    assert "Stühle" in text
    assert "Könnten Sie" in text


@pytest.mark.parametrize(
    "hostile",
    [
        "From: x\nSubject: "
        + "=?nope?q?x?=" * 50
        + "\nDate: yesterday\n\nThe parcel came today and is fine.\n",
        "From: a@b.example\nSubject: deep\nContent-Type: multipart/mixed; boundary=b\n\n" + "--b\n" * 5_000,
        "From: a@b.example\nSubject: x\nContent-Type: text/plain; charset=made-up\n"
        "Content-Transfer-Encoding: base64\n\nVGhlIHBhcmNlbCBjYW1lIHRvZGF5Lg==\n",
        "From: a@b.example\nSubject: <script>alert(1)</script> ![x](http://evil.example/p.png)\n"
        "\nThe end is near.\n",
        "From nobody Thu Jan  1 00:00:00 1970\n" * 300,
    ],
)
def test_breaks_at_no_mail(inbox, hostile):
    outcome = digest(inbox("a.eml", hostile))

    assert outcome.word == "done"
    assert "<script>" not in outcome.made[0].text
    assert "![" not in outcome.made[0].text


def test_replaces_a_model_s_figure_that_the_message_does_not_have(inbox):
    reply = {
        "gists": [{"number": 1, "text": "180 boards come on 26 February.", "ask": "Please pay 900 euros."}]
    }

    text = digest(inbox("a.eml", MAIL), Scripted({"gist": reply})).made[0].text

    assert "180" not in text
    assert "900" not in text
    assert "The delivery of 18 boards moves to 26 February." in text


def test_takes_a_model_s_words_that_the_message_backs(inbox):
    ask = "Can you tell me whether that suits you?"
    reply = {"gists": [{"number": 1, "text": "18 boards now come on 26 February.", "ask": ask}]}

    text = digest(inbox("a.eml", MAIL), Scripted({"gist": reply})).made[0].text

    assert "18 boards now come on 26 February. “Can you tell me" in text


def test_asks_a_model_in_parts_of_a_bounded_size(inbox):
    for number in range(30):
        folder = inbox(f"{number}.txt", f"Note {number}\n\n" + "The stock of oak is low this week. " * 20)
    model = Scripted({"gist": {"gists": []}})

    digest(folder, model, settings={"at_once": 2_000})

    sizes = [sum(len(one["text"]) for one in ask.material["texts"]) for ask in model.asks]
    assert max(sizes) <= 2_000
    assert sum(len(ask.material["texts"]) for ask in model.asks) == 30


def test_leaves_the_oldest_out_where_there_are_too_many_and_says_so(inbox):
    for number in range(1, 9):
        folder = inbox(
            f"{number}.eml", MAIL.replace("17 Feb", f"{number} Feb").replace("Oak", f"Oak {number}")
        )

    outcome = digest(folder, settings={"most_messages": 5})

    assert outcome.fields["messages"] == 5
    assert "The 3 oldest of 8 messages." in section(outcome, "Left out")
    assert "Oak 1" not in outcome.made[0].text


def test_opens_a_bounded_number_of_files_and_says_what_is_left(inbox):
    for number in range(160):
        folder = inbox(f"{number:03}.txt", f"Note {number}\n\nThe stock of oak is low this week.\n")

    outcome = digest(folder)

    assert outcome.fields["messages"] == 150
    assert "10 more files: at most 150 are opened at once." in section(outcome, "Left out")


def test_asks_where_there_is_no_message(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\0\0")

    outcome = digest(tmp_path)

    assert outcome.word == "escalate"
    assert "a.png" in outcome.why


def test_writes_a_file_where_its_stage_has_one(inbox):
    outcome = digest(inbox("a.eml", MAIL), output=("published/digests/x.md",))

    assert [one.suffix for one in outcome.made] == ["md", ""]
