"""The rehearsal measures the engine, and says that it is one."""

import pytest
from pydantic import ValidationError

from tests.agents.builders import a_brief, work


def test_makes_one_artifact_of_each_kind_that_says_it_is_a_rehearsal():
    made = work(a_brief("rehearse", returns=("thing", "other"))).made

    assert [m.kind for m in made] == ["thing", "other"]
    assert all("rehearsed" in m.text for m in made)


def test_makes_nothing_where_nothing_is_returned():
    assert work(a_brief("rehearse")).made == ()


def test_reads_its_seconds_from_the_definitions_text():
    assert work(a_brief("rehearse", settings={"seconds": "0.001"})).word == "done"


def test_refuses_a_setting_it_does_not_have():
    with pytest.raises(ValidationError, match="colour"):
        work(a_brief("rehearse", settings={"colour": "red"}))
