"""Registers the face's commands, template tags and system checks."""

from django.apps import AppConfig


class ClawbotConfig(AppConfig):
    name = "clawbot"

    def ready(self) -> None:
        from clawbot import checks, startup  # noqa: F401
