"""The database itself refuses to change or delete a line of the log, on every kind of database."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from tasks.history import append_only, seal
from tasks.models import Event, Seal
from tests.tasks.builders import a_task

DEEDS = {
    "an event is changed": lambda: Event.objects.update(by="user:mallory"),
    "an event is deleted": lambda: Event.objects.all()._raw_delete("default"),
    "a seal is changed": lambda: Seal.objects.update(hash="0" * 64),
    "a seal is deleted": lambda: Seal.objects.all().delete(),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_refuses(deed, database) -> None:
    a_task()
    seal.seal()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        DEEDS[deed]()


def test_says_which_trigger_is_missing_until_it_is_put_back(database) -> None:
    assert append_only.missing() == []

    append_only.lift()
    assert sorted(append_only.missing()) == [
        "DELETE on tasks_event", "DELETE on tasks_seal", "UPDATE on tasks_event", "UPDATE on tasks_seal",
    ]  # fmt: skip

    append_only.guard()
    assert append_only.missing() == []


def test_lets_the_owner_past_for_as_long_as_it_takes(database) -> None:
    a_task()

    with append_only.lifted():
        Event.objects.all()._raw_delete("default")

    assert not Event.objects.exists()
    assert append_only.missing() == []
