"""From events to a whole answer and back, so that a codec may know only one of the two."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

from msgspec import structs

from clinx.canonical.content import (
    Audio,
    Citation,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    UsageReported,
)
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken


class Growing:
    """A part in the making: what it started as, and the deltas since."""

    __slots__ = ("_citations", "_data", "_logprobs", "_part", "_signature", "_texts")

    def __init__(self, part: Part) -> None:
        """Begin with what is known at the start."""
        self._part = part
        self._texts: list[str] = []
        self._data: list[str] = []
        self._signature: Signature | None = None
        self._citations: list[Citation] = []
        self._logprobs: list[TokenLogprob] = []

    def add(self, delta: PartDelta) -> None:
        """Take a delta."""
        if delta.text:
            self._texts.append(delta.text)
        if delta.data:
            self._data.append(delta.data)
        self._signature = delta.signature or self._signature
        self._citations.extend(delta.citations)
        self._logprobs.extend(delta.logprobs)

    def part(self) -> Part:
        """Return the part as it is by now."""
        part, text = self._part, "".join(self._texts)
        match part:
            case Text() | Refusal():
                return self._said(part, part.text + text)
            case Thinking():
                return structs.replace(part, text=part.text + text, signature=self._signature or part.signature)
            case ToolCall():
                signature = self._signature or part.signature
                return structs.replace(part, arguments=part.arguments + text, signature=signature)
            case Audio():
                return structs.replace(part, transcript=part.transcript + text, source=self._speech(part))
            case Image():
                return structs.replace(part, signature=self._signature or part.signature)
            case File() | ToolResult() | Unknown():
                return part

    def _said(self, part: Text | Refusal, text: str) -> Text | Refusal:
        if isinstance(part, Refusal):
            return Refusal(text)
        citations, logprobs = (*part.citations, *self._citations), (*part.logprobs, *self._logprobs)
        return Text(text, part.cache, self._signature or part.signature, citations, logprobs)

    def _speech(self, part: Audio) -> Inline | None:
        given = part.source if isinstance(part.source, Inline) else None
        if not self._data:
            return given
        pieces = [given.data] if given else []
        return Inline(given.media_type if given else "audio/pcm", _joined([*pieces, *self._data]))


class Fold:
    """Gathers the events of one answer."""

    __slots__ = ("_choices", "_id", "_model", "_usage")

    def __init__(self) -> None:
        """Start before the first event."""
        self._id = ""
        self._model = ""
        self._usage: Usage | None = None
        self._choices: dict[int, _Choice] = {}

    def add(self, event: Event) -> None:
        """Take an event.

        Raises:
            UpstreamBroken: it is a failure.
        """
        match event:
            case Started():
                self._id, self._model = event.id, event.model
            case UsageReported():
                self._usage = event.usage
            case Failed():
                raise UpstreamBroken("The upstream failed in the middle of its answer.")
            case PartStarted() | PartDelta() | PartEnded() | Finished():
                self._choices.setdefault(event.choice, _Choice()).add(event)

    def response(self) -> ChatResponse:
        """Return the answer as it is by now."""
        choices = tuple(self._choices[index].choice() for index in sorted(self._choices))
        return ChatResponse(self._id, self._model, choices, self._usage)


class _Choice:
    __slots__ = ("_finished", "_parts")

    def __init__(self) -> None:
        self._parts: dict[int, Growing] = {}
        self._finished = Finished(FinishReason.STOP)

    def add(self, event: PartStarted | PartDelta | PartEnded | Finished) -> None:
        match event:
            case PartStarted():
                self._parts[event.index] = Growing(event.part)
            case PartDelta():
                if event.index in self._parts:
                    self._parts[event.index].add(event)
            case Finished():
                self._finished = event
            case PartEnded():
                pass

    def choice(self) -> Choice:
        end = self._finished
        parts = tuple(self._parts[index].part() for index in sorted(self._parts))
        return Choice(parts, end.finish, end.native, end.stop_sequence)


def fold(events: Iterable[Event]) -> ChatResponse:
    """Return the answer that the events tell.

    Raises:
        UpstreamBroken: they tell of a failure.
    """
    gathered = Fold()
    for event in events:
        gathered.add(event)
    return gathered.response()


def unfold(response: ChatResponse) -> Iterator[Event]:
    """Tell an answer as events, each part in one delta."""
    yield Started(response.id, response.model)
    for place, choice in enumerate(response.choices):
        for index, part in enumerate(choice.parts):
            yield from _told(part, index, place)
        yield Finished(choice.finish, place, choice.native, choice.stop_sequence)
    if response.usage is not None:
        yield UsageReported(response.usage)


def _told(part: Part, index: int, choice: int) -> Iterator[Event]:
    start, delta = _seed(part, PartDelta(index, choice=choice))
    yield PartStarted(index, start, choice)
    if delta is not None:
        yield delta
    yield PartEnded(index, choice)


def _seed(part: Part, nothing: PartDelta) -> tuple[Part, PartDelta | None]:
    """Return what a part starts as, and the delta that makes it whole; None where it starts so."""
    match part:
        case Text() if part.text or part.signature or part.citations or part.logprobs:
            delta = structs.replace(
                nothing, text=part.text, signature=part.signature, citations=part.citations, logprobs=part.logprobs
            )
            return Text("", part.cache), delta
        case Thinking() if part.text or part.signature:
            delta = structs.replace(nothing, text=part.text, signature=part.signature)
            return structs.replace(part, text="", signature=None), delta
        case Refusal() if part.text:
            return Refusal(""), structs.replace(nothing, text=part.text)
        case ToolCall() if part.arguments or part.signature:
            delta = structs.replace(nothing, text=part.arguments, signature=part.signature)
            return structs.replace(part, arguments="", signature=None), delta
        case _:
            return part, None


def _joined(pieces: Iterable[str]) -> str:
    """Join pieces of base64, each of which may be padded; what is none is left out."""
    return base64.b64encode(b"".join(map(_bytes, pieces))).decode()


def _bytes(piece: str) -> bytes:
    try:
        return base64.b64decode(piece)
    except (binascii.Error, ValueError):
        return b""
