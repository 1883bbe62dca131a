"""What every dialect offers the relay, and the values that pass between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from clinx.dialects.body import JsonBody
from clinx.domain.catalog import Endpoint, Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import GatewayError

CountTokens = Callable[[str], int]
"""Text to its number of tokens, in the encoding chosen for the model."""


class Inbound(Struct, frozen=True):
    """A request as it arrived, already decompressed and within its limits."""

    method: str
    path: str
    match: Mapping[str, str]
    """Parameters of the path, percent-decoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes


class Envelope(Struct, frozen=True):
    """The shallow view of a body: what routing, holds and pass-through need, and nothing else."""

    dialect: str
    operation: Operation
    model: str
    stream: bool
    body: JsonBody
    max_output_tokens: int | None
    """The caller's own bound on one answer; None when absent."""
    choices: int
    """How many answers are asked for (``n``, times the number of prompts where that multiplies)."""
    prompt_bytes: int
    """A number that the prompt does not exceed in tokens: the size of the body, with flat figures for media."""
    wants_usage: bool
    """Whether the caller asked for a usage chunk in the stream."""


class UpstreamProblem(Struct, frozen=True, gc=False):
    """What an upstream's error body says, whatever its shape; every field may be missing."""

    message: str | None = None
    type: str | None = None
    code: str | None = None


class WholeAnswer(Struct, frozen=True):
    """What a non-streamed answer tells us; the bytes themselves are forwarded untouched."""

    usage: Usage | None
    """None when the upstream reported none (or nonsense): the relay counts ``text``."""
    text: tuple[str, ...]
    """Generated text, for counting; empty for embeddings."""
    problem: UpstreamProblem | None = None
    """An error object inside a 200 answer."""


class StreamTap(Protocol):
    """Watches a native stream go by. Any split of the bytes gives the same result (a law)."""

    started: bool
    """Content has been seen: from here on there is no second attempt."""
    finished: bool
    """The stream's end has been seen and it is a good one."""
    usage: Usage | None
    problem: UpstreamProblem | None
    """An error event; nothing after it is forwarded."""

    @property
    def answered(self) -> bool:
        """Whether every choice seen has its finish reason: only usage and the end marker are missing."""
        ...

    @property
    def text_size(self) -> int:
        """Characters of generated text that were collected and not yet taken."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; return what may be forwarded now.

        Withheld: a usage chunk nobody asked for, what the vendor says in comments, and the end.

        Raises:
            UpstreamBroken: one event exceeds 1 MiB.
        """
        ...

    def close(self) -> bytes:
        """Say that the body ended; afterwards ``finished`` is final. Returns held-back bytes that are still content."""
        ...

    @property
    def tail(self) -> bytes:
        """The bytes of the end marker, to be forwarded after settlement; empty if the format has none."""
        ...

    def take_text(self) -> str:
        """Return the generated text since the last call (content, reasoning, tool names and arguments)."""
        ...


class Rendered(Struct, frozen=True):
    """A body ready to be written."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Dialect(Protocol):
    """One wire format."""

    @property
    def name(self) -> str:
        """The glossary name: ``openai_chat``."""
        ...

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The inbound paths it speaks."""
        ...

    def open_request(self, operation: Operation, inbound: Inbound) -> Envelope:
        """Read the envelope, strictly.

        Raises:
            InvalidRequest: not JSON, a wrong type, a missing field, an absurd number; ``param`` names the field.
        """
        ...

    def stream_patches(self, envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
        """Return the top-level members to set (JSON text) or delete (None) so that the upstream reports usage."""
        ...

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap for one streamed answer."""
        ...

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a non-streamed answer.

        Raises:
            UpstreamBroken: not an answer of this format at all (HTML, half a JSON document, no choices).
        """
        ...

    def read_problem(self, body: bytes) -> UpstreamProblem:
        """Read an error body of any of the known shapes; never raises."""
        ...

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens the way the vendor does; media by its documented flat figures."""
        ...

    def render_error(self, error: GatewayError, request_id: str) -> Rendered:
        """Write a whole error answer in this dialect."""
        ...

    def render_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """Write an error event for the middle of a stream."""
        ...

    def render_models(self, models: Sequence[Model]) -> bytes:
        """Write the model list."""
        ...

    def render_model(self, model: Model) -> bytes:
        """Write one model card."""
        ...
