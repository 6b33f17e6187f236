"""Runs the article line over a folder without Django: real roles, real tools, the built-in engine.

python -m tests.agents.line FOLDER "Title" [--keyword K]       or a folder with a brief.yaml
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from agents import definition, llm, registry
from agents.contract import Answer, Ask, Brief, Finding, Given, Model, Outcome, Request, Usage
from agents.strict_yaml import load
from agents.tools import Toolbox

WORKFLOW = Path(__file__).parents[2] / "tasks/workflows/article"


@dataclass
class Desk:
    """A desk of real tools; remembers what was noted."""

    model: Model
    toolbox: Toolbox
    usage: Usage = field(default_factory=Usage)
    notes: list[str] = field(default_factory=list)
    crossings: list[tuple[str, dict[str, Any], str, str]] = field(default_factory=list)

    async def ask(self, ask: Ask) -> Any:
        return await self.model.answer(ask, self.usage)

    async def use(self, tool: str, /, **arguments: Any) -> Any:
        return await self.toolbox.use(tool, **arguments)

    def note(self, text: str, **data: Any) -> None:
        self.notes.append(text)

    def crossed(
        self, direction: str, envelope: dict[str, Any], *, address: str = "", status: str = ""
    ) -> None:
        self.crossings.append((direction, envelope, address, status))


@dataclass
class Line:
    """One article on its way: hands each stage its brief, keeps what comes back."""

    title: str
    input: dict[str, Any]
    workspace: Path
    model: Model = field(default_factory=lambda: llm.model("built-in"))
    environment: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, list[Given]] = field(default_factory=dict)
    log: list[tuple[str, Outcome]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    round: int = 1

    def do(self, agent: str, requests: tuple[Request, ...] = ()) -> Outcome:
        """Let one agent work; its artifacts become the newest versions."""
        staff = definition.read(definition.FOLDER / f"{agent}.yaml")
        role = registry.role(staff.role)
        brief = Brief(
            task="ART-1",
            title=self.title,
            stage=agent,
            agent=agent,
            role=staff.role,
            instructions=staff.instructions,
            voice=staff.voice_text(),
            input=self.input,
            materials=materials(),
            returns=staff.returns,
            artifacts=tuple(self.artifacts[kind][-1] for kind in staff.accepts if kind in self.artifacts),
            requests=requests,
            round=self.round,
            files=files(self.workspace),
            settings=staff.settings,
            authority=staff.authority.model_dump(),
            output=("staging/articles/a.php", "staging/articles/a.md"),
        )
        desk = Desk(self.model, Toolbox(staff.grants(), self.workspace, self.environment))
        result = role.work(brief, desk)
        outcome = cast(Outcome, asyncio.run(result) if inspect.iscoroutine(result) else result)
        self.notes += desk.notes
        self.log.append((agent, outcome))
        for made in outcome.made:
            kept = self.artifacts.setdefault(made.kind, [])
            digest = hashlib.sha256(made.text.encode()).hexdigest()
            kept.append(
                Given(
                    kind=made.kind,
                    number=len(kept) + 1,
                    text=made.text,
                    data=made.data,
                    sha256=digest,
                    made_by=f"agent:{agent}",
                )
            )
        return outcome

    def run(self) -> Outcome:
        """Research to report, through at most three returns; stops where a person is asked."""
        outcome = self.do("research")
        requests: tuple[Request, ...] = ()
        while outcome.word == "done":
            outcome = self.do("writer", requests)
            if outcome.word == "done":
                outcome = self.do("seo")
            if outcome.word == "done":
                outcome = self.do("reviewer")
            if outcome.word != "send_back" or self.round > 3:
                break
            requests = as_requests(outcome.findings)
            self.round += 1
            outcome = Outcome()
        for agent in ("formatter", "reporter"):
            if outcome.word == "done":
                outcome = self.do(agent)
        return outcome

    def text(self, kind: str) -> str:
        """The newest text of a kind."""
        return self.artifacts[kind][-1].text


def as_requests(findings: tuple[Finding, ...]) -> tuple[Request, ...]:
    """Open findings as the numbered requests that the writer gets."""
    open_ones = [finding for finding in findings if finding.state == "open"]
    return tuple(
        Request(number=number, text=f"{f.text} {f.suggestion}".strip(), quote=f.quote, by="agent:reviewer")
        for number, f in enumerate(open_ones, start=1)
    )


def files(workspace: Path) -> tuple[str, ...]:
    return tuple(sorted(str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.is_file()))


def materials() -> dict[str, dict[str, str]]:
    """What the article workflow lends to every task."""
    return {
        "audience": {path.stem: path.read_text("utf-8") for path in (WORKFLOW / "audiences").glob("*.md")},
        "examples": {
            path.stem: path.read_text("utf-8") for path in sorted((WORKFLOW / "examples").glob("*.md"))
        },
        "site_articles": {"site_articles": (WORKFLOW / "site_articles.yaml").read_text("utf-8")},
    }


def sample(name: str) -> Line:
    """A shipped sample, ready to run."""
    folder = WORKFLOW / "samples" / name
    given = load((folder / "brief.yaml").read_text("utf-8"), "brief.yaml").value
    return Line(title=given["title"], input=given, workspace=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the article line over a folder of documents.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("title", nargs="?", default="")
    parser.add_argument("--keyword", default="")
    parser.add_argument("--brief", default="")
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    if (given.folder / "brief.yaml").exists():
        value = load((given.folder / "brief.yaml").read_text("utf-8"), "brief.yaml").value
    else:
        value = {"title": given.title, "brief": given.brief, "keyword": given.keyword}
    line = Line(title=value["title"], input=value, workspace=given.folder, model=llm.model(given.model))
    outcome = line.run()
    for agent, one in line.log:
        print(f"{agent:10} {one.word:10} {one.summary} {one.question} {one.why}")
        for finding in one.findings:
            print(
                f"           - {finding.kind} [{finding.severity}, {finding.state}] {finding.text} | "
                f"{finding.quote[:150]} | {finding.passage[:120]}"
            )
        for answer in one.answers:
            print(_shown(answer))
    for note in line.notes:
        print("note:", note)
    if "draft" in line.artifacts:
        print(line.text("draft"))
    if "summary" in line.artifacts:
        print("SUMMARY", line.text("summary"))
    print(outcome.word)


def _shown(answer: Answer) -> str:
    return f"           = {answer.number}: {answer.text} “{answer.quote[:120]}”"


if __name__ == "__main__":
    main()
