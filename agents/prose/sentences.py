"""Cuts paragraphs into sentences, and knows which sentences can stand alone."""

from __future__ import annotations

import re

from agents.prose.clean import UNREAD
from agents.prose.words import count

# An ending, closing quotes or brackets, an optional citation, space, and a start that begins a sentence.
_END = re.compile(
    r"((?<![.!?…])[.!?…]+[\"'”’)\]]*(?:\s?\[\d{1,3}\])*)(\s+)(?!\[\d{1,3}\])(?=[\"'“‘(\[`*_]*[A-Z0-9À-ÞĀ-Ž])"
)
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|incl|resp|al|ca|no|nos|vol|fig|sec|ch|pp?|ed|eds|dr|mr|mrs"
    r"|ms|prof|st|sr|jr"
    r"|inc|ltd|co|corp|dept|est|gen|gov|sen|rep|rev|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
    r"|u\.s|u\.k|a\.m|p\.m)"
    r"|\b[A-Z])\.$",
    re.I,
)
_ALWAYS_ENDS = re.compile(r"\b(?:etc|u\.s|u\.k|a\.m|p\.m|inc|ltd|co|corp)\.$", re.I)

# Words that lean on the sentence before. A paragraph that starts with one reads as if a page were missing.
_LEANS = re.compile(
    r"^(?:[\"'“‘(]*)(?:this|that|these|those|it|its|it's|they|their|theirs|them|he|she|his|her|hers"
    r"|him|such|both|neither|either"
    r"|another|others?|some of (?:these|them)|no other|any other|all other|many of (?:these|them)"
    r"|each of (?:these|them)|however|but|and|or|so|yet|nor|also|too|then|thus|hence|therefore"
    r"|instead|otherwise|nevertheless"
    r"|nonetheless|moreover|furthermore|additionally|consequently|accordingly|similarly|likewise"
    r"|meanwhile|besides|still"
    r"|conversely|alternatively|rather|again|next|later|earlier|finally|lastly|second(?:ly)?"
    r"|third(?:ly)?|fourth(?:ly)?|here"
    r"|there(?:fore|by|after)?|for (?:example|instance|this|that|these)|in (?:addition|this|that"
    r"|these|such|contrast|turn"
    r"|other words|particular|fact|short|summary|conclusion|both)|as (?:a result|such|well|noted"
    r"|mentioned|described|above|shown)"
    r"|on the other|on the contrary|by contrast|at (?:this|that|the same)|after (?:this|that)"
    r"|because of (?:this|that)"
    r"|with (?:this|that|these)|to this|of these|of those|one of (?:these|them)|the (?:latter|former"
    r"|following|above|below|same|other"
    r"|result|rest|second|third|two|others|first one)|which|who|whose|what|if so|if not|note that"
    r"|not|no,|yes)\b",
    re.I,
)
# "There are three kinds" and "It takes four hours" stand by themselves; "There" and "It" alone do not.
_STANDS = re.compile(
    r"^(?:there (?:is|are|was|were|has|have|will)|it (?:is|was) (?:possible|important|recommended"
    r"|easy|not possible|necessary))\b",
    re.I,
)
# "As shells start to use it, ..." leans just as much as "It ..." does.
_CLAUSE = re.compile(
    r"^(?:As|When|If|Because|Since|While|Although|Though|Once|After|Before|Until"
    r"|Unless)\b[^,]*\b(?:it|its|they|them|their|this|these|those|that)\b[^,]*,"
)
# A list item like "Turning off the light with the switch." is no sentence.
_GERUND = re.compile(r"^[A-Z][a-z]+ing\b")
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|will|would|may|might|must|should|does|do|did"
    r"|makes?|gives?|takes?|means|allows?|causes?"
    r"|requires?|helps?|lets?|saves?|costs?|pays?|works?|needs?|brings?|leads?|leaves?|gets?|\w+ed)\b"
)
# "Returns the list." (a manual's way to say what a function does) has no subject.
_NO_SUBJECT = re.compile(
    r"^(?:(?:Returns?|Allows|Provides|Enables|Supports|Contains|Includes|Describes|Detailed"
    r"|Presumably)\b|[A-Z][a-z]{2,}(?:s|es) (?:a|an|the|this|whether|if)\b)"
)
_LATE_LEAN = re.compile(
    r"\b(?:this|these) (?!year|month|week|quarter|summer|winter|spring|autumn|morning|time)\w"
    r"|\bthat (?:sum|figure|amount|number|limit|rule|difference)\b"
)
_LEGAL = re.compile(
    r"\b(?:General Public License|GPL|warranty|warranties|merchantability|fitness for a particular"
    r"|permission (?:is|notice)|all rights reserved"
    r"|redistribut\w+|sublicense|copyright|licensed under|terms of the|liable|liability"
    r"|Free Software Foundation|verbatim copies)\b",
    re.I,
)
_POINTS = re.compile(
    r"\b(?:as follows|(?:see|described|shown|listed|mentioned|discussed|given|explained) (?:above"
    r"|below|earlier|later|elsewhere|here|in)"
    r"|following (?:list|table|example|section|figure|command|code|sections|steps)|(?:table|figure"
    r"|listing|section|chapter|appendix) \d"
    r"|this (?:document|section|chapter|page|file|manual|guide|article|readme|table|list|example"
    r"|report|paper|post|directory|package|release|distribution|module|function|class|note)|(?:above|below)\b"
    r"|the (?:next|previous|preceding) (?:section|chapter|page|example|paragraph))",
    re.I,
)
_LABEL = re.compile(r"^(?:[A-Z][\w-]*)(?: [\w-]+){0,2}: |^\S+ – ")  # "Date: 6 July." is a record, no sentence
_LOWER = re.compile(r"(?<![\w-])[a-zà-ÿ]{2,}")
_FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|I'd|we|We|we're|We're|we've|We've|our|Our|ours|us|my|My|me)\b")
_QUOTED = re.compile(r"[\"“][^\"”]{2,400}[\"”]")


