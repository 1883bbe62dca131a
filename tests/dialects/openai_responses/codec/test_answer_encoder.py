from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Remote,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.openai_responses.codec.answer_decoder import decode_answer
from clinx.domain.usage import Usage
from dialects.openai_responses.codec.asking import answered

NAME = "openai_responses"


def of(*parts: Part, finish: FinishReason = FinishReason.STOP) -> ChatResponse:
    return ChatResponse("", "vendors-model", (Choice(parts, finish),), Usage(input=3, output=2, call=1))


def test_a_whole_answer_repeats_what_was_asked() -> None:
    body, found = answered(of(Text("Hello")), temperature=0.5, tools=[{"type": "x"}])

    assert found.losses == ()
    assert body == {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "model": "gpt",
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "output": [
            {
                "id": "msg_0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
            }
        ],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [{"type": "x"}],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 5,
        },
        "user": None,
    }


@pytest.mark.parametrize(
    ("part", "item"),
    [
        (
            ToolCall("", "sum", ""),
            {
                "id": "fc_0",
                "type": "function_call",
                "status": "completed",
                "call_id": "call_1",
                "name": "sum",
                "arguments": "{}",
            },
        ),
        (
            Thinking("Hm", Signature("anthropic", "sig")),
            {
                "id": "rs_0",
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "Hm"}],
                "encrypted_content": "clinx:anthropic:signature:sig",
            },
        ),
        (
            Image(Inline("image/png", "AA")),
            {
                "id": "ig_0",
                "type": "image_generation_call",
                "status": "completed",
                "output_format": "png",
                "result": "AA",
            },
        ),
        (Unknown(NAME, Raw(b'{"type":"web_search_call"}')), {"type": "web_search_call"}),
    ],
)
def test_items(part: Part, item: dict[str, Any]) -> None:
    assert answered(of(part))[0]["output"] == [item]


@pytest.mark.parametrize("part", [Text(""), Refusal(""), Thinking(""), Audio(None)])
def test_what_says_nothing_is_left_out(part: Part) -> None:
    body, found = answered(of(part))

    assert (body["output"], found.losses) == ([], ())


@pytest.mark.parametrize("part", [Unknown("gemini", Raw(b"{}")), Image(Remote("https://x")), File(Inline("a/b", "AA"))])
def test_what_has_no_place_is_lost(part: Part) -> None:
    body, found = answered(of(Text("a"), part))

    assert len(body["output"]) == 1
    assert [loss.path for loss in found.losses] == ["output[1]"]


def test_of_several_answers_the_first_is_written() -> None:
    choices = (Choice((Text("a"),), FinishReason.LENGTH), Choice((Text("b"),)))

    body, found = answered(ChatResponse("resp_x", "m", choices))

    assert (body["id"], body["status"], body["usage"], len(body["output"])) == ("resp_x", "incomplete", None, 1)
    assert [loss.path for loss in found.losses] == ["n"]
    assert answered(ChatResponse("", "m", ()))[0]["output"] == []


def test_what_is_written_is_read_as_it_was() -> None:
    parts = (
        Thinking("Hm", Signature(NAME, "g"), id="rs_1"),
        Text("Hello"),
        Refusal("No"),
        ToolCall("c", "sum", "{]"),
        Image(Inline("image/webp", "AA")),
        Unknown(NAME, Raw(b'{"type":"web_search_call"}')),
    )
    response = of(*parts)

    again = decode_answer(answered(response)[1].body)

    assert again.choices[0].parts == parts
