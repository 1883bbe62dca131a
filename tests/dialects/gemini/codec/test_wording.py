from __future__ import annotations

import json
from typing import Any

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
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Uploaded,
)
from clinx.canonical.request import ChatRequest, Role, Turn
from clinx.dialects.base import Loss, Severity
from clinx.dialects.gemini.codec.wording import UNSIGNED, Wording

PNG = Inline("image/png", "QUJD")
MINE, THEIRS = Signature("gemini", "c2ln"), Signature("anthropic", "x")


def written(*turns: Turn, model: str = "gemini-2.5-flash") -> tuple[Any, list[Loss]]:
    losses: list[Loss] = []
    contents = Wording(model, losses).contents(ChatRequest("m", turns))
    return json.loads(msgspec.json.encode(contents)), losses


def parts(*given: Part, role: Role = Role.USER) -> Any:
    contents, losses = written(Turn(role, given))
    assert losses == []
    return contents[0]["parts"] if contents else []


def call(identity: str, name: str, signature: Signature | None = None) -> ToolCall:
    return ToolCall(identity, name, '{"a":1}', signature)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("Hi"), [{"text": "Hi"}]),
        (Text(""), []),
        (Text("", signature=MINE), [{"text": "", "thoughtSignature": "c2ln"}]),
        (Text("Hi", signature=THEIRS), [{"text": "Hi"}]),
        (Refusal("No"), [{"text": "No"}]),
        (Thinking("Hm", MINE), [{"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}]),
        (Thinking("Hm", THEIRS), []),
        (Thinking("Hm"), []),
        (
            Image(PNG, signature=MINE),
            [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}, "thoughtSignature": "c2ln"}],
        ),
        (File(PNG), [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]),
        (Audio(None, "said"), [{"text": "said"}]),
        (Unknown("gemini", Raw(b'{"executableCode":{}}')), [{"executableCode": {}}]),
        (Unknown("anthropic", Raw(b"{}")), []),
    ],
)
def test_each_part_is_said_in_its_own_words(part: Part, expected: Any) -> None:
    assert parts(part, role=Role.ASSISTANT) == expected


def test_neighbours_of_one_role_are_one_content_and_empty_ones_none() -> None:
    contents, _ = written(
        Turn(Role.USER, (Text("a"),)),
        Turn(Role.USER, (Text("b"),)),
        Turn(Role.ASSISTANT, (Thinking("Hm"),)),
        Turn(Role.USER, (Text("c"),)),
    )

    assert contents == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "user", "parts": [{"text": "c"}]},
    ]


def test_results_are_named_after_their_calls_and_wrapped_unless_they_are_objects() -> None:
    results = (
        ToolResult("1", (Text('{"x":1}'),)),
        ToolResult("2", (Text("sunny"), Text("warm"), Image(PNG))),
        ToolResult("3", (Text("no"),), is_error=True),
        ToolResult("4", ()),
    )
    calls = (call("1", "f"), call("2", "g"), call("3", "h"))

    contents, losses = written(Turn(Role.ASSISTANT, calls), Turn(Role.USER, (Text("So"), *results)))

    assert [part["functionCall"] for part in contents[0]["parts"]] == [
        {"id": "1", "name": "f", "args": {"a": 1}},
        {"id": "2", "name": "g", "args": {"a": 1}},
        {"id": "3", "name": "h", "args": {"a": 1}},
    ]
    assert contents[1]["parts"] == [
        {"functionResponse": {"id": "1", "name": "f", "response": {"x": 1}}},
        {"functionResponse": {"id": "2", "name": "g", "response": {"output": "sunny\n\nwarm"}}},
        {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
        {"functionResponse": {"id": "3", "name": "h", "response": {"error": "no"}}},
        {"functionResponse": {"id": "4", "name": "4", "response": {"output": ""}}},
        {"text": "So"},
    ]
    assert losses == []


def test_arguments_that_are_no_object_become_one() -> None:
    contents, losses = written(Turn(Role.ASSISTANT, (ToolCall("1", "f", "[1]"), ToolCall("2", "f", ""))))

    assert [part["functionCall"]["args"] for part in contents[0]["parts"]] == [{"arguments": "[1]"}, {}]
    assert [(loss.path, loss.severity) for loss in losses] == [("messages[0].content[0]", Severity.HARMLESS)]


def test_a_file_that_was_uploaded_elsewhere_is_a_severe_loss() -> None:
    contents, losses = written(Turn(Role.USER, (Text("See"), Image(Uploaded("openai_chat", "file-1")))))

    assert contents == [{"role": "user", "parts": [{"text": "See"}]}]
    assert [(loss.path, loss.severity) for loss in losses] == [("messages[0].content[1]", Severity.SEVERE)]


@pytest.mark.parametrize(
    ("model", "calls", "signatures"),
    [
        ("gemini-3-pro", (call("1", "f"), call("2", "f")), [UNSIGNED, None]),
        ("gemini-3-pro", (call("1", "f", MINE), call("2", "f")), ["c2ln", None]),
        ("gemini-3-pro", (call("1", "f", THEIRS),), [UNSIGNED]),
        ("gemini-2.5-pro", (call("1", "f"),), [None]),
    ],
)
def test_calls_of_others_are_marked_where_signatures_are_wanted(
    model: str, calls: tuple[Part, ...], signatures: list[str | None]
) -> None:
    contents, _ = written(Turn(Role.ASSISTANT, calls), model=model)

    assert [part.get("thoughtSignature") for part in contents[0]["parts"]] == signatures
