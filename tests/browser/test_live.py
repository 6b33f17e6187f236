"""Open pages follow what happens, by themselves, and say so when they cannot."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from clawbot import words
from clawbot.live.socket import NOT_ALLOWED

LIVE = "[data-live-state]"
#: "pausing" while an agent finishes what it is at: other tests share the site.
PAUSED = re.compile("Everything is paus(ed|ing)")


@pytest.fixture
def pause(site):
    """Pauses and resumes everything from the command line, as another process does."""
    yield lambda: site.manage("pause", "--all", "--why", "bad source feed", "--by", "ben")
    site.manage("resume", "--all", "--by", "ben")


def test_a_page_hears_of_a_pause_that_another_process_placed(visit, pause):
    page = visit("cleo").go("/")
    expect(page.locator(LIVE)).to_have_text("Live")

    pause()

    expect(page.get_by_text(PAUSED)).to_be_visible(timeout=3000)


def test_a_frozen_page_waits_until_it_goes_on(visit, pause):
    page = visit("cleo").go("/")
    expect(page.locator(LIVE)).to_have_text("Live")

    page.keyboard.press(".")
    expect(page.locator(LIVE)).to_have_text("Frozen")
    pause()
    page.wait_for_timeout(1500)
    expect(page.get_by_text(PAUSED)).to_have_count(0)
    page.keyboard.press(".")

    expect(page.get_by_text(PAUSED)).to_be_visible(timeout=3000)


def test_what_was_missed_between_render_and_socket_is_caught_up(visit, pause):
    # The page keeps its number and connects only after the pause was placed.
    visitor = visit("cleo")
    visitor.page.add_init_script(
        """const Real = WebSocket; let ready;
        window.dial = new Promise(done => ready = done); window.release = () => ready();
        window.WebSocket = function (url) {
          const line = new EventTarget(); line.close = () => {};
          window.dial.then(() => {
            const real = new Real(url); line.send = text => real.send(text);
            for (const kind of ["open", "message", "close"]) {
              real.addEventListener(kind, e => line.dispatchEvent(new e.constructor(kind, e)));
            }
          });
          return line;
        };"""
    )
    page = visitor.go("/")
    pause()

    page.evaluate("release()")

    expect(page.get_by_text(PAUSED)).to_be_visible(timeout=3000)


def test_nothing_is_swapped_under_a_persons_hand(visit, site):
    page = visit("ana").go("/me/")
    page.wait_for_timeout(1500)  # the page has caught up with what happened just before it
    page.evaluate(
        """() => { document.querySelector("h1").insertAdjacentHTML("afterend",
        '<p id="mine" data-live="holds" hx-get="/livez" hx-trigger="live" hx-target="this">before</p>');
        htmx.process(document.getElementById("mine")) }"""
    )
    mine = page.locator("#mine")
    # Fixed: the pause banner moves everything else away from under the pointer.
    mine.evaluate("one => Object.assign(one.style, { position: 'fixed', insetBlockStart: '300px' })")
    mine.hover()

    site.manage("pause", "--all", "--why", "a moment", "--by", "ben")
    expect(mine).to_have_attribute("data-moved", "", timeout=3000)
    expect(mine).to_have_text("before")
    page.mouse.move(0, 0)

    expect(mine).to_have_text(re.compile("ok"), timeout=3000)
    site.manage("resume", "--all", "--by", "ben")


def test_says_so_and_asks_by_itself_where_there_is_no_socket(visit, pause):
    visitor = visit("cleo")
    visitor.page.add_init_script(
        """window.WebSocket = function () {
          const line = new EventTarget(); line.close = () => {};
          setTimeout(() => line.dispatchEvent(new CloseEvent("close", {code: 1006})), 10);
          return line;
        };"""
    )
    page = visitor.page
    page.clock.install()
    visitor.go("/")
    page.clock.run_for(20_000)
    expect(page.get_by_text("Live updates are off; checking every 15 seconds.")).to_be_visible()

    pause()
    page.clock.run_for(16_000)

    expect(page.get_by_text(PAUSED)).to_be_visible(timeout=5000)


def test_the_browser_writes_distances_in_the_same_words_as_the_server(visit):
    page = visit("cleo").go("/me/")
    lengths = [0.4, 4, 59.9, 60, 3599, 3600, 4320, 86_399, 86_400, 300_000]

    written = page.evaluate(
        """async lengths => { const { duration } = await import(
        "/static/js/ticker.js");
        return lengths.map(duration) }""",
        lengths,
    )

    assert written == [words.duration(length) for length in lengths]


def test_the_browser_knows_the_goodbye_of_the_server(visit):
    source = visit("cleo").go("/me/").evaluate("async () => (await fetch('/static/js/socket.js')).text()")

    assert f"const NOT_ALLOWED = {NOT_ALLOWED};" in source
