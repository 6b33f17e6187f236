"""What the usual headings of articles are about, in words that sources use, and what names a topic."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from agents.prose import words

_THEMES = {
    "background": "background summary introduction overview purpose volume describe means history "
    "context widely",
    "work": "work request read compare step process travel send receive decide connect know",
    "time": "time day hour week minute duration wait delay longest month",
    "cost": "cost price euro dollar spend paid licence budget fee software saving",
    "saving": "saving saved lower reduction cut fell recover gain",
    "brought": "result saved fell gain answer benefit hour ticket effect",
    "drove": "driver account growth grew rise rose share cause reason increase",
    "result": "result effect measured fell rose reduction gain reached",
    "risk": "risk wrong mistake error obstacle problem fail complaint danger worst outage incident "
    "blocked old stale",
    "limit": "limit threshold allowed refuse stop sign signature exception",
    "check": "check verify confirm fraud account register test control",
    "hidden": "hide hidden without left silence call",
    "look": "look want open calculate total",
    "install": "install package build compile download setup requirement",
    "configuration": "configure option setting file variable default environment",
    "security": "security password permission key vulnerability trust certificate",
    "history": "history version release originally author written since",
}
_ADVICE_HEADING = re.compile(
    r"\b(?:advice|advise|recommend\w*|next|to do|go on|begin|start\w*|steps?|lesson|outlook|usage"
    r"|tips?|first|what (?:helped|helps)|changes helped)\b",
    re.I,
)
_ADVICE = re.compile(
    r"\b(?:should|recommends?|recommended|advises?|advised|must|ought to|needs? to|have to|make sure"
    r"|be sure|can be|worth|would tell|is best|it is better)\b",
    re.I,
)
_IMPERATIVE = re.compile(
    r"^(?:Add|Agree|Always|Ask|Avoid|Begin|Build|Call|Change|Check|Choose|Compare|Compile|Configure"
    r"|Consider|Consult|Copy|Create|Decide"
    r"|Define|Delete|Do|Download|Edit|Enable|Ensure|Follow|Give|Have|Install|Keep|Leave|Let|List"
    r"|Look|Make|Mark|Measure|Move|Name|Never|Open"
    r"|Pick|Plan|Please|Prefer|Publish|Put|Read|Record|Remember|Remove|Replace|Report|Run|Save|See"
    r"|Select|Send|Set|Show|Specify|Start|Stop"
    r"|Take|Tell|Test|Try|Type|Update|Use|Verify|Wait|Write)\b(?! (?:of|was|were|is|are)\b)"
)
_EMPTY_HEADINGS = frozenset(
    [
        "introduction",
        "intro",
        "overview",
        "description",
        "summary",
        "about",
        "notes",
        "note",
        "readme",
        "general",
        "misc",
        "miscellaneous",
        "other",
        "contents",
        "background",
        "method",
        "methods",
        "author",
        "authors",
        "credits",
        "copyright",
        "license",
        "licence",
        "contact",
        "contacts",
        "faq",
        "changes",
        "changelog",
        "abstract",
        "preface",
        "conclusion",
        "conclusions",
        "name",
        "synopsis",
        "examples",
        "example",
        "see",
        "also",
        "todo",
        "bugs",
        "files",
        "index",
        "document",
        "functions",
        "classes",
        "data",
        "file",
        "version",
        "builtins",
    ]
)

# Verbs and adverbs that make a frequent phrase a bad heading.
_LOOSE = frozenset(
    words.stem(word)
    for word in [
        "run",
        "runs",
        "keeps",
        "keep",
        "uses",
        "use",
        "means",
        "makes",
        "make",
        "sometimes",
        "often",
        "probably",
        "already",
        "allows",
        "allow",
        "need",
        "needs",
        "returns",
        "return",
        "called",
        "given",
        "based",
        "set",
        "sets",
        "work",
        "works",
        "find",
        "found",
        "include",
        "includes",
    ]
)


def expand(heading: str) -> list[str]:
    """The stems of a heading and of what such a heading is usually about."""
    own = words.content(heading)
    found = list(own) * 3
    for key, about in _THEMES.items():
        if words.stem(key) in own:
            found += words.content(about)
    return found


def is_advice_heading(heading: str) -> bool:
    """Whether a section is about what the reader should do."""
    return bool(_ADVICE_HEADING.search(heading))


def advises(sentence: str) -> float:
    """How much a sentence reads as advice: 1 tells the reader what to do, 0 tells nothing."""
    if _IMPERATIVE.match(sentence):
        return 1.0
    return 0.8 if _ADVICE.search(sentence) else 0.0


def is_telling(heading: str) -> bool:
    """Whether a source's heading says what it is about, so that an article may use it."""
    bare = heading.strip()
    stems = words.content(bare)
    if (
        not 1 <= len(stems) <= 7
        or len(bare) > 60
        or bare.lower() in _EMPTY_HEADINGS
        or bare.startswith("Help on")
    ):
        return False
    return not re.search(r"[<>@=\\/_{}|:;,?\"`]|\d\.\d|\.\w", bare) and bare[0].isupper()


def phrase(texts: Sequence[str], avoid: Iterable[str] = ()) -> str:
    """The phrase that comes back most in these texts, as a heading; empty where none does."""
    taken = {words.stem(word) for text in avoid for word in words.tokens(text)}
    counts: Counter[tuple[str, ...]] = Counter()
    forms: dict[tuple[str, ...], str] = {}
    for text in texts:
        seen: set[tuple[str, ...]] = set()
        for run in re.split(
            r"[^\w\s'’-]|\b(?:%s)\b" % "|".join(sorted(words.STOP, key=len, reverse=True)), text
        ):
            found = [
                token for token in re.findall(r"[A-Za-zÀ-ÿ][\w'’-]+", run) if token.lower() not in words.STOP
            ]
            for size in (3, 2):
                for start in range(len(found) - size + 1):
                    part = found[start : start + size]
                    key = tuple(words.stem(word.lower()) for word in part)
                    forms.setdefault(key, " ".join(part))
                    seen.add(key)
        counts.update(seen)
    ranked = sorted(counts.items(), key=lambda item: (-item[1] * len(item[0]), item[0]))
    for key, times in ranked:
        if times >= 2 and not set(key) <= taken and not _LOOSE & set(key):
            form = forms[key]
            return form[0].upper() + form[1:]
    return ""
