"""A streamed answer as events that belong to no dialect.

    Started (PartStarted PartDelta* PartEnded)* Finished, per choice, UsageReported anywhere, Failed at the end

Laws of every decoder:

- ``Started`` is first, and there is one.
- The parts of one choice are numbered from 0 in the order they start, and do not overlap: a part ends before the next
  one of its choice starts. Decoders hold back what their vendor sends in between. Choices may overlap.
- ``PartStarted`` carries the part with all that is known at its start. Text is mostly empty there, and comes in
  deltas; a call has its id and its whole name there.
- Every part has ended when its choice is ``Finished``. A choice is finished once.
- ``UsageReported`` is of the whole answer; a later one replaces an earlier one, and it may follow ``Finished``.
- After ``Failed`` there is nothing.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from clinx.canonical.content import Citation, Part, Signature, TokenLogprob
from clinx.canonical.response import FinishReason
from clinx.domain.usage import Usage


class Started(Struct, frozen=True, tag="started"):
    """The answer begins."""

    id: str
    """The vendor's; empty when it gave none."""
    model: str


class PartStarted(Struct, frozen=True, tag="part_started", omit_defaults=True):
    """A part begins."""

    index: int
    part: Part
    choice: int = 0


class PartDelta(Struct, frozen=True, tag="part_delta", omit_defaults=True):
    """A part grows."""

    index: int
    text: str = ""
    """More of the text of Text, Refusal and Thinking, of the arguments of ToolCall, of the transcript of Audio."""
    choice: int = 0
    signature: Signature | None = None
    """The part's signature; a later one replaces it."""
    data: str = ""
    """More base64 of Audio; complete in itself."""
    citations: tuple[Citation, ...] = ()
    """More of them, of Text; their places count from the beginning of the part."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """More of them, of Text."""


class PartEnded(Struct, frozen=True, tag="part_ended", omit_defaults=True):
    """A part is complete."""

    index: int
    choice: int = 0


class UsageReported(Struct, frozen=True, tag="usage_reported"):
    """What the answer has used so far, or altogether."""

    usage: Usage


class Finished(Struct, frozen=True, tag="finished", omit_defaults=True):
    """A choice is complete."""

    finish: FinishReason
    choice: int = 0
    native: str | None = None
    stop_sequence: str | None = None


class Failed(Struct, frozen=True, tag="failed", omit_defaults=True):
    """The vendor gave up."""

    message: str | None = None
    kind: str | None = None
    """The vendor's type of error."""
    code: str | None = None


Event: TypeAlias = Started | PartStarted | PartDelta | PartEnded | UsageReported | Finished | Failed
