"""Events to a streamed answer: each piece of text is an event at once, a call when it is whole.

The reasons to finish and the usage are in the last event, which is only shown when the exchange is settled.
"""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.canonical.content import Audio, Inline, Part, Refusal, Text, Thinking
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
from clinx.canonical.fold import Growing
from clinx.dialects.base import Answering
from clinx.dialects.gemini.codec.answer_encoder import PartWriter, candidate
from clinx.dialects.gemini.codec.grounding import write_grounding
from clinx.dialects.gemini.codec.media import Wire
from clinx.dialects.gemini.codec.reasons import write_finish
from clinx.dialects.gemini.codec.tokens import write_tokens
from clinx.dialects.gemini.codec.wording import signed
from clinx.dialects.google.usage import write_usage
from clinx.domain.usage import Usage

_EMPTY: Final = ({"text": ""},)


class ContentEncoder:
    """Writes one stream; an `EventEncoder`."""

    __slots__ = ("_finished", "_growing", "_new_id", "_open", "_parts", "_same", "_texts", "_usage")

    def __init__(self, answering: Answering) -> None:
        """Start before the first event."""
        self._new_id = answering.new_id
        self._parts = PartWriter(answering)
        self._same: dict[str, object] = {"modelVersion": answering.envelope.model, "responseId": ""}
        """What every event says."""
        self._open: dict[int, Part] = {}
        """What the open part of each choice is."""
        self._growing: dict[int, Growing] = {}
        """Parts that are written when they are whole."""
        self._texts: dict[int, list[Text]] = {}
        """The texts of each choice: what is said about them is told at the end."""
        self._finished: dict[int, str] = {}
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """Take an event; return what of the stream can be written now."""
        match event:
            case PartDelta():
                return self._delta(event)
            case PartStarted():
                return self._start(event)
            case PartEnded():
                return self._end(event)
            case Started():
                self._same["responseId"] = event.id or self._new_id("resp_")
            case UsageReported():
                self._usage = event.usage
            case Finished():
                self._finished[event.choice] = write_finish(event.finish)
            case Failed():
                pass
        return b""

    def close(self) -> bytes:
        """Return the last event."""
        last: dict[str, object] = {
            "candidates": [self._last(choice) for choice in sorted(self._finished)],
        }
        if self._usage is not None:
            last["usageMetadata"] = write_usage(self._usage)
        return _event({**last, **self._same})

    def _last(self, choice: int) -> Wire:
        texts = self._texts.get(choice, [])
        tokens = [token for text in texts for token in text.logprobs]
        about = {**write_grounding(texts), **write_tokens(tokens)}
        return {**candidate(choice, _EMPTY, self._finished[choice]), **about}

    def _start(self, event: PartStarted) -> bytes:
        part = event.part
        self._open[event.choice] = part
        if not isinstance(part, Text | Thinking | Refusal | Audio):
            self._growing[event.choice] = Growing(part)
            return b""
        if isinstance(part, Audio):
            self._growing[event.choice] = Growing(Audio(None, part.transcript))
            is_empty = not (isinstance(part.source, Inline) and part.source.data)
            return b"" if is_empty else self._piece(event.choice, *self._parts.write(part))
        if isinstance(part, Text):
            self._growing[event.choice] = Growing(part)
        return self._piece(event.choice, *self._parts.write(part)) if part.text else b""

    def _delta(self, event: PartDelta) -> bytes:
        part = self._open.get(event.choice)
        if isinstance(part, Text):
            self._growing[event.choice].add(event)
        if isinstance(part, Text | Thinking | Refusal):
            return self._said(part, event)
        if isinstance(part, Audio) and event.data:
            kind = part.source.media_type if isinstance(part.source, Inline) else "audio/pcm"
            return self._piece(event.choice, *self._parts.write(Audio(Inline(kind, event.data))))
        if (growing := self._growing.get(event.choice)) is not None:
            growing.add(event)
        return b""

    def _said(self, part: Text | Thinking | Refusal, event: PartDelta) -> bytes:
        proof = signed(event.signature)
        if not event.text and not proof:
            return b""
        if isinstance(part, Thinking):
            if not self._parts.shows_thoughts:
                return b""
            return self._piece(event.choice, {"text": event.text, "thought": True, **proof})
        return self._piece(event.choice, {"text": event.text, **proof})

    def _end(self, event: PartEnded) -> bytes:
        self._open.pop(event.choice, None)
        growing = self._growing.pop(event.choice, None)
        part = None if growing is None else growing.part()
        if isinstance(part, Text):
            self._texts.setdefault(event.choice, []).append(part)
            return b""
        return b"" if part is None else self._piece(event.choice, *self._parts.write(part))

    def _piece(self, choice: int, *parts: object) -> bytes:
        return _event({"candidates": [candidate(choice, parts)], **self._same}) if parts else b""


def _event(chunk: Wire) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
