"""Wrong settings are found before they bite."""

import pytest

from clawbot import checks


def ids(found):
    return [message.id for message in found]


@pytest.fixture
def reachable(settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["claw.example"]
    settings.DEBUG = False
    settings.HTTPS = True
    settings.SECRET_KEY = "x" * 50
    monkeypatch.setenv("SECRET_KEY", settings.SECRET_KEY)
    return settings


def test_finds_nothing_wrong_with_a_site_that_is_set_up(reachable):
    assert ids(checks.production(None)) == []


def test_leaves_a_machine_of_ones_own_alone(settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.DEBUG = True
    monkeypatch.delenv("SECRET_KEY", raising=False)

    assert ids(checks.production(None)) == []


def test_refuses_debug_on_a_public_site(reachable):
    reachable.DEBUG = True

    assert ids(checks.production(None)) == ["clawbot.E001"]


def test_refuses_a_public_site_without_a_key_of_its_own(reachable, monkeypatch):
    monkeypatch.delenv("SECRET_KEY")

    assert ids(checks.production(None)) == ["clawbot.E002"]


def test_warns_of_cookies_that_travel_readable(reachable):
    reachable.HTTPS = False

    assert ids(checks.production(None)) == ["clawbot.W001"]


def test_refuses_a_queue_without_the_guard(settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "broker_class": "django_q.brokers.orm.ORM"}

    assert ids(checks.queue(None)) == ["clawbot.E003"]


def test_refuses_a_lease_of_two_heartbeats(settings):
    settings.LEASE_SECONDS = 2 * settings.HEARTBEAT_SECONDS

    assert ids(checks.leases(None)) == ["clawbot.E005"]


def test_leaves_a_folder_alone_that_the_start_will_make(settings, tmp_path):
    settings.DATA = tmp_path / "not" / "yet"

    assert ids(checks.data(None)) == []


def test_refuses_a_folder_that_cannot_be_made(settings, tmp_path):
    settings.DATA = tmp_path / "a file" / "var"
    (tmp_path / "a file").write_text("no folder")

    assert ids(checks.data(None)) == ["clawbot.E006"]


def test_finds_nothing_wrong_with_what_is_shipped():
    assert ids([*checks.queue(None), *checks.leases(None), *checks.data(None)]) == []


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("CLAWBOT_WORKER", "Did you mean `CLAWBOT_WORKERS`?"),
        ("CLAWBOT_MODEL", "Did you mean `CLAWBOT_MODELS`?"),
        ("CLAWBOT_SERVICES_FILE", "Did you mean `CLAWBOT_SERVICES`?"),
        ("SLACK_TOKEN", "Did you mean `SLACK_BOT_TOKEN`?"),
        ("CLAWBOT_KEY_LOCAL", "CLAWBOT_MODELS names no model whose key this could be."),
    ],
)
def test_names_a_variable_that_nothing_reads_and_the_likely_one(monkeypatch, name, likely):
    monkeypatch.setenv(name, "4")

    (found,) = checks.unread(None)

    assert (found.msg, found.hint) == (f"{name} is set, and nothing reads it.", likely)


@pytest.mark.parametrize(
    "name",
    [
        "CLAWBOT_WORKERS",
        "SLACK_BOT_TOKEN_FILE",
        "CLAWBOT_MODELS",
        "OPENAI_API_KEY",
        "OPENAI_API_KEY_FILE",
        "CLAWBOT_KEY_LOCAL",
        "CLAWBOT_KEY_LOCAL_FILE",
    ],
)
def test_says_nothing_of_a_variable_that_is_read(monkeypatch, name):
    monkeypatch.setenv("CLAWBOT_MODELS", "local=openai:qwen3@http://127.0.0.1:9/v1")
    monkeypatch.setenv(name, "x")

    assert checks.unread(None) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("careful", "cannot be read"),
        ("careful=anthropic:x", "cannot be read"),
        ("careful=openai:a careful=openai:b", "`careful` is there twice"),
        ("built-in=openai:a", "the engine's own name"),
    ],
)
def test_refuses_models_that_could_not_be_told_apart_or_read(monkeypatch, entry, said):
    monkeypatch.setenv("CLAWBOT_MODELS", entry)

    (found,) = checks.models(None)

    assert found.id == "clawbot.E021"
    assert said in found.msg


def test_names_a_channel_of_a_group_that_there_is_not(settings):
    settings.SLACK_CHANNELS = {"editor": "C0", "operators": "C1", "user:ana": "D0"}

    (found,) = checks.channels(None)

    assert "'editor'" in found.msg
    assert found.hint == "Did you mean `editors`?"


@pytest.mark.parametrize("zone", ["Europe", "Europe/Berlinn"])
def test_refuses_a_zone_that_is_none(settings, zone):
    settings.SITE_ZONE = zone

    assert "is not a time zone" in checks.zone(None)[0].msg
