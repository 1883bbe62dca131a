from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import (
    File,
    Image,
    Inline,
    Part,
    Remote,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.request import Role, Turn
from clinx.dialects.gemini.codec.contents import Contents
from clinx.errors import InvalidRequest

PNG = {"mimeType": "image/png", "data": "QUJD"}
SIGNED = Signature("gemini", "c2ln")


def turns(contents: Any) -> tuple[Turn, ...]:
    return Contents().turns(memoryview(json.dumps(contents).encode()))


def parts(*given: Any, role: str = "user") -> tuple[Part, ...]:
    return turns([{"role": role, "parts": list(given)}])[0].parts


def call(name: str, identity: str | None = None, **args: Any) -> Any:
    return {"functionCall": {"name": name, "args": args, **({"id": identity} if identity else {})}}


def response(name: str, identity: str | None = None, **value: Any) -> Any:
    return {"functionResponse": {"name": name, "response": value, **({"id": identity} if identity else {})}}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([{"parts": [{"text": "Hi"}]}], (Turn(Role.USER, (Text("Hi"),)),)),
        ({"role": "", "parts": {"text": "Hi"}}, (Turn(Role.USER, (Text("Hi"),)),)),
        ([{"role": "model", "parts": [{"text": "Hi"}]}], (Turn(Role.ASSISTANT, (Text("Hi"),)),)),
        ([{"role": "system", "parts": [{"text": "Hi"}]}], (Turn(Role.SYSTEM, (Text("Hi"),)),)),
        ([{"role": "user"}, {"role": "function", "parts": []}], (Turn(Role.USER, ()), Turn(Role.USER, ()))),
    ],
)
def test_each_content_is_a_turn(contents: Any, expected: tuple[Turn, ...]) -> None:
    assert turns(contents) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "Hi", "thoughtSignature": "c2ln"}, (Text("Hi", signature=SIGNED),)),
        ({"text": "Hm", "thought": True, "thought_signature": "c2ln"}, (Thinking("Hm", SIGNED),)),
        ({"text": "Hi", "thought": False, "partMetadata": {}}, (Text("Hi"),)),
        ({"inlineData": PNG}, (Image(Inline("image/png", "QUJD")),)),
        ({"inline_data": {"mime_type": "image/png", "data": "QUJD"}}, (Image(Inline("image/png", "QUJD")),)),
        ({"inlineData": PNG, "thoughtSignature": "c2ln"}, (Image(Inline("image/png", "QUJD"), signature=SIGNED),)),
        ({"inlineData": {**PNG, "displayName": "a.png"}, "mediaResolution": {}}, (Image(Inline("image/png", "QUJD")),)),
        ({"fileData": {"fileUri": "https://x/a.pdf"}}, (File(Remote("https://x/a.pdf")),)),
        ({"text": ""}, ()),
        ({}, ()),
        ({"thoughtSignature": "c2ln"}, (Text("", signature=SIGNED),)),
        ({"executableCode": {"code": "1"}}, (Unknown("gemini", Raw(b'{"executableCode":{"code": "1"}}')),)),
        (
            {"fileData": {"fileUri": "gs://b/f"}, "videoMetadata": {"fps": 1}},
            (Unknown("gemini", Raw(b'{"fileData":{"fileUri": "gs://b/f"},"videoMetadata":{"fps": 1}}')),),
        ),
    ],
)
def test_parts_are_read_in_either_spelling(part: Any, expected: tuple[Part, ...]) -> None:
    assert parts(part) == expected


def test_calls_without_ids_are_named_by_their_place() -> None:
    given = {**call("f", a=1.0), "thoughtSignature": "c2ln"}

    assert parts({"text": "Hm"}, given, {"functionCall": {"name": "g"}}, role="model") == (
        Text("Hm"),
        ToolCall("call_0_1", "f", '{"a": 1.0}', SIGNED),
        ToolCall("call_0_2", "g", "{}"),
    )


def test_results_answer_the_earliest_call_of_their_name() -> None:
    asked = {"role": "model", "parts": [call("f", a=1), call("g"), call("f", a=2)]}
    told = {
        "role": "user",
        "parts": [{"text": "So"}, response("g", x=1), response("f", output="one"), response("f", error="no")],
    }

    _, turn = turns([asked, told])

    assert turn.parts == (
        ToolResult("call_0_1", (Text('{"x": 1}'),), name="g"),
        ToolResult("call_0_0", (Text("one"),), name="f"),
        ToolResult("call_0_2", (Text("no"),), is_error=True, name="f"),
        Text("So"),
    )


def test_ids_that_are_there_are_kept_and_count_more_than_names() -> None:
    asked = {"role": "model", "parts": [call("f", "a"), call("f", "b")]}
    told = {"parts": [response("f", "b", output="two"), response("f", "a", output="one")]}

    first, second = turns([asked, told])

    assert [getattr(part, "id", None) for part in first.parts] == ["a", "b"]
    assert [getattr(part, "call_id", None) for part in second.parts] == ["b", "a"]


def test_the_same_id_twice_becomes_two() -> None:
    found = parts(call("f", "a"), call("f", "a"), role="model")

    assert [getattr(part, "id", None) for part in found] == ["a", "a_"]


def test_a_result_that_nobody_asked_for_has_an_id_all_the_same() -> None:
    assert parts(response("f", output="")) == (ToolResult("call_0_0", (), name="f"),)


def test_a_result_may_bring_pictures() -> None:
    given = {"functionResponse": {"name": "f", "response": None, "parts": [{"inlineData": PNG}]}}

    assert parts(given) == (ToolResult("call_0_0", (Image(Inline("image/png", "QUJD")),), name="f"),)


@pytest.mark.parametrize(
    ("contents", "param"),
    [
        ("Hi", "contents"),
        ([{"role": "assistant", "parts": []}], "contents[0].role"),
        ([{"role": 1}], "contents[0].role"),
        ([{"parts": "Hi"}], "contents[0].parts"),
        ([{"parts": ["Hi"]}], "contents[0].parts[0]"),
        ([{"parts": [{"text": 1}]}], "contents[0].parts[0].text"),
        ([{"parts": [{"text": "a", "thought": 1}]}], "contents[0].parts[0].thought"),
        ([{"parts": [{"inlineData": {}}]}], "contents[0].parts[0]"),
        ([{"parts": [{"functionCall": {}}]}], "contents[0].parts[0].functionCall"),
        ([{"parts": [{"functionCall": {"name": "f", "args": []}}]}], "contents[0].parts[0].functionCall.args"),
        ([{"parts": [response("f"), {"functionResponse": 1}]}], "contents[0].parts[1].functionResponse"),
        ([{"parts": [{"functionResponse": {"response": "x"}}]}], "contents[0].parts[0].functionResponse.response"),
    ],
)
def test_what_has_another_type_is_refused_by_its_place(contents: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        turns(contents)

    assert caught.value.param == param
