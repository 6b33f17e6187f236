"""A request that is turned away hears why: which address came, which was expected, which setting mends it."""

from html import unescape

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
TOO_OLD = "That form was too old"


@pytest.fixture(autouse=True)
def _site(settings):
    settings.ALLOWED_HOSTS = ["claw.example", "127.0.0.1"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://claw.example"]
    settings.BASE_URL, settings.HTTPS = "https://claw.example", True


@pytest.fixture
def browser(ana):
    made = Client(enforce_csrf_checks=True)
    made.force_login(ana)
    return made


def send(browser, *, host="claw.example", token="", **headers):
    form = {"csrfmiddlewaretoken": token} if token else {}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.post("/me/theme/", {"theme": "dark", **form}, headers={"host": host, **given})


def said(answer):
    assert answer.status_code in {400, 403}
    return unescape(answer.text)


def token_of(browser, host="claw.example"):
    page = browser.get("/me/", headers={"host": host})
    return page.text.partition('X-CSRFToken": "')[2].partition('"')[0]


def test_a_form_of_our_own_address_passes_whatever_a_proxy_makes_of_the_host(browser):
    token = token_of(browser)

    assert send(browser, host="127.0.0.1", token=token, origin="https://claw.example").status_code < 400


def test_a_scheme_that_a_proxy_did_not_tell_names_the_header_and_the_setting(browser):
    text = said(send(browser, host="127.0.0.1", origin="https://127.0.0.1"))

    assert "at https://127.0.0.1, and the request arrived here as one for http://127.0.0.1" in text
    assert "X-Forwarded-Proto" in text
    assert "TRUST_PROXY" in text
    assert TOO_OLD not in text


def test_a_port_that_a_proxy_drops_is_named(browser):
    text = said(send(browser, host="127.0.0.1", origin="http://127.0.0.1:8443"))

    assert "drops the port" in text
    assert TOO_OLD not in text


def test_another_host_names_what_it_should_be_and_where_to_say_so(browser):
    text = said(send(browser, host="127.0.0.1", origin="https://desk.example"))

    assert "CLAWBOT_BASE_URL=https://desk.example" in text
    assert "CSRF_TRUSTED_ORIGINS" in text
    assert TOO_OLD not in text


def test_a_hidden_origin_is_no_old_form(browser):
    assert "did not say which page" in said(send(browser, origin="null"))


def test_a_proxy_that_is_not_believed_is_named_by_its_address(rf):
    from clawbot.forwarded import DISTRUSTED
    from clawbot.rejected import form

    request = rf.post("/me/theme/", headers={"host": "claw.example", "origin": "https://claw.example"})
    request.scope = {DISTRUSTED: "10.0.0.5"}

    assert "TRUST_PROXY=10.0.0.5" in said(form(request, "Origin checking failed"))


def test_a_missing_cookie_is_named_and_why_it_never_came(browser):
    assert "sent no cookie" in said(send(browser, token="x" * 64, origin="https://claw.example"))
    browser.cookies.clear()
    plain = said(send(browser, host="claw.example", token="x" * 64, origin="http://claw.example"))
    assert "Cookies of this site travel by https only" in plain


def test_a_form_without_its_token_is_told_so(browser):
    token_of(browser)

    assert "without its token" in said(send(browser, origin="https://claw.example"))


def test_an_old_form_and_only_that_is_called_old(browser):
    token_of(browser)

    assert TOO_OLD in said(send(browser, token="x" * 64, origin="https://claw.example"))


def test_a_part_of_a_page_gets_the_words_alone(browser):
    answer = send(browser, origin="https://evil.example", hx_request="true")

    assert answer["Content-Type"].startswith("text/plain")
    assert "did not come from here" in answer.text


def test_a_host_that_is_not_ours_names_itself_ours_and_the_setting(client):
    text = said(client.get("/", headers={"host": "other.example:8443"}))

    assert "came for other.example:8443" in text
    assert "answers to claw.example, 127.0.0.1" in text
    assert "add other.example to ALLOWED_HOSTS" in text


def test_what_a_stranger_writes_into_headers_is_shown_as_text(client):
    answer = client.get("/", headers={"host": "<script>x</script>"})

    assert answer.status_code == 400
    assert "<script>x" not in answer.text
