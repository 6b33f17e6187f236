"""An agent's YAML: what is read, and how what is wrong is told."""

import pytest

from agents import definition
from agents.definition import loads
from agents.strict_yaml import Unreadable

WRITER = "name: writer\nrole: writer\naccepts: [research]\nreturns: [draft]\n"


def refusal(text):
    with pytest.raises(Unreadable) as refused:
        loads(text, "writer.yaml")
    return str(refused.value)


def test_reads_every_shipped_agent():
    assert set(definition.read_all()) == {
        "research",
        "writer",
        "seo",
        "reviewer",
        "formatter",
        "reporter",
        "publisher",
    }


def test_writes_what_it_reads_back_to_the_same():
    for one in definition.read_all().values():
        assert loads(one.yaml(), "again.yaml") == one
        assert definition.Definition.model_validate(one.model_dump(mode="json")) == one


def test_reads_durations_and_limits():
    limits = loads(WRITER + "limits: {timeout: 90s, steps: 5, cost_usd: 0.25}\n", "writer.yaml").limits

    assert (limits.timeout, limits.steps, limits.cost_usd) == (90.0, 5, 0.25)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("colour: red\n", "line 5: unknown key `colour`"),
        ("instruction: x\n", "Did you mean `instructions`?"),
        ("tools: ['*']\n", "line 5: `tools.0`: found '*'"),
        ("tools: [fetch_uri]\n", "unknown tool `fetch_uri`. Did you mean `fetch_url`?"),
        ("tools: [fetch_url]\n", "the role cannot use `fetch_url`. Known: none."),
        ("permissions: {read_file: {}}\n", "not in `tools`"),
        ("voice: loud\n", "unknown voice `loud`. Known: default, support."),
        ("settings: {speed: 9}\n", "unknown key `settings.speed`"),
        ("limits: {timeout: 0}\n", "`limits.timeout`: found '0.0'"),
        ("limits: {cost_usd: 1e309}\n", "`limits.cost_usd`"),
        ("limits: {steps: -1}\n", "`limits.steps`: found '-1'"),
        ("limits: {timeout: soon}\n", "write a duration like 30s"),
        ("authority: {approve: true}\n", "agents never approve"),
        ("model_base_url: http://169.254.169.254/v1\n", "unknown key `model_base_url`"),
    ],
)
def test_says_what_is_wrong_and_where(more, told):
    assert told in refusal(WRITER + more)


def test_names_the_likely_role():
    assert (
        refusal("name: writer\nrole: writter\n")
        == "writer.yaml, line 2: unknown role `writter`. Did you mean `writer`?"
    )


def test_names_the_kinds_that_a_role_knows():
    assert "line 3: the role does not know the kind `reserch`. Did you mean `research`?" in refusal(
        "name: writer\nrole: writer\naccepts: [reserch]\n"
    )


def test_takes_any_kind_for_an_agent_of_instructions_alone():
    assert loads(
        "name: translator\nrole: llm\naccepts: [draft]\nreturns: [translation]\n", "translator.yaml"
    ).returns == ("translation",)


def test_refuses_a_file_that_is_not_named_after_its_agent(tmp_path):
    path = tmp_path / "author.yaml"
    path.write_text(WRITER)

    with pytest.raises(Unreadable, match="call it `writer.yaml`"):
        definition.read(path)


def test_tells_the_problems_of_all_files_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text("name: a\n")
    (tmp_path / "b.yaml").write_text("name: b\nrole: nobody\n")

    with pytest.raises(Unreadable) as refused:
        definition.read_all(tmp_path)

    assert [problem.partition(",")[0] for problem in refused.value.problems] == ["a.yaml", "b.yaml"]


def test_grants_only_the_tools_that_are_listed():
    research = definition.read(definition.FOLDER / "research.yaml")

    assert set(research.grants()) == set(research.tools)


def test_gives_tools_to_no_agent_that_reads_what_others_made():
    """Whatever a source talks a model into: a stage after research has nothing to reach for."""
    armed = {name for name, one in definition.read_all().items() if one.tools and one.accepts}

    assert armed == set()


def test_ships_only_tools_that_read():
    granted = {tool for one in definition.read_all().values() for tool in one.tools}

    assert granted <= {"read_file", "read_mail", "fetch_url", "read_feed", "search"}


@pytest.mark.parametrize("key", ["accepts", "returns"])
def test_no_agent_gets_or_makes_the_calls_that_others_ask_leave_for(key: str) -> None:
    with pytest.raises(Unreadable, match="the kind `call` is Clawbot's own"):
        loads(f"name: sly\nrole: llm\n{key}: [note, call]\n", "sly.yaml")
