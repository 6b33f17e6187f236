"""What a person typed stays, whatever happens to the page, the session, the server or the draft; and an Undo
that was shown can be pressed, however slow the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.slow import Line, Web
from tests.browser.test_deciding import decided, draft, scene

pytestmark = pytest.mark.browser

WORDS = "One more thing that ana wrote."
KEPT = re.compile(r"Your words are kept until")
TYPED = re.compile(re.escape(WORDS) + "$")
PATIENCE = 60_000  # milliseconds that a slow line, or a slow machine, may take


def begin(page: Page, review: int) -> None:
    """Open the editor with its key and type at the end."""
    page.goto(f"/reviews/{review}/")
    page.wait_for_function("window.htmx !== undefined")
    page.keyboard.press("e")
    area = page.locator("#editor-text")
    expect(area).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(f" {WORDS}")


def find_again(page: Page, review: int) -> None:
    """Open the editor anew: the words are there."""
    page.goto(f"/reviews/{review}/?sheet=edit")
    expect(page.locator("#editor-text")).to_have_value(TYPED)


def test_esc_and_close_and_back_keep_the_words_and_give_the_focus_back(site, visit):
    review = draft(site, "kept", "The words that stay")["review"]
    page = visit("ana").page
    begin(page, review)

    page.keyboard.press("Escape")  # from the text to its way out
    expect(page.get_by_role("link", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    page.wait_for_url(f"**/reviews/{review}/#edit")
    expect(page.locator("#edit")).to_be_focused()
    expect(page.get_by_text("Your unsaved edit of draft 1 is kept")).to_be_visible()
    find_again(page, review)

    page.get_by_role("link", name="Close").click()
    find_again(page, review)

    page.keyboard.press("Control+End")
    page.keyboard.insert_text(f" {WORDS}")  # not even a moment for the autosave
    page.go_back()
    find_again(page, review)


def test_discarding_takes_a_press_and_can_be_undone(site, visit):
    review = draft(site, "thrown", "The words that go")["review"]
    page = visit("ana").page
    begin(page, review)
    expect(page.locator("[data-autosaved]")).to_have_text(KEPT)
    page.get_by_role("button", name="Discard my words").click()
    expect(page.get_by_text("You discarded your edit")).to_be_visible()
    page.goto(f"/reviews/{review}/?sheet=edit")
    expect(page.locator("#editor-text")).not_to_have_value(TYPED)

    page.goto(f"/reviews/{review}/")
    page.get_by_role("button", name="Bring it back").click()
    expect(page.locator("#editor-text")).to_have_value(TYPED)


def test_the_end_of_the_session_keeps_the_words(site, visit):
    review = draft(site, "ended", "The words of an ended session")["review"]
    visitor = visit("ana")
    page = visitor.page
    begin(page, review)
    expect(page.locator("[data-autosaved]")).to_have_text(KEPT)
    cookies = page.context.cookies()
    page.context.clear_cookies(name=re.compile("session"))
    page.keyboard.insert_text(f" And more. {WORDS}")
    expect(page.locator("[data-autosaved]")).to_contain_text("Kept in this browser")
    page.keyboard.press("Control+Enter")  # the server asks her to sign in
    page.wait_for_url("**/sign-in/**")

    page.context.add_cookies(cookies)
    page.goto(page.url.partition("?next=")[2].replace("%2F", "/"))  # where signing in leads
    expect(page.locator("#editor-text")).to_have_value(re.compile(r"And more\. " + re.escape(WORDS) + "$"))
    visitor.complaints.clear()  # what the browser says of requests without a session


def test_a_saved_text_does_not_come_back_from_the_browser(site, visit):
    review = draft(site, "saved", "The words that were saved")["review"]
    page = visit("ana").page
    begin(page, review)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved as draft 2")
    scene(
        site,
        f"""
        from tasks.models import Task
        supervision.edit(Review.objects.get(pk={review}).task, by="user:ben", text="Ben wrote it anew.")
        answer = 1
    """,
    )
    page.goto(f"/reviews/{review}/?sheet=edit")
    expect(page.locator("#editor-text")).to_have_value("Ben wrote it anew.")


def test_a_restart_of_the_server_and_a_new_draft_keep_the_words(site, visit):
    review = draft(site, "crash", "The words of a crash")["review"]
    web = Web(site)
    web.start()
    try:
        visitor = visit("ana", url=web.url)
        page = visitor.page
        begin(page, review)
        expect(page.locator("[data-autosaved]")).to_have_text(KEPT)
        web.kill()
        page.keyboard.insert_text(f" Typed while it was away. {WORDS}")
        expect(page.locator("[data-autosaved]")).to_contain_text("Kept in this browser")
        web.start()
        # It is sent by itself as soon as somebody answers.
        expect(page.locator("[data-autosaved]")).to_have_text(KEPT, timeout=PATIENCE)
        scene(
            site,
            f"""
            supervision.edit(Review.objects.get(pk={review}).task, by="user:ben", text="Ben's draft.")
            answer = 1
        """,
        )
        other = visit("ana").page  # another browser: nothing of it can come from here
        other.goto(f"/reviews/{review}/?sheet=edit")
        expect(other.locator("#editor-text")).to_have_value(re.compile(r"Typed while it was away\."))
        expect(other.locator(".editor")).to_contain_text("You began this on draft 1; draft 2 arrived since")
        visitor.complaints.clear()  # the browser complains of the server that was away
    finally:
        web.kill()


@pytest.fixture
def line(site) -> Iterator[Any]:
    """A line to the site that can be made slow."""
    made = Line(int(site.url.rpartition(":")[2]))
    yield made
    made.close()


def test_an_undo_works_on_a_line_with_five_seconds_of_delay(site, visit, line):
    first = draft(site, "slow", "The draft behind a slow line")["review"]
    draft(site, "slow", "The next one")
    page = visit("ana", url=line.url).page
    page.goto("/reviews/")
    page.goto(f"/reviews/{first}/")  # its scripts and styles are in the browser now
    page.wait_for_load_state("networkidle")

    line.delay = 5.0
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Approved draft 1", timeout=PATIENCE)
    page.keyboard.press("u")  # the window of this site is two seconds
    expect(page.locator("#toasts")).to_contain_text("is waiting for you again", timeout=PATIENCE)
    assert decided(site, first) == []
