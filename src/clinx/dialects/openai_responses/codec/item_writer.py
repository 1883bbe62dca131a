"""One item of a streamed answer as it is written: the events that clients wait for, in their order.

    message    added, part added, text deltas, text done, part done, item done
    reasoning  added, summary part added, summary deltas, summary done, part done, item done
    call       added, argument deltas, arguments done, item done
    others     added, item done

An item begins with its first word, for one that stays empty is none; a call begins at once.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from msgspec import Raw, structs

from clinx.canonical.content import Audio, Part, Refusal, Text, Thinking, ToolCall
from clinx.canonical.events import PartDelta
from clinx.canonical.fold import Growing
from clinx.dialects.base import Answering
from clinx.dialects.logprobs import write_logprobs
from clinx.dialects.openai_responses.codec.annotations import write_annotations
from clinx.dialects.openai_responses.codec.answer_encoder import (
    call_item,
    encode_part,
    message_item,
    said_part,
    thought_item,
)
from clinx.dialects.openai_responses.codec.item_encoder import Item
from clinx.dialects.openai_responses.codec.media import Wire
from clinx.dialects.openai_responses.codec.proof import write_proof

encode: Final = msgspec.json.Encoder().encode

_UNDERWAY: Final = "in_progress"
_ANNOTATED: Final = "response.output_text.annotation.added"


class EventFrame:
    """Numbers the events of one stream, and keeps the items that are complete."""

    __slots__ = ("_number", "answering", "output")

    def __init__(self, answering: Answering) -> None:
        """Start before the first event."""
        self.answering = answering
        self.output: list[Item] = []
        self._number = 0

    def event(self, kind: str, members: Wire) -> bytes:
        """Write one event."""
        data = encode({"type": kind, "sequence_number": self._next(), **members})
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)

    def head(self, kind: str, members: Wire) -> bytes:
        """Return what all deltas of one text begin with."""
        start = encode({"type": kind, **members})
        return b'event: %b\ndata: %b,"delta":' % (kind.encode(), start[:-1])

    def delta(self, head: bytes, text: str) -> bytes:
        """Write one delta, which there are many of: only its text goes through the encoder."""
        return b'%b%b,"sequence_number":%d}\n\n' % (head, encode(text), self._next())

    def added(self, item: Item) -> bytes:
        """Write that an item begins."""
        return self.event("response.output_item.added", {"output_index": len(self.output), "item": item})

    def done(self, item: Item) -> bytes:
        """Write that an item is complete, and keep it."""
        written = self.event("response.output_item.done", {"output_index": len(self.output), "item": item})
        self.output.append(item)
        return written

    def _next(self) -> int:
        self._number += 1
        return self._number - 1


class ItemWriter(Protocol):
    """Writes one item."""

    def start(self) -> bytes:
        """Write what can be said when the part starts."""
        ...

    def grow(self, delta: PartDelta) -> bytes:
        """Write that it grows."""
        ...

    def end(self) -> bytes:
        """Write that it is complete."""
        ...


def writer_of(part: Part, frame: EventFrame) -> ItemWriter:
    """Return a writer for a part that starts."""
    match part:
        case Text() | Refusal() | Audio():
            return _MessageWriter(part, frame)
        case Thinking():
            return _ThoughtWriter(part, frame)
        case ToolCall():
            return _CallWriter(part, frame)
        case _:
            return _WholeWriter(part, frame)


class _MessageWriter:
    __slots__ = ("_beside", "_empty", "_frame", "_head", "_place", "_texts")

    def __init__(self, part: Text | Refusal | Audio, frame: EventFrame) -> None:
        self._frame = frame
        self._texts = [part.transcript if isinstance(part, Audio) else part.text]
        self._empty = Refusal("") if isinstance(part, Refusal) else Text("")
        self._beside = Growing(Text(""))
        """What is said about the text."""
        self._head = b""
        self._place: Wire = {}

    def start(self) -> bytes:
        text = self._texts.pop()
        return self._say(text) if text else b""

    def grow(self, delta: PartDelta) -> bytes:
        if delta.citations or delta.logprobs:
            return self._say_more(delta)
        return self._say(delta.text) if delta.text else b""

    def _say_more(self, delta: PartDelta) -> bytes:
        """Write text with its tokens, and where it comes from."""
        opened = b"" if self._head else self._open()
        said = len(self._about.citations)
        self._beside.add(PartDelta(0, citations=delta.citations, logprobs=delta.logprobs))
        self._texts.append(delta.text)
        length = sum(map(len, self._texts))
        cited = write_annotations(delta.citations, length)
        about: Wire = {**self._place, "delta": delta.text, "logprobs": write_logprobs(delta.logprobs)}
        grown = self._frame.event("response.output_text.delta", about) if delta.text or delta.logprobs else b""
        return (
            opened
            + grown
            + b"".join(
                self._frame.event(_ANNOTATED, {**self._place, "annotation_index": number, "annotation": annotation})
                for number, annotation in enumerate(cited, said)
            )
        )

    @property
    def _about(self) -> Text:
        part = self._beside.part()
        return part if isinstance(part, Text) else Text("")

    def end(self) -> bytes:
        if not self._head:
            return b""
        frame, text = self._frame, "".join(self._texts)
        is_refusal = isinstance(self._empty, Refusal)
        said = said_part(Refusal(text) if is_refusal else structs.replace(self._about, text=text))
        done: Wire = {"refusal": text} if is_refusal else {"text": text, "logprobs": said["logprobs"]}
        return (
            frame.event(f"response.{self._kind}.done", {**self._place, **done})
            + frame.event("response.content_part.done", {**self._place, "part": said})
            + frame.done(message_item(str(self._place["item_id"]), [said]))
        )

    @property
    def _kind(self) -> str:
        return "refusal" if isinstance(self._empty, Refusal) else "output_text"

    def _say(self, text: str) -> bytes:
        opened = b"" if self._head else self._open()
        self._texts.append(text)
        return opened + self._frame.delta(self._head, text)

    def _open(self) -> bytes:
        frame, identity = self._frame, self._frame.answering.new_id("msg_")
        self._place = {"item_id": identity, "output_index": len(frame.output), "content_index": 0}
        logprobs: Wire = {"logprobs": []} if isinstance(self._empty, Text) else {}
        self._head = frame.head(f"response.{self._kind}.delta", {**self._place, **logprobs})
        part = {**self._place, "part": said_part(self._empty)}
        return frame.added(message_item(identity, [], _UNDERWAY)) + frame.event("response.content_part.added", part)


class _ThoughtWriter:
    __slots__ = ("_frame", "_growing", "_head", "_identity", "_is_open", "_place", "_text")

    def __init__(self, part: Thinking, frame: EventFrame) -> None:
        self._frame = frame
        self._growing = Growing(part)
        self._text = part.text
        self._identity = part.id
        self._is_open = False
        self._head = b""
        self._place: Wire = {}

    def start(self) -> bytes:
        return self._think(self._text) if self._text else b""

    def grow(self, delta: PartDelta) -> bytes:
        self._growing.add(delta)
        return self._think(delta.text) if delta.text else b""

    def end(self) -> bytes:
        frame, whole = self._frame, self._growing.part()
        proof = write_proof(whole) if isinstance(whole, Thinking) else None
        if not self._is_open and proof is None:
            return b""
        written = b"" if self._is_open else self._open()
        text = whole.text if isinstance(whole, Thinking) else ""
        if self._head:
            part = {"type": "summary_text", "text": text}
            written += frame.event("response.reasoning_summary_text.done", {**self._place, "text": text})
            written += frame.event("response.reasoning_summary_part.done", {**self._place, "part": part})
        return written + frame.done(thought_item(self._identity or "", text, proof))

    def _open(self) -> bytes:
        self._is_open = True
        self._identity = self._identity or self._frame.answering.new_id("rs_")
        return self._frame.added(thought_item(self._identity, "", None))

    def _think(self, text: str) -> bytes:
        written = b"" if self._is_open else self._open()
        if not self._head:
            frame = self._frame
            self._place = {"item_id": self._identity, "output_index": len(frame.output), "summary_index": 0}
            self._head = frame.head("response.reasoning_summary_text.delta", self._place)
            part = {**self._place, "part": {"type": "summary_text", "text": ""}}
            written += frame.event("response.reasoning_summary_part.added", part)
        return written + self._frame.delta(self._head, text)


class _CallWriter:
    __slots__ = ("_arguments", "_frame", "_head", "_item", "_place")

    def __init__(self, part: ToolCall, frame: EventFrame) -> None:
        self._frame = frame
        self._arguments = [part.arguments]
        self._item = call_item(part, "", frame.answering, _UNDERWAY)
        self._place: Wire = {"item_id": self._item["id"], "output_index": len(frame.output)}
        self._head = frame.head("response.function_call_arguments.delta", self._place)

    def start(self) -> bytes:
        return self._frame.added(self._item) + self._call(self._arguments.pop())

    def grow(self, delta: PartDelta) -> bytes:
        return self._call(delta.text)

    def end(self) -> bytes:
        written = b"" if self._arguments else self._call("{}")
        said = {"arguments": "".join(self._arguments)}
        name: Wire = {"name": self._item["name"]}
        written += self._frame.event("response.function_call_arguments.done", {**self._place, **name, **said})
        return written + self._frame.done({**self._item, "status": "completed", **said})

    def _call(self, fragment: str) -> bytes:
        if not fragment:
            return b""
        self._arguments.append(fragment)
        return self._frame.delta(self._head, fragment)


class _WholeWriter:
    """Writes what comes whole: pictures, and items of this format's own."""

    __slots__ = ("_frame", "_item")

    def __init__(self, part: Part, frame: EventFrame) -> None:
        self._frame = frame
        self._item = encode_part(part, frame.answering)

    def start(self) -> bytes:
        item = self._item
        if item is None:
            return b""
        begun = item if isinstance(item, Raw) else {**item, "status": _UNDERWAY, "result": None}
        return self._frame.added(begun)

    def grow(self, delta: PartDelta) -> bytes:
        del delta  # It came whole.
        return b""

    def end(self) -> bytes:
        return b"" if self._item is None else self._frame.done(self._item)
