"""Who has a review in front of them: taking it, putting it back, and the page's quiet "I am still here"."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from agents.contract import Refused
from clawbot.people import names
from clawbot.redirects import back
from tasks import access, clock, supervision
from tasks.models import Review

from . import deciders

#: a taken review is renewed by whoever still reads it, in time
RENEW_BEFORE = timedelta(minutes=10)


@require_POST
def here(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that this person reads the review now; answers with who else does. Renews what they have taken."""
    review = _review(request, pk)
    me = f"user:{request.user.username}"
    if review.open:
        deciders.here(review, request.user)
        left = review.taken_until - clock.now() if review.taken_until and review.owner == me else None
        if left is not None and timedelta(0) < left < RENEW_BEFORE:
            supervision.take(review, by=me)
            review.refresh_from_db()
    readers = deciders.reading([review.pk], but=me).get(review.pk, ())
    context = {"review": review, "standing": deciders.standing(review, readers), "me": me}
    return render(request, "parts/_readers.html", context)


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a review for half an hour: it leaves the others' lists meanwhile."""
    review = _review(request, pk)
    try:
        if supervision.take(review, by=f"user:{request.user.username}"):
            messages.success(request, f"{review.task.key} is yours for 30 minutes.")
        else:
            review.refresh_from_db()
            holder = names.who(review.owner).name if review.owner else "Somebody"
            messages.error(request, f"Cannot take {review.task.key}: {holder} has it. Ask them, or wait.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


@require_POST
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Give back a review that one has taken."""
    review = _review(request, pk)
    try:
        if supervision.put_back(review, by=f"user:{request.user.username}"):
            messages.success(request, f"{review.task.key} is anybody’s again.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request))


def _review(request: HttpRequest, pk: int) -> Review:
    rows = access.seen(Review, request.user).select_related("task__workflow", "artifact")
    return get_object_or_404(rows, pk=pk)
