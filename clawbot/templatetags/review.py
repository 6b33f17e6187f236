"""Words of the review pages: what was decided, how many, where a choice leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import template

from clawbot import diff
from clawbot.dashboard import deciders
from clawbot.dashboard.reading import PAST
from clawbot.templatetags.clawbot import who
from tasks.models import Decision, Finding, Review

register = template.Library()

#: the formats of a page, as they are written
PAGES = {"md": "Markdown", "html": "HTML", "php": "PHP"}
# Choices that a review's address keeps; a sheet or an error is not one of them.
KEPT = ("view", "from", "to", "pane", "src", "at", "file")


@register.simple_tag(takes_context=True)
def choice(context: dict[str, Any], **changes: Any) -> str:
    """The page's choices with some changed, as a query string; "" where none is left."""
    kept = {name: str(value) for name, value in context["request"].GET.items() if name in KEPT}
    kept.update({name: str(value) for name, value in changes.items()})
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"?{query}" if query else ""


@register.filter
def past(verb: str) -> str:
    """A verb as it reads afterwards: Approved."""
    return PAST.get(verb, "answered").capitalize()


@register.filter
def grouped(number: int) -> str:
    """1240 as "1,240"."""
    return f"{number:,}"


@register.filter
def signed(number: int) -> str:
    """A difference with its sign: "+38", "−4"."""
    return f"+{number:,}" if number > 0 else f"−{-number:,}"


@register.filter
def is_list(value: Any) -> bool:
    """Whether a value is shown as a list."""
    return isinstance(value, list)


@register.filter
def role_word(agent: str) -> str:
    """An agent's name as a label: Writer, SEO, Payment agent."""
    words = agent.replace("_", " ").replace("-", " ")
    return words.upper() if len(words) <= 3 else words.capitalize()


@register.filter
def suffixes(paths: list[str]) -> str:
    """The endings of the files beside the first: ".html and .md"."""
    ends = [f".{path.rpartition('.')[2]}" for path in paths[1:]]
    return " and ".join(filter(None, [", ".join(ends[:-1]), ends[-1]])) if ends else ""


@register.filter
def toast(decision: Decision) -> str:
    """ "Approved draft 3 of ART-142" """
    artifact = decision.review.artifact
    if decision.review.kind == Review.Kind.TOOL:
        return f"{past(decision.verb)} the call of {decision.review.task.key}"
    what = f"draft {artifact.number} of " if artifact else ""
    return f"{past(decision.verb)} {what}{decision.review.task.key}"


@register.filter
def by_line(by: str, me: str) -> str:
    """ "You" or a name."""
    return "You" if by == me else str(who(by))


@register.filter
def open_word(count: int) -> str:
    """ "2 open" """
    return f"{count} open"


@register.filter
def sample_word(name: str) -> str:
    """A sample's folder as a label: Edge caching."""
    return name.replace("_", " ").replace("-", " ").capitalize()


@register.filter
def writes(path: str) -> str:
    """What a verdict does to a path: only what lands in published/ is published."""
    return "publishes" if path.startswith("published/") else "writes"


@register.filter
def corrected(finding: Finding) -> tuple[diff.Piece, ...]:
    """The sentence that a reviewer changed by itself, as the words that came and went."""
    return diff.block(finding.before, finding.quote)


@register.filter
def reading_words(readers: tuple[str, ...]) -> str:
    """ "Ben is reading" """
    return deciders.words(readers)


@register.filter
def made_words(made: Sequence[str]) -> str:
    """What a stage made, as a person names it: "made: review, page as HTML and PHP"."""
    pages = [one.split()[0].removeprefix("page_") for one in made if one.startswith("page_")]
    rest = [one.rpartition(" ")[0].replace("_", " ") for one in made if not one.startswith("page_")]
    if pages:
        known = [PAGES.get(one, one.upper()) for one in pages]
        rest.append("page as " + " and ".join(filter(None, [", ".join(known[:-1]), known[-1]])))
    return f"made: {', '.join(rest)}" if rest else ""


@register.filter
def follow_word(choice: str) -> str:
    """What may become of a stage after an edit, as a label."""
    return {"keep": "Keep", "rerun": "Run again", "review": "Review again"}.get(choice, choice)
