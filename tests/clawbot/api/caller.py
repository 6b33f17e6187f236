"""A program that uses the API for a person, as it comes through HTTP."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from clawbot.people import tokens


class Caller:
    """`Caller("ana").post("tasks", {...})`."""

    def __init__(self, person: str, *, scope: str = "act") -> None:
        self.token, self.secret = tokens.make(person, f"{person}'s program", by=f"user:{person}", scope=scope)
        self.client = Client()

    def get(self, path: str, **query: Any) -> Any:
        """Read."""
        return self.client.get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path: str, body: Any = None, key: str = "") -> Any:
        """Do, perhaps under an Idempotency-Key."""
        data = body if isinstance(body, str | bytes) else json.dumps(body or {})
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"/api/v1/{path}", data, content_type="application/json", headers=headers)

    def delete(self, path: str) -> Any:
        """End."""
        return self.client.delete(f"/api/v1/{path}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}
