"""The door for browsers: pages over HTTP, and one socket per page for what changed."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clawbot.settings")
pages = get_asgi_application()  # sets Django up; what is imported below needs that

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402
from django.urls import path  # noqa: E402

from clawbot.forwarded import Forwarded  # noqa: E402
from clawbot.live.origin import SameOrigin  # noqa: E402
from clawbot.live.socket import LiveSocket  # noqa: E402

sockets = URLRouter([path("live/", LiveSocket.as_asgi())])
application = Forwarded(
    ProtocolTypeRouter({"http": pages, "websocket": SameOrigin(SessionMiddlewareStack(sockets))})
)
