"""What runs cost, and whether anybody knows: a model without a price costs nothing that can be added up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from .models import Run

#: A run that used tokens and cost nothing: its model has no price in the settings.
UNPRICED = Q(cost_usd=0) & (Q(tokens_in__gt=0) | Q(tokens_out__gt=0))


@dataclass(frozen=True)
class Cost:
    """US dollars of the runs that have a price, and how many have none. False if there is nothing to say."""

    usd: Decimal = Decimal(0)
    unpriced: int = 0

    def __bool__(self) -> bool:
        return bool(self.usd or self.unpriced)

    def __str__(self) -> str:
        """ "$0.41", "over $0.41", "unknown"; what is less than a cent says so."""
        if not self.unpriced:
            return money(self.usd)
        return f"over {money(self.usd)}" if self.usd >= Decimal("0.005") else "unknown"


NOTHING = Cost()


def money(amount: Decimal | float) -> str:
    """US dollars with cents: "$0.41", "under $0.01"."""
    return "under $0.01" if 0 < amount < 0.005 else f"${amount:,.2f}"


def spent(runs: QuerySet[Run]) -> Cost:
    """The cost of these runs together."""
    return _cost(runs.aggregate(usd=Sum("cost_usd"), unpriced=Count("pk", filter=UNPRICED)))


def spent_by(runs: QuerySet[Run], field: str) -> dict[Any, Cost]:
    """The cost of these runs, by a field of theirs."""
    rows = runs.order_by().values(field).annotate(usd=Sum("cost_usd"), unpriced=Count("pk", filter=UNPRICED))
    return {row[field]: _cost(row) for row in rows}


def of_run(run: Run) -> Cost:
    """The cost of one run."""
    return Cost(run.cost_usd, int(not run.cost_usd and run.tokens_in + run.tokens_out > 0))


def _cost(row: dict[str, Any]) -> Cost:
    return Cost(row["usd"] or Decimal(0), row["unpriced"])
