from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.echo.ask import BadAsk, ChatAsk, CompletionAsk, EmbeddingAsk, read, texts

USER = {"role": "user", "content": "hi"}


def _chat(**members: Any) -> ChatAsk:
    return read(json.dumps({"model": "echo", "messages": [USER], **members}).encode(), ChatAsk)


def test_what_is_not_known_is_ignored() -> None:
    ask = _chat(logit_bias={"1": 2}, response_format={"type": "text"}, unknown=None)

    assert (ask.model, ask.stream, ask.n, ask.limit, ask.wants_usage, ask.forced_tool) == (
        "echo",
        False,
        None,
        None,
        False,
        None,
    )


def test_the_text_of_a_message_is_that_of_its_parts() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "b"},
    ]

    ask = _chat(messages=[{"role": "user", "content": parts}, {"role": "assistant", "content": None}])

    assert [message.text for message in ask.messages] == ["ab", ""]


def test_the_newer_limit_wins_over_the_older() -> None:
    assert _chat(max_tokens=5).limit == 5
    assert _chat(max_tokens=5, max_completion_tokens=7).limit == 7


def test_a_tool_is_forced_by_name_or_by_requiring_any() -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]

    assert _chat(tools=tools).forced_tool is None
    assert _chat(tools=tools, tool_choice="auto").forced_tool is None
    assert _chat(tools=tools, tool_choice="required").forced_tool == "look"
    assert _chat(tools=tools, tool_choice={"type": "function", "function": {"name": "x"}}).forced_tool == "x"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"messages":[{"role":"user"}]}',
        b'{"model":"echo"}',
        b'{"model":"echo","messages":[]}',
        b'{"model":"echo","messages":[{"role":"user","content":7}]}',
        b'{"model":"echo","messages":[{"role":"user"}],"n":0}',
        b'{"model":"echo","messages":[{"role":"user"}],"max_tokens":-1}',
        b'{"model":"echo","messages":[{"role":"user"}],"max_tokens":NaN}',
    ],
)
def test_a_body_that_is_none_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(BadAsk) as caught:
        read(body, ChatAsk)

    assert str(caught.value)


@pytest.mark.parametrize(
    ("value", "found"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], ["1 2"]), ([[1, 2], [3]], ["1 2", "3"])],
)
def test_a_prompt_may_be_text_or_tokens_one_or_many(value: object, found: list[str]) -> None:
    assert texts(value) == found
    assert read(json.dumps({"model": "echo", "prompt": value}).encode(), CompletionAsk).prompts == found


@pytest.mark.parametrize("value", [None, 7, {}, [], [None], [["a", 1]]])
def test_a_prompt_that_is_none_of_them_is_refused(value: object) -> None:
    with pytest.raises(BadAsk):
        texts(value)


@pytest.mark.parametrize("dimensions", [7, 1537, 0, -1])
def test_dimensions_have_bounds(dimensions: int) -> None:
    with pytest.raises(BadAsk):
        read(json.dumps({"model": "e", "input": "a", "dimensions": dimensions}).encode(), EmbeddingAsk)
