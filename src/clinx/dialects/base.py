"""What every dialect offers the relay, and the values that pass between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from clinx.canonical.events import Event
from clinx.canonical.request import ChatRequest
from clinx.canonical.response import ChatResponse
from clinx.dialects.body import JsonBody
from clinx.dialects.framing import Framing
from clinx.domain.catalog import Endpoint, Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import GatewayError

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

CountTokens = Callable[[str], int]
"""Text to its number of tokens, in the encoding chosen for the model."""

Naming = Callable[[JsonBody, str], Mapping[str, bytes | None]]
"""A body and a model's name to the top-level members to set (JSON text) so that the body names that model."""


def name_in_body(body: JsonBody, model: str) -> Mapping[str, bytes | None]:
    """Name the model in the member ``model``, as most formats do; a `Naming`."""
    del body
    return {"model": msgspec.json.encode(model)}


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


class StoredQuestion(Struct, frozen=True):
    """What is asked about an answer that a vendor keeps; the request has no body."""

    id: str
    method: str
    rest: str
    """What follows the answer's id in the path, with its slash; empty for the answer itself."""
    query: tuple[tuple[str, str], ...]
    """What of the query the vendor is to see."""


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
    headers: Mapping[str, str] = _NO_HEADERS
    """The caller's headers that belong to the request, such as a version: passed on to an upstream of this dialect."""
    naming: Naming = name_in_body
    """Changes the body so that it names the upstream's model, where that has another name."""
    framing: Framing = Framing.EVENTS
    continues: str | None = None
    """The id of the answer that the request continues: only the channel that keeps it can serve it."""
    refers: tuple[str, ...] = ()
    """The ids of items of earlier answers that the vendor is to put in their place; they, too, are kept by one."""
    stored: StoredQuestion | None = None
    """What is asked about a kept answer, where the operation is `Operation.STORED`."""

    @property
    def needs_keeper(self) -> bool:
        """Whether something of it is kept at a vendor: nobody else can serve it, and no other format can name it."""
        return self.continues is not None or bool(self.refers)


class UpstreamProblem(Struct, frozen=True, gc=False):
    """What an upstream's error body says, whatever its shape; every field may be missing."""

    message: str | None = None
    type: str | None = None
    code: str | None = None
    retry_after: float | None = None
    """Seconds to stay away, where the body and not a header says so."""
    param: str | None = None
    """The member of the request that the vendor points at."""


class WholeAnswer(Struct, frozen=True):
    """What a non-streamed answer tells us; the bytes themselves are forwarded untouched."""

    usage: Usage | None
    """None when the upstream reported none (or nonsense): the relay counts ``text``."""
    text: tuple[str, ...]
    """Generated text, for counting; empty for embeddings."""
    problem: UpstreamProblem | None = None
    """An error object inside a 200 answer."""
    stored_id: str | None = None
    """The id under which the vendor keeps it; None where it keeps nothing."""
    stored_items: tuple[str, ...] = ()
    """The ids of its items there."""


class StreamTap(Protocol):
    """Watches a native stream go by. Any split of the bytes gives the same result (a law)."""

    @property
    def started(self) -> bool:
        """Content has been seen: from here on there is no second attempt."""
        ...

    @property
    def finished(self) -> bool:
        """The stream's end has been seen and it is a good one."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the upstream reported so far."""
        ...

    @property
    def problem(self) -> UpstreamProblem | None:
        """An error event; nothing after it is forwarded."""
        ...

    @property
    def stored_id(self) -> str | None:
        """The id under which the vendor keeps the answer; None while it is not known, and where it keeps nothing."""
        ...

    @property
    def stored_items(self) -> tuple[str, ...]:
        """The ids of the answer's items there; known at its end."""
        ...

    @property
    def answered(self) -> bool:
        """Whether every choice seen has its finish reason: only usage and the end marker are missing."""
        ...

    @property
    def made(self) -> int:
        """A quick estimate of the tokens generated so far: never falls, and costs nothing worth naming.

        The largest of: pieces of content, a token for every four bytes of text, what the upstream reported.
        """
        ...

    @property
    def text_size(self) -> int:
        """Characters of generated text that were collected and not yet taken."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take what arrived; return what may be forwarded now.

        Withheld: a usage chunk nobody asked for, what the vendor says in comments, and the end.

        Raises:
            UpstreamBroken: one event is larger than the format has them.
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


class Severity(StrEnum):
    """How much is missing where something had to be left out."""

    HARMLESS = "harmless"
    """The answer is what was asked for: a hint, a label, a marker."""
    SEVERE = "severe"
    """It is not: a picture, a tool, a form of the answer."""


class Loss(Struct, frozen=True):
    """Something that a wire format cannot say."""

    path: str
    """Where it stood in the caller's terms, as far as known: ``logprobs``, ``messages[3].content[0]``; safe to show."""
    severity: Severity
    detail: str
    """A short sentence for the caller; no content of theirs."""


