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
    ToolResult,
    Unknown,
    Uploaded,
)
from clinx.canonical.request import ChatRequest, Role, Turn
from clinx.dialects.base import Loss
from clinx.dialects.openai_chat.codec.wording import Wording, write_call

PICTURE = Image(Inline("image/png", "AAAA"))
WRITTEN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
NATIVE = Unknown("openai_chat", Raw(b'{"type":"novel"}'))
FOREIGN = Unknown("gemini", Raw(b"{}"))


def worded(*turns: Turn, system: tuple[Part, ...] = ()) -> tuple[list[Any], list[str]]:
    losses: list[Loss] = []
    messages = Wording(losses).messages(ChatRequest("m", turns, system=system))
    return messages, [loss.path for loss in losses]


def user(*parts: Part, name: str | None = None) -> Turn:
    return Turn(Role.USER, parts, name)


def assistant(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, parts)


def test_instructions_are_one_message_and_later_ones_stay_where_they_are() -> None:
    messages, losses = worded(user(Text("hi")), Turn(Role.SYSTEM, (Text("c"),)), system=(Text("a", "1h"), Text("b")))

    assert messages == [
        {"role": "system", "content": "a\n\nb"},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "c"},
    ]
    assert losses == []


def test_what_is_only_text_is_one_string() -> None:
    assert worded(user(Text("a"), Text("b"), name="ann")) == (
        [{"role": "user", "content": "a\n\nb", "name": "ann"}],
        [],
    )
    assert worded(user()) == ([{"role": "user", "content": ""}], [])


def test_other_content_is_parts_in_order() -> None:
    messages, losses = worded(
        user(
            Text("look"),
            PICTURE,
            Refusal("no"),
            Audio(Inline("audio/mp3", "AAAA")),
            File(Inline("text/plain", "aGk=")),
            NATIVE,
            FOREIGN,
            Thinking("hm"),
        )
    )

    assert messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                WRITTEN,
                {"type": "text", "text": "no"},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {"type": "text", "text": "hi"},
                NATIVE.payload,
            ],
        }
    ]
    assert losses == []  # What is another dialect's is told of elsewhere.


@pytest.mark.parametrize(
    "part", [Image(Uploaded("gemini", "f")), Audio(Remote("u")), File(Remote("u", "application/pdf"))]
)
def test_media_that_cannot_be_sent_are_a_loss(part: Part) -> None:
    assert worded(user(Text("x"), part))[1] == ["messages[0].content[1]"]
    assert worded(assistant(Text("x"), PICTURE))[1] == ["messages[0].content[1]"]


def test_results_directly_follow_their_calls_and_their_pictures_follow_them() -> None:
    messages, losses = worded(
        assistant(Text("so"), ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "f", "")),
        user(
            Text("and?"),
            ToolResult("c1", (Text("a"), PICTURE, Text("b"))),
            ToolResult("c2", (Text("broken"),), is_error=True),
        ),
        user(ToolResult("c3", (Text("Error: known"),), is_error=True)),
    )

    assert messages == [
        {
            "role": "assistant",
            "content": "so",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a\n\nb"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: broken"},
        {"role": "user", "content": [{"type": "text", "text": "and?"}, WRITTEN]},
        {"role": "tool", "tool_call_id": "c3", "content": "Error: known"},
    ]
    assert losses == []


def test_thoughts_are_left_out_and_turns_of_nothing_else_with_them() -> None:
    thought = Thinking("hm", Signature("anthropic", "sig"))

    assert worded(assistant(thought), assistant(thought, Text("a"), Refusal("b"), FOREIGN)) == (
        [{"role": "assistant", "content": "ab"}],
        [],
    )


def test_earlier_speech_is_named_or_quoted() -> None:
    assert worded(assistant(Audio(None, "said", "audio_1")), assistant(Audio(None, "quoted")), assistant(NATIVE)) == (
        [
            {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
            {"role": "assistant", "content": "quoted"},
            {"role": "assistant", "content": None, "tool_calls": [NATIVE.payload]},
        ],
        [],
    )


def test_a_call_without_arguments_has_an_empty_object() -> None:
    assert write_call(ToolCall("c", "f", "")) == {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }
