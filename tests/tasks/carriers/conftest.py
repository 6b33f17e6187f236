"""A Slack that answers on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tasks.carriers.fake_slack import FakeSlack, running


@pytest.fixture
def slack(settings, monkeypatch) -> Iterator[FakeSlack]:
    """Our own Slack, with the settings that point at it and short limits."""
    from tasks.carriers import slack as carrier

    monkeypatch.setattr(carrier, "TIMEOUT", 1)
    monkeypatch.setattr(carrier, "TOTAL", 2.0)
    with running() as server:
        settings.SLACK_BOT_TOKEN = "xoxb-test"
        settings.SLACK_API_URL = server.url
        settings.SLACK_CHANNELS = {"editors": "C0EDITORIAL", "operators": "C0OPS"}
        settings.CARRIERS = ["slack"]
        yield server
