"""The tap on a streamed answer: what passes, what is withheld, and what it adds up to.

    events ──► comment ─────────────► forwarded as one of our own: what it says is nobody's business
               no data, [DONE] ─────► withheld: clients take it for a broken event
               message_start, … ────► forwarded; text, usage and the stop reason are noted
               error ───────────────► ``problem``; nothing passes any more
               message_stop ────────► ``tail``; nothing passes any more; what follows is dropped

Kinds of events, blocks and deltas that are not known pass: new ones come without notice. Everything is decided event by
event, so it does not matter how the stream was cut into chunks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.dialects.anthropic.event import Delta, Event, read_event, usage_in
from clinx.dialects.anthropic.response import problem_in, text_of
from clinx.dialects.anthropic.usage import larger, merge, read_usage
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.sse import SseEvent, SseReader, encode_comment, without_comments
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage

BYTES_PER_TOKEN: Final = 4
"""Of plain text, as a quick estimate."""

_STOP: Final = "message_stop"
_DONE: Final = b"[DONE]"
_UNREADABLE: Final = UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")
_ALIVE: Final = encode_comment(b"ping")
_EMPTY_AT_FIRST: Final = ("text", "thinking")
"""Kinds of blocks that say something only in their deltas."""


class MessageTap:
    """Watches one streamed message; a `StreamTap`."""

    __slots__ = (
        "_cut",
        "_done",
        "_end",
        "_pieces",
        "_reader",
        "_report",
        "_size",
        "_tail",
        "_text",
        "_text_size",
        "answered",
        "finished",
        "problem",
        "started",
        "usage",
    )

    def __init__(self, *, end: StreamEnd) -> None:
        """Start at the beginning of a stream.

        Args:
            end: what marks the end of a good stream: the event that says so, or the stop reason.
        """
        self.started = False
        self.finished = False
        self.answered = False
        """The stop reason has been seen."""
        self.usage: Usage | None = None
        self.problem: UpstreamProblem | None = None
        self._end = end
        self._reader = SseReader()
        self._report: Mapping[str, object] = {}
        """The usage object as far as it was reported."""
        self._done = False
        self._cut = False
        """The body ended inside an event."""
        self._tail = b""
        self._text: list[str] = []
        self._text_size = 0
        self._pieces = 0
        self._size = 0
        """Bytes of all the text there was."""

    @property
    def tail(self) -> bytes:
        """The last event; empty until it was seen, and after an error."""
        return b"" if self.problem else self._tail

    @property
    def made(self) -> int:
        """An estimate of the tokens generated: pieces, a token for every four bytes, or what was reported."""
        seen = max(self._pieces, self._size // BYTES_PER_TOKEN)
        return seen if self.usage is None else max(seen, self.usage.output_tokens)

    @property
    def text_size(self) -> int:
        """Characters of text not yet taken."""
        return self._text_size

    def feed(self, data: bytes) -> bytes:
        """Take a chunk of the stream; return the events in it that may be forwarded."""
        return b"".join(
            [
                event.raw if not event.has_comment else _shown(event)
                for event in self._reader.feed(data)
                if self._passes(event)
            ]
        )

    def close(self) -> bytes:
        """Say that the body ended; a last event that lacks only its blank line counts and gets one."""
        forwarded = b"".join(_shown(event) + b"\n\n" for event in self._reader.close() if self._last_passes(event))
        if self._end is StreamEnd.FINISH and not self.problem and not self._done:
            self.finished = self.answered and not self._cut
        return forwarded

    def take_text(self) -> str:
        """Return the generated text since the last call."""
        text = "".join(self._text)
        self._text.clear()
        self._text_size = 0
        return text

    def _passes(self, event: SseEvent) -> bool:
        """Look at an event; whether it may be forwarded now."""
        if self._done or self.problem:
            return False
        data = event.data
        if data is None:
            return event.has_comment
        text = data.strip()
        if not text or text == _DONE:
            return False
        try:
            found = read_event(data)
        except ValueError:
            self.problem = _UNREADABLE
            return False
        return self._event_passes(found, event)

    def _last_passes(self, event: SseEvent) -> bool:
        """Look at what was left without a blank line; half an event is a cut, not a problem of its own."""
        if self._done or self.problem or event.data is None:
            return False
        passes = self._passes(event)
        self._cut = self._take_back_unreadable()
        if self._done:
            self._tail += b"\n\n"
        return passes

    def _take_back_unreadable(self) -> bool:
        found = self.problem is _UNREADABLE
        self.problem = None if found else self.problem
        return found

    def _event_passes(self, found: Event, event: SseEvent) -> bool:
        kind = found.type
        if found.error or kind == "error" or event.event == b"error":
            self.problem = problem_in("error", found.error, event.data or b"")
            return False
        if kind == _STOP:
            self._done = self.finished = True
            self._tail = _shown(event)
            return False
        if found.delta is not None:
            self._take_delta(found.delta)
        if found.content_block is not None:
            self._take_block(found.content_block)
        if (report := usage_in(found)) is not None:
            self._report = merge(self._report, report)
            self.usage = larger(self.usage, read_usage(self._report))
        return True

    def _take_delta(self, delta: Delta) -> None:
        for text in (delta.text, delta.thinking, delta.partial_json):
            if text and isinstance(text, str):
                self._take_text(text)
        if delta.stop_reason:
            self.answered = self.started = True
        elif delta.signature:
            self.started = True

    def _take_block(self, block: Mapping[str, object]) -> None:
        if text := text_of(block):
            self._take_text(text)
        elif block.get("type") not in _EMPTY_AT_FIRST:
            self.started = True

    def _take_text(self, text: str) -> None:
        self.started = True
        self._text.append(text)
        self._text_size += len(text)
        self._pieces += 1
        self._size += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _shown(event: SseEvent) -> bytes:
    """Return the bytes of an event as callers get them."""
    if not event.has_comment:
        return event.raw
    return _ALIVE if event.data is None else without_comments(event.raw)
