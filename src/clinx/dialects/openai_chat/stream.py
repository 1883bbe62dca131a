"""The tap on a streamed answer: chunks pass, unless they only carry usage nobody asked for; ``[DONE]`` is the tail.

What is alike in all formats is in `clinx.dialects.tap`.
"""

from __future__ import annotations

from typing import Final

from clinx.dialects import lenient
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.lenient import member
from clinx.dialects.openai.errors import problem_in, read_problem
from clinx.dialects.openai.usage import read_usage
from clinx.dialects.openai_chat.chunk import CHUNK, Chunk, read_chunk, whole_number
from clinx.dialects.openai_chat.response import Choice, said_in
from clinx.dialects.sse import SseEvent
from clinx.dialects.tap import DONE as DONE
from clinx.dialects.tap import UNREADABLE as UNREADABLE
from clinx.dialects.tap import EventTap
from clinx.domain.catalog import StreamEnd

UNFINISHED: Final = (None, "", "null")
"""What a finish reason is while there is none; the text ``null`` is Ali's."""


class ChatTap(EventTap[Chunk]):
    """Watches one stream of chat or text completions; a `StreamTap`."""

    __slots__ = ("_end", "_finished_choices", "_seen_choices", "_wants_usage")

    def __init__(self, *, wants_usage: bool, end: StreamEnd) -> None:
        """Start at the beginning of a stream.

        Args:
            wants_usage: the caller asked for a usage chunk, so it is not withheld.
            end: what marks the end of a good stream.
        """
        super().__init__(CHUNK.decode, read_chunk)
        self._wants_usage = wants_usage
        self._end = end
        self._seen_choices: set[int] = set()
        self._finished_choices: set[int] = set()

    @property
    def answered(self) -> bool:
        """Whether every choice seen has its finish reason."""
        return bool(self._seen_choices) and self._seen_choices == self._finished_choices

    def marked(self, event: SseEvent) -> None:
        """Take the end."""
        self.end(event)
        self.finished = self._end is StreamEnd.DONE or self.answered

    def conclude(self) -> None:
        """Take a stream for whole that has all its reasons, where the vendor has no other mark."""
        if self._end is StreamEnd.FINISH and not self.problem:
            self.finished = self.answered and not self._cut

    def take(self, found: Chunk, event: SseEvent) -> bool:
        """Note what a chunk says; usage alone passes only where it was asked for."""
        for choice in found.choices or ():
            self._take_choice(choice)
        if found.usage or found.x_groq or found.error or event.event or found.kind == "error":
            return self._take_rest(found, event)
        return True

    def _take_rest(self, found: Chunk, event: SseEvent) -> bool:
        """Note what only few chunks say beside their choices; whether the chunk may be forwarded."""
        report = report_of(found)
        self.fail(problem_of(found, event))
        if report:
            self.used(read_usage(report))
        return not self.closed and (self._wants_usage or not report or bool(found.choices))

    def _take_choice(self, choice: Choice) -> None:
        index = choice.index if type(choice.index) is int else whole_number(choice.index)
        if index not in self._seen_choices:
            self._seen_choices.add(index)
        if delta := choice.delta:
            text = delta.get("content") if len(delta) == 1 else None
            if (text and isinstance(text, str)) or (text := said_in(delta)) is not None:
                self.said(text)
        if choice.finish_reason not in UNFINISHED:
            self._finished_choices.add(index)
            self.started = True
        if choice.text and isinstance(choice.text, str):
            self.said(choice.text)
        if choice.usage:
            self.used(read_usage(choice.usage))


def report_of(chunk: Chunk) -> object:
    """Return the usage object of a chunk; what is false when there is none."""
    return chunk.usage or (chunk.x_groq and member(chunk.x_groq, "usage"))


def problem_of(chunk: Chunk, event: SseEvent) -> UpstreamProblem | None:
    """Return what a chunk says if it is an error; None when it is none."""
    if chunk.x_groq and (error := member(chunk.x_groq, "error")):
        return read_problem(lenient.encode({"error": error}))
    return problem_in(chunk.error, "error" if event.event == b"error" else chunk.kind, event.data or b"")
