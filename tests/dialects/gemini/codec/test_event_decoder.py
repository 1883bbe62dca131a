from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import Raw

from clinx.canonical.content import Audio, File, Image, Inline, Remote, Signature, Text, Thinking, ToolCall, Unknown
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.dialects.gemini.codec.event_decoder import ContentDecoder, decode_answer
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken

SIGNED = Signature("gemini", "c2ln")
STARTED = Started("r1", "gemini-pro")


def chunk(*parts: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    return {
        "candidates": [{**candidate, **({"finishReason": finish} if finish else {})}],
        "responseId": "r1",
        "modelVersion": "gemini-pro",
        **more,
    }


def events(*chunks: Any) -> Sequence[Event]:
    decoder = ContentDecoder()
    stream = b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks)
    return [*decoder.feed(stream), *decoder.close()]


def test_texts_of_a_kind_that_follow_each_other_are_one_part() -> None:
    usage = {"promptTokenCount": 8, "candidatesTokenCount": 4, "thoughtsTokenCount": 2}

    assert events(
        chunk({"text": "Hm", "thought": True}),
        chunk({"text": "m", "thought": True}),
        chunk({"text": "Hel"}, usageMetadata={"promptTokenCount": 8}),
        chunk({"text": "lo"}, finish="STOP", usageMetadata=usage),
    ) == [
        STARTED,
        PartStarted(0, Thinking("")),
        PartDelta(0, "Hm"),
        PartDelta(0, "m"),
        PartEnded(0),
        PartStarted(1, Text("")),
        PartDelta(1, "Hel"),
        PartDelta(1, "lo"),
        PartEnded(1),
        Finished(FinishReason.STOP, native="STOP"),
        UsageReported(Usage(input=8, output=4, reasoning=2, call=1)),
    ]


def test_calls_are_whole_and_signed() -> None:
    first = {"functionCall": {"name": "f", "args": {"city": "Zürich"}}, "thoughtSignature": "c2ln"}

    assert events(chunk(first, {"functionCall": {"id": "x", "name": "g"}}, finish="STOP")) == [
        STARTED,
        PartStarted(0, ToolCall("", "f", "", SIGNED)),
        PartDelta(0, '{"city":"Zürich"}'),
        PartEnded(0),
        PartStarted(1, ToolCall("x", "g", "")),
        PartDelta(1, "{}"),
        PartEnded(1),
        Finished(FinishReason.TOOL_CALLS, native="STOP"),
    ]


@pytest.mark.parametrize(
    ("parts", "part"),
    [
        ([{"text": "Hi"}, {"text": "", "thoughtSignature": "c2ln"}], Text("Hi", signature=SIGNED)),
        ([{"text": "Hi"}, {"thoughtSignature": "c2ln"}], Text("Hi", signature=SIGNED)),
        ([{"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}], Thinking("Hm", SIGNED)),
        ([{"thoughtSignature": "c2ln"}], Text("", signature=SIGNED)),
        ([{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}], Image(Inline("image/png", "QUJD"))),
        (
            [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}, "thoughtSignature": "c2ln"}],
            Image(Inline("image/png", "QUJD"), signature=SIGNED),
        ),
        (
            [{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}} for data in ("QUI=", "Qw==")],
            Audio(Inline("audio/l16", "QUJD")),
        ),
        ([{"fileData": {"mimeType": "video/mp4", "fileUri": "https://x/a"}}], File(Remote("https://x/a", "video/mp4"))),
        ([{"executableCode": {"code": "1"}}], Unknown("gemini", Raw(b'{"executableCode":{"code":"1"}}'))),
    ],
)
def test_other_parts(parts: Any, part: Any) -> None:
    assert decode_answer(json.dumps(chunk(*parts)).encode()).choices == (Choice((part,)),)


@pytest.mark.parametrize("parts", [[{"text": ""}], [{}], [{"inlineData": {"mimeType": "image/png"}}], [1, None]])
def test_empty_parts_are_none(parts: Any) -> None:
    assert decode_answer(json.dumps(chunk(*parts)).encode()).choices == (Choice(()),)


def test_candidates_are_choices() -> None:
    found = events(chunk({"text": "A"}), chunk({"text": "B"}, index=1, finish="MAX_TOKENS"), chunk(finish="STOP"))

    assert found[-4:] == [
        PartEnded(0),
        Finished(FinishReason.STOP, native="STOP"),
        PartEnded(0, 1),
        Finished(FinishReason.LENGTH, 1, "MAX_TOKENS"),
    ]


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    feedback = {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"promptTokenCount": 4}}

    assert decode_answer(json.dumps(feedback).encode()) == ChatResponse(
        "", "", (Choice((), FinishReason.CONTENT_FILTER, "OTHER"),), Usage(input=4, call=1)
    )


def test_after_an_error_there_is_nothing() -> None:
    error = {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}

    assert events(chunk({"text": "Hi"}), error, chunk({"text": "!"})) == [
        STARTED,
        PartStarted(0, Text("")),
        PartDelta(0, "Hi"),
        Failed("no", "UNAVAILABLE", "503"),
    ]


def test_a_stream_that_breaks_off_ends_its_parts() -> None:
    decoder = ContentDecoder()
    decoder.feed(b"data: " + json.dumps(chunk({"text": "Hi"})).encode() + b'\n\n: x\n\ndata: [DONE]\n\ndata: {"cand')

    assert decoder.close() == (PartEnded(0), Finished(FinishReason.STOP))
    assert decoder.close() == ()


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"7"])
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        decode_answer(body)
