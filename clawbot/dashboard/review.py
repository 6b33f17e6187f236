"""One review: read the draft with its evidence, decide. Every verb is called in `tasks.supervision`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from agents.contract import Refused
from clawbot.numbers import MOST, whole
from tasks import access, database, supervision, workspace
from tasks.models import Artifact, Comment, Decision, Finding, Review, Task
from tasks.people import authority, edits, quorum, reviews, unsaved

from . import queue, reading
from .parts import part_of

MOST_REQUESTS = 50
#: verb -> the sheet in which it was filled in
SHEETS = {"edit": "edit", "send_back": "return"}


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one review; open it at a verb with `?sheet=return`."""
    review = _review(request, pk)
    database.spare(lambda: reviews.see(review, by=f"user:{request.user.username}"))
    return _page(request, review)


@require_GET
@part_of("review", "pk")
def pane(request: HttpRequest, pk: int) -> HttpResponse:
    """Only the right side, for a citation that was followed."""
    here = reading.page(_review(request, pk), request.user, request.GET)
    return render(request, "parts/_review_pane.html", {"here": here, **reading.pane(here)})


@require_GET
@part_of("review", "pk")
def news(request: HttpRequest, pk: int) -> HttpResponse:
    """What happened since the page was drawn: a decision, a newer draft, a reader. The text stays."""
    review = _review(request, pk)
    changed = str(review.version) != request.GET.get("version") or review.artifact_sha256 != request.GET.get(
        "sha"
    )
    if not changed:
        return HttpResponse(status=204)
    here = reading.page(review, request.user, request.GET)
    return render(request, "parts/_review_news.html", {
        "here": here, "review": review, "last": reading.last_decision(review),
        "newer": review.open and review.artifact_sha256 != request.GET.get("sha"),
    })  # fmt: skip


def _review(request: HttpRequest, pk: int) -> Review:
    related = ("task__workflow", "task__workflow_version", "subtask", "artifact")
    rows = access.seen(Review, request.user).select_related(*related)
    return get_object_or_404(rows, pk=pk)


def _page(
    request: HttpRequest,
    review: Review,
    *,
    status: int = 200,
    trouble: str = "",
    stale: bool = False,
    **more: Any,
) -> HttpResponse:
    query = request.GET.copy()
    query.update(more.pop("query", {}))
    seen = request.POST.get("draft", "")
    if stale and review.artifact and (whole(seen) or MOST) < review.artifact.number:
        query["from"], query["view"] = seen, "changes"  # what came since is what must be read now
    here = reading.page(review, request.user, query)
    line = queue.line(request)
    context = {
        "here": here,
        "review": review,
        "task": review.task,
        **reading.facts(here),
        **reading.pane(here),
        **reading.verdict(here, request.user),
        "return": reading.sheet(here) if review.open and "send_back" in review.verbs else None,
        "outputs": reading.outputs(here, query.get("file", "")) if here.view == "output" else None,
        "place": queue.place(line, review),
        "following": queue.following(request, review, line),
        "undo": queue.undoable(request),
        "trouble": trouble,
        "typed_requests": [text for text in request.POST.getlist("request") if text.strip()],
        "stale": stale,
        "seen": seen,
        "since": _since(request, review) if stale else [],
        "request_id": uuid.uuid4().hex,
        **_unsaved(review, request.user),
        **more,
    }
    return render(request, "pages/review.html", context, status=status)


def _since(request: HttpRequest, review: Review) -> list[Decision]:
    """What others answered after this person had opened the page."""
    read = whole(request.POST.get("review_version", "")) or 0
    later = review.decisions.filter(review_version__gte=read, undone_at__isnull=True)
    return list(later.exclude(by=f"user:{request.user.username}").order_by("id"))


# -- Decide -------------------------------------------------------------------------------------------


