"""The tap on a streamed response: what passes, what is withheld, and what it adds up to.

    events ──► comment ────────────────────────────► forwarded as one of our own
               no data, [DONE] ────────────────────► withheld
               ...delta, output_item.... ──► text ─► forwarded
               error, response.failed ─► problem ──► nothing passes any more
               response.completed, .incomplete ────► ``tail``, with the usage; what follows is dropped

Only whole events are forwarded, byte for byte but for comment lines in them.
"""

from __future__ import annotations

from typing import Final

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_responses.errors import read_problem
from clinx.dialects.openai_responses.event import Event, read_event
from clinx.dialects.openai_responses.response import mapping, text_of
from clinx.dialects.openai_responses.usage import read_usage
from clinx.dialects.sse import SseEvent, SseReader, encode_comment, without_comments
from clinx.domain.usage import Usage

ENDS: Final = frozenset({"response.completed", "response.incomplete"})
FAILURES: Final = frozenset({"error", "response.failed", "response.cancelled"})
BYTES_PER_TOKEN: Final = 4
"""Of plain text, as a quick estimate."""

_DONE: Final = b"[DONE]"
_ADDED: Final = "response.output_item.added"
_ENDED: Final = "response.output_item.done"
_NO_TEXT: Final = frozenset({"response.audio.delta"})
"""Deltas that are no text."""
_EMPTY_AT_FIRST: Final = ("message", "reasoning")
"""Items that say nothing by beginning."""
_UNREADABLE: Final = UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")
_ALIVE: Final = encode_comment(b"ping")
"""What becomes of the vendor's comments: callers still see that the connection is alive."""


class ResponseTap:
    """Watches one streamed response; a `StreamTap`."""

    __slots__ = (
        "_grew",
        "_pieces",
        "_reader",
        "_size",
        "_tail",
        "_text",
        "_text_size",
        "finished",
        "problem",
        "started",
        "usage",
    )

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self.started = False
        self.finished = False
        self.usage: Usage | None = None
        self.problem: UpstreamProblem | None = None
        self._reader = SseReader()
        self._tail = b""
        self._text: list[str] = []
        self._text_size = 0
        self._pieces = 0
        self._size = 0
        """Bytes of all the text there was."""
        self._grew = False
        """There was a delta since the last item ended."""

    @property
    def answered(self) -> bool:
        """Whether the end was seen, which says everything at once."""
        return self.finished

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
        """Characters of generated text not yet taken."""
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
        return b"".join(_shown(event) + b"\n\n" for event in self._reader.close() if self._last_passes(event))

    def take_text(self) -> str:
        """Return the generated text since the last call."""
        text = "".join(self._text)
        self._text.clear()
        self._text_size = 0
        return text

    def _passes(self, event: SseEvent) -> bool:
        """Look at an event; whether it may be forwarded now."""
        if self.finished or self.problem:
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
        if self.finished or self.problem or event.data is None:
            return False
        passes = self._passes(event)
        self._take_back_unreadable()
        if self.finished:
            self._tail += b"\n\n"
        return passes

    def _take_back_unreadable(self) -> None:
        self.problem = None if self.problem is _UNREADABLE else self.problem

    def _event_passes(self, found: Event, event: SseEvent) -> bool:
        kind = found.type
        if isinstance(kind, str):
            if kind in FAILURES or kind in ENDS:
                return self._end(kind, found, event)
            if kind.endswith(".delta"):
                if isinstance(found.delta, str) and kind not in _NO_TEXT:
                    self._grew = True
                    self._take_text(found.delta)
                return True
        if found.error or event.event == b"error":
            self.problem = read_problem(event.data or b"")
            return False
        if found.item is not None:
            self._take_item(kind, found.item)
        return True

    def _end(self, kind: str, found: Event, event: SseEvent) -> bool:
        self.usage = read_usage(found.response) or self.usage
        if kind in FAILURES:
            self.problem = read_problem(event.data or b"")
        else:
            self.finished = self.started = True
            self._tail = _shown(event)
        return False

    def _take_item(self, kind: object, given: object) -> None:
        """Take the name of a call as it begins, and all of an item that came without deltas."""
        item = mapping(given)
        if kind == _ADDED:
            self._grew = False
            if item.get("type") not in _EMPTY_AT_FIRST:
                self.started = True
                name = item.get("name")
                self._take_text(name if isinstance(name, str) else "")
        elif kind == _ENDED:
            if not self._grew:
                self._take_text(text_of({**item, "name": None}))
            self._grew = False

    def _take_text(self, text: str) -> None:
        if not text:
            return
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
