from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_responses.stream import ResponseTap
from clinx.dialects.sse import MAX_EVENT, SseReader
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken
from dialects import golden


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def said(text: str) -> bytes:
    return event("response.output_text.delta", output_index=0, content_index=0, delta=text)


CREATED = event("response.created", response={"id": "resp_1", "status": "in_progress", "usage": None})
MESSAGE = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "Hello"}]}
HELLO = said("Hello")
USED = {"input_tokens": 9, "output_tokens": 3}
END = event("response.completed", response={"id": "resp_1", "status": "completed", "usage": USED})


def watch(stream: bytes) -> dict[str, Any]:
    """What the tap makes of a stream that arrives event by event, in the words of the goldens."""
    tap = ResponseTap()
    reader = SseReader()
    forwarded: list[int] = []
    started_at = None
    for place, found in enumerate([*reader.feed(stream), *reader.close()]):
        passed = tap.feed(found.raw)
        assert passed in {b": ping\n\n" if found.data is None else found.raw, b""}
        forwarded += [place] if passed else []
        started_at = place if tap.started and started_at is None else started_at
    assert tap.close() == b""
    return {
        "forwarded": forwarded,
        "started_at": started_at,
        "finished": tap.finished,
        "tail": tap.tail.decode(),
        "usage": tap.usage,
        "text": tap.take_text(),
        "problem": tap.problem,
    }


@pytest.mark.parametrize("name", golden.cases("openai_responses", "streams"))
def test_the_stream_of(name: str) -> None:
    stream, expected = golden.read("openai_responses", "streams", name)
    expected["usage"] = expected["usage"] and Usage(**expected["usage"])
    expected["problem"] = expected["problem"] and UpstreamProblem(**expected["problem"])

    assert watch(stream) == expected


@pytest.mark.parametrize("name", golden.cases("openai_responses", "streams"))
def test_any_split_gives_the_same(name: str) -> None:
    stream, _ = golden.read("openai_responses", "streams", name)
    whole, bytewise = ResponseTap(), ResponseTap()

    forwarded = whole.feed(stream) + whole.close()
    pieces = b"".join(bytewise.feed(bytes([byte])) for byte in stream) + bytewise.close()

    assert pieces == forwarded
    assert (bytewise.usage, bytewise.problem, bytewise.made) == (whole.usage, whole.problem, whole.made)
    assert (bytewise.finished, bytewise.tail, bytewise.text_size) == (whole.finished, whole.tail, whole.text_size)


@pytest.mark.parametrize(("texts", "expected"), [([], 0), (["a", "b"], 2), (["x" * 400], 100), (["日本語" * 40], 90)])
def test_what_was_made_is_the_pieces_or_a_token_for_four_bytes(texts: list[str], expected: int) -> None:
    tap = ResponseTap()

    for text in texts:
        tap.feed(said(text))
        tap.take_text()

    assert tap.made == expected


def test_the_end_waits_and_nothing_follows_it() -> None:
    tap = ResponseTap()

    assert tap.feed(CREATED + HELLO + END + HELLO) == CREATED + HELLO
    assert (tap.tail, tap.finished, tap.answered, tap.made) == (END, True, True, 3)


def test_an_end_without_its_blank_line_counts_and_gets_one() -> None:
    tap = ResponseTap()

    assert tap.feed(HELLO + END[:-2]) == HELLO
    assert (tap.close(), tap.finished, tap.tail) == (b"", True, END)


def test_a_cut_stream_is_not_finished() -> None:
    tap = ResponseTap()

    tap.feed(CREATED + HELLO + END[:40])

    assert (tap.close(), tap.finished, tap.problem, tap.tail) == (b"", False, None, b"")


@pytest.mark.parametrize(
    ("stream", "started"),
    [
        (CREATED, False),
        (event("response.output_item.added", item={"type": "message", "content": []}), False),
        (event("response.output_item.added", item={"type": "reasoning", "summary": []}), False),
        (event("response.output_item.added", item={"type": "function_call", "name": "sum"}), True),
        (event("response.output_item.added", item={"type": "web_search_call"}), True),
        (event("response.output_text.delta", delta=""), False),
        (event("response.reasoning_summary_text.delta", delta="Hm"), True),
        (event("response.output_item.done", item=MESSAGE), True),
        (END, True),
    ],
)
def test_what_starts_an_answer(stream: bytes, started: bool) -> None:
    tap = ResponseTap()

    tap.feed(stream)

    assert tap.started is started


def test_an_item_that_came_without_deltas_is_counted_whole_and_others_once() -> None:
    tap = ResponseTap()
    call = {"type": "function_call", "name": "sum", "arguments": "{}"}

    tap.feed(event("response.output_item.added", item=call) + event("response.output_item.done", item=call))
    tap.feed(HELLO + event("response.output_item.done", item=MESSAGE))
    tap.feed(event("response.output_item.done", item=MESSAGE))

    assert (tap.text_size, tap.take_text(), tap.text_size) == (15, "sum{}HelloHello", 0)


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (event("error", code="c", message="No", param=None), UpstreamProblem("No", None, "c")),
        (event("error", error={"type": "t", "code": "c", "message": "No"}), UpstreamProblem("No", "t", "c")),
        (
            event("response.failed", response={"error": {"code": "c", "message": "No"}}),
            UpstreamProblem("No", None, "c"),
        ),
        (b'data: {"error":{"message":"No"}}\n\n', UpstreamProblem("No")),
        (b"data: {\n\n", UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")),
    ],
)
def test_nothing_passes_after_an_error(failure: bytes, problem: UpstreamProblem) -> None:
    tap = ResponseTap()

    assert tap.feed(HELLO + failure + HELLO + END) == HELLO
    assert (tap.problem, tap.finished, tap.tail) == (problem, False, b"")


def test_a_huge_event_is_broken() -> None:
    with pytest.raises(UpstreamBroken):
        ResponseTap().feed(b"data: " + b"x" * (MAX_EVENT + 1))


@pytest.mark.parametrize(
    "data",
    [
        b"1",
        b"[]",
        b'{"type":[]}',
        b'{"type":"response.output_item.added","item":1}',
        b'{"type":"response.output_item.added","item":{"type":{}}}',
        b'{"delta":{}}',
        b"\xff",
    ],
)
def test_odd_events_never_raise(data: bytes) -> None:
    tap = ResponseTap()

    tap.feed(b"data: " + data + b"\n\n")

    assert tap.finished is False


@pytest.mark.parametrize(
    ("is_kept", "stream", "expected"), [(True, CREATED, "resp_1"), (True, END, "resp_1"), (False, END, None)]
)
def test_the_id_of_an_answer_is_noted_where_the_vendor_keeps_it(
    is_kept: bool, stream: bytes, expected: str | None
) -> None:
    tap = ResponseTap(is_kept=is_kept)

    tap.feed(HELLO + stream)

    assert tap.stored_id == expected
