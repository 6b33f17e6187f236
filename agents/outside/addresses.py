"""Where a service is: an address of its own, or `service:NAME/path` by the list in CLAWBOT_SERVICES."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from agents.contract import Refused
from agents.strict_yaml import nearest

SERVICES = "CLAWBOT_SERVICES"  # "shop=http://127.0.0.1:8011 books=https://books.example/api"
_NAMED = re.compile(r"service:([a-z][a-z0-9_-]{0,63})(/[^\s?#\\]*)?$")


def services(environment: Mapping[str, str]) -> dict[str, str]:
    """The services that CLAWBOT_SERVICES names, each with its base address. Raises `Refused` for an entry
    that cannot be read."""
    found: dict[str, str] = {}
    for entry in re.split(r"[,\s]+", environment.get(SERVICES, "").strip()):
        name, equals, url = entry.partition("=")
        if not entry:
            continue
        if not equals or not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name) or not is_plain(url):
            raise Refused(
                f"{SERVICES} has the entry {entry[:200]!r}, which cannot be read. Write "
                "NAME=http://host:port, entries separated by spaces."
            )
        found[name] = url.rstrip("/")
    return found


def resolve(url: str, environment: Mapping[str, str]) -> str:
    """The http(s) address behind `url`. Raises `Refused` where it names a service that nobody listed."""
    match = _NAMED.match(url)
    if match is None:
        if is_plain(url):
            return url
        raise Refused(
            f"Cannot ask {url[:200]!r}: it is no address of a service. Write https://host/path, or "
            f"service:NAME/path for a service in {SERVICES}."
        )
    known = services(environment)
    if match[1] not in known:
        raise Refused(
            f"Cannot ask the service `{match[1]}`: {SERVICES} does not say where it is. "
            f"{nearest(match[1], sorted(known)) if known else 'It names none.'} `make up` starts "
            f"the services that ship with workflows; for others set {SERVICES}={match[1]}=http://host:port."
        )
    return known[match[1]] + (match[2] or "")


def is_address(url: str) -> bool:
    """Whether `url` is written as an address or as `service:NAME/path`; whether the name is known is not
    asked."""
    return _NAMED.match(url) is not None or is_plain(url)


def is_plain(url: str) -> bool:
    """Whether this is an http(s) address with a host, and without a user name or anything hidden in it."""
    if len(url) > 2_000 or re.search(r"[\s\\\x00-\x20\x7f]", url):
        return False
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
            and not parts.fragment and (parts.port is None or parts.port > 0)
        )  # fmt: skip
    except ValueError:
        return False
