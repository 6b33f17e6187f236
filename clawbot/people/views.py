"""Signing in by a one-time link or a password, and signing out."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from clawbot import words
from clawbot.redirects import is_path
from tasks import access, log

from . import links, throttle
from .models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The page with name and password. Who is signed in already goes on."""
    if isinstance(request.user, User):
        return redirect(landing(request, request.user))
    if request.method == "GET":
        return _page(request)
    username, address = request.POST.get("username", ""), str(request.META.get("REMOTE_ADDR", ""))[:45]
    if wait := throttle.blocked_for(username, address):
        text = f"Too many wrong passwords. Try again in {words.duration(wait)}, or use a one-time link."
        return _page(request, error=text, status=429)
    user = authenticate(request, username=username, password=request.POST.get("password", ""))
    if not isinstance(user, User):
        throttle.failed(username, address)
        return _page(request, error="That name and password do not match an account.", status=422)
    throttle.succeeded(username)
    _let_in(request, user, "password")
    return redirect(landing(request, user))


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Opening a one-time link only shows a button, because mail scanners open links; pressing it signs in."""
    if request.method == "POST":
        user = links.consume(token)
        if user is None:
            return _page(request, error=_SPENT, status=410)
        _let_in(request, user, "link")
        return redirect(landing(request, user))
    link = links.find(token)
    if link is None:
        return _page(request, error=_SPENT, status=410)
    return render(request, "pages/sign_in_link.html", {"person": link.user, "next": _next(request)})


def _let_in(request: HttpRequest, user: User, how: str) -> None:
    with transaction.atomic():
        login(request, user, backend=BACKEND)
        log.record("person.signed_in", by=f"user:{user.username}", how=how)


_SPENT = (
    "This link was used already or is older than a day. Ask for a new one: ./manage.py signin NAME prints it."
)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return redirect("sign_in")


@login_not_required
@never_cache
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own sign-in page would be a second door, and one that does not count failures."""
    if request.user.is_authenticated:
        raise PermissionDenied("Only staff may open the admin.")
    return redirect(f"{resolve_url('sign_in')}?{request.META['QUERY_STRING']}")


def landing(request: HttpRequest, user: User) -> str:
    """Where a person goes after signing in: what they were opening, else what their role works on."""
    if wanted := _next(request):
        return wanted
    # Operators may review too, but their home is the board.
    return resolve_url("reviews" if access.level(user) == access.GROUPS.index("editors") else "board")


def _next(request: HttpRequest) -> str:
    """The page that was asked for, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_path(wanted) else ""


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {"error": error, "next": _next(request), "username": request.POST.get("username", "")}
    return render(request, "pages/sign_in.html", context, status=status)
