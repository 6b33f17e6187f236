"""A person's own settings: zone, theme, keys, password."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from clawbot.people.models import User

from .holds import back

THEME_COOKIE_SECONDS = 365 * 24 * 3600


class Settings(forms.ModelForm):
    """What a person may change about themselves."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "zone", "theme", "single_keys"]

    def clean_zone(self) -> str:
        """Empty, or a zone that this machine knows."""
        zone = str(self.cleaned_data["zone"]).strip()
        if zone and zone not in available_timezones():
            raise forms.ValidationError(
                "No such time zone. Write one like Europe/Berlin or America/New_York."
            )
        return zone


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


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody else in."
    return request.user


def _password_form(user: User, data: object = None) -> SetPasswordForm:
    kind = PasswordChangeForm if user.has_usable_password() else SetPasswordForm
    return kind(user, data)


def _page(
    request: HttpRequest, form: Settings, password_form: SetPasswordForm, *, status: int
) -> HttpResponse:
    context = {"form": form, "password_form": password_form, "zones": sorted(available_timezones())}
    return render(request, "pages/me.html", context, status=status)


def _with_theme(response: HttpResponse, theme: str) -> HttpResponse:
    """The cookie gives the sign-in page its first paint; the profile decides everywhere else."""
    if theme in dict(User.THEMES):
        response.set_cookie("theme", theme, max_age=THEME_COOKIE_SECONDS, samesite="Lax", httponly=True)
    return response
