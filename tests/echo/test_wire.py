from __future__ import annotations

import json
from typing import Any

from clinx.echo.ask import ChatAsk, CompletionAsk, TextAsk, read
from clinx.echo.compose import Reply
from clinx.echo.script import BROKEN_OFF
from clinx.echo.wire import Shape, Usage, error, event

COUNTED = Usage(3, 2)
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def _chat(**members: Any) -> ChatAsk:
    return read(json.dumps({"model": "echo", "messages": [{"role": "user"}], **members}).encode(), ChatAsk)


def _shape(ask: TextAsk, usage: Usage | None = COUNTED) -> Shape:
    return Shape.of(ask, b"body", 1700000000, usage)


def _events(shape: Shape, *answers: Reply) -> list[Any]:
    return [json.loads(each.removeprefix(b"data: ")) for each in shape.events(list(answers))]


def test_a_whole_chat_answer_is_openais_object() -> None:
    assert _shape(_chat()).whole([Reply("Echo: hi", "stop")]) == {
        "id": "chatcmpl-230d8358dc8e8890b4c58dee",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "echo",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Echo: hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }


def test_a_whole_text_answer_is_openais_object() -> None:
    ask = read(b'{"model":"echo","prompt":"hi"}', CompletionAsk)

    assert _shape(ask, None).whole([Reply("Echo", "length")]) == {
        "id": "cmpl-230d8358dc8e8890b4c58dee",
        "object": "text_completion",
        "created": 1700000000,
        "model": "echo",
        "choices": [{"index": 0, "text": "Echo", "logprobs": None, "finish_reason": "length"}],
    }


def test_a_stream_opens_with_the_role_and_ends_with_the_reason() -> None:
    events = _events(_shape(_chat(stream=True)), Reply("Echo: hi", "stop"))

    assert [each["choices"][0]["delta"] for each in events] == [
        {"role": "assistant", "content": ""},
        {"content": "Echo:"},
        {"content": " hi"},
        {},
    ]
    assert [each["choices"][0]["finish_reason"] for each in events] == [None, None, None, "stop"]
    assert {each["object"] for each in events} == {"chat.completion.chunk"}
    assert all("usage" not in each for each in events)


def test_usage_comes_last_and_alone_when_it_was_asked_for() -> None:
    ask = _chat(stream=True, stream_options={"include_usage": True})

    *events, last = _events(_shape(ask), Reply("Echo", "stop"))

    assert [each["usage"] for each in events] == [None, None, None]
    assert (last["choices"], last["usage"]) == ([], USAGE)


def test_a_script_without_usage_reports_none_even_when_asked() -> None:
    ask = _chat(stream=True, stream_options={"include_usage": True})

    assert all("usage" not in each for each in _events(_shape(ask, None), Reply("Echo", "stop")))


def test_every_choice_is_streamed_under_its_index() -> None:
    ask = read(b'{"model":"echo","prompt":["a","b"]}', CompletionAsk)

    events = _events(_shape(ask), Reply("a", "stop"), Reply("b", "length"))

    assert [(each["choices"][0]["index"], each["choices"][0]["text"]) for each in events] == [
        (0, "a"),
        (0, ""),
        (1, "b"),
        (1, ""),
    ]


def test_a_call_is_streamed_whole() -> None:
    first, last = _events(_shape(_chat(stream=True)), Reply("", "tool_calls", "look"))

    assert first["choices"][0]["delta"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"index": 0, "id": "call_echo", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    }
    assert last["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}


def test_a_call_in_a_whole_answer_has_no_text() -> None:
    answer: Any = _shape(_chat()).whole([Reply("", "tool_calls", "look")])

    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_echo", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        "refusal": None,
    }


def test_events_are_utf_8_on_one_line() -> None:
    assert event({"text": "é\n"}) == b'data: {"text":"\xc3\xa9\\n"}\n\n'


def test_an_error_is_openais_object() -> None:
    assert error(BROKEN_OFF) == {
        "error": {
            "message": "The server had an error while processing your request.",
            "type": "server_error",
            "param": None,
            "code": None,
        }
    }
