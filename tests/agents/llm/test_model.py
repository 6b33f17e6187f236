"""Which model an agent gets."""

import pytest

from agents import llm
from agents.contract import Refused


def test_gives_the_built_in_engine_where_nothing_is_set():
    assert llm.model("default", {}).label == "Built-in engine, no language model"


def test_gives_the_listed_default():
    model = llm.model("default", {"CLAWBOT_MODELS": "default=openai:tiny@http://127.0.0.1:9/v1"})

    assert model.label == "tiny at http://127.0.0.1:9/v1"


def test_gives_the_built_in_engine_by_name_even_where_a_default_is_listed():
    assert llm.model("built-in", {"CLAWBOT_MODELS": "default=openai:tiny"}).name == "built-in"


def test_refuses_a_model_that_is_not_listed():
    with pytest.raises(Refused, match="Known: built-in, default, careful"):
        llm.model("openai:gpt@http://169.254.169.254/v1", {"CLAWBOT_MODELS": "careful=openai:x"})


@pytest.mark.parametrize(
    "entry", ["gpt-5", "default=gpt-5", "default=anthropic:x", "default=openai:x@ftp://h"]
)
def test_says_how_to_write_an_entry_that_cannot_be_read(entry):
    with pytest.raises(Refused, match="NAME=openai:MODEL"):
        llm.listed({"CLAWBOT_MODELS": entry})
