from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.anthropic.stream import MessageTap
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.sse import MAX_EVENT, SseReader
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def said(text: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


START = event("message_start", message={"usage": {"input_tokens": 9, "output_tokens": 1}})
HELLO = said("Hello")
REASON = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})
STOP = event("message_stop")


def fresh(end: StreamEnd = StreamEnd.DONE) -> MessageTap:
    return MessageTap(end=end)


def watch(stream: bytes, end: str) -> dict[str, Any]:
    """What the tap makes of a stream that arrives event by event, in the words of the goldens."""
    tap = fresh(StreamEnd(end))
    reader = SseReader()
    forwarded: list[int] = []
    started_at = None
    for place, found in enumerate([*reader.feed(stream), *reader.close()]):
        passed = tap.feed(found.raw)
        assert passed in {b": ping\n\n" if found.data is None else found.raw.removeprefix(b": secret\n"), b""}
        forwarded += [place] if passed else []
        started_at = place if tap.started and started_at is None else started_at
    assert tap.close() == b""
    return {
        "end": end,
        "forwarded": forwarded,
        "started_at": started_at,
        "finished": tap.finished,
        "answered": tap.answered,
        "tail": tap.tail.decode(),
        "usage": tap.usage,
        "text": tap.take_text(),
        "problem": tap.problem,
    }


@pytest.mark.parametrize("name", golden.cases("anthropic", "streams"))
def test_the_stream_of(name: str) -> None:
    stream, expected = golden.read("anthropic", "streams", name)
    expected["usage"] = expected["usage"] and Usage(**expected["usage"])
    expected["problem"] = expected["problem"] and UpstreamProblem(**expected["problem"])

    assert watch(stream, expected["end"]) == expected


@pytest.mark.parametrize("name", golden.cases("anthropic", "streams"))
def test_any_split_gives_the_same(name: str) -> None:
    stream, expected = golden.read("anthropic", "streams", name)
    whole, bytewise = fresh(StreamEnd(expected["end"])), fresh(StreamEnd(expected["end"]))

    forwarded = whole.feed(stream) + whole.close()
    pieces = b"".join(bytewise.feed(bytes([byte])) for byte in stream) + bytewise.close()

    assert pieces == forwarded
    assert (bytewise.usage, bytewise.problem, bytewise.made) == (whole.usage, whole.problem, whole.made)
    assert (bytewise.finished, bytewise.tail, bytewise.text_size) == (whole.finished, whole.tail, whole.text_size)


@pytest.mark.parametrize(
    ("texts", "expected"), [([], 1), (["a", "b"], 2), (["x" * 400], 100), (["日本語" * 40], 90), (["\ud800"], 1)]
)
def test_what_was_made_is_the_pieces_or_a_token_for_four_bytes(texts: list[str], expected: int) -> None:
    tap = fresh()

    tap.feed(START)
    for text in texts:
        tap.feed(said(text))
        tap.take_text()

    assert tap.made == expected


def test_what_was_reported_counts_as_made_and_what_is_made_never_falls() -> None:
    tap = fresh()

    made: list[int] = []
    for tokens in (70, 3):
        tap.feed(event("message_delta", delta={}, usage={"output_tokens": tokens}))
        made.append(tap.made)

    assert made == [70, 70]


def test_half_an_event_waits_for_the_rest() -> None:
    tap = fresh()

    assert tap.feed(HELLO[:20]) == b""
    assert not tap.started
    assert tap.feed(HELLO[20:] + STOP[:5]) == HELLO


def test_text_is_taken_once() -> None:
    tap = fresh()

    tap.feed(HELLO + HELLO)
    assert tap.text_size == 10
    assert tap.take_text() == "HelloHello"
    assert (tap.take_text(), tap.text_size) == ("", 0)


def test_the_last_event_is_kept_for_after_the_settlement() -> None:
    tap = fresh()

    assert tap.feed(START + HELLO + REASON + STOP) == START + HELLO + REASON
    assert (tap.answered, tap.finished, tap.tail) == (True, True, STOP)


def test_a_last_event_without_its_blank_line_gets_one() -> None:
    tap = fresh()

    assert tap.feed(HELLO + STOP.rstrip()) == HELLO
    assert (tap.finished, tap.tail) == (False, b"")
    assert tap.close() == b""
    assert (tap.finished, tap.tail) == (True, STOP)


def test_a_reason_without_its_blank_line_passes_where_it_is_the_end() -> None:
    tap = fresh(StreamEnd.FINISH)

    assert tap.feed(HELLO + REASON.rstrip()) == HELLO
    assert tap.close() == REASON
    assert tap.finished


@pytest.mark.parametrize("rest", [b'event: message_stop\ndata: {"type":', b"data: {", b"data: [DON"])
def test_half_an_event_at_the_end_is_a_cut(rest: bytes) -> None:
    tap = fresh(StreamEnd.FINISH)

    assert tap.feed(HELLO + REASON + rest) == HELLO + REASON
    assert tap.close() == b""
    assert (tap.finished, tap.problem) == (False, None)


@pytest.mark.parametrize("rest", [b"\n", b"da", b": bye", b"data:", b"event: ping"])
def test_crumbs_without_data_at_the_end_are_nothing(rest: bytes) -> None:
    tap = fresh(StreamEnd.FINISH)

    assert tap.feed(HELLO + REASON + rest) == HELLO + REASON
    assert tap.close() == b""
    assert tap.finished


def test_an_enormous_event_is_broken() -> None:
    tap = fresh()

    tap.feed(b"data: " + b"x" * (MAX_EVENT // 2))
    with pytest.raises(UpstreamBroken):
        tap.feed(b"x" * MAX_EVENT)
