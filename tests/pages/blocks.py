"""What the pages show: every block between fences, with its language and the commands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.files import ROOT, name_of, ours, text_of

FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
#: The first line of a block that is a file: `# my_day/workflow.yaml`; `, at the end` if it adds to one.
FILE = re.compile(r"# (?P<name>[\w./-]+\.ya?ml)(?P<more>, at the end)?$")
EXIT = re.compile(r"#.*\bexit (\d+)\b")


@dataclass(frozen=True)
class Block:
    """One block of a page. `language` says what becomes of it: `sh` is run, `yaml` is loaded, and so on."""

    page: Path
    language: str
    text: str

    @property
    def first(self) -> str:
        """Its first line, by which people and this test's tables name it."""
        return self.text.splitlines()[0] if self.text else ""

    @property
    def file(self) -> re.Match[str] | None:
        """The file that it is, where its first line names one."""
        return FILE.match(self.first)

    def __str__(self) -> str:
        return f"{name_of(self.page)}: {self.first[:60]}"


@dataclass(frozen=True)
class Line:
    """One command of a shell block, with the exit code that the page promises."""

    text: str
    code: int


def pages() -> list[Path]:
    """Every page that people read: beside the README, in docs/, and the README of each workflow."""
    workflows = ours("README.md", ROOT / "tasks" / "workflows")
    return [*ours("*.md", ROOT / "docs"), *sorted(ROOT.glob("*.md")), *workflows]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    for found in FENCED.finditer(text_of(page)):
        yield Block(page, found["language"], found["text"])


def lines(block: Block) -> Iterator[Line]:
    """The commands of a shell block: a line that ends in a backslash, or within quotes, goes on."""
    open_text = ""
    for line in block.text.splitlines() if block.language == "sh" else ():
        open_text = f"{open_text}\n{line}" if open_text else line
        bare = re.sub(r"\s#.*$", "", open_text, flags=re.MULTILINE)
        if line.endswith("\\") or bare.count('"') % 2 or bare.count("'") % 2:
            continue
        if open_text.strip():
            promised = EXIT.search(line)
            yield Line(open_text, int(promised[1]) if promised else 0)
        open_text = ""
    assert not open_text, f"{block}: the last command has no end"
