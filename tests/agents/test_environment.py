"""Words and secrets from the environment, or from the file that it names."""

from __future__ import annotations

import pytest

from agents import environment


def test_reads_a_word_from_the_file_that_is_named(tmp_path):
    (tmp_path / "key").write_text("sk-1\n")

    assert environment.value("A_KEY", {"A_KEY": "no", "A_KEY_FILE": str(tmp_path / "key")}) == "sk-1"
    assert environment.value("A_KEY", {"A_KEY": "yes", "A_KEY_FILE": ""}) == "yes"
    assert environment.value("A_KEY", {}, "none") == "none"


def test_says_which_file_cannot_be_read():
    with pytest.raises(
        environment.UnreadableFile, match=r"A_KEY_FILE=nowhere cannot be read .* Mend the path"
    ):
        environment.value("A_KEY", {"A_KEY_FILE": "nowhere"})


def test_knows_secrets_by_their_names(tmp_path):
    (tmp_path / "key").write_text("of-a-file")
    given = {
        "PAY_SECRET": "signs", "SECRET_KEY": "seals", "OPENAI_API_KEY_FILE": str(tmp_path / "key"),
        "CLAWBOT_KEY_LOCAL": "opens", "IMAP_PASSWORD_FILE": "nowhere", "CLAWBOT_WORKERS": "2",
    }  # fmt: skip

    assert set(environment.secrets(given)) == {"signs", "seals", "of-a-file", "opens"}
