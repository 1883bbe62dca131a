from __future__ import annotations

from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.problems import MAX_TEXT
from clinx.upstream.reply import Reply, outside_quotes


def _reply(status: int, **problem: Any) -> Reply:
    return Reply(status, {}, UpstreamProblem(**problem), b"", "application/json")


@pytest.mark.parametrize(
    ("status", "code", "counts"),
    [
        (200, "429", 429),
        (200, "503", 503),
        (200, "rate_limit_exceeded", 200),
        (200, "200", 200),
        (200, "600", 200),
        (200, "1302", 200),
        (200, "٤٢٩", 200),
        (500, "429", 500),
    ],
)
def test_a_status_written_into_the_code_counts_only_behind_a_success(status: int, code: str, counts: int) -> None:
    assert _reply(status, code=code).code == counts


@pytest.mark.parametrize(
    "message",
    [
        'model "llama3" not found, try pulling it first',
        "The model `gpt-9` does not exist or you do not have access to it.",
        "The API deployment for this resource does not exist.",
    ],
)
def test_a_missing_model_is_our_address_and_not_the_callers_fault(message: str) -> None:
    assert _reply(404, message=message).is_about_address


def test_another_404_with_an_explanation_is_the_callers_fault() -> None:
    reply = _reply(404, message="This is not a chat model and thus not supported.", type="invalid_request_error")

    assert not reply.is_about_address
    assert reply.is_callers_fault


def test_a_404_without_a_word_is_a_path_that_nothing_serves() -> None:
    assert _reply(404).is_about_address


@pytest.mark.parametrize("status", [502, 503, 500])
def test_words_about_money_in_a_servers_failure_do_not_accuse_the_credential(status: int) -> None:
    assert not _reply(status, message="insufficient balance of workers").is_about_credential


@pytest.mark.parametrize(
    ("message", "own"),
    [
        ("You don't have what they haven't", "You don't have what they haven't"),
        ("no 'a' b 'c' yes", "no  yes"),
        ("no 'never closed", "no "),
        ('model "x" not found', "model  not found"),
        ("the `it's` one", "the  one"),
        ("x'" * 2000, "x'" * 2000),
        ("no 'a' " + "b" * MAX_TEXT, "no "),
    ],
)
def test_what_is_quoted_may_be_the_callers_words(message: str, own: str) -> None:
    assert outside_quotes(message) == own
