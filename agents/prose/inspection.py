"""Holds a draft against its sources and the house rules: each function returns remarks as Findings.

Deterministic, so that the same draft gets the same remarks whoever wrote it; a model's opinion on tone
comes on top, in the reviewer's role.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agents import front_matter
from agents.contract import Finding
from agents.prose import figures, words
from agents.prose.article import Spot, parts, word_count
from agents.prose.corpus import Corpus, Line
from agents.prose.figures import Number
from agents.prose.support import near, states
from agents.strict_yaml import Unreadable

FEW = 4  # content words from which on it is no chance that a source has none of them
CLOSE = 12  # how many of a source's nearest lines may hold the number that a sentence states


def miscited(spots: Sequence[Spot], corpus: Corpus) -> list[Finding]:
    """Sentences that stand to the letter in another source than the one they cite; a new citation mends
    them."""
    found = []
    for spot in spots:
        if spot.citations and _verbatim(spot, corpus, spot.citations):
            continue
        if best := _verbatim(spot, corpus):
            source = best[1].source
            text = f"The sentence names no source; it stands in source {source}."
            if spot.citations:
                text = f"The sentence stands in source {source}, not in what it cites."
            found.append(_at(spot, "citation", text, [best], f"Cite source {source}.", severity="minor"))
    return found


def reworded(spots: Sequence[Spot], corpus: Corpus) -> list[Spot]:
    """Sentences that stand in no source they cite to the letter. Whether a source means the same is not
    something that words in common can tell: a denial shares all of them, and a paraphrase may share none."""
    return [spot for spot in spots if not _verbatim(spot, corpus, spot.citations or None)]


def _verbatim(spot: Spot, corpus: Corpus, sources: Sequence[int] | None = None) -> tuple[float, Line] | None:
    """The line that holds a sentence to the letter."""
    wanted = words.plain(spot.bare)
    return next(
        (pair for pair in near(spot.bare, corpus, sources) if wanted in words.plain(pair[1].text)), None
    )


def unsourced(spots: Sequence[Spot], corpus: Corpus) -> list[Finding]:
    """Sentences without a source, or whose source does not exist or has none of their words. How many words
    they share tells nothing more: see `reworded`."""
    remedy = "Cite the source that says it, or remove the sentence."
    found = []
    for spot in spots:
        unknown = [number for number in spot.citations if number not in corpus.titles]
        if unknown:
            found.append(_at(spot, "citation", f"There is no source {unknown[0]}.", suggestion=remedy))
        elif not spot.citations:
            best = near(spot.bare, corpus)[:1]
            found.append(_at(spot, "citation", "The sentence names no source.", best, remedy))
        elif len(words.content(spot.bare)) >= FEW and not near(spot.bare, corpus, spot.citations):
            text = f"{_lacks(spot.citations, 'have a single word of this sentence')}."
            found.append(_at(spot, "unsupported_claim", text, (), remedy))
    return found


def wrong_numbers(spots: Sequence[Spot], corpus: Corpus) -> list[Finding]:
    """Numbers that the cited source (or, without a citation, any source) does not state about this."""
    found = []
    for spot in spots:
        close = near(spot.bare, corpus, spot.citations or None)[:CLOSE]
        titles = " ".join(corpus.titles.get(number, "") for number in spot.citations)
        told = [*(line.text for _, line in close), titles]
        wrong = [n for n in _numbers(spot) if not any(figures.supports(text, n) for text in told)]
        if wrong:  # one remark per sentence: the writer mends or drops it as a whole
            text = f"No source says {wrong[0].text}."
            if spot.citations:
                text = f"{_lacks(spot.citations, f'say {wrong[0].text}')}."
            remedy = "Use what the source says, or remove the sentence."
            found.append(_at(spot, "unsupported_number", text, close[:1], remedy))
    return found


def _numbers(spot: Spot) -> list[Number]:
    return figures.numbers(spot.bare)


def wrong_names(spots: Sequence[Spot], corpus: Corpus) -> list[Finding]:
    """Names that occur in none of the cited sources."""
    texts = _texts(corpus)
    found = []
    for spot in spots:
        told = " ".join(texts.get(number, "") for number in spot.citations)
        for name in figures.names(spot.bare) if told else ():
            if not all(word in told for word in words.plain(name).split()):
                found.append(
                    _at(
                        spot,
                        "unsupported_name",
                        f"{_lacks(spot.citations, f'mention {name}')}.",
                        (),
                        "Check the name, or remove the sentence.",
                    )
                )
                break
    return found


def wrong_quotes(spots: Sequence[Spot], corpus: Corpus) -> list[Finding]:
    """Quotations that are not in the cited source word for word; titles of sources are no quotations."""
    texts = _texts(corpus)
    titles = " | ".join(words.plain(title) for title in corpus.titles.values())
    found = []
    for spot in spots:
        told = " ".join(texts.get(number, "") for number in spot.citations or texts)
        for quote in figures.quotations(spot.bare):
            wanted = words.plain(quote).strip(" .,;!?").replace("'", '"')
            if wanted not in told.replace("'", '"') and wanted not in titles.replace("'", '"'):
                found.append(
                    _at(
                        spot,
                        "unsupported_quote",
                        "The words between the quotation marks are not in the source like that.",
                        near(quote, corpus, spot.citations or None)[:1],
                        "Quote the source word for word, or remove the quotation.",
                    )
                )
                break
    return found


def one_sided(
    spots: Sequence[Spot], corpus: Corpus, contradictions: Iterable[Mapping[str, Any]]
) -> list[tuple[Finding, Mapping[str, Any]]]:
    """Sentences that state one side of a dispute between sources while the draft leaves the other out."""
    found = []
    for dispute in contradictions:
        told = [
            next((s for s in spots if states(s.bare, side, corpus)), None) for side in dispute["statements"]
        ]
        quoted = [
            any(words.plain(side["text"]) in words.plain(s.bare) for s in spots)
            for side in dispute["statements"]
        ]
        here = next((spot for spot in told if spot), None)
        if here is None or all(spot or q for spot, q in zip(told, quoted, strict=True)):
            continue
        stated = dispute["statements"][next(i for i, spot in enumerate(told) if spot)]
        other = next(
            s for s, spot, q in zip(dispute["statements"], told, quoted, strict=True) if not spot and not q
        )
        text = f"Source {other['source']} gives another figure: {other['value']} against {stated['value']}."
        finding = Finding(
            kind="contradiction", text=text, quote=here.text, source=other["source"], passage=other["text"],
            suggestion="Give both figures, each with its source, or leave the figure out.",
        )  # fmt: skip
        found.append((finding, dispute))
    return found


def missing_sections(draft: str, required: Sequence[str]) -> list[Finding]:
    """Sections that the house asks for and the draft does not have."""
    there = {part.heading.lower() for part in parts(draft)}
    return [
        Finding(
            kind="structure",
            text=f"The section “{name}” is required and missing.",
            suggestion=f"Add a section “{name}”.",
        )
        for name in required
        if name.lower() not in there
    ]


def empty_sections(draft: str) -> list[Finding]:
    """Headings with nothing under them."""
    return [
        Finding(
            kind="structure",
            text=f"Nothing stands under the heading “{part.heading}”.",
            suggestion="Fill the section or remove its heading.",
        )
        for part in parts(draft)
        if part.heading and not draft[part.start : part.end].strip()
    ]


def wrong_head(draft: str, required: Sequence[str]) -> list[Finding]:
    """A head that cannot be read, or lacks a required field."""
    try:
        fields, _ = front_matter.read(draft)
    except Unreadable as error:
        return [
            Finding(
                kind="front_matter",
                text=f"The head of the draft cannot be read: {error}",
                suggestion="Write it as `field: value` lines.",
            )
        ]
    return [
        Finding(
            kind="front_matter",
            text=f"The field `{name}` is missing in the head of the draft.",
            suggestion=f"Fill in `{name}`.",
        )
        for name in required
        if not fields.get(name)
    ]


def wrong_length(draft: str, least: int, most: int) -> list[Finding]:
    """Too few or too many words."""
    count = word_count(draft)
    if count < least:
        return [
            Finding(
                kind="length",
                text=f"The article is too short: {count:,} words.",
                suggestion=f"Bring it to at least {least} words.",
            )
        ]
    if count > most:
        return [
            Finding(
                kind="length",
                text=f"The article is too long: {count:,} words.",
                suggestion=f"Shorten it to {most} words or fewer.",
            )
        ]
    return []


def banned_words(spots: Sequence[Spot], banned: Mapping[str, str]) -> list[Finding]:
    """Words the house does not use, outside quotations and links; one remark per sentence."""
    found = []
    for spot in spots:
        outside = re.sub(r"[“\"][^”\"]*[”\"]|\]\([^)]*\)", lambda m: " " * len(m[0]), spot.text)
        for word, better in banned.items():
            if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", outside, re.I):
                suggestion = (
                    f"Write “{better}” if it means the same." if better else f"Say it without “{word}”."
                )
                text = f"The house does not use the word “{word}”."
                found.append(_at(spot, "banned_word", text, (), suggestion, severity="minor"))
                break
    return found


def house_words(voice: str) -> dict[str, str]:
    """The words that a voice avoids, with what to write instead: the list under "Words we avoid".

    One item each: `- leverage: use`, or `- revolutionary` where nothing takes its place.
    """
    section = re.search(r"^#+ *words we avoid[^\n]*\n(.*?)(?=^#|\Z)", voice, re.I | re.M | re.S)
    items = re.findall(r"^[-*] +([^:\n]+?)(?: *: *([^\n]*?))? *$", section[1], re.M) if section else []
    return {word.strip(): better.strip() for word, better in items}


def _texts(corpus: Corpus) -> dict[int, str]:
    texts: dict[int, list[str]] = {number: [title] for number, title in corpus.titles.items()}
    for line in corpus.lines:
        texts[line.source] += [line.text, line.heading]
    return {number: words.plain(" ".join(dict.fromkeys(lines))) for number, lines in texts.items()}


def _lacks(citations: Sequence[int], what: str) -> str:
    if len(citations) == 1:
        return f"Source {citations[0]} does not {what}"
    return f"Sources {', '.join(map(str, citations[:-1]))} and {citations[-1]} do not {what}"


def _at(
    spot: Spot,
    kind: str,
    text: str,
    passages: Sequence[Any] = (),
    suggestion: str = "",
    severity: Any = "major",
) -> Finding:
    line = passages[0][1] if passages else None
    return Finding(
        kind=kind, text=text, quote=spot.text, severity=severity, suggestion=suggestion,
        source=line.source if line else None, passage=line.text if line else "",
    )  # fmt: skip
