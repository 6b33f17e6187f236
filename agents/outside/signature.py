"""Signs what we send, so that the receiver can tell it is ours, unchanged, and not an old one sent again.

`X-Clawbot-Signature: t=1700000000,v1=5257a8...` where v1 is the HMAC-SHA256 of "t.body" in hex. The secret
stands in the environment, never in a definition; `NAME_FILE` may name a file that holds it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from agents.contract import Refused
from agents.environment import UnreadableFile, value

HEADER = "X-Clawbot-Signature"
TOLERANCE = 300  # seconds that the clocks of sender and receiver may differ
OURS = ("CLAWBOT_", "DJANGO_", "SLACK_", "OPENCLAW_", "AWS_")  # how the names of the house's own keys begin
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,92}_SECRET")
_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, now: float) -> str:
    """The header's value for this body, sent `now` (seconds since 1970)."""
    stamp = int(now)
    return f"t={stamp},v1={_code(secret, stamp, body)}"


def is_ours(secret: str, header: str, body: bytes, now: float) -> bool:
    """Whether the header was made with this secret for exactly this body, within the last five minutes."""
    form = _FORM.fullmatch(header)
    if form is None or abs(now - int(form[1])) > TOLERANCE:
        return False
    return hmac.compare_digest(_code(secret, int(form[1]), body), form[2])


def named(name: str) -> str:
    """The name of a variable as it is. Raises ValueError if it was not made to sign with: who may edit an
    agent must not thereby use the house's own keys, or find out about any variable of this machine."""
    if _NAME.fullmatch(name) and not name.startswith(OURS):
        return name
    raise ValueError(
        "write the name of a variable that ends in _SECRET, e.g. PAY_SECRET, and does not begin with one of "
        f"{', '.join(OURS)}: agents sign with what was set for it"
    )


def secret(name: str, environment: Mapping[str, str]) -> str:
    """The secret that a definition names. Raises `Refused` where nobody set it: what is meant to be signed
    is never sent unsigned."""
    try:
        found = value(name, environment)
    except UnreadableFile as error:
        raise Refused(str(error)) from None
    if not found:
        raise Refused(
            f"The agent signs with the secret {name}, which is not set. Set {name}, or {name}_FILE to the "
            "file that holds it, and start the workers again; or remove `secret` from the agent's settings."
        )
    return found


def _code(secret: str, stamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
