"""Django's `migrate`, in a data folder that is made first: the usual database is a file in it."""

from __future__ import annotations

from typing import Any

from django.core.checks import Tags
from django.core.management.commands import migrate

from clawbot.checks import TAG
from tasks import folder


class Command(migrate.Command):
    """`./manage.py migrate`"""

    requires_system_checks = [TAG, Tags.database]

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Make the data folder, then bring the database up to date."""
        folder.prepare()  # before the checks, which open the database
        return super().execute(*args, **options)
