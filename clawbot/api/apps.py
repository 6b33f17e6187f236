"""Registers the API app: it keeps the answers to requests that carried an Idempotency-Key."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "clawbot.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
