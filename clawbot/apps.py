"""Registers the face's commands and template tags."""

from django.apps import AppConfig


class ClawbotConfig(AppConfig):
    name = "clawbot"
