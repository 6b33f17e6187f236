"""`./manage.py status [KEY]`: where a task stands and why; without a key, all tasks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from clawbot import cli
from clawbot.shapes import brief_shapes, task_shape
from tasks.items import number
from tasks.models import Task
from tasks.why import whys

SHOWN = 50


class Command(cli.Command):
    help = "Show one task with its stages, or the newest tasks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="?", help="the task's key, as ART-12")
        cli.add_json(parser)

    def handle(self, *args: Any, key: str | None, as_json: bool, **options: Any) -> None:
        if key:
            shape = task_shape(cli.find_task(key))
            self.stdout.write(cli.dump(shape) if as_json else "\n".join(_page(shape)))
            return
        tasks = Task.objects.select_related("workflow").order_by("-id")
        if as_json:
            self.stdout.write(cli.dump(brief_shapes(list(tasks))))
            return
        newest = list(tasks[:SHOWN])
        reasons = whys(newest)
        for task in newest:
            self.stdout.write(
                f"{task.key:<9} {task.status:<8} {task.title[:48]:<48}  {reasons[task.pk].sentence}"
            )
        if not newest:
            self.stdout.write("No tasks yet. `./manage.py inject article --sample default` makes one.")


def _page(shape: dict[str, Any]) -> list[str]:
    lines = [f"{shape['key']}  {shape['title']}", shape["why"], ""]
    lines += [f"Injected by {shape['parent']}.", ""] if shape["parent"] else []
    wide = max([len(stage["name"]) for stage in shape["stages"] + shape["undo"]] + [12])
    lines += [_stage(stage, wide) for stage in shape["stages"]]
    lines += ["", "Taking back:", *[_stage(stage, wide) for stage in shape["undo"]]] if shape["undo"] else []
    tasks = [
        f"  {child['key']:<12} {child['outcome'] or child['status']:<10} for {_place(child)}"
        for child in shape["children"]
    ]
    lines += ["", "Injected:", *tasks] if tasks else []
    for review in shape["reviews"]:
        lines += ["", f"Review {review['id']}: {review['reason']}", f"  verbs: {', '.join(review['verbs'])}"]
        lines += [f"  due: {review['due_at']}"] if review["due_at"] else []
    made = [f"  {one['kind']} {one['version']}  {one['path'] or ''}".rstrip() for one in shape["artifacts"]]
    lines += ["", "Made:", *made] if made else []
    told = [
        f"  {one['kind']} to {one['recipient']} by {one['carrier']}: {one['state']}"
        for one in shape["notices"]
    ]
    return lines + (["", "Deliveries:", *told] if told else [])


def _stage(stage: dict[str, Any], wide: int) -> str:
    """One line: name, status, then what says most about it."""
    status = "passed over" if stage["passed_over"] else stage["status"]
    said = [stage["done_as"] or ""]
    if items := stage["items"]:
        said.append(f"{items['done'] + items['skipped']:,} of {items['of']:,} items")
        said += [f"{items[name]:,} {word}" for name, word in _ITEMS.items() if items[name]]
    elif stage["awaits"]:
        what = ", ".join(stage["children"]) or "an answer"
        said.append(f"waits for {what}" + (f" until {stage['until']}" if stage["until"] else ""))
    elif stage["attempts"] > 1:
        said.append(f"attempt {stage['attempts']}")
    if stage["passed_over"] and stage["reason"]:
        said.append(stage["reason"])
    return f"  {stage['name']:<{wide}} {status:<11} {'  '.join(filter(None, said))}".rstrip()


_ITEMS = {"skipped": "skipped", "waiting": "waiting for a person", "doing": "running"}


def _place(child: dict[str, Any]) -> str:
    return f"{child['stage']}, item {number(child['item'])}" if child["item"] else str(child["stage"])
