"""Secrets are taken out of words beside the work, whatever their shape."""

from __future__ import annotations

import logging

import pytest

from agents import masking

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabc\n-----END RSA PRIVATE KEY-----"
#: what is written, and the secret in it
PLANTED = {
    "sk-proj-4fT9aBcDeFgHiJkLmNoPqRsTuVwX": "4fT9aBcDeFgHiJkLmNoPqRsTuVwX",
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUv": "AbCdEfGhIjKlMnOpQrStUv",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc": "4eC39HqLyjWDarjtT1zdp7dc",
    "xoxb-2345678901-abcdefghijKLMN": "abcdefghijKLMN",
    "xapp-1-A02BCDEF-345-abcdef": "A02BCDEF",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a": "16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0123456789_abcdef": "11ABCDEFG0123456789",
    "AKIAIOSFODNN7EXAMPLE": "IOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJSM": "eyJzdWIiOiIxIn0",
    "Authorization: Bearer abc.def-ghi_123": "abc.def-ghi_123",
    "postgres://app:hunter2@db:5432/x": "hunter2",
    "glpat-AbCdEfGhIjKlMnOpQrSt": "AbCdEfGhIjKlMnOpQrSt",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "SyA1234567890abcdefghijklmnopqrstuv",
    KEY: "MIIEpAIBAAKCAQEA7",
}


@pytest.mark.parametrize(("text", "secret"), PLANTED.items(), ids=[text[:12] for text in PLANTED])
def test_takes_out_each_shape_and_leaves_the_words_around_it(text: str, secret: str) -> None:
    masked = masking.mask(f"Rotate {text} today")

    assert secret not in masked
    assert masking.MASK in masked
    assert (masked[:7], masked[-6:]) == ("Rotate ", " today")


@pytest.mark.parametrize(
    "text",
    [
        "Task-based work, a risk-free and ask-me-anything approach",
        "https://example.org:8080/a@b?c=d and user@example.org",
        "Bearer of news", "the word AKIA alone", "desk-1 of 2", "sha256 " + "0" * 64,
    ],
)  # fmt: skip
def test_leaves_ordinary_words_alone(text: str) -> None:
    assert masking.mask(text) == text


def test_takes_out_values_that_it_was_told_of_but_no_short_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", [])
    masking.know(["a-value-of-our-settings", "short"])

    assert masking.mask("It says a-value-of-our-settings, in short.") == "It says [secret], in short."


def test_goes_into_lists_and_names_of_fields() -> None:
    (key,) = [text for text in PLANTED if text.startswith("ghp_")]

    assert masking.mask_deep({"a": [{key: key}, 3, None]}) == {"a": [{"[secret]": "[secret]"}, 3, None]}


def test_writes_log_lines_and_tracebacks_without_secrets() -> None:
    try:
        raise ValueError("postgres://app:hunter2@db/x")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "No: %s", "args": (error,), "exc_info": (type(error), error, None)}
        )

    line = masking.Formatter("{message}", style="{").format(record)

    assert "hunter2" not in line
    assert line.count(masking.MASK) == 2


def test_reads_long_texts_in_linear_time() -> None:
    long = "://" + "a" * 200_000 + " -----BEGIN " * 2_000 + "eyJ" * 20_000

    assert masking.mask(long) == long
