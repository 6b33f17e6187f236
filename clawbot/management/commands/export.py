"""`./manage.py export`: writes the active versions of agents and workflows as YAML that `sync` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import CommandParser

from agents import staff
from clawbot import cli
from tasks import workflow
from tasks.models import Workflow, WorkflowVersion


class Command(cli.Command):
    help = "Write agents/NAME.yaml and workflows/NAME/workflow.yaml into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", metavar="DIR", default="export", help="the folder (default: export)")

    def handle(self, *args: Any, out: str, **options: Any) -> None:
        folder = Path(out).expanduser()
        for name, agent in sorted(staff.definitions().items()):
            self.keep(folder / "agents" / f"{name}.yaml", agent.yaml())
        for version in WorkflowVersion.objects.filter(pk__in=Workflow.objects.values("active")):
            for path, text in _files(version.definition).items():
                self.keep(folder / "workflows" / version.definition["name"] / path, text)
            for name in (version.definition.get("services") or {}).values():
                self.bring(version.definition["name"], name, folder)

    def bring(self, slug: str, name: str, folder: Path) -> None:
        """Copy a service's own file, which no version holds: without it `sync` would refuse the workflow."""
        source = workflow.FOLDER / slug / name
        if source.is_file():
            self.keep(folder / "workflows" / slug / name, source.read_text("utf-8"))
        else:
            self.stderr.write(
                f"{slug} declares the service {name}, which is not here. Copy it beside its file."
            )

    def keep(self, path: Path, text: str) -> None:
        """Write one file and say so."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.stdout.write(str(path))


def _files(definition: dict[str, Any]) -> dict[str, str]:
    """The workflow's file, and one file for each text it lends to its agents."""
    lent = definition.get("materials") or {}
    bare = workflow.Shape.model_validate({**definition, "materials": {}, "input": {}})
    data = bare.model_dump(mode="json", exclude_defaults=True)
    data["input"] = definition.get("input") or {}
    data["materials"] = {kind: f"{kind}/*.md" for kind in lent}
    data["stages"] = data.pop("stages")  # last, as people write it
    files = {f"{kind}/{name}.md": text for kind, texts in lent.items() for name, text in texts.items()}
    return {"workflow.yaml": yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100), **files}
