from __future__ import annotations

import msgspec
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
    ToolResult,
    Unknown,
)
from clinx.canonical.request import Role, Turn
from clinx.dialects.base import Loss, Severity
from clinx.dialects.openai_responses.codec.item_encoder import LONGEST_ID, Wording, short_id

NAME = "openai_responses"


def written(*turns: Turn) -> object:
    losses: list[Loss] = []
    items = Wording(losses).items(turns)
    assert losses == []
    return msgspec.json.decode(msgspec.json.encode(items))


def user(*parts: Part) -> Turn:
    return Turn(Role.USER, parts)


def own(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, parts)


def test_what_is_said_becomes_messages_and_all_else_an_item() -> None:
    assert written(
        user(Text("How"), Text("are you?")),
        own(Text("Let me see."), ToolCall("call_1", "feel", ""), ToolCall("call_2", "feel", "{]")),
        user(ToolResult("call_1", (Text("good"),)), ToolResult("call_2", (Text("x"),), is_error=True), Text("And?")),
        Turn(Role.SYSTEM, (Text("Be kind"),)),
    ) == [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "How"}, {"type": "input_text", "text": "are you?"}],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "call_1", "name": "feel", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_2", "name": "feel", "arguments": "{]"},
        {"type": "function_call_output", "call_id": "call_1", "output": "good"},
        {"type": "function_call_output", "call_id": "call_2", "output": "Error: x"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And?"}]},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind"}]},
    ]


def test_thoughts_of_others_are_left_out() -> None:
    proof = Signature(NAME, "gAAA")

    assert written(
        own(
            Thinking("a", proof, id="rs_1"),
            Thinking("", redacted=proof),
            Thinking("b", Signature("anthropic", "x")),
            Thinking("c"),
        )
    ) == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}],
            "encrypted_content": "gAAA",
        },
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
    ]


def test_a_result_with_pictures_is_parts() -> None:
    found = written(user(ToolResult("c", (Text("a"), Image(Remote("https://x"))), is_error=True)))

    assert found == [
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [
                {"type": "input_text", "text": "Error: "},
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://x", "detail": "auto"},
            ],
        }
    ]


def test_refusals_and_speech_of_the_models() -> None:
    assert written(own(Refusal("No"), Audio(None, "Hi", "a"))) == [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No"}, {"type": "output_text", "text": "Hi"}],
        }
    ]


def test_unknown_items_and_parts_go_back_where_they_stood() -> None:
    item, part = b'{"type":"web_search_call","id":"ws"}', b'{"type":"input_video"}'

    assert written(
        own(Unknown(NAME, Raw(item))), user(Unknown(NAME, Raw(part))), user(Unknown("gemini", Raw(b"{}")))
    ) == [
        {"type": "web_search_call", "id": "ws"},
        {"type": "message", "role": "user", "content": [{"type": "input_video"}]},
    ]


def test_a_drawn_picture_is_a_call_of_the_vendors() -> None:
    found = written(own(Image(Inline("image/png", "AAAA"))))

    assert isinstance(found, list)
    assert found[0] | {"id": ""} == {"type": "image_generation_call", "id": "", "status": "completed", "result": "AAAA"}


@pytest.mark.parametrize(
    ("turn", "path"),
    [
        (own(Text("a"), Image(Remote("https://x"))), "messages[0].content[1]"),
        (own(File(Inline("application/pdf", "AA"))), "messages[0].content[0]"),
        (user(File(Inline("video/mp4", "AA"))), "messages[0].content[0]"),
        (user(ToolResult("c", (File(Inline("video/mp4", "AA")),))), "messages[0].content[0]"),
    ],
)
def test_what_cannot_be_said_is_a_severe_loss(turn: Turn, path: str) -> None:
    losses: list[Loss] = []

    Wording(losses).items([turn])

    assert [(loss.path, loss.severity) for loss in losses] == [(path, Severity.SEVERE)]


def test_long_ids_are_shortened_alike() -> None:
    long = "x" * (LONGEST_ID + 1)

    assert short_id(long) == short_id(long)
    assert len(short_id(long)) <= LONGEST_ID
    assert short_id(long) != short_id(long + "y")
    assert short_id("x" * LONGEST_ID) == "x" * LONGEST_ID
