"""Answers a customer's questions from the documents of the workflow, and says where no document does.

Takes: `text` and `subject` of the task's input; the documents that the workflow lends. Gives: *answer*, every
point of which carries its document, heading and sentence, and the fields `answer_missing`, `statements`,
`documents`, `unanswered`. Tools: none. It never fills a gap: a question without a passage stays open and is
handed to a person by name.
"""

from __future__ import annotations

from agents import answering, points
from agents.answering import Searching
from agents.contract import Brief, Desk, Made, Outcome

ACCEPTS = ("routing",)
RETURNS = ("answer",)
TOOLS = ()
READS = ("model", "instructions", "voice")
FIELDS = ("answer_missing", "statements", "documents", "unanswered")


class Settings(Searching):
    """Which documents are searched, and how well a passage must fit."""


async def work(brief: Brief, desk: Desk) -> Outcome:
    """Search, answer, cite."""
    settings = Settings.model_validate(brief.settings)
    subject, text = answering.message(brief.input)
    found = await answering.answer(subject, text, brief, desk, settings)
    doubts = tuple(f"No document answers: “{question}”" for question in found.unanswered)
    handed = points.Points(stage=brief.stage, points=found.points, doubts=doubts)
    documents = sorted({point.cite.document for point in found.points if point.cite})
    fields = {
        "answer_missing": found.missing, "statements": len(found.points), "documents": documents,
        "unanswered": list(found.unanswered),
    }  # fmt: skip
    return Outcome(
        made=(
            Made(
                kind="answer", text=points.markdown("Answer", handed), data={**handed.model_dump(), **fields}
            ),
        ),
        fields=fields,
        confidence=round(found.support, 2),
        summary=(
            f"Found {len(found.points)} statements in {len(documents)} documents"
            + (f"; {len(found.unanswered)} questions have no answer." if found.unanswered else ".")
        ),
    )
