"""What the server's own log leaves out. It is read with the settings, before anything else of ours."""

from __future__ import annotations

import logging

#: Addresses that machines ask every few seconds; `clawbot/probes.py` answers them.
PROBED = ("/livez", "/readyz", "/healthz/progress")


class NoProbe(logging.Filter):
    """Leaves out Django's line about each 503 to a probe: being told "not ready" is no fault, and what ails
    the site is logged once, where it is found."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        return getattr(getattr(record, "request", None), "path_info", "") not in PROBED
