"""The jobs a model is asked to do (`Ask.kind`) and the shape that each reply must have.

| kind             | asked by | reply       |
|------------------|----------|-------------|
| compile_research | research | Notes       |
| write_draft      | writer   | Draft       |
| revise_draft     | writer   | Revision    |
| describe         | seo      | Description |
| judge_tone       | reviewer | Judgement   |
| summarise        | reporter | Summary     |
| free             | llm      | Text        |
| gist             | digest, summarise | Gists |
| overview         | summarise | Overview   |
| find_disputes    | combine  | Disputes    |
| classify         | router   | Classified  |
| answer_question  | knowledge, triage | Answered |
| gather_details   | triage   | Gathered    |
| compose_reply    | composer | Letter      |

Every engine gets the same Ask; the role checks the reply against the sources either way.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agents.prose.clean import clean, one_line

Line = Annotated[str, AfterValidator(lambda text: one_line(text, 1_200))]
Short = Annotated[str, AfterValidator(lambda text: one_line(text, 200))]
Prose = Annotated[str, AfterValidator(lambda text: clean(text, 60_000))]
Number = Annotated[int, Field(ge=1, le=500)]


class Reply(BaseModel):
    """A model's reply: hostile text until checked, so closed to other keys and cleaned on arrival."""

    model_config = ConfigDict(extra="forbid")


class Cited(Reply):
    """One statement, word for word from its source."""

    text: Line
    source: Number


class Figure(Cited):
    """A statement with a number in it."""

    value: Short


class Quote(Cited):
    """What somebody said, and who, where the source tells."""

    by: Short = ""


class Dated(Cited):
    """A statement with a date in it."""

    date: Short


class Coverage(Reply):
    """What one source already covers, so that the article can go further."""

    source: Number
    title: Short
    covers: list[Short] = Field(default_factory=list, max_length=20)


class Contradiction(Reply):
    """Sources that state different figures for one thing."""

    topic: Short
    statements: list[Figure] = Field(min_length=2, max_length=6)


class Notes(Reply):
    """A research brief."""

    background: list[Cited] = Field(default_factory=list, max_length=20)
    key_points: list[Cited] = Field(default_factory=list, max_length=40)
    figures: list[Figure] = Field(default_factory=list, max_length=80)
    quotes: list[Quote] = Field(default_factory=list, max_length=40)
    dates: list[Dated] = Field(default_factory=list, max_length=40)
    competitors: list[Coverage] = Field(default_factory=list, max_length=40)
    contradictions: list[Contradiction] = Field(default_factory=list, max_length=20)
    open_questions: list[Line] = Field(default_factory=list, max_length=20)


class Sentence(Reply):
    """One sentence of the article and the sources it rests on; none where the brief itself orders it."""

    text: Line
    sources: list[Number] = Field(default_factory=list, max_length=6)


class Section(Reply):
    """One section. `style` says how its paragraphs are set: prose, bullets or numbered steps."""

    heading: Short
    paragraphs: list[list[Sentence]] = Field(default_factory=list, max_length=30)
    style: Literal["prose", "bullets", "steps"] = "prose"


class Draft(Reply):
    """An article, without title and list of sources: code adds those."""

    description: Line
    sections: list[Section] = Field(min_length=1, max_length=20)


class Change(Reply):
    """What a request led to. `old` and `after` are verbatim from the draft; at most one of them is set.

    replace   `old` becomes `new`             remove   `old` goes
    insert    `new` comes after the sentence `after`, or at the end of section `heading`
    section   a new section `heading` with the sentences `new`
    retitle   the article is called `new[0].text`
    none      nothing was changed; `answer` says why
    """

    request: Number
    answer: Line
    action: Literal["replace", "remove", "insert", "section", "retitle", "none"]
    old: Line = ""
    after: Line = ""
    heading: Short = ""
    new: list[Sentence] = Field(default_factory=list, max_length=8)


class Revision(Reply):
    """The changes to a draft, in the order of the requests; several may answer one request."""

    changes: list[Change] = Field(max_length=80)


class Description(Reply):
    """A meta description."""

    text: Line


class Remark(Reply):
    """One remark on tone, anchored to a sentence of the draft."""

    quote: Line
    text: Line
    suggestion: Line = ""


class Judgement(Reply):
    """Remarks on tone; none is a good answer."""

    remarks: list[Remark] = Field(default_factory=list, max_length=20)


class Summary(Reply):
    """One or two sentences about what the article says."""

    text: Line


class Gist(Reply):
    """What one text says, in one or two sentences; `ask` is what it asks its reader for, word for word."""

    number: Number
    text: Line
    ask: Line = ""


class Gists(Reply):
    """A gist of each text, and the statements that say most about all of them, word for word."""

    gists: list[Gist] = Field(default_factory=list, max_length=500)
    points: list[Cited] = Field(default_factory=list, max_length=40)


class Overview(Reply):
    """The few sentences that say most about many statements; `sources` are the statements' numbers."""

    sentences: list[Sentence] = Field(default_factory=list, max_length=40)


class Disputes(Reply):
    """Statements of different sources that give different figures for one thing."""

    contradictions: list[Contradiction] = Field(default_factory=list, max_length=20)


class Text(Reply):
    """Free text, Markdown."""

    text: Prose


class Classified(Reply):
    """What a message is about: one of the given topics, or "" where none fits."""

    topic: Short = ""
    second: Short = ""  # the topic that comes next, where it comes close
    urgency: Literal["low", "normal", "high"] = "normal"
    confidence: float = Field(0.0, ge=0, le=1)
    reason: Line = ""


class Answered(Reply):
    """An answer made of statements, each from the passage with that number; none where no passage has it."""

    statements: list[Cited] = Field(default_factory=list, max_length=20)


class Detail(Reply):
    """One detail of a message: its name, and the words of the message that give it, verbatim."""

    name: Short
    quote: Line


class Gathered(Reply):
    """The details that a message gives."""

    details: list[Detail] = Field(default_factory=list, max_length=40)


class Said(Reply):
    """One sentence of a reply and the numbers of the points that it says."""

    text: Line
    points: list[Number] = Field(default_factory=list, max_length=6)


class Letter(Reply):
    """The body of a reply, in order; greeting, questions, sources and signature are added by code."""

    sentences: list[Said] = Field(default_factory=list, max_length=40)


def material(**parts: Any) -> dict[str, Any]:
    """The material of an Ask without empty parts, so that a model reads nothing that says nothing."""
    return {key: value for key, value in parts.items() if value not in ("", None, [], {}, ())}
