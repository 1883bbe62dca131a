"""The tap on a streamed answer: every chunk passes, and reasons to finish are noted, for nothing else marks the end.

A stream is good when every candidate had its reason, or the prompt was blocked, and then the body ends. The clients of
this format take a comment for a broken event, so it becomes an empty line. What is alike in all formats is in
`clinx.dialects.tap`.
"""

from __future__ import annotations

from typing import Final

from clinx.dialects.gemini.chunk import CHUNK, UNFINISHED, Candidate, Chunk, read_chunk, says_something, text_of
from clinx.dialects.gemini.errors import problem_in
from clinx.dialects.gemini.usage import Reports
from clinx.dialects.sse import SseEvent
from clinx.dialects.tap import EventTap
from clinx.domain.usage import Usage

MAX_EVENT: Final = 32 << 20
"""Bytes of one event: a picture comes whole, as base64."""


class ContentTap(EventTap[Chunk]):
    """Watches one streamed answer; a `StreamTap`."""

    __slots__ = ("_blocked", "_finished_candidates", "_reports", "_seen_candidates")

    ALIVE = b"\n"
    MOST = MAX_EVENT

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        super().__init__(CHUNK.decode, read_chunk)
        self._reports = Reports()
        self._blocked = False
        self._seen_candidates: set[int] = set()
        self._finished_candidates: set[int] = set()

    @property
    def answered(self) -> bool:
        """Whether every candidate seen has its reason to finish, or there will be none."""
        seen = self._seen_candidates
        return self._blocked or (bool(seen) and seen == self._finished_candidates)

    @property
    def usage(self) -> Usage | None:
        """What was reported so far."""
        return self._reports.usage

    def conclude(self) -> None:
        """Take a stream for whole that has all its reasons."""
        self.finished = self.answered and not self._cut and self.problem is None

    def take(self, found: Chunk, event: SseEvent) -> bool:
        """Note what a chunk says."""
        if found.error and not self.fail(problem_in(found.error, event.data or b"")):
            return False
        if found.candidates:
            for candidate in found.candidates:
                self._take_candidate(candidate)
        if found.prompt_feedback and found.blocked is not None:
            self._blocked = self.started = True
        if (counts := found.usage_metadata) is not None:
            reports = self._reports
            reports.take(counts, event.data or b"")
            self._reported = reports.made
        return True

    def _take_candidate(self, candidate: Candidate) -> None:
        index = candidate.index
        if index not in self._seen_candidates:
            self._seen_candidates.add(index)
        if (content := candidate.content) is not None and content.parts:
            for part in content.parts:
                text = part.get("text")
                if text and isinstance(text, str):
                    self.said(text)
                elif says_something(part):
                    self.said(text_of(part))
        if candidate.grounding_metadata:
            self._reports.grounded(index, candidate.grounding_metadata)
        if candidate.finish_reason not in UNFINISHED:
            self._finished_candidates.add(index)
            self.started = True
