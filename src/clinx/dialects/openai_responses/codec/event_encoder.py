"""Canonical events to a streamed response."""

from __future__ import annotations

from typing import Final

from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.response import FinishReason
from clinx.dialects.base import Answering
from clinx.dialects.openai_responses.codec.answer_encoder import encode_head
from clinx.dialects.openai_responses.codec.item_writer import EventFrame, ItemWriter, writer_of
from clinx.dialects.openai_responses.codec.media import Wire
from clinx.dialects.openai_responses.codec.reports import write_finish, write_usage
from clinx.domain.usage import Usage

_UNDERWAY: Final[Wire] = {
    "status": "in_progress",
    "error": None,
    "incomplete_details": None,
    "output": [],
    "usage": None,
}


class ResponseEventEncoder:
    """Writes one streamed response; an `EventEncoder`. Of several answers it writes the first."""

    __slots__ = ("_answering", "_finished", "_frame", "_head", "_usage", "_writer")

    def __init__(self, answering: Answering) -> None:
        """Start before the first event."""
        self._answering = answering
        self._frame = EventFrame(answering)
        self._head: Wire | None = None
        """What the response says of itself; None until the stream has begun."""
        self._writer: ItemWriter | None = None
        """Of the part that is open."""
        self._finished = Finished(FinishReason.STOP)
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """Take an event; return what can be written now."""
        match event:
            case PartDelta():
                return b"" if self._writer is None or event.choice else self._writer.grow(event)
            case PartStarted() | PartEnded():
                return b"" if event.choice else self._part(event)
            case Started():
                return self._begin(event.id)
            case Finished():
                self._finished = event if not event.choice else self._finished
            case UsageReported():
                self._usage = event.usage
            case Failed():
                pass
        return b""

    def close(self) -> bytes:
        """Return the end of the stream: the whole response once more, and what it used."""
        begun = b"" if self._head else self._begin("")
        end = write_finish(self._finished.finish)
        members = {**end, "output": self._frame.output, "usage": write_usage(self._usage)}
        response = {"response": {**(self._head or {}), **members}}
        return begun + self._frame.event(f"response.{end['status']}", response)

    def _begin(self, identity: str) -> bytes:
        self._head = encode_head(identity, self._answering)
        begun = {"response": {**self._head, **_UNDERWAY}}
        return self._frame.event("response.created", begun) + self._frame.event("response.in_progress", begun)

    def _part(self, event: PartStarted | PartEnded) -> bytes:
        if isinstance(event, PartStarted):
            self._writer = writer_of(event.part, self._frame)
            return self._writer.start()
        writer, self._writer = self._writer, None
        return b"" if writer is None else writer.end()
