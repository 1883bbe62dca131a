from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_chat.stream import ChatTap
from clinx.dialects.sse import MAX_EVENT, SseReader
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden

HELLO = b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def fresh(*, wants_usage: bool = False, end: StreamEnd = StreamEnd.DONE) -> ChatTap:
    return ChatTap(wants_usage=wants_usage, end=end)


def watch(stream: bytes, expected: dict[str, Any]) -> dict[str, Any]:
    """What the tap makes of a stream that arrives event by event, in the words of the goldens."""
    tap = fresh(wants_usage=expected["wants_usage"], end=StreamEnd(expected["end"]))
    reader = SseReader()
    forwarded: list[int] = []
    started_at = None
    for place, event in enumerate([*reader.feed(stream), *reader.close()]):
        passed = tap.feed(event.raw)
        assert passed in {b": ping\n\n" if event.data is None else event.raw, b""}
        forwarded += [place] if passed else []
        started_at = place if tap.started and started_at is None else started_at
    assert tap.close() == b""
    return {
        "wants_usage": expected["wants_usage"],
        "end": expected["end"],
        "forwarded": forwarded,
        "started_at": started_at,
        "finished": tap.finished,
        "tail": tap.tail.decode(),
        "usage": tap.usage,
        "text": tap.take_text(),
        "problem": tap.problem,
    }


@pytest.mark.parametrize("name", golden.cases("openai_chat", "streams"))
def test_the_stream_of(name: str) -> None:
    stream, expected = golden.read("openai_chat", "streams", name)
    expected["usage"] = expected["usage"] and Usage(**expected["usage"])
    expected["problem"] = expected["problem"] and UpstreamProblem(**expected["problem"])

    assert watch(stream, expected) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], 0),
        (["", "a", "b"], 2),
        (["x" * 400], 100),
        (["日本語" * 40], 90),
        (["x" * 400, "a", "b"], 100),
        (["\ud800"], 1),
    ],
)
def test_what_was_made_is_the_pieces_or_a_token_for_four_bytes(texts: list[str], expected: int) -> None:
    tap = fresh()

    for text in texts:
        event = {"choices": [{"index": 0, "delta": {"content": text}}]}
        tap.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
        tap.take_text()

    assert tap.made == expected


