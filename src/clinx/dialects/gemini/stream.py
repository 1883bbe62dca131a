"""The tap on a streamed answer: what passes, what is withheld, and what it adds up to.

    events ──► comment ──────────► an empty line: the clients of this format take a comment for a broken event
               no data, [DONE] ──► withheld, for the same reason
               chunk ────────────► forwarded; text, usage and reasons are noted
               error ────────────► ``problem``; nothing passes any more

Nothing marks the end: a stream is good when every candidate had its reason to finish, or the prompt was blocked, and
then the body ends. Everything is decided event by event, so it does not matter how the stream was cut into chunks.
"""

from __future__ import annotations

from typing import Final

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.gemini.chunk import UNFINISHED, Candidate, Chunk, read_chunk, says_something, text_of
from clinx.dialects.gemini.errors import problem_in
from clinx.dialects.gemini.usage import Reports
from clinx.dialects.sse import SseEvent, SseReader, without_comments
from clinx.domain.usage import Usage

BYTES_PER_TOKEN: Final = 4
"""Of plain text, as a quick estimate."""

_DONE: Final = b"[DONE]"
_UNREADABLE: Final = UpstreamProblem("The upstream sent an event that cannot be read.", code="unreadable_event")
_ALIVE: Final = b"\n"


class ContentTap:
    """Watches one streamed answer; a `StreamTap`."""

    __slots__ = (
        "_blocked",
        "_cut",
        "_finished_candidates",
        "_pieces",
        "_reader",
        "_reports",
        "_seen_candidates",
        "_size",
        "_text",
        "_text_size",
        "finished",
        "problem",
        "started",
    )

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self.started = False
        self.finished = False
        self.problem: UpstreamProblem | None = None
        self._reader = SseReader()
        self._reports = Reports()
        self._blocked = False
        self._cut = False
        """The body ended inside an event."""
        self._text: list[str] = []
        self._text_size = 0
        self._pieces = 0
        self._size = 0
        """Bytes of all the text there was."""
        self._seen_candidates: set[int] = set()
        self._finished_candidates: set[int] = set()

    @property
    def tail(self) -> bytes:
        """Nothing: this format has no marker of its end."""
        return b""

    @property
    def answered(self) -> bool:
        """Whether every candidate seen has its reason to finish, or there will be none."""
        seen = self._seen_candidates
        return self._blocked or (bool(seen) and seen == self._finished_candidates)

    @property
    def made(self) -> int:
        """An estimate of the tokens generated: pieces, a token for every four bytes, or what was reported."""
        return max(self._pieces, self._size // BYTES_PER_TOKEN, self._reports.made)

    @property
    def usage(self) -> Usage | None:
        """What was reported so far."""
        return self._reports.usage

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
        self.finished = self.answered and not self._cut and self.problem is None
        return forwarded

    def take_text(self) -> str:
        """Return the generated text since the last call."""
        text = "".join(self._text)
        self._text.clear()
        self._text_size = 0
        return text

    def _passes(self, event: SseEvent) -> bool:
        """Look at an event; whether it may be forwarded now."""
        if self.problem:
            return False
        data = event.data
        if data is None:
            return event.has_comment
        text = data.strip()
        if not text or text == _DONE:
            return False
        try:
            chunk = read_chunk(data)
        except ValueError:
            self.problem = _UNREADABLE
            return False
        return self._chunk_passes(chunk, data)

    def _last_passes(self, event: SseEvent) -> bool:
        """Look at what was left without a blank line; half an event is a cut, not a problem of its own."""
        if self.problem or event.data is None:
            return False
        passes = self._passes(event)
        self._cut = self._take_back_unreadable()
        return passes

    def _take_back_unreadable(self) -> bool:
        found = self.problem is _UNREADABLE
        self.problem = None if found else self.problem
        return found

    def _chunk_passes(self, chunk: Chunk, data: bytes) -> bool:
        self.problem = problem_in(chunk.error, data)
        if self.problem:
            return False
        for candidate in chunk.candidates or ():
            self._take_candidate(candidate)
        if chunk.blocked is not None:
            self._blocked = self.started = True
        if chunk.usage_metadata is not None:
            self._reports.take(chunk.usage_metadata, data)
        return True

    def _take_candidate(self, candidate: Candidate) -> None:
        index = candidate.number
        self._seen_candidates.add(index)
        for part in candidate.parts:
            if says_something(part):
                self._take_text(text_of(part))
        if candidate.finish_reason not in UNFINISHED:
            self._finished_candidates.add(index)
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
