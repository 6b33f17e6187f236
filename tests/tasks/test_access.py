"""Who may do what: the whole table of roles and verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks import access

CELLS = [(group, verb) for group in access.GROUPS for verb in access.LEAST]


@pytest.mark.parametrize(("group", "verb"), CELLS)
def test_a_role_may_use_the_verbs_of_its_level_and_below(
    group: str, verb: str, person: Callable[[str, str], Any]
) -> None:
    dora = person("dora", group)

    allowed = access.GROUPS.index(group) >= access.GROUPS.index(access.LEAST[verb])

    assert access.can(dora, verb) is allowed
    assert access.can("user:dora", verb) is allowed
    assert bool(access.reason(dora, verb)) is not allowed


@pytest.mark.parametrize("verb", sorted(access.LEAST))
def test_an_agent_may_use_no_verb_at_all(verb: str) -> None:
    assert not access.can("agent:reviewer", verb)


@pytest.mark.django_db
def test_somebody_unknown_or_inactive_may_do_nothing(ana: Any) -> None:
    ana.is_active = False
    ana.save()

    assert "not an active user" in access.reason("user:ana", "read")
    assert "not an active user" in access.reason("user:nobody", "read")


@pytest.mark.django_db
def test_a_person_without_a_group_may_not_even_look(person: Callable[[str, str], Any]) -> None:
    dora = person("dora", "viewers")
    dora.groups.clear()

    assert not access.can(dora, "read")
