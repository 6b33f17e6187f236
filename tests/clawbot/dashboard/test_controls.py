"""Every page as each of the cast: a control that one may not use is absent, or disabled with the reason."""

import re
from html.parser import HTMLParser

import pytest

from tasks import access, supervision
from tests.clawbot.foreign import build

#: address of a form -> the verb that it asks for
VERBS = {
    r"/holds/$": "pause",
    r"/holds/\d+/lift/": "resume",
    r"/deliveries/\d+/(check|resend)/": "resend",
    r"/messages/\d+/resend/": "resend",
    r"/schedules/\d+/\w+/": "schedule",
    r"/schedules/new/": "schedule",
    r"/workflows/[\w-]+/versions/\d+/": "activate",
    r"/workflows/[\w-]+/members/": "people",
    r"/tasks/new/": "inject",
    r"/reviews/\d+/approve/": "approve",
    r"/reviews/\d+/return/": "send_back",
    r"/reviews/\d+/edit/": "edit",
    r"/reviews/\d+/(retry|skip|cancel)/": "",
    r"/reviews/\d+/comment/": "comment",
    r"/reviews/\d+/judge/": "judge",
    r"/decisions/\d+/undo/": "undo",
}
OPERATORS = {"retry", "skip", "cancel"}


class Forms(HTMLParser):
    """The forms that post, and whether a button of theirs can be pressed."""

    def __init__(self):
        super().__init__()
        self.found, self.action, self.hidden = {}, "", 0

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.action = given.get("action", "") if given.get("method", "").lower() == "post" else ""
        if tag == "button" and given.get("type", "submit") == "submit" and "disabled" not in given:
            action = given.get("formaction") or self.action
            if action:
                self.found.setdefault(action, []).append(given.get("name", ""))

    def handle_endtag(self, tag):
        if tag == "form":
            self.action = ""


def asked(action):
    """The verb that posting there asks for; empty for what is everybody's own."""
    for pattern, verb in VERBS.items():
        if found := re.search(pattern, action):
            return verb or next(word for word in OPERATORS if word in found[0])
    return ""


@pytest.fixture
def pages(person):
    world = build(person)
    supervision.resume(world.hold, by="user:owner")
    return [
        "/", "/?view=list", "/reviews/", "/reviews/?tab=anyone", f"/reviews/{world.review.pk}/",
        f"/reviews/{world.review.pk}/?sheet=return", f"/reviews/{world.review.pk}/?sheet=approve",
        f"/reviews/{world.review.pk}/?sheet=edit", f"/tasks/{world.task.key}/", "/agents/",
        "/agents/writer/", "/workflows/", "/workflows/zebra/",
        "/workflows/zebra/members/", "/schedules/", f"/schedules/{world.schedule.pk}/", "/schedules/new/",
        "/deliveries/", "/messages/", f"/messages/{world.message.pk}/", "/activity/", "/me/",
        "/tasks/new/?workflow=zebra", f"/tasks/{world.task.key}/cancel/", f"/tasks/{world.task.key}/pause/",
        f"/tasks/{world.task.key}/rerun/", f"/tasks/{world.task.key}/skip/?stage=research",
    ]  # fmt: skip


@pytest.mark.parametrize("group", access.GROUPS)
def test_no_page_offers_what_its_reader_may_not(client, person, pages, group):
    reader = person("reader", group)
    client.force_login(reader)

    offered = []
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        forms = Forms()
        forms.feed(answer.text)
        for action in forms.found:
            task = re.search(r"/tasks/[A-Z]+-\d+/(\w+)/", action)
            verb = (
                {"move": "override", "rerun": "rerun_from"}.get(task[1], task[1]) if task else asked(action)
            )
            if verb and not access.can(reader, verb):
                offered.append((page, action, verb))

    assert offered == []


def test_the_reader_of_this_test_sees_the_controls_of_an_admin(client, admin, pages):
    client.force_login(admin)
    verbs = set()
    for page in pages:
        forms = Forms()
        forms.feed(client.get(page).text)
        verbs |= {asked(action) for action in forms.found}

    assert {"pause", "resume", "schedule", "approve", "send_back", "edit"} <= verbs


@pytest.mark.parametrize("group", ["viewers", "editors"])
def test_a_disabled_control_says_why_in_the_words_of_the_rules(client, person, pages, group):
    reader = person("reader", group)
    client.force_login(reader)

    task = next(page for page in pages if re.fullmatch(r"/tasks/ZEB-\d+/cancel/", page))
    said = {
        task: access.reason(reader, "cancel"),
        "/schedules/new/": access.reason(reader, "schedule"),
        "/workflows/zebra/members/": access.reason(reader, "people"),
    }
    assert [page for page, why in said.items() if why not in client.get(page).text] == []
