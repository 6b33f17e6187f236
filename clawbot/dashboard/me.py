"""A person's own settings: zone, theme, keys, password."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.timezone import is_naive, localtime, make_aware
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from agents.contract import Refused
from clawbot.numbers import whole
from clawbot.people import tokens
from clawbot.people.models import Token, User
from clawbot.redirects import back
from tasks import clock, moments
from tasks.clock import now
from tasks.models import Absence, Review
from tasks.people import away

#: how long a token works, as the form offers it
TOKEN_DAYS = {"30": "30 days", "90": "90 days", "365": "A year", "": "Until I revoke it"}
THEME_COOKIE_SECONDS = 365 * 24 * 3600


class Settings(forms.ModelForm):
    """What a person may change about themselves."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "zone", "theme", "single_keys"]

    def clean_zone(self) -> str:
        """Empty, or a zone that this machine knows."""
        zone = str(self.cleaned_data["zone"]).strip()
        try:
            return clock.zone(zone).key if zone else ""
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None


@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """The page, and saving what is on it."""
    user = _person(request)
    form = Settings(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return _with_theme(redirect("me"), user.theme)
    return _page(request, form, _password_form(user), status=422 if form.errors else 200)


@sensitive_post_parameters()
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Set the first password, or change it with the old one. Other sessions end."""
    form = _password_form(_person(request), request.POST)
    if not form.is_valid():
        # Read the person again: the form has put the refused password on its own copy.
        user = User.objects.get(username=request.user.get_username())
        return _page(request, Settings(instance=user), form, status=422)
    update_session_auth_hash(request, form.save())
    messages.success(request, "The password is set. Your other sessions are signed out.")
    return redirect("me")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Choose a theme from the menu."""
    wanted = request.POST.get("theme", "")
    if wanted in dict(User.THEMES):
        User.objects.filter(pk=_person(request).pk).update(theme=wanted)
    return _with_theme(redirect(back(request)), wanted)


@sensitive_post_parameters()
@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """Make an API token and show it, this once: what is not on this answer is nowhere."""
    user, given = _person(request), request.POST
    days, name, scope = (given.get(key, "") for key in ("days", "name", "scope"))
    try:
        ends = tokens.ends(whole(days, tokens.MOST_DAYS) or 0) if days.strip() else None
        made = tokens.make(user.username, name, by=f"user:{user.username}", scope=scope, expires_at=ends)
    except Refused as refused:
        said = {"refused": str(refused), "token_name": name}
        return _page(request, Settings(instance=user), _password_form(user), status=422, **said)
    return _page(request, Settings(instance=user), _password_form(user), status=201, made=made)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own tokens at once. Twice is once."""
    token = get_object_or_404(Token.objects.select_related("user"), pk=pk, user=_person(request))
    tokens.revoke(token, by=f"user:{token.user.username}")
    messages.success(request, f"“{token.name}” is revoked: nothing gets in with it any more.")
    return redirect(f"{resolve_url('me')}#tokens")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Be out of office from one time to another; somebody may stand in."""
    user, given = _person(request), request.POST
    try:
        starts, ends = _time(given.get("starts_at", "")) or now(), _time(given.get("ends_at", ""))
        if ends is None:
            raise Refused("Cannot be out without an end: say until when, you can come back sooner.")
        who = f"user:{given['delegate']}" if given.get("delegate") else ""
        by = f"user:{user.username}"
        away.leave(by, starts_at=starts, ends_at=ends, delegate=who, why=given.get("why", ""))
    except Refused as refused:
        told = {"away_refused": str(refused), "given": given}
        return _page(request, Settings(instance=user), _password_form(user), status=422, **told)
    messages.success(request, "Written down. Your reviews go to who stands in while you are out.")
    return redirect(f"{resolve_url('me')}#away")


@require_POST
def come_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Be back now, or call a planned time off."""
    user = _person(request)
    away.come_back(f"user:{user.username}", get_object_or_404(Absence, pk=pk, user=user))
    messages.success(request, "Welcome back. What somebody took over for you stays with them.")
    return redirect(f"{resolve_url('me')}#away")


def _time(text: str) -> datetime | None:
    """A time as the browser's field gives it, in the person's own zone; None where there is none. Refused
    where it is no time."""
    if not text.strip():
        return None
    found = moments.read(text)
    if found is None or not 1 < found.year < 9999:  # at both ends another zone has no such time
        raise Refused(f"Cannot read {text[:40]!r} as a time: write it like 2026-11-21T14:00.")
    return make_aware(found) if is_naive(found) else found


def _away(user: User) -> dict[str, Any]:
    """What the out-of-office form shows: times away to come, who could stand in, and what it would mean."""
    me = f"user:{user.username}"
    mine = list(Review.objects.filter(open=1, owner=me).select_related("task"))
    others = User.objects.filter(is_active=True).exclude(pk=user.pk).order_by("username")
    return {
        "absences": list(
            Absence.objects.filter(user=user, ended_at=None, ends_at__gt=now()).select_related("delegate")
        ),
        "others": others[:500], "mine": mine, "now_local": localtime(now()).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody else in."
    return request.user


def _password_form(user: User, data: object = None) -> SetPasswordForm:
    kind = PasswordChangeForm if user.has_usable_password() else SetPasswordForm
    return kind(user, data)


def _page(
    request: HttpRequest, form: Settings, password_form: SetPasswordForm, *, status: int, **more: Any
) -> HttpResponse:
    context = {
        "form": form, "password_form": password_form, "zones": sorted(available_timezones()),
        **_away(_person(request)),
        "tokens": tokens.of(_person(request)), "token_days": TOKEN_DAYS,
        "zone_help": f"Every page shows its times in yours. Empty: the site’s zone, {settings.SITE_ZONE}.",
    }  # fmt: skip
    return render(request, "pages/me.html", context | more, status=status)


def _with_theme(response: HttpResponse, theme: str) -> HttpResponse:
    """The cookie gives the sign-in page its first paint; the profile decides everywhere else."""
    if theme in dict(User.THEMES):
        response.set_cookie("theme", theme, max_age=THEME_COOKIE_SECONDS, samesite="Lax", httponly=True)
    return response