def test_what_was_reported_counts_as_made_and_what_is_made_never_falls() -> None:
    tap = fresh()

    made: list[int] = []
    for event in (
        {"choices": [{"delta": {"content": "Hello"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 70}},
        {"choices": [{"delta": {"content": "Hello"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 3}},
    ):
        tap.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
        made.append(tap.made)

    assert made == [70, 70]


def test_content_passes_at_once() -> None:
    tap = fresh()

    assert tap.feed(HELLO) == HELLO
    assert (tap.started, tap.finished, tap.tail) == (True, False, b"")


def test_half_an_event_waits_for_the_rest() -> None:
    tap = fresh()

    assert tap.feed(HELLO[:20]) == b""
    assert not tap.started
    assert tap.feed(HELLO[20:] + STOP[:5]) == HELLO


def test_text_is_taken_once() -> None:
    tap = fresh()

    tap.feed(HELLO)
    assert tap.take_text() == "Hello"
    tap.feed(HELLO + HELLO)
    assert tap.take_text() == "HelloHello"
    assert tap.take_text() == ""


def test_the_end_marker_is_kept_for_after_the_settlement() -> None:
    tap = fresh()

    assert tap.feed(HELLO + STOP + DONE) == HELLO + STOP
    assert (tap.finished, tap.tail) == (True, DONE)


def test_an_end_marker_without_its_blank_line_gets_one() -> None:
    tap = fresh()

    assert tap.feed(HELLO + b"data: [DONE]") == HELLO
    assert (tap.finished, tap.tail) == (False, b"")
    assert tap.close() == b""
    assert (tap.finished, tap.tail) == (True, DONE)


def test_a_last_event_without_its_blank_line_gets_one() -> None:
    tap = fresh(end=StreamEnd.FINISH)

    assert tap.feed(HELLO + STOP.rstrip()) == HELLO
    assert tap.close() == STOP.rstrip() + b"\n\n"
    assert tap.finished


@pytest.mark.parametrize("rest", [b'data: {"choices":[', b'data: {"choices":[]', b"data: [DON"])
def test_half_an_event_at_the_end_is_a_cut(rest: bytes) -> None:
    tap = fresh(end=StreamEnd.FINISH)

    assert tap.feed(HELLO + STOP + rest) == HELLO + STOP
    assert tap.close() == b""
    assert (tap.finished, tap.problem) == (False, None)


@pytest.mark.parametrize("rest", [b"\n", b"da", b": bye", b"data:"])
def test_crumbs_without_data_at_the_end_are_nothing(rest: bytes) -> None:
    tap = fresh(end=StreamEnd.FINISH)

    assert tap.feed(HELLO + STOP + rest) == HELLO + STOP
    assert tap.close() == b""
    assert tap.finished


def test_crumbs_after_the_end_marker_are_nothing() -> None:
    tap = fresh()

    tap.feed(HELLO + DONE + b"data: x")

    assert tap.close() == b""
    assert (tap.finished, tap.tail) == (True, DONE)


def test_an_empty_stream_is_not_finished() -> None:
    for end in StreamEnd:
        tap = fresh(end=end)

        assert tap.close() == b""
        assert (tap.started, tap.finished) == (False, False)


def test_where_no_marker_is_needed_one_is_welcome() -> None:
    tap = fresh(end=StreamEnd.FINISH)

    assert tap.feed(HELLO + STOP + DONE) == HELLO + STOP
    assert (tap.finished, tap.tail) == (True, DONE)


def test_where_a_finish_reason_is_needed_a_marker_does_not_replace_it() -> None:
    tap = fresh(end=StreamEnd.FINISH)

    tap.feed(HELLO + DONE)
    tap.close()

    assert not tap.finished


def test_nothing_passes_after_an_error() -> None:
    tap = fresh()

    assert tap.feed(HELLO + b'data: {"error":{"message":"no"}}\n\n' + HELLO + DONE) == HELLO
    assert tap.feed(HELLO) == b""
    assert tap.close() == b""
    assert (tap.problem, tap.finished, tap.tail) == (UpstreamProblem("no"), False, b"")
    assert tap.take_text() == "Hello"


@pytest.mark.parametrize(
    "comment", [b": internal-host-7 queue=3\n\n", b":\n\n", b": a\r\n: b\r\n\r\n", b"id: 7\n: a\n\n"]
)
def test_what_a_vendor_says_in_comments_stays_here(comment: bytes) -> None:
    assert fresh().feed(comment + HELLO) == b": ping\n\n" + HELLO


def test_comments_within_events_are_taken_out() -> None:
    tap = fresh()

    assert tap.feed(b": secret\n" + HELLO + b": secret\n" + DONE) == HELLO
    assert (tap.finished, tap.tail) == (True, DONE)


def test_blocks_without_data_and_comment_are_withheld() -> None:
    assert fresh().feed(b"\n\nretry: 10\n\nevent: x\nid: 4\n\n" + HELLO) == HELLO


def test_a_stream_is_answered_when_every_choice_has_its_reason() -> None:
    tap = fresh()
    other = HELLO.replace(b'"index":0', b'"index":1')

    assert not tap.answered
    tap.feed(HELLO + other + STOP)
    assert not tap.answered
    tap.feed(STOP.replace(b'"index":0', b'"index":1'))
    assert (tap.answered, tap.finished) == (True, False)


def test_text_that_was_not_taken_has_a_size() -> None:
    tap = fresh()

    assert tap.text_size == 0
    tap.feed(HELLO + b'data: {"choices":[{"delta":{"thinking":"so"}}]}\n\ndata: {"choices":[{"text":"abc"}]}\n\n')
    assert tap.text_size == len("Hello" + "so" + "abc")
    assert tap.take_text() == "Hellosoabc"
    assert tap.text_size == 0


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        (b'{"choices":[{"index":0.0,"delta":{"content":"a"}}]}', "a"),
        (b'{"choices":[{"index":"0","delta":{"content":"a"}}]}', "a"),
        (b'{"choices":[{"index":null,"delta":{"content":"a"}}]}', "a"),
        (b'{"choices":[{"index":[],"delta":{"content":"a"}}]}', "a"),
        (b'{"choices":[{"index":"first","delta":{"content":"a"}}]}', "a"),
        (b'{"choices":[{"index":0,"delta":{"content":"a"}}],"x_groq":"req_1"}', "a"),
        (b'{"choices":[{"index":0,"delta":{"content":"a"}}],"x_groq":[]}', "a"),
        (b'{"choices":[{"index":0,"delta":"a","text":"b"},7]}', "b"),
        (b'{"choices":[{"index":0,"delta":[],"message":"a","text":"b"}]}', "b"),
        (b'{"choices":{"index":0}}', ""),
        (b'{"choices":"a"}', ""),
        (b'{"choices":[{"index":0,"delta":"a","text":"b\xff"}]}', "b\ufffd"),
    ],
)
def test_odd_types_do_not_make_a_stream_unreadable(chunk: bytes, text: str) -> None:
    tap = fresh()
    event = b"data: " + chunk + b"\n\n"

    assert tap.feed(event + STOP + DONE) == event + STOP
    assert (tap.problem, tap.take_text(), tap.finished) == (None, text, True)


def test_choices_numbered_in_two_ways_are_the_same() -> None:
    tap = fresh(end=StreamEnd.FINISH)

    tap.feed(HELLO.replace(b'"index":0', b'"index":1.0') + STOP.replace(b'"index":0', b'"index":1'))
    tap.close()

    assert tap.finished


def test_usage_that_shrinks_does_not_replace_what_was_reported() -> None:
    tap = fresh()

    tap.feed(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":40}}\n\n')
    tap.feed(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n')
    assert tap.usage == Usage(input=3, output=40, call=1)
    tap.feed(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":41}}\n\n')
    assert tap.usage == Usage(input=3, output=41, call=1)


def test_usage_that_makes_no_sense_does_not_replace_one_that_does() -> None:
    tap = fresh()

    tap.feed(b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n')
    tap.feed(b'data: {"choices":[],"usage":{"prompt_tokens":-3,"completion_tokens":4}}\n\n')
    tap.feed(b'data: {"choices":[],"usage":null}\n\n')

    assert tap.usage == Usage(input=3, output=4, call=1)


def test_one_event_that_is_too_large_is_an_error() -> None:
    tap = fresh()

    with pytest.raises(UpstreamBroken, match="stream_event_too_large"):
        tap.feed(b"data: " + b"x" * MAX_EVENT)
