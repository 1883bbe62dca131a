"""The road of one attempt: the caller's bytes as they are, or by way of canonical to an upstream of another dialect.

    native       bytes ──────────────────────► upstream ─► tap ────────────────────────────────────────────► caller
    translated   bytes ► canonical ► encoded ► upstream ─► its own tap ─► events or answer ► filters ► encoded ► caller

An upstream is read by its own dialect on both roads: what it refuses, what it used, whether its answer is whole. What
could not be said to it is a loss: a severe one closes the road, unless the model's operator allows it. An answer that
filters are to change comes back by way of canonical even from an upstream that speaks as the caller does; it is asked
with the caller's bytes all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final, Protocol

from msgspec import Struct, structs

from clinx.billing.estimate import longest_answer
from clinx.canonical.filters import Chain, EventFilter, filtered
from clinx.canonical.request import ChatRequest
from clinx.canonical.thinking import TextToThoughts, ThoughtsToText
from clinx.dialects.base import (
    Answering,
    Codec,
    Dialect,
    Encoded,
    Envelope,
    Loss,
    StreamTap,
    Target,
    WholeAnswer,
)
from clinx.dialects.body import JsonBody
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import InternalError, InvalidRequest, UpstreamBroken
from clinx.relay.aside import LARGE as LOOKED_AT
from clinx.relay.exchange import Exchange
from clinx.relay.losses import refuse_severe
from clinx.relay.outbound import outbound_body
from clinx.relay.translating_tap import TranslatingTap
from clinx.relay.vectors import EMBEDS, vector_road, vector_ways
from clinx.relay.watching_tap import WatchingTap
from clinx.routing.plan import Candidate, Way

LARGE: Final = 256 << 10
"""Bytes whose translation would hold the event loop for more than a few milliseconds."""

_CHATS: Final = frozenset({Operation.CHAT, Operation.COMPLETE})


class Road(Protocol):
    """How one candidate is asked, and how its answer comes to the caller."""

    @property
    def candidate(self) -> Candidate:
        """Who is asked."""
        ...

    @property
    def dialect(self) -> Dialect:
        """What it speaks."""
        ...

    @property
    def body(self) -> bytes:
        """What it is sent."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The caller's headers that it is sent."""
        ...

    @property
    def losses(self) -> Sequence[Loss]:
        """What it is not told of the request."""
        ...

    def tap(self) -> StreamTap:
        """Return a fresh tap on its stream; what the tap forwards is the caller's."""
        ...

    def read_answer(self, body: bytes) -> WholeAnswer:
        """Read its whole answer.

        Raises:
            UpstreamBroken: it is none.
        """
        ...

    def rewrite(self, body: bytes, usage: Usage) -> Encoded:
        """Return the caller's form of its whole answer, which says what was used as it is charged.

        Raises:
            UpstreamBroken: it cannot be read.
        """
        ...


class NativeRoad(Struct, frozen=True):
    """The upstream speaks as the caller does."""

    candidate: Candidate
    dialect: Dialect
    envelope: Envelope
    body: bytes
    losses: Sequence[Loss] = ()
    watchers: Sequence[Callable[[], EventFilter]] = ()
    """What looks at its answer and changes nothing."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Those that belong to the request."""
        return self.envelope.headers

    def tap(self) -> StreamTap:
        """Return the dialect's own."""
        tap = self.dialect.tap(self.envelope, self.candidate.channel.provider.stream_end)
        return _watching(self.dialect, self.watchers, tap) if self.watchers else tap

    def read_answer(self, body: bytes) -> WholeAnswer:
        """Read it as the dialect does."""
        return self.dialect.read_answer(self.envelope, body)

    def rewrite(self, body: bytes, usage: Usage) -> Encoded:
        """Return the very bytes."""
        del usage  # They say what the upstream says.
        if self.watchers:
            # What cannot be read is passed on all the same, as it is where nobody looks.
            with suppress(UpstreamBroken, RecursionError):
                filtered(_codec(self.dialect).decode_answer(body), _chain(self.watchers))
        return Encoded(body)


