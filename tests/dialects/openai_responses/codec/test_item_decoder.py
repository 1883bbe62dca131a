from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import (
    Image,
    Inline,
    Part,
    Refusal,
    Remote,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.request import Role, Turn
from clinx.dialects.openai_responses.codec.item_decoder import Conversation
from clinx.errors import InvalidRequest

NAME = "openai_responses"
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "sum", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "3"}


def user(*content: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [*content]}


def own(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def read(*items: Any) -> Conversation:
    conversation = Conversation()
    conversation.read(Raw(json.dumps(items).encode()))
    return conversation


def turns(*items: Any) -> list[tuple[str, tuple[Part, ...]]]:
    return [(turn.role.value, turn.parts) for turn in read(*items).turns]


def test_instructions_stand_before_the_conversation_or_in_its_middle() -> None:
    developer = {"role": "developer", "content": "Be kind"}

    found = read(developer, {"role": "system", "content": "Be brief"}, user(), developer)

    assert found.system == [Text("Be kind"), Text("Be brief")]
    assert found.turns[1] == Turn(Role.SYSTEM, (Text("Be kind"),))


def test_what_the_model_made_is_one_turn_and_so_are_results() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]}
    other = {**CALL, "call_id": "call_2"}

    assert turns(thought, own("See"), CALL, other, OUTPUT, {**OUTPUT, "call_id": "call_2"}, own("Three")) == [
        (
            "assistant",
            (
                Thinking("Hm", id="rs_1"),
                Text("See"),
                ToolCall("call_1", "sum", '{"a":1}'),
                ToolCall("call_2", "sum", '{"a":1}'),
            ),
        ),
        ("user", (ToolResult("call_1", (Text("3"),)), ToolResult("call_2", (Text("3"),)))),
        ("assistant", (Text("Three"),)),
    ]


def test_two_messages_of_the_models_are_two_turns_unless_a_call_waits() -> None:
    assert [len(parts) for _, parts in turns(own("a"), own("b"), CALL, own("c"), OUTPUT)] == [1, 3, 1]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "input_text", "text": "Hi"}, Text("Hi")),
        ({"text": "Hi"}, Text("Hi")),
        ({"type": "output_text", "text": "Hi", "annotations": []}, Text("Hi")),
        ({"type": "refusal", "refusal": "No"}, Refusal("No")),
        ({"type": "input_image", "image_url": "https://x"}, Image(Remote("https://x"))),
        ({"type": "input_video", "x": 1}, Unknown(NAME, Raw(b'{"type": "input_video", "x": 1}'))),
    ],
)
def test_parts_of_messages(part: dict[str, Any], expected: Part) -> None:
    assert turns(user(part)) == [("user", (expected,))]


def test_a_message_may_have_no_type_and_its_content_be_a_string() -> None:
    assert turns({"role": "user", "content": "Hi"}, {"role": "user", "content": ""}) == [
        ("user", (Text("Hi"),)),
        ("user", ()),
    ]


def test_thoughts_keep_what_proves_them() -> None:
    thought = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"text": "a"}, {"text": "b"}],
        "content": [{"text": "c"}],
        "encrypted_content": "gAAA",
    }

    assert turns(thought) == [("assistant", (Thinking("a\n\nb\n\nc", Signature(NAME, "gAAA"), id="rs_1"),))]


def test_pictures_the_model_drew() -> None:
    drawn = {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"}

    assert turns(drawn) == [("assistant", (Image(Inline("image/png", "AAAA")),))]
    assert isinstance(turns({**drawn, "result": None})[0][1][0], Unknown)


def test_a_result_may_be_parts() -> None:
    output = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://x"}]

    assert turns({**OUTPUT, "output": output}) == [
        ("user", (ToolResult("call_1", (Text("a"), Image(Remote("https://x")))),))
    ]


def test_items_of_the_vendors_tools_stay_as_they_are() -> None:
    search = {"type": "web_search_call", "id": "ws_1"}
    screen = {"type": "computer_call_output", "output": {"type": "x"}}

    found = turns(search, screen)

    assert [role for role, _ in found] == ["assistant", "user"]
    assert found[0][1] == (Unknown(NAME, Raw(json.dumps(search).encode())),)


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "tool", "content": "x"}, "input[0].role"),
        ({"type": "message"}, "input[0]"),
        ({"type": 1}, "input[0].type"),
        ({"role": "user", "content": {}}, "input[0].content"),
        (user(1), "input[0].content[0]"),
        (user({"type": "input_text", "text": 1}), "input[0].content[0].text"),
        ({**CALL, "arguments": {}}, "input[0].arguments"),
        ({**CALL, "call_id": ""}, "input[0].call_id"),
        ({**OUTPUT, "call_id": ""}, "input[0].call_id"),
        ({**OUTPUT, "output": {}}, "input[0].output"),
        ({"type": "reasoning", "summary": "x"}, "input[0].summary"),
    ],
)
def test_other_types_are_refused(item: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(item)

    assert refused.value.param == param
