"""A program of each member of the cast."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tasks import clock


@pytest.fixture(autouse=True)
def _fresh():
    yield
    clock.reset()
    cache.clear()


@pytest.fixture
def as_admin(admin):
    return _caller("admin")


@pytest.fixture
def as_ana(ana):
    return _caller("ana")


@pytest.fixture
def as_ben(ben):
    return _caller("ben")


@pytest.fixture
def as_cleo(cleo):
    return _caller("cleo")


def _caller(person: str):
    from tests.clawbot.api.caller import Caller  # models, which Django has not loaded yet when this file is

    return Caller(person)
