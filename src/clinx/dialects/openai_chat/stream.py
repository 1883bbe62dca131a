"""The tap on a streamed answer: what passes, what is withheld, and what it adds up to.

    events ──► comment ──────────────────────────► forwarded as one of our own: what it says is nobody's business
               no data ──────────────────────────► withheld: clients take it for a chunk and fail
               chunk ──► text, usage, reasons ───► forwarded, unless it only carries usage nobody asked for
               error ──► ``problem`` ────────────► nothing passes any more
               [DONE] ─► ``tail`` ───────────────► nothing passes any more; what follows is dropped

Only whole events are forwarded, byte for byte but for comment lines in them. Everything is decided event by
event, so it does not matter how the stream was cut into chunks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_chat.chunk import Chunk, member, read_chunk, whole_number
from clinx.dialects.openai_chat.errors import read_problem
from clinx.dialects.openai_chat.response import Choice, problem_in, said_in
from clinx.dialects.openai_chat.usage import larger, read_usage
from clinx.dialects.sse import SseEvent, SseReader, encode_comment, without_comments
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage

DONE: Final = b"[DONE]"
BYTES_PER_TOKEN: Final = 4
"""Of plain text, as a quick estimate."""

UNREADABLE: Final = UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")
UNFINISHED: Final = (None, "", "null")
"""What a finish reason is while there is none; the text ``null`` is Ali's."""


_ALIVE: Final = encode_comment(b"ping")
"""What becomes of the vendor's comments: callers still see that the connection is alive."""


class ChatTap:
    """Watches one stream of chat or text completions; a `StreamTap`."""

    __slots__ = (
        "_cut",
        "_done",
        "_end",
        "_finished_choices",
        "_pieces",
        "_reader",
        "_seen_choices",
        "_size",
        "_tail",
        "_text",
        "_text_size",
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
        self._text_size = 0
        self._pieces = 0
        self._size = 0
        """Bytes of all the text there was."""
        self._seen_choices: set[int] = set()
        self._finished_choices: set[int] = set()

    @property
    def tail(self) -> bytes:
        """The end marker's event; empty until it was seen, and after an error."""
        return b"" if self.problem else self._tail

    @property
    def answered(self) -> bool:
        """Whether every choice seen has its finish reason."""
        return bool(self._seen_choices) and self._seen_choices == self._finished_choices

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
        if self._end is StreamEnd.FINISH and not self.problem:
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
        if text == DONE:
            self._mark_end(_shown(event))
        if not text or self._done:
            return False
        try:
            chunk = read_chunk(data)
        except ValueError:
            self.problem = UNREADABLE
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
        found = self.problem is UNREADABLE
        self.problem = None if found else self.problem
        return found

    def _mark_end(self, raw: bytes) -> None:
        self._done = True
        self._tail = raw
        self.finished = self._end is StreamEnd.DONE or self.answered

    def _chunk_passes(self, chunk: Chunk, event: SseEvent) -> bool:
        choices = chunk.choices or ()
        for choice in choices:
            self._take_choice(choice)
        report = report_of(chunk)
        if report:
            self._take_usage(report)
        self.problem = problem_of(chunk, event)
        if self.problem:
            return False
        return self._wants_usage or not report or bool(choices)

    def _take_choice(self, choice: Choice) -> None:
        index = choice.index
        index = index if type(index) is int else whole_number(index)
        self._seen_choices.add(index)
        if choice.finish_reason not in UNFINISHED:
            self._finished_choices.add(index)
            self.started = True
        if choice.delta and (text := said_in(choice.delta)) is not None:
            self._take_text(text)
        if choice.text and isinstance(choice.text, str):
            self._take_text(choice.text)
        if choice.usage:
            self._take_usage(choice.usage)

    def _take_text(self, text: str) -> None:
        self.started = True
        self._text.append(text)
        self._text_size += len(text)
        self._pieces += 1
        self._size += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

    def _take_usage(self, report: object) -> None:
        """Keep the usage that makes sense: where each chunk reports it, the counts are cumulative."""
        if usage := read_usage(report):
            self.usage = larger(self.usage, usage)


def _shown(event: SseEvent) -> bytes:
    """Return the bytes of an event as callers get them."""
    if not event.has_comment:
        return event.raw
    return _ALIVE if event.data is None else without_comments(event.raw)


def report_of(chunk: Chunk) -> object:
    """Return the usage object of a chunk; what is false when there is none."""
    return chunk.usage or (chunk.x_groq and member(chunk.x_groq, "usage"))


def problem_of(chunk: Chunk, event: SseEvent) -> UpstreamProblem | None:
    """Return what a chunk says if it is an error; None when it is none."""
    if chunk.x_groq and (error := member(chunk.x_groq, "error")):
        return read_problem(msgspec.json.encode({"error": error}))
    return problem_in(chunk.error, "error" if event.event == b"error" else chunk.kind, event.data or b"")
