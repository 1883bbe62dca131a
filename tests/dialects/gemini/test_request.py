from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import Inbound
from clinx.dialects.framing import Framing
from clinx.dialects.gemini.request import MOST_CHECKED, bounded, open_request
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest
from dialects import golden
from dialects.gemini.asking import HELLO, opened, post

WRAPPED = "generateContentRequest"


@pytest.mark.parametrize("name", golden.cases("gemini", "requests"))
def test_the_envelope_of(name: str) -> None:
    body, expected = golden.read("gemini", "requests", name)

    envelope = open_request(
        Operation(expected["operation"]), post(body, expected["method"], expected["model"], **expected["query"])
    )

    assert {
        "operation": envelope.operation.value,
        "method": expected["method"],
        "query": expected["query"],
        "model": envelope.model,
        "stream": envelope.stream,
        "framing": envelope.framing.value,
        "max_output_tokens": envelope.max_output_tokens,
        "choices": envelope.choices,
        "prompt_bytes": envelope.prompt_bytes,
        "named": json.loads(envelope.body.patched(envelope.naming(envelope.body, "other"))),
    } == expected
    assert envelope.dialect == "gemini"
    assert envelope.body.patched({}) == body


@pytest.mark.parametrize(
    ("query", "framing"),
    [
        ({}, Framing.ARRAY),
        ({"alt": "json"}, Framing.ARRAY),
        ({"alt": "sse"}, Framing.SILENT),
        ({"$alt": "sse"}, Framing.SILENT),
    ],
)
def test_a_stream_is_an_array_unless_events_are_asked_for(query: dict[str, str], framing: Framing) -> None:
    envelope = open_request(Operation.CHAT, post(HELLO, "streamGenerateContent", **query))

    assert (envelope.stream, envelope.framing) == (True, framing)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"[]", None),
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": "Hi"}, "contents"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{}, None]}, "contents[1]"),
        ({"contents": ["x" * MOST_CHECKED]}, "contents[0]"),
        ({"Contents": [{}]}, "Contents"),
        ({**HELLO, "model": "other"}, "model"),
        ({**HELLO, "generationConfig": []}, "generationConfig"),
        ({**HELLO, "generationConfig": {}, "generation_config": {}}, "generation_config"),
        ({**HELLO, "generationConfig": {"maxOutputTokens": 0}}, "maxOutputTokens"),
        ({**HELLO, "generationConfig": {"maxOutputTokens": "9"}}, "maxOutputTokens"),
        ({**HELLO, "generationConfig": {"maxOutputTokens": 1.5}}, "maxOutputTokens"),
        ({**HELLO, "generationConfig": {"max_output_tokens": 2**30 + 1}}, "max_output_tokens"),
        ({**HELLO, "generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 9}}, "max_output_tokens"),
        ({**HELLO, "generationConfig": {"MaxOutputTokens": 1}}, "MaxOutputTokens"),
        ({**HELLO, "generationConfig": {"candidateCount": 129}}, "candidateCount"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        opened(body)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({WRAPPED: {}}, "contents"),
        ({WRAPPED: {"model": "models/other", **HELLO}}, "model"),
        ({WRAPPED: []}, WRAPPED),
    ],
)
def test_a_question_for_a_count_needs_contents_too(body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        opened(body, Operation.COUNT_TOKENS)

    assert caught.value.param == param


def test_questions_about_models_have_no_body() -> None:
    inbound = Inbound("GET", "/v1beta/models/a/b", {"model": "a/b"}, {}, {}, b"")

    envelope = open_request(Operation.SHOW_MODEL, inbound)

    assert (envelope.model, envelope.stream, envelope.body.data) == ("a/b", False, b"{}")


@pytest.mark.parametrize("contents", [{"parts": {"text": "Hi"}}, [{"parts": [{"text": "x" * MOST_CHECKED}]}]])
def test_one_content_need_not_be_in_an_array(contents: Any) -> None:
    assert opened({"contents": contents}).choices == 1


@pytest.mark.parametrize(
    ("config", "bound", "expected"),
    [
        (None, 100, {"maxOutputTokens": 100}),
        ({"temperature": 1}, 100, {"temperature": 1, "maxOutputTokens": 100}),
        ({"maxOutputTokens": 200}, 100, {"maxOutputTokens": 100}),
        ({"maxOutputTokens": 50}, 100, {"maxOutputTokens": 50}),
        ({"max_output_tokens": 200}, 100, {"max_output_tokens": 100}),
        (
            {"thinkingConfig": {"thinkingBudget": 99}},
            100,
            {"thinkingConfig": {"thinkingBudget": 99}, "maxOutputTokens": 100},
        ),
        (
            {"thinkingConfig": {"thinkingBudget": -1}},
            100,
            {"thinkingConfig": {"thinkingBudget": -1}, "maxOutputTokens": 100},
        ),
    ],
)
def test_an_answer_is_bounded_in_the_config(config: Any, bound: int, expected: Any) -> None:
    body = HELLO if config is None else {**HELLO, "generation_config": config}

    shorter = bounded(opened(body), bound)

    assert shorter is not None
    assert json.loads(shorter.body.data) == {
        **HELLO,
        ("generationConfig" if config is None else "generation_config"): expected,
    }
    assert shorter.max_output_tokens == min(bound, 50 if config and config.get("maxOutputTokens") == 50 else bound)


@pytest.mark.parametrize("thinking", [{"thinkingBudget": 100}, {"thinking_budget": 4000}, []])
def test_an_answer_is_not_bounded_below_its_thoughts(thinking: Any) -> None:
    assert bounded(opened({**HELLO, "generationConfig": {"thinkingConfig": thinking}}), 100) is None


def test_no_answer_is_bounded_to_nothing() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        bounded(opened(), 0)
