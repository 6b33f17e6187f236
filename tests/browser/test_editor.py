"""What an editor does: watches a card move, returns a draft, reads the next one, mends a word, approves."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SLOW = 60_000  # milliseconds that the agents may take for a whole round
PARAGRAPHS = "#draft .draft__text > p"


def select(page: Page, paragraph: int) -> None:
    """Select the first words of a paragraph up to its first citation, as a mouse would."""
    page.evaluate(
        """([paragraphs, place]) => {
            const one = document.querySelectorAll(paragraphs)[place].querySelector(".draft__sentence");
            one.scrollIntoView({block: "center"});
            const range = document.createRange();
            range.selectNodeContents(one);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }""",
        [PARAGRAPHS, paragraph],
    )


def comment(page: Page, paragraph: int, text: str) -> str:
    """Say something about a paragraph's first words; returns these words."""
    notes = page.locator(".note:not(.note--answered)").count()
    select(page, paragraph)
    expect(page.locator("[data-remark-here]")).to_be_visible()
    page.keyboard.press("c")
    page.get_by_label("What should change").fill(text)
    quote = page.get_by_label("About these words").input_value()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note:not(.note--answered)")).to_have_count(notes + 1)
    return quote


def open_review(page: Page, review: int) -> None:
    page.goto(f"/reviews/{review}/")
    page.wait_for_function("window.htmx !== undefined")


def test_takes_an_article_from_the_board_to_the_published_file(site, visit):
    board = visit("ana").go("/")
    key = site.inject("default", "--title", "The article of the day")

    # The card comes and moves while she looks; nobody reloads.
    card = board.locator(f"#card-{key}")
    expect(card).to_be_visible(timeout=SLOW)
    expect(card).to_have_attribute("data-status", "waiting", timeout=SLOW)
    review = site.status(key)["waiting_for"]["id"]
    card.get_by_text("Review", exact=False).last.click()
    page = board
    page.wait_for_url(f"**/reviews/{review}/")

    # She follows a citation: the source opens at words that the sentence says.
    page.locator("#draft p .cite").first.click()
    expect(page.locator("#passage")).to_be_visible()
    expect(page.locator("[data-at]").first).to_be_visible()

    # Two comments, each at its sentence, then the return as the agent gets it.
    quote = comment(page, 0, "Remove this sentence.")
    comment(page, 1, "Say who measured this.")
    page.keyboard.press("r")
    sheet = page.locator("#return-sheet")
    expect(sheet).to_be_visible()
    expect(sheet.locator("[data-preview]")).to_contain_text(f"1. About “{quote}”")
    expect(sheet.locator("[data-preview]")).to_contain_text("Remove this sentence.")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.locator(".verdict__return")).to_be_focused()
    page.keyboard.press("r")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: f"/reviews/{review}/" not in url)

    # The next draft comes with its changes and both comments answered.
    again = next_review(site, key, review)
    open_review(page, again)
    expect(page.locator("[aria-current=page]", has_text="Changes")).to_be_visible()
    expect(page.locator("#draft :is(ins, del)").first).to_be_visible()
    expect(page.locator(".note--answered")).to_have_count(2)
    for note in page.locator(".note--answered").all():
        expect(note.locator(".note__answer")).not_to_be_empty()
    page.keyboard.press("J")
    expect(page.locator("[data-hop-count]")).to_have_text(re.compile(r"1 of \d+"))

    # She mends one sentence, and approves what she reads.
    page.keyboard.press("e")
    area = page.locator("#editor-text")
    text = area.input_value()
    mended = re.sub(r"\bAccording to\b|\bMost\b|\bThe\b", "Nearly the", text, count=1)
    assert mended != text
    area.fill(mended)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved as draft")
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Approved draft")

    # What is on the disk is what she approved.
    published = published_file(site, key)
    assert published.read_text("utf-8") == mended


def next_review(site, key: str, before: int) -> int:
    over = time.monotonic() + SLOW / 1000
    while time.monotonic() < over:
        found = site.status(key)["waiting_for"]
        if found and found["id"] != before:
            return int(found["id"])
        time.sleep(0.5)
    raise AssertionError(f"{key} did not come back: {site.status(key)['why']}")


def published_file(site, key: str) -> Path:
    over = time.monotonic() + SLOW / 1000
    while time.monotonic() < over:
        made = site.status(key)["artifacts"]
        paths = [one["path"] for one in made if one["kind"] == "published_md"]
        if paths:
            return Path(site.environment["CLAWBOT_DATA"]) / paths[-1]
        time.sleep(0.5)
    raise AssertionError(f"{key} was not published: {site.status(key)['why']}")