def _decides(
    verb: Callable[[HttpRequest, Review], HttpResponse],
) -> Callable[[HttpRequest, int], HttpResponse]:
    """A verb as a view. What the rules refuse is shown on the page with everything that was typed: 409
    where somebody or something was faster, 422 where the form must change."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            # Whoever pressed a verb after their session had ended comes here from the sign-in page.
            word = SHEETS.get(verb.__name__, "")
            return redirect(f"{reverse('review', args=[pk])}{word and f'?sheet={word}'}")
        try:
            return verb(request, _review(request, pk))
        except supervision.Stale as stale:
            return _page(
                request, _review(request, pk), status=409, trouble=str(stale), stale=True, typed=request.POST
            )
        except Refused as refused:
            sheet = {"sheet": request.POST.get("sheet", "")}  # open again where it was
            return _page(
                request,
                _review(request, pk),
                status=422,
                trouble=str(refused),
                typed=request.POST,
                query=sheet,
            )

    return view


def _bound(request: HttpRequest) -> dict[str, Any]:
    """What ties a decision to exactly the text that was read."""
    version = request.POST.get("review_version")
    return {
        "by": f"user:{request.user.username}",
        "artifact_sha256": request.POST.get("artifact_sha256") or None,
        # What is no number is no version that there ever was: the decision is refused, never left untied.
        "review_version": (whole(version) or 0) if version else None,
        "request_id": (request.POST.get("request_id") or uuid.uuid4().hex)[:64],
    }


def _next(request: HttpRequest, review: Review, said: str = "") -> HttpResponse:
    """On to the review after this one in the list, with a sentence about this one."""
    following = queue.following(request, review, queue.line(request))
    if said:
        messages.success(request, f"{said} Next: {following.task.key}." if following else said)
    return redirect("review", following.pk) if following else redirect("reviews")


@require_POST
def skip_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Not now: on to the next review. This one stays and comes last for the rest of the session."""
    review = _review(request, pk)
    following = queue.following(request, review, queue.line(request))
    queue.put_last(request, review)
    if following is None:
        messages.info(request, f"{review.task.key} is all that waits for you.")
    return redirect("review", following.pk) if following else redirect("reviews")


@_decides
def approve(request: HttpRequest, review: Review) -> HttpResponse:
    """Approve what was read; where findings are open, with one line of reason."""
    note = request.POST.get("why", "").strip()
    supervision.approve(review, note=note, until_seen=True, **_bound(request))
    return _next(request, review)  # the sentence about an approval is its undo toast


@_decides
def send_back(request: HttpRequest, review: Review) -> HttpResponse:
    """Return the draft with the pending comments and the requests that were typed."""
    by = f"user:{request.user.username}"
    with transaction.atomic():
        _reword(request, review, by)
        typed = [text.strip() for text in request.POST.getlist("request")[:MOST_REQUESTS]]
        supervision.send_back(
            review, to=request.POST.get("to", ""), reason=request.POST.get("reason", ""),
            requests=[{"text": text, "quote": ""} for text in typed if text], **_bound(request),
        )  # fmt: skip
    to = request.POST.get("to") or supervision.default_target(review)
    agent = review.task.workflow_version.stage(to)["agent"].replace("_", " ")
    return _next(request, review, f"{review.task.key} is back with the {agent}.")


def _reword(request: HttpRequest, review: Review, by: str) -> None:
    """Where words of pending comments were changed in the sheet, make all of them anew, so that they keep
    their order; an emptied one is dropped."""
    pending = list(Comment.objects.filter(task=review.task, by=by, number__isnull=True))
    texts = [request.POST.get(f"comment-{comment.pk}", comment.text).strip() for comment in pending]
    if texts == [comment.text for comment in pending]:
        return
    for comment, text in zip(pending, texts, strict=True):
        supervision.uncomment(comment, by=by)
        if text:
            supervision.comment(comment.artifact, by=by, text=text, quote=comment.quote)


@_decides
def answer(request: HttpRequest, review: Review) -> HttpResponse:
    """Give the agent what it asked for; it tries again with it."""
    uploads = request.FILES.getlist("file")
    if sum(one.size or 0 for one in uploads) > workspace.MOST_GIVEN_BYTES:
        raise Refused(
            f"Cannot take these files: at most {workspace.MOST_GIVEN_BYTES // 1_000_000} MB together."
        )
    supervision.answer(
        review, note=request.POST.get("answer", ""),
        files=[(one.name or "source", one.read()) for one in uploads], **_bound(request),
    )  # fmt: skip
    return _next(request, review, f"{review.task.key} goes on with your answer.")


@_decides
def retry(request: HttpRequest, review: Review) -> HttpResponse:
    """Let the stage try again."""
    supervision.retry(
        review.task,
        by=f"user:{request.user.username}",
        stage=review.subtask.stage,
        item=review.subtask.item,
        reason=request.POST.get("why", ""),
    )
    return _next(request, review, f"{review.task.key} tries {reading.place(review)} again.")


