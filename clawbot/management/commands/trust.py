"""`./manage.py trust VERB`: what agents have earned, and whom an admin trusts with what."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.models import Agent
from clawbot import cli, trust


class Command(cli.Command):
    help = (
        "Lists how often people agreed with an agent's remarks; an admin trusts it with a kind, or no more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listed = verbs.add_parser("list", help="the record of every agent, or of one")
        listed.add_argument("agent", nargs="?", default="")
        cli.add_json(listed)
        for name, text in (
            ("raise", "let it correct this kind by itself, in one workflow, as long as people agree"),
            ("end", "let a person look at that kind again"),
        ):
            one = verbs.add_parser(name, help=text, description=text)
            one.add_argument("workflow")
            one.add_argument("agent")
            one.add_argument("kind", help="of remark: banned_word, ...")
            if name == "end":
                one.add_argument("--why", required=True, help="what the history says")
            cli.add_actor(one)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        with cli.refusals():
            if verb == "list":
                self._list(options)
            else:
                self._act(verb, options)

    def _list(self, options: dict[str, Any]) -> None:
        agents = list(Agent.objects.order_by("slug").values_list("slug", flat=True))
        if options["agent"]:
            if options["agent"] not in agents:
                raise CommandError(f"There is no agent {options['agent']!r}. There are: {', '.join(agents)}.")
            agents = [options["agent"]]
        found = [trust.shape(one) for agent in agents for one in trust.kept(agent, "cli:")]
        if options["as_json"]:
            self.stdout.write(cli.dump(found))
            return
        for one in found:
            self.stdout.write(
                f"{one['workflow']}  {one['agent']}  {one['kind']}  "
                f"{one['agreed']} of {one['judged']} agreed ({one['low']:.0%} to {one['high']:.0%})"
            )
            held = f"trusted by {one['given_by'].removeprefix('user:')}" if one["trusted"] else ""
            self.stdout.write(f"  {held or one['missing'] or 'enough for an admin to trust it'}")
        if not found:
            self.stdout.write("No remark of an agent was made yet.")

    def _act(self, verb: str, options: dict[str, Any]) -> None:
        names = {name: options[name] for name in ("workflow", "agent", "kind")}
        new = trust.act(verb, **names, by=cli.actor(options["by"]), why=options.get("why", ""))
        said = "is trusted with" if verb == "raise" else "is no longer trusted with"
        again = "" if new else " It was so already."
        self.stdout.write(f"{names['agent']} {said} {names['kind']} in {names['workflow']}.{again}")
