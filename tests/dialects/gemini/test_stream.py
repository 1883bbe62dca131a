from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.gemini.stream import MAX_EVENT, ContentTap
from clinx.dialects.sse import SseReader
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


def event(*parts: Any, finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, "index": index}
    return b"data: " + json.dumps({"candidates": [candidate], **more}).encode() + b"\r\n\r\n"


def watch(stream: bytes) -> dict[str, Any]:
    """What the tap makes of a stream that arrives event by event, in the words of the goldens."""
    tap = ContentTap()
    reader = SseReader()
    forwarded: list[int] = []
    started_at = None
    for place, found in enumerate([*reader.feed(stream), *reader.close()]):
        passed = tap.feed(found.raw)
        assert passed in {b"\n" if found.data is None else found.raw, b""}
        forwarded += [place] if passed else []
        started_at = place if tap.started and started_at is None else started_at
    assert (tap.close(), tap.tail) == (b"", b"")
    return {
        "forwarded": forwarded,
        "started_at": started_at,
        "answered": tap.answered,
        "finished": tap.finished,
        "usage": tap.usage,
        "text": tap.take_text(),
        "problem": tap.problem,
    }


@pytest.mark.parametrize("name", golden.cases("gemini", "streams"))
def test_the_stream_of(name: str) -> None:
    stream, expected = golden.read("gemini", "streams", name)
    expected["usage"] = expected["usage"] and Usage(**expected["usage"])
    expected["problem"] = expected["problem"] and UpstreamProblem(**expected["problem"])

    assert watch(stream) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [([], 0), (["", "a", "b"], 2), (["x" * 400], 100), (["日本語" * 40], 90), (["\ud800"], 1)],
)
def test_what_was_made_is_the_pieces_or_a_token_for_four_bytes(texts: list[str], expected: int) -> None:
    tap = ContentTap()

    for text in texts:
        tap.feed(event({"text": text}))
        tap.take_text()

    assert tap.made == expected


def test_hidden_thoughts_that_are_reported_were_made() -> None:
    tap = ContentTap()

    tap.feed(event({"text": "Hi"}, usageMetadata={"promptTokenCount": 9, "thoughtsTokenCount": 500}))

    assert tap.made == 500


def test_a_last_event_that_lacks_its_blank_line_counts() -> None:
    tap = ContentTap()
    tap.feed(event({"text": "Hi"}, finish="STOP").rstrip())

    assert tap.close() == event({"text": "Hi"}, finish="STOP").rstrip() + b"\n\n"
    assert tap.finished


def test_half_an_event_is_a_cut() -> None:
    tap = ContentTap()
    tap.feed(event({"text": "Hi"}, finish="STOP") + b'data: {"candidates":')

    assert tap.close() == b""
    assert (tap.answered, tap.finished, tap.problem) == (True, False, None)


def test_text_is_handed_out_once() -> None:
    tap = ContentTap()
    tap.feed(event({"text": "Hel"}) + event({"text": "lo", "thought": True}))

    assert (tap.text_size, tap.take_text(), tap.text_size, tap.take_text()) == (5, "Hello", 0, "")


def test_an_event_that_is_too_large_is_broken() -> None:
    with pytest.raises(UpstreamBroken):
        ContentTap().feed(b"data: " + b"x" * MAX_EVENT)


EVENTS = st.sampled_from(
    [
        event({"text": "Hello ü🙂"}, usageMetadata={"promptTokenCount": 8}),
        event({"text": "so", "thought": True}, index=1),
        event({"functionCall": {"name": "f", "args": {"a": 1}}}),
        event({"text": ""}, finish="STOP", usageMetadata={"promptTokenCount": 8, "candidatesTokenCount": 3}),
        event(finish="MAX_TOKENS", index=1, usageMetadata={"promptTokenCount": 8, "candidatesTokenCount": 1}),
        b'data: {"promptFeedback":{"blockReason":"OTHER"}}\n\n',
        b'data: {"error":{"code":503,"message":"no"}}\n\n',
        b": secret\n\n",
        b": secret\ndata: {}\n\n",
        b"data: [DONE]\r\r",
        b"data:\n\n",
        b"data: <\n\n",
    ]
)


def outcome(chunks: list[bytes]) -> tuple[object, ...]:
    tap, text, forwarded = ContentTap(), "", b""
    for chunk in chunks:
        forwarded += tap.feed(chunk)
        text += tap.take_text()
    forwarded += tap.close()
    text += tap.take_text()
    assert b"secret" not in forwarded
    return forwarded, text, tap.usage, tap.problem, tap.started, tap.finished, tap.answered, tap.made


@given(st.lists(EVENTS, max_size=8).map(b"".join), st.data())
def test_any_split_gives_the_same_answer(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert outcome(chunks) == outcome([stream]) == outcome([bytes([byte]) for byte in stream])


def test_a_picture_comes_in_one_large_event_and_a_search_is_counted() -> None:
    tap = ContentTap()
    picture = event({"inlineData": {"mimeType": "image/png", "data": "A" * (3 << 20)}})
    end = event(finish="STOP", usageMetadata={"promptTokenCount": 8})
    grounded = end.replace(b'"index"', b'"groundingMetadata": {"webSearchQueries": ["who"]}, "index"')

    passed = b"".join(tap.feed(picture[place : place + 65_536]) for place in range(0, len(picture), 65_536))

    assert (passed, tap.started) == (picture, True)
    assert (tap.feed(grounded), tap.usage) == (grounded, Usage(input=8, search=1, call=1))