LOOK_BACK = 60  # characters before a stop that tell whether a sentence ends there


def split(paragraph: str) -> list[str]:
    """The sentences of one paragraph, verbatim apart from line breaks, citations kept with their sentence."""
    text = " ".join(paragraph.split())
    return [text[start:end] for start, end in spans(text)]


def spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence of `text` starts and ends; the white space between belongs to none."""
    found: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        before = text[max(start, match.end(1) - LOOK_BACK) : match.end(1)]
        words_only = before.rstrip("\"'”’)]")
        if _SHORT.search(words_only) and not (
            _ALWAYS_ENDS.search(words_only) and text[match.end()].isupper()
        ):
            continue
        if re.search(r"(?:^|\s)\d{1,2}\.$", before) and count(before) < 3:  # "1. First step" is a marker
            continue
        found.append((start, match.end(1)))
        start = match.end()
    if text[start:].strip():
        found.append((start, len(text.rstrip())))
    return found


def is_whole(sentence: str) -> bool:
    """A full sentence: starts and ends like one, has a readable size, brackets and quotes are closed."""
    bare = re.sub(r"\s*\[\d{1,3}\]", "", sentence).strip()
    if not re.match(r"[\"'“‘(`*_]*[A-ZÀ-ÞĀ-Ž0-9]", bare) or not re.search(r"[.!][\"'”’)]*$|\?[\"”]$", bare):
        return False  # a question that nobody asks is no statement
    if not 5 <= count(bare) <= 42 or bare.endswith(("...", "…")) or "…" in bare or " ... " in bare:
        return False
    if UNREAD in bare or "|" in bare:
        return False  # part of it could not be read, or it is a row of a table
    pairs = (("(", ")"), ("[", "]"), ("“", "”"), ("{", "}"))
    if any(bare.count(a) != bare.count(b) for a, b in pairs) or bare.count('"') % 2 or bare.count("`") % 2:
        return False
    if _LABEL.match(bare) or len(_LOWER.findall(bare)) < 3:
        return False
    if _NO_SUBJECT.match(bare) or (_GERUND.match(bare) and not _FINITE.search(bare)):
        return False
    letters = sum(c.isalpha() or c.isspace() for c in bare)
    return letters / len(bare) > 0.78 and "://" not in bare and "@" not in bare and "\\" not in bare


def leans(sentence: str) -> bool:
    """Whether the sentence leans on the one before it ("However", "They")."""
    start = sentence.lstrip("*_`")
    return bool(
        _LEANS.match(start) or _CLAUSE.match(start) or _LATE_LEAN.search(_QUOTED.sub("", start))
    ) and not _STANDS.match(sentence)


def is_legal(sentence: str) -> bool:
    """Whether it is the text of a licence, which stands in many files and is seldom what they are about."""
    return bool(_LEGAL.search(sentence))


def points_elsewhere(sentence: str) -> bool:
    """Whether it points at something that an extract does not bring along ("see below", "Table 2")."""
    return bool(_POINTS.search(sentence))


def is_first_person(sentence: str) -> bool:
    """Whether the source speaks of itself ("we") outside quotation marks."""
    return bool(_FIRST_PERSON.search(_QUOTED.sub("", sentence)))


def stands_alone(sentence: str) -> bool:
    """Whether the sentence may open a paragraph of somebody else's article."""
    return (
        is_whole(sentence)
        and not leans(sentence)
        and not points_elsewhere(sentence)
        and not is_first_person(sentence)
    )
