"""The pages of a review on the screen: the verdict in view, focus where the person is, true keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_deciding import draft, scene

pytestmark = pytest.mark.browser


def bottom_of(page: Page, what: str) -> float:
    box = page.locator(what).first.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.parametrize("path", ["/reviews/?tab=anyone&sel={review}", "/reviews/{review}/"])
def test_a_pause_banner_leaves_the_verdict_in_view(site, visit, path: str):
    review = draft(site, "banner", "The draft under a banner")["review"]
    page = visit("ana", width=1280, height=800).go(path.format(review=review))
    assert bottom_of(page, ".verdict") <= 800
    site.manage("pause", "--workflow", "banner", "--why", "Legal looks at it.", "--by", "ben")
    site.manage("pause", "--all", "--why", "The feed is bad.", "--by", "ben")
    try:
        expect(page.locator(".banner").first).to_be_visible(timeout=20_000)  # it comes live
        assert bottom_of(page, ".verdict") <= 800
        expect(page.get_by_role("button", name=re.compile("^Approve"))).to_be_in_viewport()
        page.reload()
        assert bottom_of(page, ".verdict") <= 800
    finally:
        site.manage("resume", "--workflow", "banner", "--by", "ben")
        site.manage("resume", "--all", "--by", "ben")


def test_the_decision_is_two_tabs_away(site, visit):
    review = draft(site, "tabs", "The draft with a short way")["review"]
    page = visit("ana").go(f"/reviews/{review}/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the decision")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#decision")).to_be_focused()


def test_j_puts_the_focus_on_the_next_title(site, visit):
    first = draft(site, "steps", "The first of two")["review"]
    draft(site, "steps", "The second of two")
    page = visit("ana").go(f"/reviews/{first}/")
    page.keyboard.press("j")
    page.wait_for_url(re.compile(r"#title$"))
    expect(page.locator("#title")).to_be_focused()


def test_the_key_list_says_what_the_keys_do(site, visit):
    draft(site, "keys", "The draft with keys")
    review = draft(site, "keys", "Another one")["review"]
    page = visit("ana").go(f"/reviews/?sel={review}")
    page.keyboard.press("?")
    keys = page.locator("[data-keys-list]")
    listed = dict(
        zip(keys.locator("dt").all_inner_texts(), keys.locator("dd").all_inner_texts(), strict=True)
    )
    assert listed["j"] == "Next review"
    assert listed["k"] == "Previous review"
    assert listed["g w"] == "Workflows"
    assert listed["t"] == "Take for 30 minutes"
    assert listed["a"] == "Approve"
    assert re.fullmatch(r"For you \d+", listed["1"])
    assert "A" not in listed  # nothing opens with Shift that a key without it does not mention
    assert list(listed)[:3] == sorted(list(listed)[:3], key=str.lower)


def test_hints_are_the_keys_to_press(site, visit):
    review = draft(site, "hints", "The draft with hints")["review"]
    page = visit("ana").go(f"/reviews/{review}/")
    for one in page.locator(".verdict [data-key]:visible").all():
        assert one.locator("kbd").inner_text() == one.get_attribute("data-key")


@pytest.mark.parametrize("width", [1280, 360])
def test_boxes_of_approve_several_are_square_and_titles_stand_in_a_line(site, visit, width: int):
    draft(site, "several", "Short")
    draft(
        site,
        "several",
        "A much longer title of a draft that needs more than one line on every phone there is",
    )
    page = visit("ana", width=width).go("/reviews/approve/")
    boxes = page.evaluate("""[...document.querySelectorAll("[name=pick]")].map(one => {
        const box = one.getBoundingClientRect();
        const title = one.closest("label").querySelector("b").getBoundingClientRect();
        return [Math.round(box.width), Math.round(box.height), Math.round(title.left)];
    })""")
    assert len(boxes) >= 2
    assert {(wide, high) for wide, high, _ in boxes} == {(16, 16)}
    assert len({left for *_, left in boxes}) == 1

    page.get_by_label(re.compile("^All ")).first.check()
    flow = page.locator("[data-all]").first.get_attribute("data-all")
    ticked = page.locator(f"#{flow} [name=pick]")
    assert all(one.is_checked() for one in ticked.all())


def test_the_notice_of_a_decided_review_is_one_sentence(site, visit):
    review = draft(site, "told", "The draft that was returned")["review"]
    scene(
        site,
        f"""
        supervision.send_back(Review.objects.get(pk={review}), by="user:ben", request_id="told-{review}",
                              requests=[{{"text": "Shorter."}}])
        answer = 1
    """,
    )
    page = visit("ana").go(f"/reviews/{review}/")
    notice = page.locator(".notice__text").first
    expect(notice).to_have_text(re.compile(r"Ben returned this .* ago\. See where TOLD-\d+ is now"))
    lines = notice.evaluate(
        "one => one.getClientRects()[0].height / parseFloat(getComputedStyle(one).lineHeight)"
    )
    assert lines < 1.5
    assert page.locator(".notice").first.get_attribute("data-status") == "returned"
    assert page.locator(".review__facts .chip, .review__facts [data-status]").first.get_attribute(
        "data-status"
    ) == ("returned")


def test_a_citation_keeps_its_full_stop_beside_it(site, visit, waiting):
    page = visit("ana", width=360, height=740).go(f"/reviews/{waiting['waiting_for']['id']}/")
    torn = page.evaluate("""[...document.querySelectorAll("#draft .cite")].filter(one => {
        const walk = document.createTreeWalker(document.querySelector("#draft"), NodeFilter.SHOW_TEXT);
        walk.currentNode = one.lastChild;
        const next = walk.nextNode();
        if (!next || !/^[.,;:]/.test(next.data)) return false;
        const range = document.createRange();
        range.setStart(next, 0);
        range.setEnd(next, 1);
        return range.getBoundingClientRect().top > one.getBoundingClientRect().bottom - 4;
    }).length""")
    assert page.locator("#draft .cite").count() > 3
    assert torn == 0


def test_a_comment_is_written_beside_its_words(site, visit, waiting):
    page = visit("ben").go(f"/reviews/{waiting['waiting_for']['id']}/")
    place = page.evaluate("""() => {
        const one = document.querySelectorAll("#draft .draft__text > p")[0].querySelector(".draft__sentence");
        one.scrollIntoView({block: "center"});
        const range = document.createRange();
        range.selectNodeContents(one);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        const box = range.getBoundingClientRect();
        return [box.top, box.bottom];
    }""")
    expect(page.locator("[data-remark-here]")).to_be_visible()
    page.keyboard.press("c")
    form = page.locator("#remark-form .remark-form__fields").bounding_box()
    assert form is not None
    assert abs(form["y"] - place[1]) < 20 or abs(form["y"] + form["height"] - place[0]) < 20
    assert page.evaluate("CSS.highlights.has('remark')")
    page.keyboard.press("Escape")
    assert not page.evaluate("CSS.highlights.has('remark')")
