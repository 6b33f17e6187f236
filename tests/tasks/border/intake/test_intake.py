"""Mail becomes tasks once, in threads, from files and from a real IMAP server, on each kind of database."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.contract import Refused
from tasks.border import intake, messages
from tasks.border.intake import files, imap
from tasks.models import Message, Task
from tests.tasks.border.intake.post import Server, a_mail, an_imap_server
from tests.tasks.builders import a_workflow, claim_all, finish

STAGES = [{"name": "read", "agent": "reader", "done_as": "read"}]


@pytest.fixture(autouse=True)
def _hired(database: str, ana: object) -> None:
    a_workflow("support", STAGES, key="SUP")


def sweep(box: intake.Mailbox) -> list[str]:
    """What became of each new mail."""
    return [taken.effect for taken in intake.sweep(box, to="support", by="user:ana")]


def take(raw: bytes) -> intake.Taken:
    return intake.take(raw, to="support", by="user:ana")


def test_makes_one_task_of_a_mail_however_often_it_is_read():
    first, again = take(a_mail()), take(a_mail())

    assert (first.effect, again.effect) == ("injected", "again")
    task = Task.objects.get()
    assert first.task == again.task == task.key
    assert task.title == "Deleted file"
    assert task.input["from"] == "dana@northlight.example"
    assert task.input["message_id"] == "<1@northlight>"
    assert task.correlation_id == "1@northlight"


def test_keeps_a_customers_next_mail_with_the_open_task():
    take(a_mail())

    taken = take(a_mail("PS: it was yesterday.", Message_ID="<2@northlight>", In_Reply_To="<1@northlight>"))

    assert taken.effect == "noted"
    assert Message.objects.filter(task=Task.objects.get()).count() == 2


def test_begins_new_work_in_a_thread_whose_task_is_done():
    take(a_mail())
    finish(claim_all()[0])

    taken = take(a_mail("And one thing more.", Message_ID="<2@northlight>", References="<1@northlight>"))

    assert taken.effect == "injected"
    assert Task.objects.get(key=taken.task).input["earlier"] == Task.objects.order_by("id")[0].key


def test_reads_an_old_mail_again_as_the_same_after_its_thread_went_on():
    take(a_mail())
    late = a_mail("PS", Message_ID="<2@northlight>", References="<1@northlight>")
    take(late)
    finish(claim_all()[0])

    assert take(late).effect == "again"


def test_lets_nobody_into_the_thread_of_somebody_else():
    take(a_mail())

    taken = take(
        a_mail("Pay me.", From="evil@evil.example", Message_ID="<x@evil>", In_Reply_To="<1@northlight>")
    )

    assert taken.effect == "injected"
    assert Task.objects.count() == 2


def test_keeps_what_a_machine_sent_without_answering_it():
    taken = take(a_mail(Auto_Submitted="auto-replied"))

    assert taken.effect == "refused"
    assert Task.objects.count() == 0
    assert "a machine submitted it" in Message.objects.get(state="refused").error
    assert take(a_mail(Auto_Submitted="auto-replied")).effect == "again"


def test_takes_an_empty_mail_without_subject_or_id():
    assert take(b"From: a@b.example\r\n\r\n").effect == "injected"
    assert Task.objects.get().title == "Mail from a@b.example"


# -- Files --------------------------------------------------------------------------------------------


def test_reads_an_mbox_to_its_end_and_then_only_what_is_new(tmp_path):
    path = tmp_path / "support.mbox"
    box = mailbox.mbox(path)
    for number in range(3):
        box.add(a_mail(Message_ID=f"<{number}@a>"))
    box.flush()
    found = files.find(str(path))

    assert sweep(found) == ["injected"] * 3
    assert sweep(found) == []

    box.add(a_mail(Message_ID="<9@a>"))
    box.flush()
    box.close()
    assert sweep(found) == ["again"] * 3 + ["injected"]


def test_moves_a_mail_of_a_maildir_once_it_is_taken(tmp_path):
    box = mailbox.Maildir(tmp_path / "box")
    box.add(a_mail())
    found = files.find(str(tmp_path / "box"))

    assert sweep(found) == ["injected"]
    assert sweep(found) == []
    assert [path.name[-3:] for path in (tmp_path / "box/cur").iterdir()] == ["2,S"]
    assert list((tmp_path / "box/new").iterdir()) == []


def test_leaves_a_mail_unseen_whose_message_was_not_committed(tmp_path, monkeypatch):
    mailbox.Maildir(tmp_path / "box").add(a_mail())
    found = files.find(str(tmp_path / "box"))

    def breaks(*args: object, **more: object) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(messages, "receive", breaks)
        with pytest.raises(RuntimeError):
            sweep(found)

    assert sweep(found) == ["injected"]


def test_reads_a_single_mail(tmp_path):
    (tmp_path / "one.eml").write_bytes(a_mail())

    assert sweep(files.find(str(tmp_path / "one.eml"))) == ["injected"]


def test_refuses_what_is_no_mailbox(tmp_path):
    for source in (tmp_path, tmp_path / "nothing.mbox"):
        with pytest.raises(Refused, match="Cannot read mail"):
            files.find(str(source))


# -- IMAP ---------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with an_imap_server(tmp_path / "imap") as running:
        yield running


def box_of(server: Server, password: str = "open sesame") -> imap.Imap:
    return imap.Imap(server.url, {"IMAP_PASSWORD": password})


def test_marks_a_mail_on_the_server_as_seen_after_it_was_taken(server):
    server.put(1, a_mail(Message_ID="<1@a>"))
    box = box_of(server)

    assert sweep(box) == ["injected"]
    assert server.seen() == {1}
    server.put(2, a_mail(Message_ID="<2@a>"))
    assert sweep(box) == ["injected"]
    assert (server.fetched(1), server.fetched(2)) == (1, 1)
    box.close()


def test_marks_nothing_whose_message_was_not_committed(server, monkeypatch):
    server.put(1, a_mail())
    box = box_of(server)

    def breaks(*args: object, **more: object) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(messages, "receive", breaks)
        with pytest.raises(RuntimeError):
            sweep(box)

    assert server.seen() == set()
    assert sweep(box) == ["injected"]
    assert server.seen() == {1}
    box.close()


def test_goes_on_with_a_new_connection_after_one_was_lost(server):
    for number in (1, 2, 3):
        server.put(number, a_mail(Message_ID=f"<{number}@a>"))
    box = box_of(server)
    server.drop_the_next_fetch()

    with pytest.raises(OSError, match="127.0.0.1"):
        sweep(box)
    assert sweep(box) == ["injected"] * 3
    assert server.seen() == {1, 2, 3}
    box.close()


def test_marks_a_mail_that_is_here_but_was_not_marked(server):
    server.put(1, a_mail())
    take(a_mail())
    box = box_of(server)

    assert sweep(box) == ["again"]
    assert server.seen() == {1}
    assert Task.objects.count() == 1
    box.close()


def test_says_that_the_password_is_wrong(server):
    with pytest.raises(Refused, match="Mend IMAP_PASSWORD"):
        sweep(box_of(server, "guess"))


@pytest.mark.parametrize(
    ("url", "environment", "why"),
    [
        ("imaps://ana:secret@mail.example/INBOX", {"IMAP_PASSWORD": "x"}, "must not stand in the address"),
        ("imaps://mail.example/INBOX", {"IMAP_PASSWORD": "x"}, "user@host"),
        ("imaps://ana@mail.example", {}, "set IMAP_PASSWORD"),
        ("imaps://ana@mail.example", {"IMAP_PASSWORD_FILE": "nowhere"}, "cannot be read"),
        ("imaps://ana@mail.example:x/INBOX", {"IMAP_PASSWORD": "x"}, "port"),
    ],
)
def test_refuses_an_address_that_cannot_work(url, environment, why):
    with pytest.raises(Refused, match=why):
        imap.Imap(url, environment)


def test_reads_the_password_from_a_file(tmp_path, server):
    (tmp_path / "password").write_text("open sesame\n")
    server.put(1, a_mail())
    box = imap.Imap(server.url, {"IMAP_PASSWORD_FILE": str(tmp_path / "password")})

    assert sweep(box) == ["injected"]
    box.close()


def test_takes_nothing_in_for_somebody_who_may_not_inject(cleo):
    with pytest.raises(Refused):
        intake.take(a_mail(), to="support", by="user:cleo")

    assert Message.objects.count() == 0