class Encoded(Struct, frozen=True):
    """A body, and what could not be said in it."""

    body: bytes
    losses: tuple[Loss, ...] = ()


class Target(Struct, frozen=True):
    """Whom a request is encoded for."""

    model: str
    """The upstream's name for the model."""
    max_output: int | None = None
    """The largest answer of the model, for formats that demand a bound where the caller gave none."""
    reasoning_history: str | None = None
    """The member of its messages in which it wants earlier thoughts back; None: nowhere."""


class Answering(Struct, frozen=True):
    """What an answer in the caller's format says that no upstream knows."""

    envelope: Envelope
    """The caller's own; its ``model`` is the name that answers carry."""
    now: int
    """Unix seconds."""
    new_id: Callable[[str], str]
    """A prefix to a fresh id that begins with it: ``chatcmpl-``."""


class EventDecoder(Protocol):
    """Reads one stream of a vendor's; any split of the bytes gives the same events (a law).

    It is fed what a tap of the same dialect forwards and then its tail, so an error never comes to it that the tap
    did not see; it must be right on the raw stream all the same.
    """

    def feed(self, data: bytes) -> Sequence[Event]:
        """Take what arrived; return the events that are complete now.

        Raises:
            UpstreamBroken: one event exceeds 1 MiB.
        """
        ...

    def close(self) -> Sequence[Event]:
        """Say that the stream ended; return what was held back: parts that did not end, choices that did not finish."""
        ...


class EventEncoder(Protocol):
    """Writes one stream for a caller."""

    def feed(self, event: Event) -> bytes:
        """Take an event; return what of the stream can be written now, often nothing. `Failed` is not given to it."""
        ...

    def close(self) -> bytes:
        """Say that the answer is complete; return the end of the stream, with the usage where the format has it.

        It is what may only be shown when the exchange is settled. Not called when the upstream failed.
        """
        ...


class Codec(Protocol):
    """One chat format to canonical and back; without state."""

    def decode_request(self, envelope: Envelope) -> ChatRequest:
        """Read the whole request, strictly.

        Raises:
            InvalidRequest: what canonical holds has another type or value than the format allows.
        """
        ...

    def encode_request(self, request: ChatRequest, target: Target) -> Encoded:
        """Write a request for an upstream; nothing is left out without a loss."""
        ...

    def decode_answer(self, body: bytes) -> ChatResponse:
        """Read a whole answer that `Dialect.read_answer` took for one, leniently.

        Raises:
            UpstreamBroken: it cannot be read.
        """
        ...

    def encode_answer(self, response: ChatResponse, answering: Answering) -> Encoded:
        """Write a whole answer for a caller."""
        ...

    def event_decoder(self) -> EventDecoder:
        """Return a fresh decoder for one streamed answer."""
        ...

    def event_encoder(self, answering: Answering) -> EventEncoder:
        """Return a fresh encoder for one streamed answer."""
        ...


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

    @property
    def codec(self) -> Codec | None:
        """Its way to canonical and back; None for what is only passed through."""
        ...

    def open_request(self, operation: Operation, inbound: Inbound) -> Envelope:
        """Read the envelope, strictly.

        Raises:
            InvalidRequest: not JSON, a wrong type, a missing field, an absurd number; ``param`` names the field.
        """
        ...

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return the request with each of its answers bounded to so many tokens; None where that cannot be said.

        A lower bound of the caller's own stays.
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

    def render_count(self, tokens: int) -> bytes:
        """Write the answer to a question how many tokens a prompt is."""
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
