"""Answers a message from documents: every statement names its passage, and a question without one is said to
have no answer. For the roles that answer: `knowledge` and `triage`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from agents.contract import Ask, Brief, Desk, Unusable
from agents.llm.jobs import Answered, Cited, material
from agents.points import Citation, Point
from agents.prose import figures, mail_text, search, sentences, words
from agents.prose.clean import one_line
from agents.tools import Closed

_ASKS = re.compile(
    r"\?$|^(?:how|what|where|when|who|why|which|can|could|do|does|is|are|may|will)\b"
    r"|\b(?:how do i|how can i|i wonder"
    r"|wondering|want to know|like to know|question is|tell me|explain)\b", re.I,
)  # fmt: skip
_FOLLOWS = re.compile(r"^(?:and|also|then|or|after that|if so)\b", re.I)
_LEANS = re.compile(r"\b(?:it|them|they|this|these|those)\b", re.I)
_AND = re.compile(r",? and (?=(?:how|what|where|when|who|why|which|are|is|do|does|can|will)\b)", re.I)
_POLITE = re.compile(
    r"\b(?:hi|hello|hey|dear|thanks?|thank you|regards|cheers|please|best|kind|team|support|sincerely"
    r"|greetings|good (?:morning|day|afternoon|evening)|could you help(?: me)?|can you help(?: me)?"
    r"|happens?|afterwards?)\b", re.I,
)  # fmt: skip
CLOSE = 0.85  # a second passage is used where it fits nearly as well as the first
LEANING = 0.7  # a question that brings a sentence along is answered by speaking of less of it
SAID = 0.3  # share of meaning from which on a model's sentence says what a sentence of its passage says


class Searching(Closed):
    """Which documents, and how much of them. Part of the settings of every role that answers."""

    documents: str = "documents"  # the name under which the workflow lends them (`materials`)
    least_support: float = Field(0.6, ge=0, le=1)  # share of a question that a passage must speak of
    least_weight: float = Field(1.0, ge=0, le=20)  # of the words that question and passage share
    unknown: float = Field(1.0, ge=0, le=1)  # what a word weighs that no document has; less for a long tale
    most_passages: int = Field(2, ge=1, le=10)  # for one question
    most_sentences: int = Field(3, ge=1, le=20)  # of one passage, beside the steps of an instruction
    most_questions: int = Field(4, ge=1, le=20)


@dataclass(frozen=True)
class Answer:
    """What the documents say, and which questions they do not answer."""

    points: tuple[Point, ...]
    unanswered: tuple[str, ...]
    support: float  # of the weakest answered question, 0 where none is

    @property
    def missing(self) -> bool:
        """Whether any question has no answer."""
        return bool(self.unanswered) or not self.points


@dataclass(frozen=True)
class Question:
    """One question. It `leans` where it brings the sentence along that its pronoun is about, and so says more
    than it asks."""

    text: str
    leans: bool = False


async def answer(
    subject: str, text: str, brief: Brief, desk: Desk, searching: Searching, *, whole: bool = False
) -> Answer:
    """Search the documents for each question of a message (or for the message as one, `whole`), let the
    model say what the passages found say, and keep what they do say."""
    library = search.library(brief.materials.get(searching.documents, {}))
    asked = [Question(f"{subject}\n{text}")] if whole else questions(subject, text)
    passages: list[search.Found] = []
    unanswered, weakest, before = [], 1.0, ""
    for question in asked[: searching.most_questions]:
        least = searching.least_support * (LEANING if question.leans else 1.0)
        found = _supported(library, question.text, f"{subject} {text}", searching, least)
        if not found and before and _FOLLOWS.search(question.text):
            both = f"{before} {question.text}"
            found = _supported(library, both, text, searching, searching.least_support + 0.1)
        before = question.text
        if not found:
            unanswered.append(one_line(question.text, 200))
            continue
        weakest = min(weakest, found[0].support)
        known = {one.passage for one in passages}
        passages += [one for one in found if one.passage not in known]
    unanswered += [one_line(question.text, 200) for question in asked[searching.most_questions :]]
    desk.note(f"Searched {len(library.passages)} passages for {len(asked)} questions: {len(passages)} fit.")
    points = await _points([one.text for one in asked], passages, brief, desk, searching) if passages else []
    if passages and not points:
        unanswered = [one_line(question.text, 200) for question in asked]
    return Answer(tuple(points), tuple(unanswered), weakest if points else 0.0)


def questions(subject: str, text: str) -> list[Question]:
    """The questions of a message, in its words; the whole message where it asks none in so many words."""
    found: list[Question] = []
    for paragraph in text.split("\n"):
        before = ""
        for sentence in sentences.split(paragraph):
            if not _ASKS.search(sentence.strip()):
                before = sentence
                continue
            told, _, rest = sentence.rpartition(": ")  # "Before we sign, we need to know: where ..."
            first, *more = _AND.split(rest if told and _ASKS.search(rest) else sentence)
            if before and _LEANS.search(first):
                found.append(Question(f"{before} {first}", leans=True))
            elif found and _weight(first) < 2:  # "And how long?" asks about what was asked before it
                found[-1] = Question(f"{found[-1].text} {first}", found[-1].leans)
            else:
                found.append(Question(first))
            found += [Question(one) for one in more if _weight(one)]
    found = [one for one in found if _weight(one.text)]
    if len(found) == 1 and _weight(found[0].text) < 3:
        found = [Question(f"{subject} {found[0].text}".strip(), found[0].leans)]
    return found or [Question(_POLITE.sub(" ", f"{subject}. {text}"))]


def _weight(text: str) -> int:
    """How many words of a question say what it is about."""
    return len(search.stems(_POLITE.sub(" ", text)))


def _supported(
    library: search.Library, question: str, context: str, searching: Searching, least: float
) -> list[search.Found]:
    """The passages that speak of enough of a question; the rest of the message decides between equals."""
    found = library.search(_POLITE.sub(" ", question), 10, searching.unknown)
    around = {one.passage: one.score for one in library.search(context, 50)}
    found = [one for one in found if one.support >= least and one.weight >= searching.least_weight]
    found.sort(key=lambda one: -(one.score + 0.25 * around.get(one.passage, 0.0)))
    kept, said = found[:1], set(found[0].matched) if found else set()
    for one in found[1:]:
        if (
            one.score >= CLOSE * found[0].score and set(one.matched) - said
        ):  # it answers what the first left open
            kept.append(one)
            said |= set(one.matched)
    return kept[: searching.most_passages]


async def _points(
    asked: list[str], passages: list[search.Found], brief: Brief, desk: Desk, searching: Searching
) -> list[Point]:
    numbered = {
        number: (one.passage, search.telling(one.passage, one.matched, searching.most_sentences))
        for number, one in enumerate(passages, start=1)
    }
    shown = [
        {
            "number": number, "title": passage.title, "heading": passage.heading,
            "sentences": list(passage.sentences), "telling": [passage.sentences[place] for place in telling],
        }
        for number, (passage, telling) in numbered.items()
    ]  # fmt: skip
    ask = Ask(
        kind="answer_question", instructions=brief.instructions, returns=Answered,
        material=material(questions=asked, passages=shown, voice=brief.voice),
    )  # fmt: skip
    try:
        reply: Answered = await desk.ask(ask)
    except Unusable as error:
        desk.note(f"The model's answer was of no use: {str(error)[:200]}")
        return []
    kept = [_cited(one, numbered[one.source][0]) for one in reply.statements if one.source in numbered]
    found = [one for one in kept if one]
    if len(found) < len(reply.statements):
        desk.note(f"Dropped {len(reply.statements) - len(found)} statements that no passage supports.")
    return list(dict.fromkeys(found))


def _cited(said: Cited, passage: search.Passage) -> Point | None:
    """A statement with the sentence that supports it; None where none does, its numbers included."""
    stated = figures.numbers(said.text)
    vector = words.vector(said.text)
    plain = [words.plain(sentence) for sentence in passage.sentences]
    exact = plain.index(words.plain(said.text)) if words.plain(said.text) in plain else None
    for place, sentence in enumerate(passage.sentences):
        same = place == exact
        if exact is not None and not same:
            continue
        alike = words.alike(vector, words.vector(sentence)) >= SAID
        if same or (alike and all(figures.supports(sentence, number) for number in stated)):
            cite = Citation(
                document=passage.document, title=passage.title, heading=passage.heading, quote=sentence
            )
            return Point(text=said.text, cite=cite, step=same and place in passage.steps)
    return None


def message(given: Mapping[str, object], most: int = 20_000) -> tuple[str, str]:
    """Subject and readable text of a task's message."""
    subject = one_line(str(given.get("subject") or ""), 200)
    return subject, mail_text.readable(str(given.get("text") or ""), most, subject)
