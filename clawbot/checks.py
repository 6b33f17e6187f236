"""What must be true of the settings, each with an id, so that a wrong setting is found before it bites.

`./manage.py check` runs them all; `docs/settings.md` explains the variables they name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from agents.environment import MODEL_KEY
from tasks import clock

LOCAL = {"localhost", "127.0.0.1", "[::1]", "testserver"}
SHORT_SECRET = 32
#: how the names of our settings begin
OURS = ("CLAWBOT_", "SLACK_", "OPENAI_API_KEY")
#: read from the environment itself, which knows no NAME_FILE
READ_BY_AGENTS = {"CLAWBOT_FETCH_ALLOW", "CLAWBOT_SERVICES"}
#: These checks are cheap and run before every command of ours; Django's own run with `./manage.py check`.
TAG = "clawbot"


@register(TAG, Tags.security)
def production(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A site that others can reach is not run like a machine of one's own."""
    found: list[CheckMessage] = []
    if not _is_reachable():
        return found
    if settings.DEBUG:
        found.append(
            Error(
                "DEBUG is on, but ALLOWED_HOSTS names a public host.", hint="Set DEBUG=0.", id="clawbot.E001"
            )
        )
    if not _given("SECRET_KEY") or len(settings.SECRET_KEY) < SHORT_SECRET:
        text = "A public site needs a SECRET_KEY of its own, of 32 characters or more."
        found.append(Error(text, hint="Set SECRET_KEY or SECRET_KEY_FILE.", id="clawbot.E002"))
    if not settings.HTTPS:
        text = "CLAWBOT_BASE_URL is not https: session cookies travel readable."
        found.append(
            Warning(text, hint="Put a proxy with TLS in front and set CLAWBOT_BASE_URL.", id="clawbot.W001")
        )
    return found


@register(TAG)
def queue(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """django-q2 runs whatever function a queue names, unless our broker stands before it."""
    if settings.Q_CLUSTER.get("broker_class") == "tasks.queue.broker":
        return []
    text = "Q_CLUSTER has another broker than Clawbot's: workers would run whatever function a queue names."
    return [Error(text, hint='Set broker_class to "tasks.queue.broker".', id="clawbot.E003")]


@register(TAG)
def leases(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Two late heartbeats are an accident, three are a death."""
    if settings.LEASE_SECONDS >= 3 * settings.HEARTBEAT_SECONDS:
        return []
    text = "A lease is shorter than three heartbeats: workers would be declared dead while they live."
    return [Error(text, hint="Raise CLAWBOT_LEASE_SECONDS.", id="clawbot.E005")]


@register(TAG)
def data(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Drafts, files and the default database live in one folder."""
    folder = settings.DATA
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent  # one that is not there is made at the start
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return []
    hint = "Give the user that runs Clawbot the right to write there, or set CLAWBOT_DATA to another folder."
    return [Error(f"The data folder {settings.DATA} cannot be written.", hint=hint, id="clawbot.E006")]


@register(TAG)
def unread(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A variable with a slip in its name changes nothing, and nobody would say so."""
    from agents.strict_yaml import nearest  # a third of a second: only where settings are checked
    from clawbot.settings import ASKED  # django.conf.settings holds the settings alone
    from tasks.queue import SUPERVISOR  # needs the apps

    known = ASKED | {SUPERVISOR, "OPENAI_API_KEY"} | _model_keys()
    known |= {f"{name}_FILE" for name in known - READ_BY_AGENTS}

    def hint(name: str) -> str:
        if name.startswith(MODEL_KEY):
            return "CLAWBOT_MODELS names no model whose key this could be."
        return nearest(name, sorted(known))

    return [
        Warning(f"{name} is set, and nothing reads it.", hint=hint(name), id="clawbot.W020")
        for name, value in sorted(os.environ.items())
        if value and name.startswith(OURS) and name not in known
    ]


def _model_keys() -> set[str]:
    """The variables that hold the keys of the listed models."""
    if not _given("CLAWBOT_MODELS"):
        return set()
    from agents import llm  # a tenth of a second: only if models are named
    from agents.contract import Refused

    try:
        return {one.key for one in llm.listed(os.environ).values()}
    except Refused:  # `models` says so
        return set()


@register(TAG)
def models(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """An entry that cannot be read would fail every run of every agent."""
    if not _given("CLAWBOT_MODELS"):
        return []
    from agents import llm  # a tenth of a second: only if models are named
    from agents.contract import Refused

    try:
        llm.listed(os.environ)
    except Refused as refused:
        return [Error(str(refused), hint="Correct CLAWBOT_MODELS.", id="clawbot.E021")]
    return []


@register(TAG)
def channels(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """A channel for a group that there is not would never get a message."""
    from agents.strict_yaml import nearest  # a third of a second: only where settings are checked
    from tasks import access

    return [
        Warning(f"SLACK_CHANNELS names the group {group!r}, and there is none.",
                hint=nearest(group, list(access.GROUPS)), id="clawbot.W021")
        for group in settings.SLACK_CHANNELS
        if group not in access.GROUPS and not group.startswith("user:")
    ]  # fmt: skip


@register(TAG)
def zone(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Dates in file names and on pages are in this zone."""
    try:
        clock.zone(settings.SITE_ZONE)
    except ValueError as error:
        return [Error(f"CLAWBOT_ZONE: {error}.", hint="Set CLAWBOT_ZONE or leave it out.", id="clawbot.E020")]
    return []


def _is_reachable() -> bool:
    return any(host not in LOCAL for host in settings.ALLOWED_HOSTS)


def _given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))
