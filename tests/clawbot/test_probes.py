"""Probes are answered whatever the host, without a session, a redirect or a sign-in."""

import logging
from typing import Any

import pytest
from django.conf import settings

from clawbot.logs import NoProbe
from tasks import database

ADDRESSES = ["/livez", "/readyz", "/healthz/progress"]


@pytest.fixture(autouse=True)
def _public(settings):
    settings.ALLOWED_HOSTS = ["claw.example"]
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("host", ["10.0.0.7:8001", "[::1]", "evil.example", "not a host"])
def test_answers_whatever_the_host(client, address, host):
    answer = client.get(address, headers={"host": host})

    assert answer.status_code in {200, 503}
    assert not answer.cookies
    assert client.get("/sign-in/", headers={"host": host}).status_code in {301, 400}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
def test_answers_head_and_refuses_a_form(client, address):
    assert client.head(address, headers={"host": "10.0.0.7"}).status_code in {200, 503}
    assert client.post(address, headers={"host": "10.0.0.7"}).status_code == 405


def test_lives_without_a_database_whatever_the_host(client):
    assert client.get("/livez", headers={"host": "10.0.0.7"}).text == "ok\n"


@pytest.mark.django_db
def test_a_probe_that_is_told_to_wait_is_no_fault_in_the_log(client, caplog, monkeypatch):
    monkeypatch.setattr("tasks.database.look", lambda: database.Ailment.READ_ONLY)
    caplog.handler.addFilter(NoProbe())  # as the settings give it to the console

    assert client.get("/readyz", headers={"host": "10.0.0.7"}).status_code == 503
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_the_console_leaves_probes_out():
    config: Any = settings.LOGGING

    assert config["handlers"]["console"]["filters"] == ["probes"]
    assert config["filters"]["probes"] == {"()": "clawbot.logs.NoProbe"}
