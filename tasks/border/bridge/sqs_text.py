"""Amazon SQS with plain JSON as messages, for kombu."""

from __future__ import annotations

from typing import Any

from kombu.transport import SQS

from .wrapping import payload


class Channel(SQS.Channel):
    """kombu's channel, which reads whatever lies on the queue."""

    do_restore = False  # SQS itself shows again what was never acknowledged

    def _message_to_python(self, message: dict[str, Any], queue_name: str, q_url: str) -> dict[str, Any]:
        body = message["Body"]
        raw = self._optional_b64_decode(body.encode() if isinstance(body, str) else body)
        place = {"sqs_message": message, "sqs_queue": q_url, "exchange": "", "routing_key": queue_name}
        return payload(raw, delivery_tag=message["ReceiptHandle"], delivery_info=place)


class Transport(SQS.Transport):
    """kombu's SQS with that channel."""

    Channel = Channel
