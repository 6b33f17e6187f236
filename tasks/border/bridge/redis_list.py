"""Redis lists with plain JSON on them, for kombu.

kombu takes a message off a list first and notes it as taken afterwards: a bridge that dies in between has
lost it. Here a script on the server does both at once. Whatever lies on the list is a message, kombu's own
wrapping or not: what cannot be read must reach the dead letters, not disappear.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import Any

from kombu.transport import redis
from kombu.transport.virtual import Empty

from .wrapping import payload

_logger = logging.getLogger(__name__)

#: Seconds between looks for what another bridge took and never acknowledged.
LOOK = 5.0

_TAKE = """
for place = 3, #KEYS do
  local found = redis.call('RPOP', KEYS[place])
  if found then
    redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
    redis.call('HSET', KEYS[2], ARGV[2], cjson.encode({
      {body = found, headers = {as_found = 1}, properties = {delivery_tag = ARGV[2]}}, '', ARGV[3]}))
    return found
  end
end
return false
"""


class Channel(redis.Channel):
    """kombu's channel, with a `_get` that loses nothing."""

    _looked = 0.0

    def push(self, queue: str, body: bytes) -> None:
        """Put a message on the list as it is."""
        with self.conn_or_acquire() as client:
            client.lpush(queue, body)

    def wait(self, queue: str, seconds: float) -> None:
        """Return when something lies on the list, or after so many seconds."""
        deadline = time.monotonic() + seconds
        with self.conn_or_acquire() as client:
            while not client.llen(queue) and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(0.1, left))

    def give_back(self) -> None:
        """Put back, now and then, what was taken by a bridge that never acknowledged it."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        try:
            self.qos.restore_visible(num=100, interval=1)
        except ValueError:  # not UTF-8, taken by a bridge that died at that moment; the others go on
            _logger.exception("A message that was taken before could not be put back.")

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        tag = str(uuid.uuid4())
        lists = [self._q_for_pri(queue, step) for step in self.priority_steps]  # type: ignore[no-untyped-call]
        keys = [self.unacked_index_key, self.unacked_key, *lists]
        with self.conn_or_acquire() as client:
            found = client.eval(_TAKE, len(keys), *keys, time.time(), tag, queue)
        if not found:
            raise Empty
        place = {"exchange": "", "routing_key": queue}
        return payload(_as_found(found), delivery_tag=tag, delivery_info=place)


def _as_found(found: bytes) -> bytes:
    """What the script wrapped, and was put back because its bridge died, lay on the list as this."""
    try:
        read = json.loads(found)
        return str(read["body"]).encode() if read["headers"]["as_found"] else found
    except (ValueError, TypeError, KeyError, RecursionError):
        return found


class Transport(redis.Transport):
    """kombu's Redis with that channel."""

    Channel = Channel
