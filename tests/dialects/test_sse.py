from __future__ import annotations

import pytest

from clinx.dialects.sse import MAX_EVENT, SseEvent, SseReader, encode_comment, encode_event, without_comments
from clinx.errors import UpstreamBroken


def read(*chunks: bytes) -> list[SseEvent]:
    reader = SseReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


def test_whole_events_come_out_as_they_went_in() -> None:
    assert SseReader().feed(b"data: a\n\ndata: b\n\n") == [
        SseEvent(b"data: a\n\n", b"a"),
        SseEvent(b"data: b\n\n", b"b"),
    ]


def test_an_event_in_pieces_comes_out_when_it_is_whole() -> None:
    reader = SseReader()

    assert reader.feed(b"da") == []
    assert reader.feed(b"ta: a\n") == []
    assert reader.feed(b"\ndata") == [SseEvent(b"data: a\n\n", b"a")]
    assert reader.feed(b": b\n\n") == [SseEvent(b"data: b\n\n", b"b")]
    assert reader.close() == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_lines_may_end_in_any_way(end: bytes) -> None:
    stream = b"data: a" + end + end + b"data: b" + end + end

    assert [event.data for event in read(stream)] == [b"a", b"b"]


def test_line_ends_may_be_mixed() -> None:
    assert [event.data for event in read(b"data: a\r\n\ndata: b\n\r\ndata: c\r\rdata: d\n\n")] == [
        b"a",
        b"b",
        b"c",
        b"d",
    ]


def test_a_crlf_cut_in_two_is_one_line_end() -> None:
    assert read(b"data: a\r\n\r", b"\ndata: b\r", b"\n\r\n") == [
        SseEvent(b"data: a\r\n\r\n", b"a"),
        SseEvent(b"data: b\r\n\r\n", b"b"),
    ]


def test_fields_are_read() -> None:
    raw = b"event: message\nid:7\nretry: 10\ndata: one\ndata:two\ndata:  three\nother: x\n\n"

    assert read(raw) == [SseEvent(raw, b"one\ntwo\n three", b"message", b"7", b"10")]


@pytest.mark.parametrize(
    "raw",
    [
        b"data: a\n\n",
        b"data: a\r\n\r\n",
        b"event: note\ndata: a\n\n",
        b"event: note\r\ndata: a\r\n\r\n",
        b"data: \n\n",
        b"data: a\n\r\n",
    ],
)
def test_what_most_vendors_write_is_read_at_once(raw: bytes) -> None:
    reader = SseReader()

    assert [reader.alone(raw)] == SseReader().feed(raw) == read(*(raw[i : i + 1] for i in range(len(raw))))
    assert reader.close() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"data: a\n",
        b"data: a\n\n\n",
        b"data: a\n\ndata: b\n\n",
        b"data: a\ndata: b\n\n",
        b"data: a\rdata: b\n\n",
        b"data: a\r\r\n\r\n",
        b"data: a\n\r",
        b"event: data: a\n\n",
        b"event: x\rid: 1\ndata: a\n\n",
        b"event: x\nid: 1\ndata: a\n\n",
        b"event: x\r\ndata: a\n\n",
        b"id: 1\ndata: a\n\n",
        b": data: a\n\n",
        b"\xef\xbb\xbfdata: a\n\n",
        b"data:a\n\n",
        b"data: " + b"x" * MAX_EVENT + b"\n\n",
    ],
)
def test_what_is_written_otherwise_is_left_to_the_slow_road(raw: bytes) -> None:
    assert SseReader().alone(raw) is None


def test_an_event_that_goes_on_is_none_alone() -> None:
    reader = SseReader()
    reader.feed(b"data: a")

    assert reader.alone(b"data: b\n\n") is None


def test_the_last_of_repeated_fields_counts() -> None:
    assert read(b"event: a\nevent: b\nid: 1\nid\n\n") == [
        SseEvent(b"event: a\nevent: b\nid: 1\nid\n\n", None, b"b", b"")
    ]


def test_a_comment_has_no_data() -> None:
    assert read(b": ping\n\n") == [SseEvent(b": ping\n\n", None, has_comment=True)]


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        (b": secret\ndata: a\n\n", b"data: a\n\n"),
        (b"\xef\xbb\xbf: secret\r\ndata: a\r\n: more\r\n\r\n", b"data: a\r\n\r\n"),
        (b"data: a:b\r:\rid: 1\r\r", b"data: a:b\rid: 1\r\r"),
    ],
)
def test_comments_can_be_taken_out_of_an_event(raw: bytes, rest: bytes) -> None:
    [event] = read(raw)

    assert event.has_comment
    assert without_comments(event.raw) == rest
    assert [event.data for event in read(rest)] == [event.data]


def test_empty_data_is_data() -> None:
    assert [event.data for event in read(b"data\n\ndata:\n\ndata: \n\n")] == [b"", b"", b""]


def test_a_byte_order_mark_is_skipped_at_the_start_only() -> None:
    bom = b"\xef\xbb\xbf"

    assert read(bom + b"data: a\n\n" + bom + b"data: b\n\n") == [
        SseEvent(bom + b"data: a\n\n", b"a"),
        SseEvent(bom + b"data: b\n\n", None),
    ]


def test_superfluous_blank_lines_change_nothing() -> None:
    assert [event.data for event in read(b"\n\ndata: a\n\n\ndata: b\n\n\n\n") if event.data is not None] == [b"a", b"b"]


def test_the_end_of_the_stream_gives_what_is_left() -> None:
    assert read(b"data: a\n\ndata: [DONE]") == [SseEvent(b"data: a\n\n", b"a"), SseEvent(b"data: [DONE]", b"[DONE]")]


@pytest.mark.parametrize("step", [MAX_EVENT + 100, 65_536, 1_000_001])
def test_an_event_that_is_too_large_is_an_error_however_it_arrives(step: int) -> None:
    stream = b"data: " + b"x" * (MAX_EVENT - 7) + b"\n\n"
    chunks = [stream[start : start + step] for start in range(0, len(stream), step)]

    with pytest.raises(UpstreamBroken, match="stream_event_too_large"):
        read(*chunks)


@pytest.mark.parametrize("step", [MAX_EVENT + 100, 65_536, 1_000_001])
def test_the_largest_event_passes(step: int) -> None:
    stream = b"data: " + b"x" * (MAX_EVENT - 8) + b"\n\n"

    assert [event.raw for event in read(*(stream[i : i + step] for i in range(0, len(stream), step)))] == [stream]


def test_many_events_may_be_more_than_one_event_may() -> None:
    stream = (b"data: " + b"x" * 1000 + b"\n\n") * 2000

    assert len(read(stream)) == 2000


def test_an_encoded_event_reads_back() -> None:
    assert read(encode_event(b'{"a":1}')) == [SseEvent(b'data: {"a":1}\n\n', b'{"a":1}')]
    assert read(encode_event(b"one\ntwo", b"note")) == [
        SseEvent(b"event: note\ndata: one\ndata: two\n\n", b"one\ntwo", b"note")
    ]


def test_an_encoded_comment_is_no_event() -> None:
    assert read(encode_comment(b"ping")) == [SseEvent(b": ping\n\n", None, has_comment=True)]


def test_a_format_may_have_larger_events() -> None:
    stream = b"data: " + b"x" * MAX_EVENT + b"\n\n"

    assert [event.raw for event in SseReader(2 * MAX_EVENT).feed(stream)] == [stream]
    with pytest.raises(UpstreamBroken):
        SseReader(100).feed(b"data: " + b"x" * 100 + b"\n\n")
