"""The log as a file: complete, safe in a spreadsheet, in little memory."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import call_command

from clawbot import export
from tasks import log
from tasks.models import Event
from tests.tasks.builders import a_task, claim_all

pytestmark = pytest.mark.django_db
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")', "\r=1"]


def told(form: str) -> str:
    return "".join(export.lines(Event.objects.all(), form))


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(told("csv"), newline="")))


def test_gives_every_event_oldest_first() -> None:
    task = a_task()
    claim_all()

    lines = [json.loads(line) for line in told("jsonl").splitlines()]

    assert [line["id"] for line in lines] == list(Event.objects.order_by("pk").values_list("pk", flat=True))
    assert {line["task"] for line in lines} - {""} == {task.key}
    assert next(line for line in lines if line["task"])["changed"][0]["of"] == "task"
    assert [row["id"] for row in rows()] == [str(line["id"]) for line in lines]


@pytest.mark.parametrize("word", HOSTILE)
def test_lets_no_cell_be_taken_for_a_formula(word) -> None:
    log.record("task.done", by=word, stage=word, outcome="completed")

    (row,) = rows()

    assert (row["by"], row["stage"]) == (f"'{word}", f"'{word}")


def test_keeps_commas_quotes_and_line_ends_inside_their_cell() -> None:
    log.record("task.done", by="user:ana", stage='a,"b"\r\nc', outcome="completed")

    assert rows()[0]["stage"] == 'a,"b"\r\nc'
    assert told("csv").startswith("id,at,kind,task,stage,by,channel,data,changed\r\n")


def test_has_a_header_where_nothing_happened() -> None:
    assert told("csv") == "id,at,kind,task,stage,by,channel,data,changed\r\n"
    assert told("jsonl") == ""


def test_reads_a_batch_at_a_time(django_assert_num_queries, monkeypatch) -> None:
    monkeypatch.setattr(export, "BATCH", 10)
    log.write(log.line("task.done", by="clawbot", outcome="completed") for _ in range(25))

    with django_assert_num_queries(4):
        assert len(told("jsonl").splitlines()) == 25


def test_writes_what_the_filters_say_from_the_command_line(tmp_path, capsys) -> None:
    a_task("One")
    a_task("Two")

    call_command("events", "export", "task:ART-2", format="csv", out=str(tmp_path / "log.csv"))

    text = (tmp_path / "log.csv").read_bytes().decode()
    assert ("ART-2" in text, "ART-1" in text, "\r\n" in text, "\r\r\n" in text) == (True, False, True, False)


def test_gives_the_filtered_page_as_a_file(client, cleo) -> None:
    a_task("One")
    a_task("Two")
    client.force_login(cleo)

    answer = client.get("/activity/export/?format=csv&task=ART-2")

    text = b"".join(answer.streaming_content).decode()
    assert answer["Content-Disposition"] == 'attachment; filename="clawbot-events.csv"'
    assert ("ART-2" in text, "ART-1" in text) == (True, False)
    assert client.get("/activity/export/?format=pdf").status_code == 404
    assert "/activity/export/?task=ART-2&amp;format=csv" in client.get("/activity/?task=ART-2").text


@pytest.mark.django_db(transaction=True)
def test_streams_to_an_asynchronous_server_too(async_client, cleo) -> None:
    import asyncio

    a_task("One")

    async def get() -> bytes:
        await async_client.aforce_login(cleo)
        answer = await async_client.get("/activity/export/?format=jsonl")
        return b"".join([part async for part in answer.streaming_content])

    assert b'"task.injected"' in asyncio.run(get())
