"""The parts of one choice, put in order: they start, grow and end one after another.

    a piece of the open part ──────────────────────────────► told at once
    a piece of another one   ─┬─ the open one may end ─────► it ends, the other one starts
                              └─ it is half a call ────────► the other one waits until the answer is complete

Vendors may send the pieces of several calls in turns, and a call whose arguments are no JSON object yet is not ended by
what comes between its pieces.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct, structs

from clinx.canonical.content import Audio, Citation, Inline, Part, Refusal, Text, Thinking, TokenLogprob
from clinx.canonical.events import Event, Finished, PartDelta, PartEnded, PartStarted
from clinx.canonical.response import FinishReason
from clinx.dialects.openai_chat.codec.calls import Call, Calls
from clinx.dialects.openai_chat.codec.reports import read_finish

Spoken: TypeAlias = type[Text | Refusal | Thinking]

_SILENT: Final = PartDelta(0)


class _Key(Struct):
    """Which part a piece belongs to: one of these for each that comes whole."""


_SPEECH: Final = _Key()
Key: TypeAlias = Spoken | Call | _Key


class _Waiting(Struct):
    """A part whose turn has not come, and what it is to grow by."""

    key: Key
    part: Part | None
    deltas: list[PartDelta]


class Strand:
    """Orders what one choice says; events are appended to the list it was given."""

    __slots__ = ("_calls", "_choice", "_events", "_index", "_is_stalled", "_key", "_native", "_parked", "_waiting")

    def __init__(self, choice: int, events: list[Event]) -> None:
        """Begin with nothing said."""
        self._choice = choice
        self._events = events
        self._index = -1
        """Of the part that started last."""
        self._key: Key | None = None
        """Of the open part; None when none is."""
        self._is_stalled = False
        """Half a call is open, and other parts wait."""
        self._waiting: list[_Waiting] = []
        self._parked: dict[Call, _Waiting] = {}
        """The calls among these."""
        self._calls = Calls()
        self._native: str | None = None

    def say(self, kind: Spoken, text: str) -> None:
        """Take more text of a kind."""
        if self._key is kind and not self._is_stalled:
            self._events.append(PartDelta(self._index, text, self._choice))
        else:
            self._take(kind, kind(""), PartDelta(0, text))

    def annotate(self, citations: tuple[Citation, ...], logprobs: tuple[TokenLogprob, ...]) -> None:
        """Take what is said about a text: about the open one, if any is."""
        if citations or logprobs:
            self._take(Text, Text(""), PartDelta(0, citations=citations, logprobs=logprobs))

    def call(self, piece: object) -> None:
        """Take a piece of a call."""
        call = self._calls.of(piece)
        delta = PartDelta(0, call.add(piece))
        if not call.has_ended:
            self._take(call, None, delta)

    def speak(self, piece: Audio) -> None:
        """Take a piece of speech."""
        source = piece.source if isinstance(piece.source, Inline) else None
        empty = Inline(source.media_type, "") if source else None
        delta = PartDelta(0, piece.transcript, data=source.data if source else "")
        self._take(_SPEECH, Audio(empty, id=piece.id), delta)

    def think(self, thought: Thinking) -> None:
        """Take a signed thought: its signature alone, where its text was told before."""
        if self._key is Thinking and not self._is_stalled and thought.redacted is None:
            self._events.append(PartDelta(self._index, choice=self._choice, signature=thought.signature))
            self._end()
        else:
            self.whole(thought)

    def whole(self, part: Part) -> None:
        """Take a part that comes in one piece."""
        self._take(_Key(), part, _SILENT)

    def finish(self, native: str) -> None:
        """Take the reason why the choice ends; it is told when all of it is known."""
        self._native = native

    def close(self) -> None:
        """Tell what waits, and the end."""
        self._end()
        self._is_stalled = False
        for waiting in self._waiting:
            self._begin(waiting.key, waiting.part)
            for delta in waiting.deltas:
                self._grow(delta)
            self._end()
        self._waiting.clear()
        self._parked.clear()
        finish = read_finish(self._native)
        if finish is FinishReason.STOP and self._calls.are_any:
            finish = FinishReason.TOOL_CALLS
        self._events.append(Finished(finish, self._choice, self._native))

    def _take(self, key: Key, part: Part | None, delta: PartDelta) -> None:
        if key is self._key:
            self._grow(delta)
            return
        self._is_stalled = self._is_stalled or (isinstance(self._key, Call) and not self._key.is_complete)
        if self._is_stalled:
            self._wait(key, part, delta)
            return
        self._end()
        self._begin(key, part)
        self._grow(delta)

    def _wait(self, key: Key, part: Part | None, delta: PartDelta) -> None:
        last = self._waiting[-1] if self._waiting else None
        found = self._parked.get(key) if isinstance(key, Call) else last if last and last.key is key else None
        if found is not None:
            found.deltas.append(delta)
            return
        self._waiting.append(_Waiting(key, part, [delta]))
        if isinstance(key, Call):
            self._parked[key] = self._waiting[-1]

    def _begin(self, key: Key, part: Part | None) -> None:
        """Open a part. A call starts with its first argument: its name may come in pieces."""
        self._index += 1
        self._key = key
        if part is not None:
            self._events.append(PartStarted(self._index, part, self._choice))

    def _grow(self, delta: PartDelta) -> None:
        if not (delta.text or delta.data or delta.citations or delta.logprobs):
            return
        if isinstance(self._key, Call):
            self._start(self._key)
        self._events.append(structs.replace(delta, index=self._index, choice=self._choice))

    def _start(self, call: Call) -> None:
        if not call.has_started:
            call.has_started = True
            self._events.append(PartStarted(self._index, call.start(), self._choice))

    def _end(self) -> None:
        if self._key is None:
            return
        if isinstance(self._key, Call):
            self._start(self._key)
            self._key.has_ended = True
        self._key = None
        self._events.append(PartEnded(self._index, self._choice))
