"""docs/ as pages: every file is served, links stay inside, nothing else is opened."""

import re

import pytest

from clawbot.dashboard import help as pages
from tests.clawbot.foreign import member
from tests.tasks.builders import a_workflow


@pytest.fixture
def reader(client, cleo):
    client.force_login(cleo)
    return client


def test_serves_every_page_of_docs(reader):
    for page in pages.all_pages():
        assert reader.get(page.url).status_code == 200, page.name


def test_every_link_inside_help_leads_somewhere(reader):
    links = {link for page in pages.all_pages() for link in re.findall(r'href="(/help/[^"#]*)', page.html)}

    assert links
    assert [link for link in sorted(links) if reader.get(link).status_code != 200] == []


def test_every_anchor_it_links_to_exists():
    by_url = {page.url: page.html for page in pages.all_pages()}
    links = {link for html in by_url.values() for link in re.findall(r'href="(/help/[^"]*#[^"]+)"', html)}

    missing = [
        link for link in links if f'id="{link.partition("#")[2]}"' not in by_url[link.partition("#")[0]]
    ]
    assert missing == []


@pytest.mark.parametrize("name", ["../README", "nothing", "..%2F..%2Fmanage", "howto/../../CHANGELOG"])
def test_opens_nothing_but_docs(reader, name):
    assert reader.get(f"/help/{name}/").status_code == 404


def test_asks_to_sign_in_first(client, db):
    assert client.get("/help/").status_code == 302


def test_leads_from_the_list_of_workflows_to_their_own_pages(client, ana):
    a_workflow("order", key="ORD")
    client.force_login(ana)

    page = client.get("/help/workflows/").content.decode()

    assert 'href="/workflows/order/"' in page
    assert "README" not in page


def test_leads_nobody_to_a_workflow_that_they_may_not_see(client, person):
    a_workflow("order", key="ORD")
    a_workflow("support", key="SUP")
    client.force_login(member(person, "mia", "editors", "support"))

    page = client.get("/help/workflows/").text

    assert 'href="/workflows/support/"' in page
    assert 'href="/workflows/order/"' not in page
    assert "order" in page
