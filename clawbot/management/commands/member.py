"""`./manage.py member add|list|remove`: who has which role in which workflow."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from tasks import access
from tasks.models import Member, Workflow
from tasks.people import members


class Command(cli.Command):
    help = "Give people a role in one workflow, beside the one of their group."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|remove")
        add = verbs.add_parser("add", help="give a role, or change it")
        remove = verbs.add_parser("remove", help="take the role away")
        for verb in (add, remove):
            verb.add_argument("person", help="user name")
            verb.add_argument("workflow", help="name of the workflow: article, ...")
            cli.add_actor(verb)
        add.add_argument("role", choices=access.GROUPS)
        listing = verbs.add_parser("list", help="show who has a role where")
        listing.add_argument("--workflow", default="", help="only this one's")
        cli.add_json(listing)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        with cli.refusals():
            getattr(self, f"_{verb}")(options)

    def _add(self, options: dict[str, Any]) -> None:
        flow, name, role = _flow(options["workflow"]), options["person"], options["role"]
        person = access.user(name)
        said = members.consequences(flow, person, role) if person else []
        members.give(flow, name, role, by=cli.actor(options["by"]))
        self.stdout.write("\n".join([f"{name} is one of the {role} of {flow.slug}.", *said]))

    def _remove(self, options: dict[str, Any]) -> None:
        flow, name = _flow(options["workflow"]), options["person"]
        person = access.user(name)
        said = members.consequences(flow, person, "") if person else []
        members.take(flow, name, by=cli.actor(options["by"]))
        self.stdout.write("\n".join([f"{name} is no member of {flow.slug}.", *said]))

    def _list(self, options: dict[str, Any]) -> None:
        rows = Member.objects.select_related("user", "workflow")
        if options["workflow"]:
            rows = rows.filter(workflow=_flow(options["workflow"]))
        found = [
            {"person": row.user.username, "workflow": row.workflow.slug, "role": row.role,
             "given_by": row.added_by, "since": row.added_at}
            for row in rows.order_by("workflow__slug", "user__username")
        ]  # fmt: skip
        if options["as_json"]:
            self.stdout.write(cli.dump(found))
            return
        for one in found:
            self.stdout.write(f"{one['workflow']:<20} {one['person']:<12} {one['role']}")
        if not found:
            self.stdout.write("No members. `./manage.py member add PERSON WORKFLOW ROLE` makes one.")


def _flow(slug: str) -> Workflow:
    found = Workflow.objects.filter(slug=slug).select_related("active").first()
    if found is None:
        names = ", ".join(Workflow.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no workflow {slug!r}. There are: {names}.")
    return found
