import pytest

from agents.prose.plain import escaped
from clawbot.render import markdown


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![x](http://evil.example/p.png)",
        "[click](javascript:alert(1))",
        "see https://evil.example/?q=secret",
        "*bold* _loud_ ~~gone~~ `code` | cell",
        "<img src=x onerror=alert(1)>",
    ],
)
def test_stays_words_when_it_is_rendered(text):
    html = str(markdown(f"- {escaped(text)}"))

    assert not any(
        tag in html for tag in ("<script", "<img", "<a ", "<em", "<strong", "<code", "<del", "<td")
    )


def test_leaves_ordinary_words_as_they_are():
    assert escaped("snake_case costs 3.5 % (or 2,000 euros)!") == "snake_case costs 3.5 % (or 2,000 euros)!"


def test_makes_one_line_of_many():
    assert escaped("one\n# two\n- three") == "one # two - three"
