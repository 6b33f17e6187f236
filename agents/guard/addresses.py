"""Which network addresses an agent may reach: public ones, whatever way the address is written."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from agents.contract import Refused, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# "2130706433", "0x7f.1" and "0177.0.0.1" are 127.0.0.1 to a resolver; no name on the web ends in a number.
_NUMERIC = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)$", re.I)
PORTS = {"http": 80, "https": 443}
ALLOW = "CLAWBOT_FETCH_ALLOW"  # "host:port, host:port": endpoints an admin lets agents reach

# `is_global` says True for several of these, or they carry an IPv4 address inside.
_DENIED = [
    ipaddress.ip_network(net)
    for net in [
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ]
]


def check_url(url: str, environment: Mapping[str, str]) -> tuple[SplitResult, str, int, bool]:
    """Read an address as (parts, host, port, listed). Raises `Refused` for any that is not plain http(s)."""
    if any(ord(c) <= 32 or ord(c) == 127 for c in url) or "\\" in url or len(url) > 2_000:
        raise Refused(_refusal(url, "it contains spaces, control characters or backslashes, or is too long"))
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        host = (
            (parts.hostname or "").rstrip(".").encode("idna").decode().lower()
            if ":" not in (parts.hostname or "")
            else parts.hostname
        )
    except (ValueError, UnicodeError):
        raise Refused(_refusal(url, "it cannot be read")) from None
    if parts.scheme not in PORTS:
        raise Refused(_refusal(url, "only http and https are allowed"))
    if not host or parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise Refused(_refusal(url, "it has no host, or a user name in front of it"))
    if _NUMERIC.search(host) and not _is_address(host):
        raise Refused(_refusal(url, "its host is a number in disguise"))
    listed = f"{host}:{port}" in re.split(r"[,\s]+", environment.get(ALLOW, "").lower())
    if port != PORTS[parts.scheme] and not listed:
        raise Refused(_refusal(url, f"port {port} is not allowed; 80 and 443 are"))
    return parts, host, port, listed


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, asked once. Raises `Unavailable` where it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Unavailable(f"The name {host!r} has no address ({error}).") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def check_addresses(url: str, addresses: list[str]) -> str:
    """The address to connect to, if all of them are public. Raises `Refused` where any is not."""
    if not addresses or not all(is_public(address) for address in addresses):
        raise Refused(_refusal(url, "it leads into a private or reserved network"))
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet, with any IPv4 address inside it unwrapped."""
    try:
        address: Address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    denied = any(address in net for net in _DENIED if net.version == address.version)
    return address.is_global and not denied and not address.is_multicast and not address.is_reserved


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(url: str, reason: str) -> str:
    return (
        f"The address {url[:200]!r} was refused: {reason}. Agents reach public web addresses; an "
        "admin can list "
        f"others in {ALLOW} as host:port."
    )
