"""What was asked of a draft, what the next one answered, and which words changed for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from clawbot import diff, draft
from tasks.models import Artifact, Comment, Task


@dataclass(frozen=True)
class Answered:
    """One numbered request beside its answer and the passage before and after."""

    comment: Comment
    before: SafeString
    after: SafeString

    @property
    def changed(self) -> bool:
        """Whether a word of the passage is another one now."""
        return bool(self.before or self.after)


def answered(task: Task, base: Artifact | None, shown: Artifact) -> list[Answered]:
    """The requests that led from `base` to the draft that is shown, by return and number; those that nobody
    has answered among them. Empty for a first draft."""
    rows = Comment.objects.filter(task=task, number__isnull=False, artifact__kind=shown.kind)
    rows = rows.filter(artifact__number__lt=shown.number).select_related("artifact", "answered_in")
    since = base.number if base else 0
    found = []
    for one in rows.order_by("artifact__number", "number", "id"):
        late = one.answered_in is not None and not since < one.answered_in.number <= shown.number
        if late or (one.answered_in is None and one.artifact.number < since):
            continue
        found.append(Answered(one, *_words(one, one.answered_in or shown)))
    return found


def _words(comment: Comment, new: Artifact) -> tuple[SafeString, SafeString]:
    """The passage that a request was about, before and after, with what changed marked in each; both empty
    where it reads as it did, or the request was about the whole."""
    old_texts = [block.text for block in draft.read(comment.artifact.text).blocks]
    new_texts = [block.text for block in draft.read(new.text).blocks]
    place = _place(comment.quote, old_texts)
    if place is None:
        at = _place(comment.answer_quote, new_texts)
        pairs = [pair for pair in diff.pairs(old_texts, new_texts) if at is not None and pair[1] == at]
    else:
        pairs = [pair for pair in diff.pairs(old_texts, new_texts) if pair[0] == place]
    if not pairs:
        return mark_safe(""), mark_safe("")
    i, j = pairs[0]
    old, now = old_texts[i] if i is not None else "", new_texts[j] if j is not None else ""
    if old == now:
        return mark_safe(""), mark_safe("")
    pieces = diff.block(old, now)
    return _side(pieces, "added"), _side(pieces, "removed")


def _place(quote: str, texts: list[str]) -> int | None:
    return next((i for i, text in enumerate(texts) if quote and draft.find(quote, text)), None)


def _side(pieces: tuple[diff.Piece, ...], without: str) -> SafeString:
    """One side of a comparison: every piece escapes its own text."""
    return mark_safe("".join(piece.html for piece in pieces if piece.kind != without))
