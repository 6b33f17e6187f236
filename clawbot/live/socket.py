"""One browser's socket: who may open it, what it sends, when it ends."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from tasks import access, database

from .hub import Subscriber, hub

# A person whose role or session ended is let go within this time.
RECHECK_SECONDS = 30.0
# Codes of our own (4000-4999): the page reads them.
NOT_ALLOWED = 4403
# The standard's word for it (1013): the page comes back by itself.
TRY_LATER = 1013
MOST_BYTES = 200


class LiveSocket(AsyncWebsocketConsumer):
    """`{"seq": n}` comes in once; what changed since, and from then on, goes out."""

    subscriber: Subscriber | None = None
    sender: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        try:
            allowed, workflows = await self._allowed()
        except (DatabaseError, InterfaceError) as error:
            await _gone(error)
            await self.accept()  # only an open socket can say why it closes
            await self.close(TRY_LATER)
            return
        if not allowed:
            await self.close(NOT_ALLOWED)
            return
        await self.accept()
        self.subscriber = hub.join(workflows)
        self.sender = asyncio.create_task(self._send_until_refused(self.subscriber))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        seq = _seq(text_data)
        if seq is not None and self.subscriber:
            try:
                await hub.catch_up(self.subscriber, seq)
            except (DatabaseError, InterfaceError) as error:
                await _gone(error)
                await self.close(TRY_LATER)  # the page says its number again when it is back

    async def disconnect(self, code: int) -> None:
        if self.sender:
            self.sender.cancel()
        if self.subscriber:
            hub.leave(self.subscriber)

    async def _send_until_refused(self, subscriber: Subscriber) -> None:
        loop = asyncio.get_running_loop()
        check_at = loop.time() + RECHECK_SECONDS
        while True:
            try:
                message = await asyncio.wait_for(subscriber.queue.get(), check_at - loop.time())
                await self.send(text_data=json.dumps(message, separators=(",", ":")))
            except TimeoutError:
                pass
            if loop.time() >= check_at:
                try:
                    allowed, subscriber.workflows = await self._allowed()
                except (DatabaseError, InterfaceError) as error:
                    await _gone(error)
                    await self.close(TRY_LATER)
                    return
                if not allowed:
                    await self.close(NOT_ALLOWED)
                    return
                check_at = loop.time() + RECHECK_SECONDS

    async def _allowed(self) -> tuple[bool, list[int] | None]:
        """Whether the session still stands and its person may look; and into which workflows (None: all)."""
        user = await _current_user(self.scope)
        return await database_sync_to_async(_sight)(user)


async def _gone(error: Exception) -> None:
    """Raises the error again if it is not the database that is away."""
    if await database_sync_to_async(database.ails)(error) is None:
        raise error


def _sight(user: Any) -> tuple[bool, list[int] | None]:
    return access.can(user, "read"), access.workflows(user)


async def _current_user(scope: dict[str, Any]) -> Any:
    """The session's person as the database has it now, not as it was at the handshake."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return await get_user({"session": store(scope["session"].session_key)})


def _seq(text: str | None) -> int | None:
    """The number in a page's one message; None for anything else."""
    if not text or len(text) > MOST_BYTES:
        return None
    try:
        seq = json.loads(text)["seq"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < 2**63 else None
