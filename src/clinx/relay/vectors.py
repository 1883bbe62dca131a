"""The road of embeddings to an upstream of the other format: there is one vector for each input, and no stream.

Where an upstream takes them one at a time only, a request for several does not go there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from clinx.canonical.embedding import EmbeddingRequest
from clinx.dialects.base import Dialect, Encoded, Envelope, Loss, StreamTap, Target, WholeAnswer
from clinx.dialects.body import JsonBody
from clinx.dialects.embeddings.codec import EmbeddingCodec
from clinx.dialects.registry import DIALECTS, EMBEDDINGS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import InternalError, UpstreamBroken
from clinx.relay.exchange import Exchange
from clinx.relay.losses import refuse_severe
from clinx.relay.outbound import outbound_body
from clinx.routing.plan import Candidate, Way

EMBEDS: Final = frozenset({Operation.EMBED, Operation.EMBED_BATCH})
_WAYS: Final[Sequence[Way]] = (
    (Operation.EMBED_BATCH, "gemini"),
    (Operation.EMBED, "openai_embeddings"),
    (Operation.EMBED, "gemini"),
)
"""Those that take any number of inputs come first."""


@dataclass(frozen=True, slots=True)
class VectorRoad:
    """The upstream embeds, in another format or another number at a time; a `Road`."""

    candidate: Candidate
    dialect: Dialect
    envelope: Envelope
    """Of the request that is sent."""
    body: bytes
    losses: Sequence[Loss]
    asked: EmbeddingRequest
    operation: Operation
    """The caller's."""
    theirs: EmbeddingCodec
    ours: EmbeddingCodec

    @property
    def headers(self) -> Mapping[str, str]:
        """None of the caller's: they mean nothing to it."""
        return {}

    def tap(self) -> StreamTap:
        """Refuse: nobody can ask for a stream of vectors.

        Raises:
            InternalError: always.
        """
        raise InternalError("Embeddings are not streamed.")

    def read_answer(self, body: bytes) -> WholeAnswer:
        """Read it as the upstream's dialect does."""
        return self.dialect.read_answer(self.envelope, body)

    def rewrite(self, body: bytes, usage: Usage) -> Encoded:
        """Decode and encode it.

        Raises:
            UpstreamBroken: it cannot be read, or has not one vector for each input.
        """
        answer = self.theirs.decode_answer(body)
        if len(answer.vectors) != len(self.asked.inputs):
            raise UpstreamBroken("The upstream sent another number of embeddings than were asked for.")
        return Encoded(self.ours.encode_answer(structs.replace(answer, usage=usage), self.asked, self.operation))


def _answers(inputs: int, operation: Operation, theirs: EmbeddingCodec) -> bool:
    """Whether there will be a vector for each input: nobody can bear to lose one, so such a request is never sent."""
    return inputs == 1 or theirs.takes_many(operation)


def vector_ways(dialect: str, operation: Operation) -> Sequence[Way]:
    """Return the ways in which embeddings can be asked for besides the caller's own, best first."""
    return tuple(way for way in _WAYS if way != (operation, dialect)) if dialect in EMBEDDINGS else ()


def vector_road(exchange: Exchange, candidate: Candidate) -> VectorRoad:
    """Prepare what a candidate is sent, and how its answer is read.

    Raises:
        UnsupportedByModel: its format cannot say what the answer would be wrong without.
        InvalidRequest: the request cannot be read as a whole.
    """
    envelope, model = exchange.opened()
    dialect, operation = DIALECTS[candidate.endpoint.dialect], candidate.endpoint.operation
    theirs, ours = EMBEDDINGS[dialect.name], EMBEDDINGS[envelope.dialect]
    asked = ours.decode_request(envelope)
    encoded = theirs.encode_request(asked, Target(candidate.upstream_model), operation)
    if not model.is_lossy or not _answers(len(asked.inputs), operation, theirs):
        refuse_severe(encoded.losses)
    there = structs.replace(
        envelope,
        dialect=dialect.name,
        operation=operation,
        model=candidate.upstream_model,
        body=JsonBody.parse(encoded.body),
        headers={},
    )
    return VectorRoad(
        candidate=candidate,
        dialect=dialect,
        envelope=there,
        body=outbound_body(there, dialect, candidate),
        losses=encoded.losses,
        asked=asked,
        operation=envelope.operation,
        theirs=theirs,
        ours=ours,
    )
