"""Words of an English text: tokens, stop words, a light stem, and how alike two texts are."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Vector = Mapping[str, float]

_TOKEN = re.compile(r"[^\W\d_][^\W_]*(?:['’\-][^\W_]+)*|\d[\d.,]*\d|\d", re.UNICODE)

STOP = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "against",
        "all",
        "almost",
        "also",
        "although",
        "always",
        "am",
        "among",
        "an",
        "and",
        "any",
        "are",
        "aren't",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "can't",
        "cannot",
        "could",
        "couldn't",
        "did",
        "didn't",
        "do",
        "does",
        "doesn't",
        "doing",
        "don't",
        "down",
        "during",
        "each",
        "either",
        "else",
        "enough",
        "etc",
        "even",
        "ever",
        "every",
        "few",
        "first",
        "for",
        "from",
        "further",
        "get",
        "gets",
        "give",
        "given",
        "go",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "herself",
        "him",
        "himself",
        "his",
        "how",
        "however",
        "i",
        "if",
        "in",
        "into",
        "is",
        "isn't",
        "it",
        "its",
        "itself",
        "just",
        "last",
        "least",
        "less",
        "let",
        "like",
        "made",
        "make",
        "makes",
        "many",
        "may",
        "me",
        "might",
        "more",
        "most",
        "much",
        "must",
        "my",
        "near",
        "need",
        "needs",
        "neither",
        "never",
        "new",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "often",
        "on",
        "once",
        "one",
        "only",
        "onto",
        "or",
        "other",
        "others",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "per",
        "perhaps",
        "put",
        "quite",
        "rather",
        "said",
        "same",
        "say",
        "says",
        "see",
        "seen",
        "several",
        "shall",
        "she",
        "should",
        "since",
        "so",
        "some",
        "still",
        "such",
        "take",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "themselves",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "though",
        "three",
        "through",
        "thus",
        "to",
        "together",
        "too",
        "toward",
        "towards",
        "two",
        "under",
        "until",
        "up",
        "upon",
        "us",
        "use",
        "used",
        "uses",
        "using",
        "very",
        "via",
        "was",
        "wasn't",
        "we",
        "well",
        "were",
        "what",
        "when",
        "where",
        "whether",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "without",
        "won't",
        "would",
        "yet",
        "you",
        "your",
        "yours",
        "yourself",
    ]
)


def tokens(text: str) -> list[str]:
    """All words and numbers in lower case, in order."""
    return [token.lower().replace("’", "'") for token in _TOKEN.findall(text)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A light stem: plural and verb endings go, so that `batteries` meets `battery`."""
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ingly", "edly", "ing", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def content(text: str) -> list[str]:
    """The stems that carry meaning: no stop words, no bare numbers, no single letters."""
    return [stem(t) for t in tokens(text) if t not in STOP and len(t) > 1 and not t[0].isdigit()]


def count(text: str) -> int:
    """How many words a reader would count."""
    return len(_TOKEN.findall(text))


def rarity(texts: Sequence[str]) -> dict[str, float]:
    """Inverse document frequency of each stem over these texts."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(set(content(text)))
    return {word: math.log(1 + len(texts) / n) for word, n in seen.items()}


def vector(text: str | Iterable[str], idf: Mapping[str, float] | None = None) -> dict[str, float]:
    """A unit vector of stems; words that `idf` does not know weigh as the rarest."""
    counts = Counter(content(text) if isinstance(text, str) else text)
    top = max(idf.values(), default=1.0) if idf else 1.0
    weights = {w: (1 + math.log(n)) * (idf.get(w, top) if idf else 1.0) for w, n in counts.items()}
    length = math.sqrt(sum(v * v for v in weights.values())) or 1.0
    return {w: v / length for w, v in weights.items()}


def alike(a: Vector, b: Vector) -> float:
    """Cosine of two unit vectors, 0..1."""
    if len(a) > len(b):
        a, b = b, a
    return sum(value * b[word] for word, value in a.items() if word in b)


def taken(match: Any) -> str:
    """What a pattern took: its first group, or all of the match where it has none (or none that matched)."""
    return ((match.lastindex and match[1]) or match[0]).strip()


# Each of these takes linear time on any text: a run of spaces or brackets is looked at once.
_CITED = re.compile(r"(?<!\s)\s*\[\d{1,3}\](?!\()")
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[\d{1,3}\])*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")


def uncited(text: str) -> str:
    """A text without the numbers of its sources."""
    return _CITED.sub("", text)


def unlinked(text: str) -> str:
    """A text with the words of its links and pictures, and without their addresses."""
    return _LINK.sub(r"\1", text)


def unpictured(text: str) -> str:
    """A text without its pictures."""
    return _LINK.sub(lambda match: "" if match[0].startswith("!") else match[0], text)


def plain(text: str) -> str:
    """Text for comparing word by word: no markup, no citations, one kind of quote and space, lower case."""
    text = re.sub(r"[`*_]+", "", unlinked(uncited(text)))
    text = text.translate(_QUOTES)
    return " ".join(text.lower().split())


_QUOTES = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "’": "'",
        "‘": "'",
        "–": "-",
        "—": "-",
        "‑": "-",
        "−": "-",
    }
)
