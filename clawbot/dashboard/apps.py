"""Registers the dashboard."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "clawbot.dashboard"
    label = "dashboard"
