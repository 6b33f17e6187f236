"""What the usual headings of articles are about, in words that sources use, and what names a topic."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

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
    """The phrase that comes back in most of these texts, as a heading; empty where none does."""
    taken = {words.stem(token) for text in avoid for token in words.tokens(text)}
    forms: dict[tuple[str, ...], str] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        found = {tuple(words.stem(word.lower()) for word in part): " ".join(part) for part in _parts(text)}
        forms = found | forms
        counts.update(found.keys())
    for key, times in sorted(counts.items(), key=lambda item: (-item[1] * len(item[0]), item[0])):
        if times >= 2 and not set(key) <= taken and not _LOOSE & set(key):
            return forms[key][0].upper() + forms[key][1:]
    return ""


def _parts(text: str) -> Iterator[list[str]]:
    """Two and three neighbouring words without a stop word or a mark between them."""
    for run in re.split(r"[^\w\s'’-]", text):
        kept: list[str] = []
        for word in [*re.findall(r"[A-Za-zÀ-ÿ][\w'’-]+", run), "the"]:  # a stop word ends the last part, too
            if word.lower() not in words.STOP:
                kept.append(word)
                continue
            for size in (2, 3):
                yield from (kept[i : i + size] for i in range(len(kept) - size + 1))
            kept = []
