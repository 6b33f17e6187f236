"""`./manage.py runserver`: Django's development server, with the sockets that open pages listen on."""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
