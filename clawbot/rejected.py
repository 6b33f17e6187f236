"""Requests that are turned away before any page sees them, and why.

Most of them are no attack and no old form, but a proxy that passes on another host, port or scheme than the
browser used. So each answer names what came, what was expected and the setting that would mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.middleware import csrf
from django.shortcuts import render

from agents.addresses import parts
from agents.contract import Refused
from clawbot import storable
from clawbot.api.problems import problem
from clawbot.forwarded import DISTRUSTED

#: Characters. As `next` of the sign-in each may become three, and Django leads to no address above 16,384.
LONGEST_ADDRESS = 5_000
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
COOKIE = (
    "Your browser sent no cookie with the form. Allow cookies from this site, load the page anew and send "
    "the form once more."
)
OLD = (
    "Somebody signed in or out in this browser since the page was loaded. Go back, load it anew and send the "
    "form once more."
)
TOKEN = "It was not sent by a page of Clawbot, or something on the way removed its token."


def unstorable(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware before the session, the sign-in and every page: refuses a request whose address, cookies or
    form fields hold what cannot be stored, and one whose address is longer than any of ours."""

    def answer(request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > LONGEST_ADDRESS:
            return too_long(request, LONGEST_ADDRESS)
        if not request.path.startswith("/api/"):  # it says so in its own words
            for place, texts in _given(request):
                if not all(storable.is_storable(text) for text in texts):
                    raise BadRequest(f"{place} a NUL or half a character. Leave it out.")
        return get_response(request)

    return answer


def _given(request: HttpRequest) -> Iterable[tuple[str, Iterable[str]]]:
    yield "The address holds", [request.path, *_words(request.GET)]
    yield "A cookie holds", [*request.COOKIES, *request.COOKIES.values()]
    if request.method == "POST" and request.content_type in FORMS:
        yield "A field of the form holds", _words(request.POST)


def _words(fields: Any) -> list[str]:
    return [word for name, values in fields.lists() for word in (name, *values)]


def form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The answer to a form whose origin or token was refused."""
    title, text = _form(request, reason)
    return _answer(request, title, text, 403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The answer to a request that cannot be served: most often one for a host that is not ours."""
    if isinstance(exception, DisallowedHost):
        title, text = "This is not an address of this site", _host(request)
    elif isinstance(exception, BadRequest) and str(exception):
        title, text = "This request cannot be understood", f"Nothing was changed. {exception}"
    else:
        title, text = "This request cannot be understood", "Nothing was changed. Go back and try again."
    return _answer(request, title, text, 400)


def too_long(request: HttpRequest, most: int) -> HttpResponse:
    """The answer to an address that is longer than any of ours."""
    text = (
        f"Its address has more than {most:,} characters. Ask for fewer words, or send what is long in a form."
    )
    if request.path.startswith("/api/"):
        return problem("too-long", text)
    return _answer(request, "This address is too long", f"Nothing was changed. {text}", 414)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The answer to what the rules forbid, wherever on a page it came up: their own sentence."""
    return _answer(request, "That was not done", f"Nothing was changed. {refusal}", 409)


def method(request: HttpRequest, allowed: str) -> HttpResponse:
    """The answer to a form sent to a page that takes none, or to a look at an address that shows nothing."""
    if request.method == "POST":
        text = f"This page takes no form. Nothing was changed. Open {request.path} instead."
    else:
        text = "This address only takes what a button of a page sends: there is nothing to look at. Go back."
    answer = _answer(request, "That is not done this way", text, 405)
    answer["Allow"] = allowed
    return answer


def _answer(request: HttpRequest, title: str, text: str, status: int) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":  # a part of a page: failure.js shows the words
        return HttpResponse(f"{title}. {text}", status=status, content_type="text/plain; charset=utf-8")
    return render(request, "rejected.html", {"title": title, "text": text}, status=status)


def _form(request: HttpRequest, reason: str) -> tuple[str, str]:
    origin = request.headers.get("Origin") or _origin(request.headers.get("Referer", ""))
    if reason.startswith(("Origin", "Referer")):
        return "This form did not come from here", f"Nothing was changed. {_elsewhere(request, origin)}"
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        return "This form came without a cookie", f"Nothing was changed. {_no_cookie(origin)}"
    if reason == csrf.REASON_CSRF_TOKEN_MISSING:
        return "This form came without its token", f"Nothing was changed. {TOKEN}"
    return "That form was too old", f"Nothing was changed. {OLD}"


def _elsewhere(request: HttpRequest, origin: str) -> str:
    """Why the page that a form came from does not count as ours."""
    if origin in {"", "null"}:
        return (
            "Your browser did not say which page the form came from. Turn off what hides it (a privacy "
            "extension, or a proxy that removes the headers Origin and Referer)."
        )
    here = f"{request.scheme}://{request.META.get('HTTP_HOST', '')}"
    seen, asked = parts(origin), parts(here)
    told = f"Your browser was at {origin}, and the request arrived here as one for {here}."
    if seen.netloc == asked.netloc:
        return f"{told} {_scheme(request)}"
    if seen.hostname == asked.hostname:
        return f"{told} A proxy drops the port: let it pass the Host header on whole (nginx: $http_host)."
    return (
        f"{told} If both are this site, let the proxy pass the Host header on (nginx: proxy_set_header Host "
        f"$http_host), or set CLAWBOT_BASE_URL={origin} if that is the address people use; "
        "CSRF_TRUSTED_ORIGINS names further ones."
    )


def _scheme(request: HttpRequest) -> str:
    """Why we do not know that the browser came by https."""
    if distrusted := _distrusted(request):
        return (
            f"The proxy at {distrusted} said more, and is not believed: name it in TRUST_PROXY={distrusted}."
        )
    return (
        "A proxy must say by which scheme it was asked: let it send X-Forwarded-Proto (nginx: "
        "proxy_set_header X-Forwarded-Proto $scheme), and name its address in TRUST_PROXY."
    )


def _no_cookie(origin: str) -> str:
    if settings.HTTPS and origin.startswith("http://"):
        return (
            f"Cookies of this site travel by https only, because CLAWBOT_BASE_URL is {settings.BASE_URL}; "
            f"your browser is at {origin}. Open {settings.BASE_URL}, or set CLAWBOT_BASE_URL to the address "
            "that people use."
        )
    return COOKIE


def _host(request: HttpRequest) -> str:
    host = request.META.get("HTTP_HOST", "") or "no host at all"
    name = parts(f"//{host}").hostname or host
    more = (
        f" The proxy at {distrusted} named another host, and is not believed: TRUST_PROXY does not name it."
        if (distrusted := _distrusted(request))
        else ""
    )
    return (
        f"The request came for {host}, and Clawbot answers to {', '.join(settings.ALLOWED_HOSTS)}. If it is "
        f"meant to be reached there, add {name} to ALLOWED_HOSTS; if a proxy made that name up, let it pass "
        f"the Host header on (nginx: proxy_set_header Host $http_host).{more}"
    )


def _distrusted(request: HttpRequest) -> str:
    return str(getattr(request, "scope", {}).get(DISTRUSTED, ""))


def _origin(url: str) -> str:
    found = parts(url)
    return f"{found.scheme}://{found.netloc}" if found.netloc else ""