@dataclass(frozen=True, slots=True)
class TranslatedRoad:
    """The upstream speaks another dialect, is asked for a chat and not for a text completion, or its answer changes."""

    candidate: Candidate
    dialect: Dialect
    envelope: Envelope
    """Of the request that is sent."""
    body: bytes
    losses: Sequence[Loss]
    theirs: Codec
    ours: Codec
    answering: Answering
    filters: Sequence[Callable[[], EventFilter]] = ()
    """What changes an answer, from the vendor to the caller."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The caller's, where the upstream speaks as the caller does; they mean nothing to others."""

    def tap(self) -> StreamTap:
        """Return the upstream's own, with a translation behind it."""
        tap = self.dialect.tap(self.envelope, self.candidate.channel.provider.stream_end)
        changes = self._changes() if self.filters else None
        return TranslatingTap(tap, self.theirs.event_decoder(), self.ours.event_encoder(self.answering), changes)

    def read_answer(self, body: bytes) -> WholeAnswer:
        """Read it as the upstream's dialect does."""
        return self.dialect.read_answer(self.envelope, body)

    def rewrite(self, body: bytes, usage: Usage) -> Encoded:
        """Decode, change and encode it.

        Raises:
            UpstreamBroken: it cannot be read, or nests so deeply that it can only just be.
            GatewayError: a filter does not let it pass.
        """
        try:
            answer = self.theirs.decode_answer(body)
            changed = filtered(answer, self._changes()) if self.filters else answer
            return self.ours.encode_answer(structs.replace(changed, usage=usage), self.answering)
        except RecursionError as error:
            raise UpstreamBroken("The upstream sent an answer that cannot be read.") from error

    def _changes(self) -> EventFilter:
        return _chain(self.filters)


def takes_long(road: Road, size: int) -> bool:
    """Whether an answer of so many bytes is better rewritten beside the event loop: looking at it takes longest."""
    if isinstance(road, NativeRoad):
        return bool(road.watchers) and size > LOOKED_AT
    return size > (LOOKED_AT if isinstance(road, TranslatedRoad) and road.filters else LARGE)


def translated_ways(dialect: Dialect, operation: Operation) -> Sequence[Way]:
    """Return the ways in which an operation can be asked for besides its own, best first."""
    if operation in EMBEDS:
        return vector_ways(dialect.name, operation)
    if operation not in _CHATS or dialect.codec is None:
        return ()
    return _ways_besides(operation, dialect.name)


@cache
def _ways_besides(operation: Operation, dialect: str) -> Sequence[Way]:
    ways = [(Operation.CHAT, each.name) for each in DIALECTS.values() if each.codec is not None]
    return tuple(way for way in ways if way != (operation, dialect))


def road_to(exchange: Exchange, candidate: Candidate) -> Road:
    """Prepare what a candidate is sent, and how its answer is read.

    Raises:
        UnsupportedByModel: its format cannot say what the answer would be wrong without.
        InvalidRequest: the request cannot be read as a whole.
    """
    envelope, _ = exchange.opened()
    endpoint = candidate.endpoint
    if endpoint.dialect != envelope.dialect or endpoint.operation is not envelope.operation:
        return (vector_road if envelope.operation in EMBEDS else _translated)(exchange, candidate)
    dialect, filters = exchange.dialect, _filters(exchange, candidate)
    body = outbound_body(envelope, dialect, candidate)
    if not (filters or exchange.watchers) or list(filters) == list(exchange.watchers):
        return NativeRoad(candidate, dialect, envelope, body, watchers=filters)
    codec, all_told = _codec(dialect), structs.replace(envelope, wants_usage=True)
    return TranslatedRoad(
        candidate, dialect, all_told, body, (), codec, codec, _answering(exchange, envelope), filters, envelope.headers
    )