@_decides
def skip(request: HttpRequest, review: Review) -> HttpResponse:
    """Go on without this stage."""
    supervision.skip(
        review.task,
        by=f"user:{request.user.username}",
        stage=review.subtask.stage,
        item=review.subtask.item,
        reason=request.POST.get("why", ""),
    )
    return _next(request, review, f"{review.task.key} goes on without {reading.place(review)}.")


@_decides
def cancel(request: HttpRequest, review: Review) -> HttpResponse:
    """Stop the whole task; everything made so far is kept, what it did in the world is taken back."""
    by = f"user:{request.user.username}"
    task = supervision.cancel(review.task, by=by, reason=request.POST.get("why", ""))
    if task.status != Task.Status.DONE:
        return _next(request, review, f"{task.key} takes back what it has done, then it ends.")
    return _next(request, review, f"{task.key} is stopped. Everything made so far is kept.")


# -- Edit ---------------------------------------------------------------------------------------------


@_decides
def edit(request: HttpRequest, review: Review) -> HttpResponse:
    """Save the text as a new draft, or show how it would read; `do=approve` approves what was saved. What was
    typed is kept first, so that nothing which is refused here loses it."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    by, kind = f"user:{request.user.username}", _kind(review)
    base = request.POST.get("artifact_sha256") or None
    unsaved.keep(review, kind, text, by=by, base_sha256=base or "")
    if request.POST.get("do") == "discard":
        return discard_edit(request, review.pk)
    if request.POST.get("do") == "preview":
        return _preview(request, review, text)
    if not text.strip():
        raise Refused("Cannot save an empty draft: stop the task if nothing of it should stay.")
    approves = request.POST.get("do") == "approve"
    if not approves and (found := _unasked(request, review, kind, text)):
        return _page(request, review, query={"sheet": "edit"}, typed=request.POST, follow=found)
    voided = quorum.approved(review)
    made = supervision.edit(
        review.task, by=by, kind=kind, text=text, base_sha256=base, review=review,
        then=None if approves else _then(request),  # who approves it has judged it
    )  # fmt: skip
    unsaved.settle(review.task, kind, by=by, form=request.POST.get("request_id", ""))
    if not approves:
        said = f" {voided} approved draft {made.number - 1}: that no longer counts." if voided else ""
        messages.success(request, f"Saved as draft {made.number}.{_told(review, made)}{said}")
        return redirect("review", review.pk)
    fresh = _review(request, review.pk)
    supervision.approve(
        fresh, by=by, until_seen=True, artifact_sha256=made.sha256, review_version=fresh.version,
        request_id=(request.POST.get("request_id") or uuid.uuid4().hex)[:64],
    )  # fmt: skip
    return _next(request, review)


def _kind(review: Review) -> str:
    """Which text of the task its editor changes."""
    return review.artifact.kind if review.artifact else "draft"


@require_POST
def keep_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what is being typed, as it is typed."""
    review = _review(request, pk)
    try:
        unsaved.keep(
            review, _kind(review), request.POST.get("text", ""), by=f"user:{request.user.username}",
            base_sha256=request.POST.get("artifact_sha256", "")[:64],
        )  # fmt: skip
    except Refused as refused:
        return HttpResponse(str(refused), "text/plain", 422)
    return HttpResponse(status=204)


@require_POST
def discard_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Put away what was typed and not saved; the page says how it comes back."""
    review = _review(request, pk)
    form = request.POST.get("request_id", "")
    unsaved.discard(review.task, _kind(review), by=f"user:{request.user.username}", form=form)
    return redirect("review", pk)


@require_POST
def bring_back_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo of `discard_edit`: the editor with the words."""
    review = _review(request, pk)
    unsaved.bring_back(review.task, _kind(review), by=f"user:{request.user.username}")
    return redirect(f"{reverse('review', args=[pk])}?sheet=edit")


def _unsaved(review: Review, user: Any) -> dict[str, Any]:
    """What this person typed and did not save: its words, and the draft they began from."""
    by, kind = f"user:{user.username}", _kind(review)
    kept = unsaved.kept(review.task, kind, by=by)
    began = kept and Artifact.objects.filter(task=review.task, kind=kind, sha256=kept.base_sha256).first()
    return {
        "unsaved": kept,
        "began": began,
        "began_before": began and began.sha256 != review.artifact_sha256,
        "discarded": unsaved.discarded(review.task, kind, by=by),
        "settled": unsaved.settled(review.task, kind, by=by),
        "edits": f"{user.username}-{review.task.key}-{kind}",
    }


