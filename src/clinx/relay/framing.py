"""The last step of a streamed answer: events, or for callers who want it so, one JSON array that grows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from clinx.dialects.base import Envelope
from clinx.dialects.framing import Framing, JsonArray
from clinx.relay.exchange import Answer


def framed(envelope: Envelope, answer: Answer) -> Answer:
    """Return the answer as its caller reads it; whole answers and streams of events stay as they are."""
    if answer.stream is None or envelope.framing is not Framing.ARRAY:
        return answer
    headers = {**answer.headers, "Content-Type": "application/json"}
    return Answer(answer.status, headers, stream=_in_array(answer.stream))


async def _in_array(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield the array. Closing this generator closes the stream, which settles itself."""
    array = JsonArray()
    async with aclosing(events):
        async for piece in events:
            if element := array.feed(piece):
                yield element
    yield array.close()
