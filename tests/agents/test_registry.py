"""Roles are found by their file names."""

import pytest

from agents import registry
from agents.contract import Refused


def test_finds_every_role():
    assert {
        "research",
        "writer",
        "seo",
        "reviewer",
        "formatter",
        "publisher",
        "reporter",
        "llm",
        "rehearse",
    } <= set(registry.names())


def test_shows_a_roles_docstring_as_its_job_description():
    assert registry.role("writer").text.startswith("Turns a research brief into a draft")


def test_tells_async_roles_from_others():
    assert registry.role("writer").is_async
    assert not registry.role("formatter").is_async


@pytest.mark.parametrize("name", ["writter", "os", "../tools", "", "__init__"])
def test_refuses_what_is_no_role(name):
    with pytest.raises(Refused, match="There is no role"):
        registry.role(name)


def test_names_accepted_and_returned_kinds_of_every_role():
    for role in registry.all_roles().values():
        assert role.returns
        assert isinstance(role.accepts, tuple)
