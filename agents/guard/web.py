"""One guarded GET for every tool that reads the web: checked address, few redirects, bounded in size."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import httpx2
from protego import Protego

from agents import retry_after
from agents.addresses import joined
from agents.contract import Refused, Unavailable
from agents.guard import addresses
from agents.guard.files import inflate
from agents.prose.encoding import decode

MOST_REDIRECTS = 3
LONGEST_WAIT = 900.0  # a server that asks us to come back in years is asked again in 15 minutes
ANY = ("*/*",)  # every kind of content
NAME = "Clawbot"
ROBOTS = "/robots.txt"
MOST_ROBOTS = 512_000  # bytes of it; what the standard asks for is 500 KiB
ROBOTS_SECONDS = 3_600.0  # for which a robots.txt is remembered
MOST_REMEMBERED = 500
AGENT = "Clawbot/0.1 (reads sources for articles)"


@dataclass(frozen=True)
class Answer:
    """What a server gave: the final address, the kind of content, the bytes after unpacking, and the charset
    that it says they are in (often none, often wrong)."""

    url: str
    kind: str
    raw: bytes
    cut: bool
    charset: str

    @property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()


async def get(
    url: str, kinds: tuple[str, ...], most_bytes: int, seconds: float, environment: Mapping[str, str]
) -> Answer:
    """GET an address within a total time. Raises `Refused` or, where later may help, `Unavailable`."""
    try:
        async with asyncio.timeout(seconds):
            return await _follow(url, kinds, most_bytes, environment)
    except TimeoutError:
        raise Unavailable(f"{url[:200]} did not answer in full within {seconds:g} seconds.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(f"{url[:200]} could not be read ({type(error).__name__}).") from None


async def _follow(
    url: str, kinds: tuple[str, ...], most_bytes: int, environment: Mapping[str, str]
) -> Answer:
    first = url
    for _ in range(MOST_REDIRECTS + 1):
        answer = await _one(url, kinds, most_bytes, environment)
        if isinstance(answer, Answer):
            return answer
        # Servers send spaces and letters that an address must not have; what is escaped already stays.
        target = joined(url, quote(answer.strip(), safe="%/:?#[]@!$&'()*+,;=~"))
        if url.startswith("https:") and not target.startswith("https:"):
            raise Refused(
                f"{url[:200]} leads from https to {target[:200]!r}, which is not encrypted. Name the "
                "page itself."
            )
        url = target
    raise Refused(f"{first[:200]} leads on more than {MOST_REDIRECTS} times. Name the page it ends at.")


async def _one(
    url: str, kinds: tuple[str, ...], most_bytes: int, environment: Mapping[str, str]
) -> Answer | str:
    """One request to one checked address: the answer, or where it redirects to."""
    parts, host, port, listed = addresses.check_url(url, environment)
    found = await addresses.resolve(host, port)
    address = found[0] if listed and found else addresses.check_addresses(url, found)
    if not listed and parts.path != ROBOTS:
        await _ask_robots(url, environment)
    # The connection goes to the address that was checked; a second look-up could answer otherwise.
    target = parts._replace(
        netloc=f"[{address}]:{port}" if ":" in address else f"{address}:{port}", fragment=""
    ).geturl()
    shown = host if port == addresses.PORTS[parts.scheme] else f"{host}:{port}"
    headers = {
        "Host": f"[{shown}]" if ":" in host else shown,
        "User-Agent": AGENT,
        "Accept": ", ".join(kinds),
        "Accept-Encoding": "gzip",
    }
    # trust_env=False: a proxy from the environment would connect somewhere we did not check.
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=10) as client:
        request = client.build_request("GET", target, headers=headers, extensions={"sni_hostname": host})
        response = await client.send(request, stream=True)
        try:
            return await _received(response, url, kinds, most_bytes)
        finally:
            await response.aclose()


async def _ask_robots(url: str, environment: Mapping[str, str]) -> None:
    """Raise `Refused` where the site's robots.txt disallows a page. Who lists an address has decided."""
    address = urljoin(url, ROBOTS)
    known = _robots.get(address)
    if known is None or known[0] < time.monotonic():
        if len(_robots) >= MOST_REMEMBERED:
            _robots.clear()
        known = _robots[address] = (time.monotonic() + ROBOTS_SECONDS, await _rules(address, environment))
    if not known[1].can_fetch(url, NAME):
        raise Refused(
            f"{url[:200]} was not read: the robots.txt of {urlsplit(url).netloc} asks robots to stay away. "
            f"Give the text as a file, or let an admin list the address in {addresses.ALLOW}."
        )


async def _rules(address: str, environment: Mapping[str, str]) -> Protego:
    """A site's rules; a site that has none allows everything."""
    try:
        answer = await _follow(address, ANY, MOST_ROBOTS, environment)
    except Refused:
        return Protego.parse("")
    return Protego.parse(decode(answer.raw, answer.charset, cut=answer.cut).text)


_robots: dict[str, tuple[float, Protego]] = {}  # until when it holds, by the address of the robots.txt


async def _received(
    response: httpx2.Response, url: str, kinds: tuple[str, ...], most_bytes: int
) -> Answer | str:
    if response.status_code in (301, 302, 303, 307, 308):
        return response.headers.get("Location", "")
    if response.status_code in (408, 425, 429) or response.status_code >= 500:
        raise Unavailable(f"{url[:200]} answered {response.status_code}.", _wait(response))
    if response.status_code != 200:
        raise Refused(f"{url[:200]} answered {response.status_code}; there is nothing to read.")
    kind, _, rest = response.headers.get("Content-Type", "").lower().partition(";")
    if kinds != ANY and kind.strip() not in kinds:
        raise Refused(
            f"{url[:200]} holds {kind.strip() or 'an unnamed kind of data'}, which is not read. "
            f"Readable: {', '.join(kinds)}."
        )
    encoding = response.headers.get("Content-Encoding", "identity").lower().strip()
    if encoding not in ("identity", "gzip", ""):
        raise Refused(f"{url[:200]} is packed as {encoding!r}, which was not asked for.")
    raw, cut = await _bounded(response, most_bytes)
    if encoding == "gzip":
        raw, cut = inflate(raw, most_bytes)
    charset = rest.partition("charset=")[2].split(";")[0].strip("\"' ")
    return Answer(url, kind.strip(), raw, cut, charset)


async def _bounded(response: httpx2.Response, most_bytes: int) -> tuple[bytes, bool]:
    """The bytes as they came over the wire, still packed, and whether there were more."""
    received = bytearray()
    async for chunk in response.aiter_raw():
        received += chunk
        if len(received) > most_bytes:
            return bytes(received[:most_bytes]), True
    return bytes(received), False


def _wait(response: httpx2.Response) -> float | None:
    wanted = retry_after.seconds(response.headers.get("Retry-After", ""))
    return None if wanted is None else min(wanted, LONGEST_WAIT)
