"""`./manage.py flush`: Django's own command, let past the triggers that keep the log append-only. The four
groups stay, as after `migrate`."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush

from clawbot.checks import TAG
from clawbot.people import cast
from tasks.history import append_only


class Command(flush.Command):
    requires_system_checks = [TAG]

    def handle(self, **options: Any) -> None:
        with append_only.lifted():
            super().handle(**options)
        cast.ensure_groups()
