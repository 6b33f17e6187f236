"""`./manage.py token create|list|revoke`: the tokens by which programs use the API for a person."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from clawbot import cli
from clawbot.numbers import whole
from clawbot.people import tokens
from clawbot.people.models import Token
from clawbot.shapes import token_shape
from tasks import moments


class Command(cli.Command):
    help = "Make, list and revoke tokens. A new one is printed once and cannot be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|list|revoke")
        create = verbs.add_parser("create", help="make a token and print it")
        create.add_argument("name", help="what will use it: “nightly import”")
        create.add_argument("--for", dest="owner", metavar="USER", help="whose it is (default: who makes it)")
        create.add_argument("--scope", choices=Token.Scope.values, default=Token.Scope.ACT)
        create.add_argument("--days", type=int, help="how long it works; without: until it is revoked")
        listing = verbs.add_parser("list", help="show the tokens that were not revoked")
        listing.add_argument("--for", dest="owner", metavar="USER", help="only this person's")
        revoke = verbs.add_parser("revoke", help="end a token")
        revoke.add_argument("name", help="its name, or its number from the list")
        revoke.add_argument("--for", dest="owner", metavar="USER", help="whose it is (default: who revokes)")
        for verb in (create, listing, revoke):
            cli.add_json(verb)
            cli.add_actor(verb)

    def handle(self, *args: Any, verb: str, as_json: bool, **options: Any) -> None:
        with cli.refusals():
            getattr(self, f"_{verb}")(as_json, options)

    def _create(self, as_json: bool, options: dict[str, Any]) -> None:
        by, days = cli.actor(options["by"]), options["days"]
        made = tokens.make(
            options["owner"] or by.removeprefix("user:"), options["name"], by=by, scope=options["scope"],
            expires_at=tokens.ends(days) if days is not None else None,
        )  # fmt: skip
        shape = token_shape(made.token) | {"token": made.secret}
        self.stdout.write(cli.dump(shape) if as_json else made.secret)
        if not as_json:
            self.stderr.write("Keep it now: it is not shown again.", style_func=str)

    def _list(self, as_json: bool, options: dict[str, Any]) -> None:
        rows = Token.objects.filter(live=1).select_related("user")
        if options["owner"]:
            rows = rows.filter(user__username=options["owner"])
        if as_json:
            self.stdout.write(cli.dump([token_shape(one) for one in rows]))
            return
        for one in rows:
            ends = f"until {one.expires_at:%Y-%m-%d}" if one.expires_at else "until revoked"
            used = f"used {moments.exact(one.used_at)}" if one.used_at else "never used"
            self.stdout.write(
                f"{one.pk:<4} {one.user.username:<9} {one.name:<28} {one.scope} {one.hint}… {ends}; {used}"
            )
        if not rows:
            self.stdout.write("No tokens. `./manage.py token create NAME` makes one.")

    def _revoke(self, as_json: bool, options: dict[str, Any]) -> None:
        by = cli.actor(options["by"])
        owner, name = options["owner"] or by.removeprefix("user:"), options["name"]
        rows = Token.objects.filter(live=1).select_related("user")
        found = (
            rows.filter(pk=number).first()
            if (number := whole(name)) is not None
            else rows.filter(user__username=owner, name=name).first()
        )
        if found is None:
            known = ", ".join(rows.filter(user__username=owner).values_list("name", flat=True)) or "none"
            raise CommandError(f"{owner} has no token {name!r}. There is: {known}.")
        token = tokens.revoke(found, by=by)
        self.stdout.write(cli.dump(token_shape(token)) if as_json else f"Revoked {token}.")
