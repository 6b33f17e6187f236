"""A reader: has a fresh clone, types what a page shows, line by line, and ends what runs on with Ctrl-C."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.house.files import ROOT

#: Nothing is printed: it has begun when its port answers.
LISTENS = "--port"
#: What runs until Ctrl-C, and the words by which one sees that it has begun.
RUNS_ON = {
    r"\bmake up\b|manage\.py up\b": "Ctrl-C stops everything",
    r"\bmake work\b|manage\.py work\b": "Workers start.",
    r"manage\.py web\b": "Web serves at",
    r"manage\.py bridge\b": "Listening on",
    r"manage\.py mail\b.*--follow": "SUP-",
    r"manage\.py tail\b(?!.*--no-follow)": "ART-1",
    r"-m tasks\.workflows\.\w+\.\w+ --port": LISTENS,
    r"\bmake demo\b|manage\.py demo\b": "ART-",
}
#: These use one port and one house: starting the next means that the one before was ended.
ONE_AT_A_TIME = re.compile(r"\bmake (?:up|work)\b|manage\.py (?:up|work)\b")
LONGEST = 180.0  # seconds for a command; for one that runs on, until it has begun
# A reader sees an answer of the API that says no; curl alone ends with 0 then.
CURL = '#!/bin/sh\nexec {curl} --fail-with-body "$@"\n'


class Failed(AssertionError):
    """A command did not do what its page says; the text is what the terminal showed."""


@dataclass
class Running:
    """A command that runs until Ctrl-C, and the file with what it has printed."""

    text: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def end(self) -> None:
        """Ctrl-C, as a terminal gives it to everything in the foreground. Raises Failed for a bad end."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.text}\ndid not end with Ctrl-C. It said:\n{self.said()}") from None
        # `make` itself is interrupted too, and then says 2 or 130 whatever its command said.
        ends = {0, 2, 130, -signal.SIGINT} if "make " in self.text else {0, 130}
        if code not in ends or "Traceback" in self.said():
            raise Failed(f"{self.text}\nended with {code}. It said:\n{self.said()}")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Reader:
    """Somebody in the folder of a clone. `instead` says what stands for a name that only the page's author
    has: the broker of this machine for `rabbit.example`."""

    home: Path
    environment: dict[str, str]
    instead: dict[str, str] = field(default_factory=dict)
    running: list[Running] = field(default_factory=list)

    @property
    def clone(self) -> Path:
        return self.home / "clawbot"

    def types(self, text: str, code: int = 0) -> str:
        """Run one command as it stands; what it printed. Raises Failed for another exit code than `code`."""
        for theirs, ours in self.instead.items():
            text = text.replace(theirs, ours)
        for pattern, begun in RUNS_ON.items():
            if re.search(pattern, re.sub(r"\s#.*", "", text)):
                return self.starts(text, begun)
        # What a line exports is there for the next one.
        script = f". {self._kept}\n{text}\ncode=$?\nexport -p > {self._kept}\nexit $code"
        self._kept.touch()
        try:
            done = subprocess.run(
                ["bash", "-c", script], cwd=self.clone, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode("utf-8", "replace")
            raise Failed(f"{text}\nhad not ended after {LONGEST:g} s. It said:\n{said}") from None
        said = done.stdout.decode("utf-8", "replace")
        if done.returncode != code:
            raise Failed(f"{text}\nended with {done.returncode}, not {code}. It said:\n{said}")
        return said

    def starts(self, text: str, begun: str) -> str:
        """Start what runs on, and wait until it has begun."""
        for one in [
            one for one in self.running if ONE_AT_A_TIME.search(one.text) and ONE_AT_A_TIME.search(text)
        ]:
            self.running.remove(one)
            one.end()
        self._kept.touch()
        log = self.home / f"{len(list(self.home.glob('*.log')))}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f". {self._kept}\n{_exec(text)}"], cwd=self.clone, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                # A terminal hands Ctrl-C down; tests that run in the background are told to ignore it.
                preexec_fn=_hears_ctrl_c,
            )  # fmt: skip
        one = Running(text, process, log)
        self.running.append(one)
        over = time.monotonic() + LONGEST
        while not (_listens(text) if begun == LISTENS else begun in one.said()):
            if process.poll() is not None:
                raise Failed(f"{text}\nended by itself with {process.returncode}. It said:\n{one.said()}")
            if time.monotonic() > over:
                raise Failed(f"{text}\nhad not begun after {LONGEST:g} s. It said:\n{one.said()}")
            time.sleep(0.1)
        return one.said()

    def saves(self, name: str, text: str, *, more: bool = False) -> None:
        """Put a file into the clone."""
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text("utf-8") if more else "") + text, "utf-8")

    def leaves(self) -> None:
        """End what runs, last first."""
        while self.running:
            self.running.pop().end()

    def vanishes(self) -> None:
        """Leave nothing running, whatever happened before."""
        for one in self.running:
            one.kill()

    @property
    def _kept(self) -> Path:
        return self.home / "exports.sh"


def _hears_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _listens(text: str) -> bool:
    """Whether somebody answers at the port that the command names."""
    port = re.search(rf"{LISTENS} (\d+)", text)
    assert port
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port[1]))) == 0


def _exec(text: str) -> str:
    """The command as the shell's own process, so that Ctrl-C reaches it and its exit code is seen."""
    words = re.match(r"(?:\w+=(?:\"[^\"]*\"|\S*) )*", text)
    assert words
    return f"{words[0]}exec {text[words.end() :]}" if not words[0] else f"exec env {text}"


def fresh_clone(home: Path) -> Reader:
    """The tracked files of this project in a folder of their own, with this environment as `.venv`."""
    clone = home / "clawbot"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    _link_environment(clone / ".venv")
    programs = home / "programs"
    programs.mkdir()
    if curl := shutil.which("curl"):
        (programs / "curl").write_text(CURL.format(curl=curl))
        (programs / "curl").chmod(0o755)
    (home / "user").mkdir()
    port = free_ports()
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "TZ") if name in os.environ}
    environment = {
        **kept, "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home / "user"), "PORT": str(port),
        "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "",
    }  # fmt: skip
    return Reader(home, environment, {"localhost:8000": f"localhost:{port}"})


def _link_environment(folder: Path) -> None:
    """`.venv` with what is installed already, and stamps as new as the clone: `make` installs nothing."""
    folder.mkdir()
    for path in Path(sys.prefix).iterdir():
        if not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    for stamp in (".base", ".dev"):
        (folder / stamp).touch()


def free_ports() -> int:
    """A port that is free, with those after it that `make up` takes for the sample services."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        try:
            for one in (port + 11, port + 12):
                socket.create_server(("127.0.0.1", one)).close()
        except OSError:
            continue
        return port
