"""Addresses as strangers write them. `http://[` is none at all, and the library raises an error for it."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit


def parts(address: str) -> SplitResult:
    """What an address is made of; nothing, if it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def joined(page: str, link: str) -> str:
    """Where a link on a page leads; the link as it stands, if one of them is no address."""
    try:
        return urljoin(page, link)
    except ValueError:
        return link
