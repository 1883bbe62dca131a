from __future__ import annotations

from collections.abc import AsyncGenerator

from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.framing import Framing
from clinx.domain.operation import Operation
from clinx.relay.exchange import Answer
from clinx.relay.framing import framed


def envelope(framing: Framing) -> Envelope:
    body = JsonBody.parse(b"{}")
    return Envelope("gemini", Operation.CHAT, "m", True, body, None, 1, 2, True, framing=framing)


async def events(closed: list[str]) -> AsyncGenerator[bytes, None]:
    try:
        yield b'data: {"a":1}\n\n'
        yield b"data: "
        yield b'{"b":2}\n\n'
    finally:
        closed.append("closed")


def streamed(closed: list[str]) -> Answer:
    return Answer(200, {"Content-Type": "text/event-stream", "X": "y"}, stream=events(closed))


async def test_events_stay_events() -> None:
    answer = streamed([])

    assert framed(envelope(Framing.SILENT), answer) is answer
    assert framed(envelope(Framing.EVENTS), answer) is answer


async def test_a_whole_answer_stays_as_it_is() -> None:
    answer = Answer(200, {}, b"{}")

    assert framed(envelope(Framing.ARRAY), answer) is answer


async def test_an_array_is_written_element_by_element() -> None:
    closed: list[str] = []
    answer = framed(envelope(Framing.ARRAY), streamed(closed))

    assert answer.headers == {"Content-Type": "application/json", "X": "y"}
    assert answer.stream is not None
    assert [piece async for piece in answer.stream] == [b'[{"a":1}', b'\n,\r\n{"b":2}', b"\n]\n"]
    assert closed == ["closed"]


async def test_who_leaves_early_closes_the_stream_behind() -> None:
    closed: list[str] = []
    answer = framed(envelope(Framing.ARRAY), streamed(closed))
    assert answer.stream is not None

    await anext(answer.stream)
    await answer.stream.aclose()

    assert closed == ["closed"]