def test_undoes_an_approval_with_one_key(site, visit):
    key = site.inject("default", "--title", "The approval that was taken back")
    review = site.waits_for_a_person(key)["waiting_for"]["id"]
    page = visit("ana").go(f"/reviews/{review}/")

    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Approved draft")
    page.keyboard.press("u")
    page.wait_for_url(f"**/reviews/{review}/")
    expect(page.locator("#toasts")).to_contain_text("is waiting for you again")
    assert site.status(key)["waiting_for"]["id"] == review


def test_decides_without_any_script(site, visit):
    key = site.inject("default", "--title", "The draft of a browser without scripts")
    review = site.waits_for_a_person(key)["waiting_for"]["id"]
    page = visit("ana", java_script_enabled=False).page
    page.goto(f"/reviews/{review}/")

    page.locator("#remark-form summary").click()
    page.get_by_label("What should change").fill("Remove this sentence.")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator(".note__text")).to_have_text("Remove this sentence.")
    page.get_by_role("link", name="Return…").click()
    page.locator("#request-new").fill("Shorten it.")
    page.locator("#return-sheet").get_by_role("button", name="Return").click()

    assert site.status(key)["waiting_for"] is None or site.status(key)["waiting_for"]["id"] != review


def test_keeps_an_unsaved_edit(site, visit, waiting):
    address = f"/reviews/{waiting['waiting_for']['id']}/?sheet=edit"
    page = visit("ana").go(address)
    area = page.locator("#editor-text")
    area.fill(area.input_value() + "\nOne more thing.")
    expect(page.locator("[data-autosaved]")).to_contain_text("Your words are kept until")
    page.goto(address)

    expect(page.locator("#editor-text")).to_have_value(re.compile(r"One more thing\.$"))


def test_says_at_once_that_somebody_else_decided_and_leaves_the_text_alone(site, visit):
    key = site.inject("default", "--title", "The draft that two people read")
    review = site.waits_for_a_person(key)["waiting_for"]["id"]
    page = visit("ana").go(f"/reviews/{review}/")
    expect(page.locator("#draft")).to_be_visible()
    text = page.locator("#draft").inner_text()
    site.manage("act", key, "approve", "--by", "ben")

    expect(page.locator("#arrived")).to_contain_text("Ben approved this")
    assert page.locator("#draft").inner_text() == text


@pytest.mark.parametrize("width", [1280, 360])
def test_hides_no_control_behind_the_bar_when_it_has_focus(visit, waiting, width: int):
    page = visit("ana", width=width, height=640).go(f"/reviews/{waiting['waiting_for']['id']}/")
    hidden = page.evaluate(
        """() => {
            const bar = document.querySelector(".verdict");
            const found = [];
            const controls = "#main :is(a[href], button, summary, textarea)";
            for (const one of document.querySelectorAll(controls)) {
                if (!one.checkVisibility() || one.tabIndex < 0 || one.closest("[hidden]")) continue;
                one.focus();
                const box = one.getBoundingClientRect();
                const under = bar.getBoundingClientRect();
                const covered = box.height && box.top >= under.top && box.bottom <= under.bottom + 1;
                if (covered) found.push(one.outerHTML.slice(0, 120));
            }
            return found;
        }"""
    )

    assert hidden == []


def test_keeps_the_bar_in_one_row_on_a_phone(visit, waiting):
    page = visit("ana", width=360, height=780).go(f"/reviews/{waiting['waiting_for']['id']}/")
    tops = page.evaluate(
        "[...document.querySelectorAll('.verdict__verbs .button')].filter(one => one.checkVisibility())"
        ".map(one => Math.round(one.getBoundingClientRect().top))"
    )

    assert len(tops) >= 3
    assert max(tops) - min(tops) <= 2


def test_moves_through_the_queue_by_keyboard(site, visit, waiting):
    site.waits_for_a_person(site.inject("edge_caching", "--title", "Another draft that waits"))
    page = visit("ben").go("/reviews/")
    first = page.locator("[data-selected]").get_attribute("id")
    page.keyboard.press("j")
    expect(page.locator("[data-selected]")).not_to_have_id(first or "")
    second = page.locator("[data-selected]").get_attribute("data-row")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/reviews/{second}/")
