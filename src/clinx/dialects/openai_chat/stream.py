"""The tap on a streamed answer: what passes, what is withheld, and what it adds up to.

    events ──► comment ──────────────────────────► forwarded
               no data ──────────────────────────► withheld: clients take it for a chunk and fail
               chunk ──► text, usage, reasons ───► forwarded, unless it only carries usage nobody asked for
               error ──► ``problem`` ────────────► nothing passes any more
               [DONE] ─► ``tail`` ───────────────► nothing passes any more; what follows is dropped

Only whole events are forwarded, byte for byte. Everything is decided event by event, so it does not matter how the
stream was cut into chunks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects import lenient
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_chat.errors import read_problem
from clinx.dialects.openai_chat.response import Choice, problem_in
from clinx.dialects.openai_chat.usage import read_usage
from clinx.dialects.sse import SseEvent, SseReader
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage

DONE: Final = b"[DONE]"
_UNREADABLE: Final = UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")
_UNFINISHED: Final = (None, "", "null")
"""What a finish reason is while there is none; the text ``null`` is Ali's."""


class _Groq(msgspec.Struct):
    usage: object = None
    error: object = None


class _Chunk(msgspec.Struct):
    choices: list[Choice] | None = None
    usage: object = None
    error: object = None
    kind: object = msgspec.field(name="object", default=None)
    x_groq: _Groq | None = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class ChatTap:
    """Watches one stream of chat or text completions; a `StreamTap`."""

    __slots__ = (
        "_cut",
        "_done",
        "_end",
        "_finished_choices",
        "_reader",
        "_seen_choices",
        "_tail",
        "_text",
        "_wants_usage",
        "finished",
        "problem",
        "started",
        "usage",
    )

    def __init__(self, *, wants_usage: bool, end: StreamEnd) -> None:
        """Start at the beginning of a stream.

        Args:
            wants_usage: the caller asked for a usage chunk, so it is not withheld.
            end: what marks the end of a good stream.
        """
        self.started = False
        self.finished = False
        self.usage: Usage | None = None
        self.problem: UpstreamProblem | None = None
        self._wants_usage = wants_usage
        self._end = end
        self._reader = SseReader()
        self._done = False
        self._cut = False
        """The body ended inside an event."""
        self._tail = b""
        self._text: list[str] = []
        self._seen_choices: set[int] = set()
        self._finished_choices: set[int] = set()

    @property
    def tail(self) -> bytes:
        """The end marker's event; empty until it was seen, and after an error."""
        return b"" if self.problem else self._tail

    def feed(self, data: bytes) -> bytes:
        """Take a chunk of the stream; return the events in it that may be forwarded."""
        return b"".join([event.raw for event in self._reader.feed(data) if self._passes(event)])

    def close(self) -> bytes:
        """Say that the body ended; a last event that lacks only its blank line counts and gets one."""
        forwarded = b"".join(event.raw + b"\n\n" for event in self._reader.close() if self._last_passes(event))
        if self._end is StreamEnd.FINISH and not self.problem:
            self.finished = self._all_choices_finished() and not self._cut
        return forwarded

    def take_text(self) -> str:
        """Return the generated text since the last call."""
        text = "".join(self._text)
        self._text.clear()
        return text

    def _passes(self, event: SseEvent) -> bool:
        """Look at an event; whether it may be forwarded now."""
        if self._done or self.problem:
            return False
        data = event.data
        if data is None:
            return True
        text = data.strip()
        if text == DONE:
            self._mark_end(event.raw)
        if not text or self._done:
            return False
        try:
            chunk = lenient.decode_as(_CHUNK, data)
        except ValueError:
            self.problem = _UNREADABLE
            return False
        return self._chunk_passes(chunk, event)

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

    def _mark_end(self, raw: bytes) -> None:
        self._done = True
        self._tail = raw
        self.finished = self._end is StreamEnd.DONE or self._all_choices_finished()

    def _chunk_passes(self, chunk: _Chunk, event: SseEvent) -> bool:
        choices = chunk.choices or ()
        for choice in choices:
            self._take_choice(choice)
        report = chunk.usage or (chunk.x_groq and chunk.x_groq.usage)
        self._take_usage(report)
        self.problem = _problem(chunk, event)
        if self.problem:
            return False
        return self._wants_usage or not report or bool(choices)

    def _take_choice(self, choice: Choice) -> None:
        index = choice.index or 0
        self._seen_choices.add(index)
        if choice.finish_reason not in _UNFINISHED:
            self._finished_choices.add(index)
            self.started = True
        if choice.delta is not None and not choice.delta.is_empty():
            self.started = True
            self._text.append(choice.delta.text())
        if isinstance(choice.text, str) and choice.text:
            self.started = True
            self._text.append(choice.text)
        self._take_usage(choice.usage)

    def _take_usage(self, report: object) -> None:
        """Keep the last usage that makes sense: where each chunk reports it, the counts are cumulative."""
        if report:
            self.usage = read_usage(report) or self.usage

    def _all_choices_finished(self) -> bool:
        return bool(self._seen_choices) and self._seen_choices == self._finished_choices


def _problem(chunk: _Chunk, event: SseEvent) -> UpstreamProblem | None:
    if chunk.x_groq and chunk.x_groq.error:
        return read_problem(msgspec.json.encode({"error": chunk.x_groq.error}))
    return problem_in(chunk.error, "error" if event.event == b"error" else chunk.kind, event.data or b"")
