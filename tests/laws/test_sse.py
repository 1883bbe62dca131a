"""However a stream is cut, its events are the same, and together they are the stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.sse import SseEvent, SseReader

PIECES = st.sampled_from(
    [
        *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"),
        *(b"data: ", b"data:", b"data", b"event: x", b"id: 1", b": ping"),
        *(b"\xef\xbb\xbf", b"x", b"\xff", b"{}", b"[DONE]", b" "),
    ]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


def read(chunks: list[bytes]) -> list[SseEvent]:
    reader = SseReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


@given(STREAMS, st.data())
def test_any_split_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    events = read([stream])

    assert read(chunks) == events
    assert read([bytes([byte]) for byte in stream]) == events
    assert b"".join(event.raw for event in events) == stream


@given(STREAMS)
def test_the_events_are_those_of_the_standard(stream: bytes) -> None:
    complete = [event.data for event in read([stream]) if event.data is not None]

    assert complete == list(by_lines(stream))


def by_lines(stream: bytes) -> list[bytes]:
    """The standard's algorithm, line by line; what the end leaves over counts as an event."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*lines, b""]:
        if not line and data:
            events.append(b"\n".join(data))
            data = []
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
    return events
