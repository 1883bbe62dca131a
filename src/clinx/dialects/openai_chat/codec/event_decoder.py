"""A stream to canonical events.

    chunk ─► usage ──► UsageReported, when it is news
         ├─► choice ─► its strand, which tells its parts in order
         ├─► error ──► Failed; nothing after it
    [DONE] or the end ► what waits, and a Finished for each choice

Why a choice ended is told last, for some vendors send more of it after they said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from clinx.canonical.content import Refusal, Text, Thinking
from clinx.canonical.events import Event, Failed, Started, UsageReported
from clinx.dialects import lenient
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.counts import larger
from clinx.dialects.lenient import member, sequence, text_in
from clinx.dialects.logprobs import read_logprobs
from clinx.dialects.openai.usage import read_usage
from clinx.dialects.openai_chat.chunk import SOURCE, Chunk, read_chunk, whole_number
from clinx.dialects.openai_chat.codec.annotations import read_annotations
from clinx.dialects.openai_chat.codec.answer_decoder import read_image, read_speech
from clinx.dialects.openai_chat.codec.extensions import read_thinking_block
from clinx.dialects.openai_chat.codec.strand import Spoken, Strand
from clinx.dialects.openai_chat.response import Choice
from clinx.dialects.openai_chat.stream import DONE, UNFINISHED, UNREADABLE, problem_of, report_of
from clinx.dialects.sse import SseEvent, SseReader
from clinx.domain.usage import Usage

MOST_CHOICES = 256
"""Choices beyond are nothing that anybody asked for."""


class ChatEventDecoder:
    """Reads one stream of chat or text completions; an `EventDecoder`."""

    __slots__ = ("_events", "_has_started", "_is_over", "_reader", "_strands", "_usage")

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._reader = SseReader()
        self._events: list[Event] = []
        self._strands: dict[int, Strand] = {}
        self._usage: Usage | None = None
        self._has_started = False
        self._is_over = False

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take what arrived; return the events that are complete now."""
        for event in self._reader.feed(data):
            self._take(event)
        return self._told()

    def close(self) -> Sequence[Event]:
        """Say that the stream ended; half an event at its end is none."""
        for event in self._reader.close():
            if event.data is not None and event.data.strip() == DONE:
                self._take(event)
        self._finish()
        return self._told()

    def _told(self) -> Sequence[Event]:
        told = self._events.copy()
        self._events.clear()
        return told

    def _take(self, event: SseEvent) -> None:
        data = event.data
        if data is None or self._is_over or not (text := data.strip()):
            return
        if text == DONE:
            self._finish()
            return
        try:
            cleaned = lenient.clean(data)
            chunk = read_chunk(cleaned)
            if not self._has_started and (chunk.choices or chunk.usage):
                self._start(cleaned)
        except ValueError:
            self._fail(UNREADABLE)
            return
        self._read(chunk, event)

    def _start(self, data: bytes) -> None:
        source = lenient.decode_as(SOURCE, data)
        self._has_started = True
        self._events.append(Started(text_in(source.id), text_in(source.model)))

    def _read(self, chunk: Chunk, event: SseEvent) -> None:
        for choice in chunk.choices or ():
            self._choose(choice)
        self._count(report_of(chunk))
        if (problem := problem_of(chunk, event)) is not None:
            self._fail(problem)

    def _choose(self, choice: Choice) -> None:
        index = choice.index if type(choice.index) is int else whole_number(choice.index)
        strand = self._strands.get(index)
        if strand is None:
            if len(self._strands) >= MOST_CHOICES:
                return
            strand = self._strands[index] = Strand(index, self._events)
        if choice.delta:
            _say(choice.delta, strand)
        if choice.text and isinstance(choice.text, str):
            strand.say(Text, choice.text)
        if choice.logprobs:
            strand.annotate((), read_logprobs(member(choice.logprobs, "content")))
        if choice.finish_reason not in UNFINISHED:
            strand.finish(text_in(choice.finish_reason))
        if choice.usage:
            self._count(choice.usage)

    def _count(self, report: object) -> None:
        if report and (read := read_usage(report)):
            usage = larger(self._usage, read)
            if usage is not None and usage != self._usage:
                self._usage = usage
                self._events.append(UsageReported(usage))

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        for index in sorted(self._strands):
            self._strands[index].close()

    def _fail(self, problem: UpstreamProblem) -> None:
        self._is_over = True
        self._events.append(Failed(problem.message, problem.type, problem.code))


def _say(delta: dict[str, object], strand: Strand) -> None:
    """Give a delta to its strand; the usual one has only content."""
    content = delta.get("content")
    if isinstance(content, str) and len(delta) == 1 + ("role" in delta):
        if content:
            strand.say(Text, content)
        return
    _say_texts(delta, strand)
    _say_media(delta, strand)
    for call in sequence(delta.get("tool_calls")):
        strand.call(call)
    if delta.get("function_call"):
        strand.call({"function": delta["function_call"]})


def _say_texts(delta: dict[str, object], strand: Strand) -> None:
    _speak(Thinking, delta.get("reasoning_content") or delta.get("reasoning"), strand)
    for block in sequence(delta.get("thinking_blocks")):
        thought = read_thinking_block(block)
        if thought is not None and (thought.signature or thought.redacted):
            strand.think(thought)
    _speak(Text, delta.get("content"), strand)
    if annotations := delta.get("annotations"):
        strand.annotate(read_annotations(annotations), ())
    _speak(Refusal, delta.get("refusal"), strand)


def _speak(kind: Spoken, said: object, strand: Strand) -> None:
    """Say a text, or the texts of a list of parts."""
    for text in [said] if isinstance(said, str) else [member(part, "text") for part in sequence(said)]:
        if text and isinstance(text, str):
            strand.say(kind, text)


def _say_media(delta: dict[str, object], strand: Strand) -> None:
    speech = delta.get("audio")
    if speech and isinstance(speech, dict):
        read = read_speech(cast("dict[str, object]", speech))
        strand.speak(read)
    for image in sequence(delta.get("images")):
        for part in read_image(image):
            strand.whole(part)
