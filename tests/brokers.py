"""Message brokers for tests: of this machine, or started for the test; each behind a gate that can shut.

RabbitMQ is the server of this machine (TEST_RABBITMQ_URL names another) or, where a test must restart it, an
instance of its own. Redis is a process of its own. SQS is moto's server, which speaks its API to the real
client.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

KINDS = ("rabbitmq", "redis", "sqs")
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
OWN_RABBITMQ = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/sbin/rabbitmq-server")
MOTO = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"


class Absent(Exception):
    """There is no broker of this kind; the text says what was looked for and what would help."""


class Gate:
    """A port in front of a server that can be shut: to its clients the server goes and comes back."""

    def __init__(self, port: int) -> None:
        self.behind = port
        self.port = free_port()
        self._lines: set[socket.socket] = set()
        self._door: socket.socket | None = None
        self.open()

    def open(self) -> None:
        """Let clients in."""
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._let_in, args=(self._door,), daemon=True).start()

    def shut(self) -> None:
        """Refuse clients, and cut the lines of those that are in."""
        if self._door is not None:
            _end(self._door)
            self._door = None
        for line in list(self._lines):
            _end(line)
        self._lines.clear()

    def _let_in(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.behind))
                except OSError:
                    client.close()
                    continue
                self._lines |= {client, server}
                for line in (client, server):  # small messages must not wait for larger ones
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for here, there in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(here, there), daemon=True).start()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                there.sendall(data)
        _end(here)
        _end(there)


def _end(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


class Broker:
    """A broker as a test sees it: its address for a bridge, and queues of its own."""

    def __init__(self, kind: str, url: str, gate: Gate | None = None) -> None:
        self.kind, self.url, self.gate = kind, url, gate
        self._used: set[str] = set()

    def queue(self, name: str) -> str:
        """A queue that nobody else uses."""
        self._used.add(queue := f"clawbot-{name}-{uuid.uuid4().hex[:8]}")
        return queue

    def put(self, queue: str, *bodies: bytes, ids: tuple[str, ...] = ()) -> None:
        """Put messages on a queue as another system would."""
        from tasks.border.bridge.links import Outgoing, link

        with link(self.url) as line:
            line.declare(queue)
            for place, body in enumerate(bodies):
                line.publish(queue, Outgoing(body, id=ids[place] if ids else ""))

    def get(self, queue: str, count: int, seconds: float = 10.0) -> list[Any]:
        """Take so many messages, or what has come after so long."""
        from tasks.border.bridge.links import link

        found: list[Any] = []
        deadline = time.monotonic() + seconds
        with link(self.url) as line:
            line.declare(queue)
            line.listen(queue, 100)
            while len(found) < count and time.monotonic() < deadline:
                for one in line.take(0.2):
                    one.ack()
                    found.append(one)
        return found

    def forget(self) -> None:
        """Delete the queues; only RabbitMQ outlives the test."""
        if self.kind == "rabbitmq":
            from kombu.connection import Connection

            with Connection(self.url) as connection:
                for queue in self._used:
                    connection.default_channel.queue_delete(queue)


@contextmanager
def broker(kind: str, folder: Path) -> Iterator[Broker]:
    """A broker of this kind behind a gate. Raises Absent."""
    with {"rabbitmq": _rabbitmq, "redis": redis, "sqs": sqs}[kind](folder) as url:
        address = url.split("@")[-1].split("//")[-1] if kind != "rabbitmq" else url.split("@")[1]
        port = int(address.split("/")[0].rsplit(":", 1)[1])
        gate = Gate(port)
        one = Broker(kind, url.replace(f":{port}", f":{gate.port}"), gate)
        try:
            yield one
        finally:
            with suppress(Exception):
                gate.open()
            with suppress(Exception):
                one.forget()
            gate.shut()


@contextmanager
def _rabbitmq(folder: Path) -> Iterator[str]:
    """The RabbitMQ of this machine."""
    from kombu.connection import Connection

    url = os.environ.get("TEST_RABBITMQ_URL", RABBITMQ)
    try:
        with Connection(url, connect_timeout=2) as connection:
            connection.connect()
    except Exception as error:
        raise Absent(
            f"No RabbitMQ at {url} ({type(error).__name__}). Start one, or set TEST_RABBITMQ_URL."
        ) from error
    yield url


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of its own, which keeps what it has acknowledged."""
    program = shutil.which("redis-server")
    if program is None:
        raise Absent("No redis-server on this machine. Install one (Debian: apt install redis-server).")
    port = free_port()
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--appendonly",
        "yes",
    ]
    with _process(command, port):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def sqs(folder: Path) -> Iterator[str]:
    """A server that speaks the API of Amazon SQS."""
    port = free_port()
    with _process([sys.executable, "-c", MOTO, str(port)], port):
        yield f"sqs://key:secret@127.0.0.1:{port}"


class OwnRabbitMQ:
    """A RabbitMQ that a test may stop and start. Raises Absent."""

    def __init__(self, folder: Path) -> None:
        program = next((path for path in OWN_RABBITMQ if os.path.exists(path)), None)
        if program is None:
            raise Absent("No RabbitMQ to start here. Install one (Debian: apt install rabbitmq-server).")
        self.port, self._program = free_port(), program
        self._distribution = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it and wait until it answers: some seconds."""
        here = self._folder
        environment = {
            **os.environ, "HOME": str(here), "RABBITMQ_NODENAME": f"clawbot{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution), "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"), "RABBITMQ_CONF_ENV_FILE": str(here / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq"),
        }  # fmt: skip
        (self._folder / "plugins").write_text("[].\n")
        self._process = subprocess.Popen(
            [self._program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        _await(self._answers, 60, "RabbitMQ did not come up")

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        from kombu.connection import Connection

        try:
            with Connection(self.url, connect_timeout=1) as connection:
                connection.connect()
        except Exception:
            return False
        return True


@contextmanager
def _process(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(lambda: _listens(port), 20, f"{command[0]} did not come up")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _await(ready: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise Absent(f"{otherwise} within {seconds:.0f} s.")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on just now."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def folder() -> Path:
    """A short path: sockets and node names have limits."""
    return Path(tempfile.mkdtemp(prefix="cb-"))
