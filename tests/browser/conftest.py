"""A real site for the whole session, started as a person starts it (`./manage.py up`), and real browsers.

Everything lives in a folder of its own and on a free port. Without a Chromium these tests skip and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.databases import ROOT

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_SECONDS = 120
WAIT_SECONDS = 90
expect.set_options(timeout=20_000)  # milliseconds: a busy machine is no fault


@dataclass
class Site:
    """A running Clawbot: where it is, and its command line."""

    url: str
    environment: dict[str, str]
    sessions: dict[str, Any] = field(default_factory=dict)  # person -> cookies, signed in once

    def manage(self, *words: str, code: int = 0) -> str:
        """Run `manage.py` there and return what it printed."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == code, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def status(self, key: str) -> dict[str, Any]:
        """`status KEY --json`."""
        return dict(json.loads(self.manage("status", key, "--json")))

    def inject(self, sample: str, *more: str) -> str:
        """Put a sample of the article workflow into the line; returns its key."""
        return str(json.loads(self.manage("inject", "article", "--sample", sample, "--json", *more))["key"])

    def waits_for_a_person(self, key: str) -> dict[str, Any]:
        """The task's status once it waits for a person."""
        over = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < over:
            found = self.status(key)
            if found["waiting_for"]:
                return found
            time.sleep(0.5)
        raise AssertionError(f"{key} waits for nobody after {WAIT_SECONDS} s: {found['why']}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; skips where this machine has none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip(
            "No Chromium on this machine: install it (Debian: apt install chromium) for the browser tests."
        )
    return path


@pytest.fixture(scope="session")
def site(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A Clawbot of its own, with web and workers."""
    data = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "CLAWBOT_DATA": str(data), "DATABASE_URL": f"sqlite:///{data / 'clawbot.sqlite3'}",
        "PORT": str(port), "PYTHONUNBUFFERED": "1", "CLAWBOT_UNDO_SECONDS": "2",
    }  # fmt: skip
    log = data / "up.log"
    with log.open("w") as out:
        up = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _await_greeting(up, log)
        yield Site(f"http://localhost:{port}", environment)
    finally:
        _end(up)


def _await_greeting(up: subprocess.Popen[bytes], log: Path) -> None:
    over = time.monotonic() + START_SECONDS
    while "Clawbot is up." not in log.read_text():
        assert up.poll() is None, f"`./manage.py up` ended:\n{log.read_text()}"
        assert time.monotonic() < over, (
            f"`./manage.py up` did not come up in {START_SECONDS} s:\n{log.read_text()}"
        )
        time.sleep(0.2)


def _end(up: subprocess.Popen[bytes]) -> None:
    up.send_signal(signal.SIGINT)
    try:
        up.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(up.pid, signal.SIGKILL)
        up.wait()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for the session."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@dataclass
class Visit:
    """A page of one person, and what its browser complained about."""

    page: Page
    complaints: list[str]

    def hears(self, line: ConsoleMessage) -> None:
        """Keep what the browser calls an error: a broken script, a refused style, a missing file."""
        if line.type == "error":
            self.complaints.append(f"console: {line.text} {line.location.get('url', '')}")

    def go(self, path: str) -> Page:
        """Open an address of the site and wait until its scripts ran."""
        self.page.goto(path)
        self.page.wait_for_function("window.htmx !== undefined")
        return self.page


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens a browser as somebody: `visit("ana", theme="dark", width=360)`; nobody is signed out.

    A page that throws, breaks its content security policy or asks for what is not there fails the test.
    """
    open_contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def begin(
        person: str = "",
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 800,
        url: str = "",
        **more: Any,
    ) -> Visit:
        if person and person not in site.sessions:
            site.sessions[person] = _sign_in(site, browser, person)
        context = browser.new_context(
            base_url=url or site.url, color_scheme=theme, viewport={"width": width, "height": height},  # type: ignore[arg-type]
            storage_state=site.sessions.get(person), **more,
        )  # fmt: skip
        open_contexts.append(context)
        made = Visit(context.new_page(), [])
        made.page.on("pageerror", lambda error: made.complaints.append(f"error: {error}"))
        made.page.on("console", lambda line: made.hears(line))
        visits.append(made)
        return made

    yield begin
    for context in open_contexts:
        context.close()
    assert [complaint for one in visits for complaint in one.complaints] == []


def _sign_in(site: Site, browser: Browser, person: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.manage("signin", person))
    page.get_by_role("button", name="Sign in as").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="session")
def waiting(site: Site) -> dict[str, Any]:
    """A task whose draft waits for an editor, as `status --json` gives it; nobody decides this one."""
    return site.waits_for_a_person(site.inject("default", "--title", "The draft that waits"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser, and comes last: while Playwright is open its event
    loop runs in this thread, and Django refuses to ask a database from a thread with one."""
    mine = {item for item in items if Path(__file__).parent in item.path.parents}
    for item in mine:
        item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item in mine)
