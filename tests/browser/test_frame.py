"""What every page does: keys, dialogs, theme, and all of it without a script as well."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


def test_a_one_time_link_signs_in_and_lands_at_the_reviews(site, visit):
    page = visit().page

    page.goto(site.manage("signin", "ana"))
    page.get_by_role("button", name="Sign in as Ana Novak").click()

    expect(page).to_have_url(f"{site.url}/reviews/")


def test_lists_the_keys_it_binds_and_goes_where_they_say(visit):
    page = visit("ben").go("/me/")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys on this page")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_text("Freeze or go on with live updates")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("a")

    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()


def test_keys_are_letters_while_a_person_types(visit):
    page = visit("ben").go("/activity/")
    box = page.get_by_label("Search what happened").last

    box.press_sequentially("ga?n")

    expect(box).to_have_value("ga?n")
    assert page.url.endswith("/activity/")


def test_a_person_who_switched_keys_off_presses_none(visit):
    page = visit("cleo").go("/me/")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()

    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keys on this page")).to_be_hidden()
    page.get_by_label("Single-key shortcuts").check()
    page.get_by_role("button", name="Save").click()


def test_a_dialog_gives_the_focus_back_to_what_opened_it(visit):
    page = visit("ben").go("/agents/")
    opener = page.get_by_role("banner").get_by_role("button", name="Pause all")
    opener.click()
    expect(page.get_by_role("dialog", name="Pause everything").get_by_label("Why")).to_be_focused()

    page.keyboard.press("Escape")

    expect(opener).to_be_focused()


def test_the_chosen_theme_is_there_at_first_paint_even_before_signing_in(visit, site):
    visitor = visit("cleo", theme="light")
    page = visitor.go("/me/")
    page.locator(".topbar__me > summary").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_load_state()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    page.locator(".topbar__me > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    site.sessions.pop("cleo")


@pytest.mark.parametrize(
    "path", ["/agents/", "/activity/", "/deliveries/", "/me/", "/help/", "/", "/reviews/", "/tasks/new/"]
)
def test_a_page_is_there_without_a_script(visit, path):
    page = visit("ben", java_script_enabled=False).page

    page.goto(path)

    expect(page.locator("main")).to_be_visible()
    expect(page.locator("main")).not_to_be_empty()


def test_an_agent_is_paused_and_resumed_without_a_script(visit):
    page = visit("ben", java_script_enabled=False).page
    page.goto("/agents/")

    page.get_by_role("link", name="Pause reporter").click()
    page.locator("#pause").get_by_label("Why").fill("new rules")
    page.locator("#pause").get_by_role("button", name="Pause, finish current").click()
    expect(page.locator("main").get_by_text("Paused by Ben").first).to_be_visible()
    page.get_by_role("button", name="Resume").first.click()

    expect(page.locator("main").get_by_text("Paused by Ben")).to_have_count(0)


def test_every_focused_control_is_seen_beside_the_sticky_bars(visit):
    page = visit("ben", width=360, height=640).go("/agents/")
    hidden = []
    for _ in range(40):
        page.keyboard.press("Tab")
        hidden += page.evaluate(
            """() => { const box = document.activeElement.getBoundingClientRect();
            if (document.activeElement === document.body || !box.width) return [];
            const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            const seen = at && (document.activeElement.contains(at) || at.contains(document.activeElement));
            return seen ? [] : [document.activeElement.outerHTML.slice(0, 120)] }"""
        )

    assert hidden == []
