"""What answers browsers: pages over HTTP, and one socket per page for what changed."""

from __future__ import annotations

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application
from django.urls import path

from clawbot.forwarded import Forwarded

from .origin import SameOrigin
from .socket import LiveSocket

sockets = URLRouter([path("live/", LiveSocket.as_asgi())])
application = Forwarded(
    ProtocolTypeRouter(
        {"http": get_asgi_application(), "websocket": SameOrigin(SessionMiddlewareStack(sockets))}
    )
)
