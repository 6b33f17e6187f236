"""`./manage.py web`: serves the pages, the API and the sockets."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from clawbot import cli, listen, startup


class Command(cli.Command):
    help = "Serve pages, API and sockets. SIGTERM or Ctrl-C ends it when what it was asked is answered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default=settings.HOST, help="localhost, or an IPv4 or IPv6 address (default: HOST)"
        )
        parser.add_argument("--port", type=int, default=settings.PORT, help="(default: PORT)")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        hosts = listen.addresses(host)
        listen.require_free(hosts, port)
        startup.require()
        from clawbot import web  # installs Twisted's event loop, which no other command should have
        from clawbot.asgi import application  # builds every page

        self.stdout.write(startup.found())
        places = " and ".join(f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in hosts)
        web.serve(hosts, port, application, ready=lambda: self._say(f"Web serves at {places}."))
        self._say("Web has stopped.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()
