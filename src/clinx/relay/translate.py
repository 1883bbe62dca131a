"""The road of one attempt: the caller's bytes as they are, or by way of canonical to an upstream of another dialect.

    native       bytes ──────────────────────────► upstream ─► tap ─────────────────────────────────────► caller
    translated   bytes ─► canonical ─► encoded ──► upstream ─► its own tap ─► events or answer ─► encoded ► caller

An upstream is read by its own dialect on both roads: what it refuses, what it used, whether its answer is whole. What
could not be said to it is a loss: a severe one closes the road, unless the model's operator allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import structs

from clinx.billing.estimate import longest_answer
from clinx.canonical.request import ChatRequest
from clinx.dialects.base import (
    Answering,
    Codec,
    Dialect,
    Encoded,
    Envelope,
    Loss,
    Severity,
    StreamTap,
    Target,
    WholeAnswer,
)
from clinx.dialects.body import JsonBody
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.errors import InternalError, UnsupportedByModel
from clinx.relay.exchange import Exchange
from clinx.relay.outbound import outbound_body
from clinx.relay.translating_tap import TranslatingTap
from clinx.routing.plan import Candidate, Way

LARGE: Final = 256 << 10
"""Bytes whose translation would hold the event loop for more than a few milliseconds."""

_CHATS: Final = frozenset({Operation.CHAT, Operation.COMPLETE})
_UNPRINTED: Final = re.compile(r"[^\w.\[\]-]", re.ASCII)
_LONGEST_PATH: Final = 64
_MOST_PATHS: Final = 16


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

    def rewrite(self, body: bytes) -> Encoded:
        """Return the caller's form of its whole answer.

        Raises:
            UpstreamBroken: it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class NativeRoad:
    """The upstream speaks as the caller does."""

    candidate: Candidate
    dialect: Dialect
    envelope: Envelope
    body: bytes
    losses: Sequence[Loss] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """Those that belong to the request."""
        return self.envelope.headers

    def tap(self) -> StreamTap:
        """Return the dialect's own."""
        return self.dialect.tap(self.envelope, self.candidate.channel.provider.stream_end)

    def read_answer(self, body: bytes) -> WholeAnswer:
        """Read it as the dialect does."""
        return self.dialect.read_answer(self.envelope, body)

    def rewrite(self, body: bytes) -> Encoded:
        """Return the very bytes."""
        return Encoded(body)


@dataclass(frozen=True, slots=True)
class TranslatedRoad:
    """The upstream speaks another dialect, or is asked for a chat where the caller wants a text completion."""

    candidate: Candidate
    dialect: Dialect
    envelope: Envelope
    """Of the translated request."""
    body: bytes
    losses: Sequence[Loss]
    theirs: Codec
    ours: Codec
    answering: Answering

    @property
    def headers(self) -> Mapping[str, str]:
        """None: they mean something in the caller's dialect only."""
        return {}

    def tap(self) -> StreamTap:
        """Return the upstream's own, with a translation behind it."""
        tap = self.dialect.tap(self.envelope, self.candidate.channel.provider.stream_end)
        return TranslatingTap(tap, self.theirs.event_decoder(), self.ours.event_encoder(self.answering))

    def read_answer(self, body: bytes) -> WholeAnswer:
        """Read it as the upstream's dialect does."""
        return self.dialect.read_answer(self.envelope, body)

    def rewrite(self, body: bytes) -> Encoded:
        """Decode and encode it."""
        return self.ours.encode_answer(self.theirs.decode_answer(body), self.answering)


def translated_ways(dialect: Dialect, operation: Operation) -> Sequence[Way]:
    """Return the ways in which an operation can be asked for besides its own, best first."""
    if operation not in _CHATS or dialect.codec is None:
        return ()
    own = (operation, dialect.name)
    ways = [(Operation.CHAT, each.name) for each in DIALECTS.values() if each.codec is not None]
    return [way for way in ways if way != own]


def road_to(exchange: Exchange, candidate: Candidate) -> Road:
    """Prepare what a candidate is sent, and how its answer is read.

    Raises:
        UnsupportedByModel: its format cannot say what the answer would be wrong without.
        InvalidRequest: the request cannot be read as a whole.
    """
    envelope, _ = exchange.opened()
    endpoint = candidate.endpoint
    if endpoint.dialect == envelope.dialect and endpoint.operation is envelope.operation:
        dialect = exchange.dialect
        return NativeRoad(candidate, dialect, envelope, outbound_body(envelope, dialect, candidate))
    return _translated(exchange, candidate)


def _translated(exchange: Exchange, candidate: Candidate) -> Road:
    envelope, model = exchange.opened()
    dialect = DIALECTS[candidate.endpoint.dialect]
    theirs, ours = _codec(dialect), _codec(exchange.dialect)
    target = Target(candidate.upstream_model, longest_answer(None, model))
    encoded = theirs.encode_request(_asked(exchange, ours), target)
    if not model.is_lossy:
        _refuse_severe(encoded.losses)
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
        answering=Answering(envelope, int(exchange.at.timestamp()), _ids(exchange.id)),
    )


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


def _refuse_severe(losses: Sequence[Loss]) -> None:
    severe = next((loss for loss in losses if loss.severity is Severity.SEVERE), None)
    if severe is not None:
        raise UnsupportedByModel(f"This model cannot be asked for '{severe.path}': {severe.detail}", param=severe.path)


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


def losses_header(losses: Sequence[Loss]) -> Mapping[str, str]:
    """Return the header that names what was lost; none where nothing was."""
    paths = dict.fromkeys(_UNPRINTED.sub("?", loss.path)[:_LONGEST_PATH] for loss in losses)
    if not paths:
        return {}
    more = [] if len(paths) <= _MOST_PATHS else ["..."]
    return {"Clinx-Losses": ", ".join([*list(paths)[:_MOST_PATHS], *more])}
