"""Addresses as strangers write them: what is none, is none, and no error."""

import pytest

from agents.addresses import joined, parts


@pytest.mark.parametrize("address", ["http://[", "//[::1", "http://]/"])
def test_what_is_no_address_has_no_parts(address):
    assert parts(address) == ("", "", "", "", "")


def test_an_address_has_its_parts():
    assert parts("https://a.example:81/b?c#d")[:3] == ("https", "a.example:81", "/b")


def test_a_link_leads_from_its_page():
    assert joined("https://a.example/b/c", "../d") == "https://a.example/d"
    assert joined("https://a.example/b/c", "http://[") == "http://["
