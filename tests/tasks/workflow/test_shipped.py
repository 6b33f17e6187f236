"""Agents come in by files: a model that this house does not have is refused, one that it has lost is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import staff
from agents.strict_yaml import Unreadable
from tasks.workflow import shipped

pytestmark = pytest.mark.django_db


def files(tmp_path: Path, model: str) -> dict[str, Any]:
    agents = tmp_path / "agents"
    agents.mkdir(exist_ok=True)
    (agents / "writer.yaml").write_text(f"name: writer\nrole: llm\nreturns: [draft]\nmodel: {model}\n")
    return {"agents": agents, "workflows": tmp_path / "workflows"}


def test_a_model_that_is_not_listed_is_refused_with_its_line_and_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAWBOT_MODELS", "careful=openai:gpt")

    with pytest.raises(Unreadable) as refused:
        shipped.sync("clawbot", **files(tmp_path, "carefull"))

    assert str(refused.value) == (
        "writer.yaml, line 4: there is no model `carefull`. Did you mean `careful`? "
        "CLAWBOT_MODELS lists the models of this house."
    )
    assert staff.active("writer") is None


@pytest.mark.parametrize("model", ["careful", "built-in", "default"])
def test_a_model_that_is_listed_is_taken(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAWBOT_MODELS", "careful=openai:gpt")

    assert shipped.sync("clawbot", **files(tmp_path, model)) == ["writer v1"]


def test_a_house_that_has_lost_a_model_still_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAWBOT_MODELS", "careful=openai:gpt")
    shipped.sync("clawbot", **files(tmp_path, "careful"))

    monkeypatch.setenv("CLAWBOT_MODELS", "")

    assert shipped.sync("clawbot", **files(tmp_path, "careful")) == []
    with pytest.raises(Unreadable, match="there is no model `quick`"):
        shipped.sync("clawbot", **files(tmp_path, "quick"))


def test_models_that_cannot_be_read_are_said_so_by_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAWBOT_MODELS", "careful")

    with pytest.raises(Unreadable, match="CLAWBOT_MODELS has the entry 'careful', which cannot be read"):
        shipped.sync("clawbot", **files(tmp_path, "default"))
