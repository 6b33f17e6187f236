"""Whether a change of a text has to do with what was asked: the same question for whoever writes, and for
whoever keeps the answer."""

from __future__ import annotations

import re

from agents.prose import article, figures, sentences, words

NOT_DONE = "Not done:"
_SHORTER = re.compile(
    r"\b(?:short(?:en|er)|tighten|too long|trim|condense|fewer words|over the limit)\b", re.I
)
_LONGER = re.compile(r"\b(?:too short|longer|more words|under the limit|at least \d+ words)\b", re.I)
_FIGURE = re.compile(r"\b(?:years?|when|dates?|figures?|numbers?|how (?:much|many)|percent|measured)\b", re.I)
_SOURCE = re.compile(r"\bsources? (\d{1,3})\b", re.I)
#: words of wishes that say nothing of what they are about
_EMPTY = set(
    words.content("add put make write say state mention give more less right wrong please sentence source")
)


def met(asked: str, passage: str, before: str, after: str) -> bool:
    """Whether the words that differ between two texts have to do with a request: they lie in the passage that
    it quotes, or share a word that carries meaning with it, or are what it asks for (a length, a figure, a
    source). A change of anything else answers nothing."""
    old, new = _pieces(before), _pieces(after)
    gone, come = old - new, new - old
    if not gone and not come:
        return False
    wanted = words.plain(passage)
    if wanted and wanted in words.plain(before) and wanted not in words.plain(after):
        return True
    about = (set(words.content(asked)) | set(words.content(passage))) - _EMPTY
    if any(about & set(words.content(piece)) for piece in gone | come):
        return True
    count = article.word_count(after) - article.word_count(before)
    if (count < 0 and _SHORTER.search(asked)) or (count > 0 and _LONGER.search(asked)):
        return True
    if _FIGURE.search(asked) and any(figures.numbers(piece) for piece in come):
        return True
    return any(f"[{number}]" in piece for number in _SOURCE.findall(asked) for piece in come)


def not_done(said: str, *, changed: bool) -> str:
    """The answer to a request that nothing was done about, with what the agent says of it; `changed` if
    other words of the text did change."""
    if said.startswith(NOT_DONE):
        return said
    why = "no words that changed have to do with this request. " if changed else ""
    return f"{NOT_DONE} {why}{said}".strip()[:1_500]


def _pieces(text: str) -> set[str]:
    """Sentences and lines of a text, citations included."""
    return {
        " ".join(one.split()) for line in text.split("\n") for one in sentences.split(line) if one.strip()
    }
