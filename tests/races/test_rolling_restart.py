"""A production start by hand, as docs/howto/run_in_production.md has it: PostgreSQL, two web and two work
processes, and the page's own nginx configuration. Restarting web costs no request, and no form."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests import databases
from tests.databases import ROOT

PATIENCE = 60
LEAST_REQUESTS = int(os.environ.get("ROLLING_REQUESTS", "300"))
VISIT = (("GET", "/"), ("POST", "/me/theme/"), ("GET", "/livez"), ("GET", "/static/favicon.svg"))
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
OPENSSL = shutil.which("openssl")
PAGE = ROOT / "docs/howto/run_in_production.md"

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not NGINX, reason="No nginx on this machine (Debian: apt install nginx-light)."),
    pytest.mark.skipif(not OPENSSL, reason="No openssl on this machine, which makes the certificate."),
]


@dataclass
class House:
    """A running installation: where nginx is, its web processes by port, and how to run its commands."""

    folder: Path
    port: int
    environment: dict[str, str]
    webs: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def manage(self, *words: str, code: int = 0) -> str:
        """Run `manage.py` and return what it printed."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip() + done.stderr.strip()

    def start(self, *words: str, name: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a process of the house, which ends with it."""
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment | more,
            stdout=log,
            stderr=log,
        )
        self.stack.callback(log.close)
        self.stack.callback(_end, process)
        return process

    def web(self, port: int) -> None:
        """Start web at a port and wait until it is ready, as a supervisor does: by address."""
        self.webs[port] = self.start("web", name=f"web-{port}", PORT=str(port))
        until(lambda: probe(port, "/readyz") == 200, self.said(port))

    def restart(self, port: int) -> int:
        """Ask web to end, wait until it has, and start it again; returns the code with which it ended."""
        self.webs[port].terminate()
        code = self.webs[port].wait(PATIENCE)
        self.web(port)
        return code

    def said(self, port: int) -> str:
        """What web at this port printed."""
        return (self.folder / f"web-{port}.log").read_text()

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        """One request through nginx, on a connection of its own."""
        line = http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE, context=_unverified())
        try:
            body = urlencode(form) if form else None
            if form:
                headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            line.request(method, path, body, {"Origin": self.origin, **headers} if form else headers)
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            line.close()

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str

    def cookies(self) -> str:
        """The cookies that were set, as the next request sends them."""
        return "; ".join(one.partition(";")[0] for one in self.headers.get_all("Set-Cookie", []))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Everything that the page says, once for this file."""
    folder = tmp_path_factory.mktemp("house")
    front, plain, first, second = _free_ports(4)
    with ExitStack() as stack:
        try:
            url = stack.enter_context(databases.throw_away("postgres", folder))
        except databases.Absent as reason:
            pytest.skip(str(reason))
        environment = databases.environment(url, folder / "var") | {
            "CLAWBOT_BASE_URL": f"https://localhost:{front}", "ALLOWED_HOSTS": "localhost",
            "TRUST_PROXY": "127.0.0.1", "SECRET_KEY": "s" * 48, "CLAWBOT_AUDIT_KEY": "a" * 48,
            "CLAWBOT_GRACE_SECONDS": "5", "CLAWBOT_WORKERS": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        built = House(folder, front, environment, stack=stack)
        for words in re.findall(r"manage\.py (.+)", _block("sh")):
            built.manage(*words.split())
        for port in (first, second):
            built.web(port)
        for number in (1, 2):
            built.start("work", name=f"work-{number}")
        stack.enter_context(_nginx(folder, front, plain, first, second))
        until(lambda: built.ask("GET", "/livez").status == 200, "nginx does not answer")
        yield built


def test_probes_answer_by_address_and_by_name(house):
    until(lambda: house.ask("GET", "/healthz/progress").status == 200, "no worker came up")

    for port in house.webs:
        assert [probe(port, path) for path in ("/livez", "/readyz", "/healthz/progress")] == [200, 200, 200]
        if "[::1]" in house.said(port):
            assert probe(port, "/livez", host="::1") == 200
    assert house.ask("HEAD", "/readyz").status == 200
    assert probe(next(iter(house.webs)), "/sign-in/") == 400  # all else keeps to ALLOWED_HOSTS


def test_every_process_says_what_it_found(house):
    port = next(iter(house.webs))

    assert "house with no tasks and one person at postgresql://" in house.said(port)
    assert f"Web serves at 127.0.0.1:{port}" in house.said(port)


def test_a_form_goes_through_nginx_and_a_foreign_one_is_told_why_not(house, visitor):
    assert house.ask("POST", "/me/theme/", visitor.form(theme="dark"), Cookie=visitor.cookies).status < 400

    elsewhere = house.ask(
        "POST",
        "/me/theme/",
        visitor.form(theme="dark"),
        Cookie=visitor.cookies,
        Origin="https://evil.example",
    )
    assert elsewhere.status == 403
    assert "Your browser was at https://evil.example" in elsewhere.text


def test_browsers_are_told_to_stay_with_https(house):
    assert "max-age=31536000" in house.ask("GET", "/sign-in/").headers["Strict-Transport-Security"]


def test_a_rolling_restart_fails_no_request_and_no_form(house, visitor):
    codes: list[int] = []
    answers: list[tuple[str, int]] = []
    over = threading.Event()

    def visit() -> None:
        while not over.is_set():
            for method, path in VISIT:
                form = visitor.form(theme="light") if method == "POST" else None
                try:
                    status = house.ask(method, path, form, Cookie=visitor.cookies).status
                except OSError as error:
                    status = -1
                    answers.append((repr(error), status))
                answers.append((f"{method} {path}", status))

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    with Socket(house, visitor.cookies) as live:
        for one in visitors:
            one.start()
        try:
            while not codes or len(answers) < LEAST_REQUESTS:
                codes += [house.restart(port) for port in list(house.webs)]
        finally:
            over.set()
            for one in visitors:
                one.join()
        farewell = live.farewell()

    failed = [answer for answer in answers if not 200 <= answer[1] < 400]
    forms = sum(what.startswith("POST") for what, _ in answers)
    print(f"{len(answers):,} requests ({forms:,} forms), {len(codes)} restarts, {len(failed)} failed")
    assert failed == []
    assert set(codes) == {0}
    assert all("Web has stopped." in house.said(port) for port in house.webs)
    assert farewell == 1001


def test_a_form_under_way_is_answered_before_the_process_ends(house):
    """Straight at one process: the request has begun, its body comes only after the SIGTERM."""
    port, web = next(iter(house.webs.items()))
    body = urlencode({"username": "nobody", "password": "x" * 20})
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        head = f"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        line.sendall(head.encode())
        time.sleep(0.1)  # the bytes are there; nothing tells when they were read
        web.send_signal(signal.SIGTERM)
        until(lambda: _refuses(port), "it goes on listening")
        line.sendall(body.encode())
        said = line.makefile("rb").readline()
    assert web.wait(PATIENCE) == 0
    house.web(port)

    assert said.startswith(b"HTTP/1.1 403")


# -- Whoever visits ----------------------------------------------------------------------------------


@dataclass
class Visitor:
    """Somebody who is signed in: their cookies, and the token that their pages carry."""

    cookies: str
    token: str

    def form(self, **given: str) -> dict[str, str]:
        """A form as one of their pages sends it."""
        return {"csrfmiddlewaretoken": self.token, **given}


@pytest.fixture(scope="module")
def visitor(house: House) -> Visitor:
    """root, who came in by a one-time link through nginx."""
    path = house.manage("signin", "root").removeprefix(house.origin)
    page = house.ask("GET", path)
    signed_in = house.ask("POST", path, {"csrfmiddlewaretoken": _token(page)}, Cookie=page.cookies())
    assert signed_in.status == 302, signed_in.text
    cookies = signed_in.cookies()
    return Visitor(cookies, _token(house.ask("GET", "/me/", Cookie=cookies)))


class Socket:
    """A page's live connection through nginx."""

    def __init__(self, house: House, cookies: str) -> None:
        raw = socket.create_connection(("localhost", house.port), timeout=PATIENCE)
        self.line = _unverified().wrap_socket(raw, server_hostname="localhost")
        head = [
            "GET /live/ HTTP/1.1", f"Host: localhost:{house.port}", f"Origin: {house.origin}",
            f"Cookie: {cookies}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
        ]  # fmt: skip
        self.line.sendall("\r\n".join(head).encode())
        self.said = self.line.makefile("rb")
        assert b"101" in self.said.readline()
        while self.said.readline().strip():
            pass

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *error: object) -> None:
        self.said.close()
        self.line.close()

    def farewell(self) -> int:
        """The code with which the server closes."""
        while True:
            first, length = self.said.read(2)
            content = self.said.read(int.from_bytes(self.said.read(2), "big") if length == 126 else length)
            if first == 0x88:
                return int.from_bytes(content[:2], "big")


def _token(page: Answer) -> str:
    found = re.search(r'X-CSRFToken": "(\w+)"', page.text)
    assert found, page.text
    return found[1]


# -- The machine -------------------------------------------------------------------------------------


@contextmanager
def _nginx(folder: Path, front: int, plain: int, first: int, second: int) -> Iterator[None]:
    """nginx with the page's own configuration: only ports, names and certificates are this test's."""
    assert NGINX
    assert OPENSSL
    key, crt = folder / "clawbot.key", folder / "clawbot.crt"
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True,
    )  # fmt: skip
    site = _block("nginx")
    for theirs, ours in {
        "127.0.0.1:8001": f"127.0.0.1:{first}", "127.0.0.1:8002": f"127.0.0.1:{second}",
        "listen 443 ssl": f"listen 127.0.0.1:{front} ssl", "listen 80": f"listen 127.0.0.1:{plain}",
        "/etc/ssl/clawbot.crt": str(crt), "/etc/ssl/clawbot.key": str(key),
        "clawbot.example.org": "localhost",
    }.items():  # fmt: skip
        assert theirs in site
        site = site.replace(theirs, ours)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log; events {{}}\n"
        f"http {{ access_log off; {places}\n{site} }}\n"
    )
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-e", str(folder / "nginx-error.log"), "-c", str(conf)],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        _end(process)


def _block(language: str) -> str:
    """The page's block of this language."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def probe(port: int, path: str, host: str = "127.0.0.1") -> int:
    """How one web process answers by its address; 0 if nobody listens."""
    line = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        line.request("GET", path)
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


def until(true: Callable[[], object], otherwise: str, patience: float = PATIENCE) -> None:
    """Wait until something is so."""
    over = time.monotonic() + patience
    while time.monotonic() < over:
        try:
            if true():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(otherwise)


def _refuses(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in probes:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in probes]


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