def kept_tap(exchange: Exchange, envelope: Envelope, tap: StreamTap) -> StreamTap:
    """Return a tap of the caller's own dialect with the exchange's filters behind it, or before those who only look."""
    if not exchange.filters:
        return _watching(exchange.dialect, exchange.watchers, tap) if exchange.watchers else tap
    codec = _codec(exchange.dialect)
    encoder = codec.event_encoder(_answering(exchange, envelope))
    return TranslatingTap(tap, codec.event_decoder(), encoder, _chain(exchange.filters))


def _chain(filters: Sequence[Callable[[], EventFilter]]) -> EventFilter:
    return Chain([make() for make in filters])


def _watching(dialect: Dialect, watchers: Sequence[Callable[[], EventFilter]], tap: StreamTap) -> StreamTap:
    return WatchingTap(tap, _codec(dialect).event_decoder(), _chain(watchers))


def _filters(exchange: Exchange, candidate: Candidate) -> Sequence[Callable[[], EventFilter]]:
    """Return what changes an answer: thoughts are read out of a text before anything else, and put into it last."""
    envelope, channel = exchange.opened()[0], candidate.channel
    if envelope.operation not in _CHATS or exchange.dialect.codec is None:
        return ()
    filters: list[Callable[[], EventFilter]] = []
    if channel.provider.inline_thinking and envelope.operation is Operation.CHAT:
        filters.append(partial(TextToThoughts, is_begun=channel.provider.thinking_begun))
    filters.extend((*exchange.filters, *exchange.watchers))
    is_inlined = exchange.thinking_to_content
    if channel.thinking_to_content if is_inlined is None else is_inlined:
        filters.append(ThoughtsToText)
    return filters


def _translated(exchange: Exchange, candidate: Candidate) -> Road:
    envelope, model = exchange.opened()
    dialect = DIALECTS[candidate.endpoint.dialect]
    theirs, ours = _codec(dialect), _codec(exchange.dialect)
    history = candidate.channel.provider.reasoning_history
    target = Target(candidate.upstream_model, longest_answer(None, model), history)
    try:
        encoded = theirs.encode_request(_asked(exchange, ours), target)
    except RecursionError as error:
        raise InvalidRequest("The request nests too deeply.") from error
    if not model.is_lossy:
        refuse_severe(encoded.losses)
    there = structs.replace(
        envelope,
        dialect=dialect.name,
        operation=candidate.endpoint.operation,
        model=candidate.upstream_model,
        body=JsonBody.parse(encoded.body),
        wants_usage=False,
        headers={},
    )
    return TranslatedRoad(
        candidate=candidate,
        dialect=dialect,
        # Its usage is asked for by the patches, and told in the caller's way.
        envelope=structs.replace(there, wants_usage=True),
        body=outbound_body(there, dialect, candidate),
        losses=encoded.losses,
        theirs=theirs,
        ours=ours,
        answering=_answering(exchange, envelope),
        filters=_filters(exchange, candidate),
    )


def _answering(exchange: Exchange, envelope: Envelope) -> Answering:
    return Answering(envelope, int(exchange.at.timestamp()), _ids(exchange.id))


def _asked(exchange: Exchange, codec: Codec) -> ChatRequest:
    """Return the request in canonical form; it is made once."""
    if exchange.asked is None:
        envelope, _ = exchange.opened()
        exchange.asked = codec.decode_request(envelope)
    return exchange.asked


def _codec(dialect: Dialect) -> Codec:
    if dialect.codec is None:
        raise InternalError(f"The dialect {dialect.name} is not translated.")
    return dialect.codec


def _ids(exchange_id: str) -> Callable[[str], str]:
    """Return a maker of ids that are unique because the exchange's is."""
    numbers, bare = _counted(), exchange_id.rpartition("_")[2]

    def new_id(prefix: str) -> str:
        return f"{prefix}{bare}{next(numbers)}"

    return new_id


def _counted() -> Iterator[str]:
    yield ""
    number = 1
    while True:
        yield f"_{number}"
        number += 1