def _unasked(request: HttpRequest, review: Review, kind: str, text: str) -> list[edits.Choice]:
    """What was built on the old text, where the person has still to say what becomes of it: they asked to be
    asked, or a judgement may not hold any longer."""
    if request.POST.get("chosen") or not review.artifact or text == review.artifact.text:
        return []
    if request.POST.get("artifact_sha256") != review.artifact_sha256:
        return []  # a newer text arrived: saving says so
    found = supervision.after_edit(review.task, kind=kind, text=text)
    asks = request.POST.get("do") == "choose" or any(one.default == edits.REVIEW for one in found)
    return found if asks else []


def _then(request: HttpRequest) -> dict[str, str]:
    given = request.POST.items()
    return {name.removeprefix("then-"): str(word) for name, word in given if name.startswith("then-")}


def _told(review: Review, made: Artifact) -> str:
    """What goes again because of an edit, for the sentence about it."""
    if not made.built_on or review.artifact_sha256 == made.sha256:
        return ""
    review.task.refresh_from_db()
    open_rows = review.task.subtasks.filter(
        live=1, item="", round=review.task.round, status__in=["ready", "blocked", "doing"]
    )
    again = [row.stage for row in open_rows.order_by("position") if row.stage != review.subtask.stage]
    return f" {', '.join(again).capitalize()} {'go' if len(again) > 1 else 'goes'} again." if again else ""


def _preview(request: HttpRequest, review: Review, text: str) -> HttpResponse:
    here = reading.page(review, request.user, request.GET)
    return _page(
        request,
        review,
        query={"sheet": "edit"},
        typed=request.POST,
        preview=reading.preview(here, text),
    )


# -- Remarks ------------------------------------------------------------------------------------------


@_decides
def comment(request: HttpRequest, review: Review) -> HttpResponse:
    """Remark on the draft that is shown; pending until the verdict."""
    about = get_object_or_404(Artifact, task=review.task, pk=whole(request.POST.get("artifact", "")))
    made = supervision.comment(
        about,
        by=f"user:{request.user.username}",
        text=request.POST.get("text", ""),
        quote=request.POST.get("quote", ""),
    )
    return redirect(f"{_back(request, review)}#comment-{made.pk}")


@_decides
def uncomment(request: HttpRequest, review: Review) -> HttpResponse:
    """Take back one's own pending comment."""
    made = get_object_or_404(Comment, task=review.task, pk=whole(request.POST.get("comment", "")))
    supervision.uncomment(made, by=f"user:{request.user.username}")
    return redirect(_back(request, review))


@_decides
def judge(request: HttpRequest, review: Review) -> HttpResponse:
    """Agree with a finding, or say that it is still wrong."""
    finding = get_object_or_404(Finding, task=review.task, pk=whole(request.POST.get("finding", "")))
    supervision.judge(finding, by=f"user:{request.user.username}", state=request.POST.get("state", ""))
    return redirect(f"{_back(request, review)}#finding-{finding.number}")


@_decides
def take_back(request: HttpRequest, review: Review) -> HttpResponse:
    """Put back the sentence that stood there before the reviewer corrected it, as a new draft."""
    there = Finding.objects.filter(task=review.task).select_related("task", "artifact")
    finding = get_object_or_404(there, pk=whole(request.POST.get("finding", "")))
    authority.revoke(finding, by=f"user:{request.user.username}")
    return redirect(f"{_back(request, review)}#finding-{finding.number}")


def _back(request: HttpRequest, review: Review) -> str:
    """This review's page with the choices it had; never another address."""
    choices = request.GET.urlencode()
    return reverse("review", args=[review.pk]) + (f"?{choices}" if choices else "")


@require_POST
def undo_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """The page shows the Undo of this decision: its window is counted from now. Answers the seconds left."""
    mine = access.seen(Decision, request.user).filter(by=f"user:{request.user.username}")
    decision = get_object_or_404(mine.select_related("review__task", "review__subtask"), pk=pk)
    return HttpResponse(supervision.seen(decision, by=decision.by), "text/plain")


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a decision back while its window is open."""
    decision = get_object_or_404(access.seen(Decision, request.user).select_related("review__task"), pk=pk)
    try:
        supervision.undo(decision, by=f"user:{request.user.username}")
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{decision.review.task.key} is waiting for you again.")
    return redirect("review", decision.review_id)
