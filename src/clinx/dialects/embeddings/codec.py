"""What it takes to translate embeddings: one format to canonical and back; without state."""

from __future__ import annotations

from typing import Protocol

from clinx.canonical.embedding import EmbeddingRequest, EmbeddingResponse
from clinx.dialects.base import Encoded, Envelope, Target
from clinx.domain.operation import Operation


class EmbeddingCodec(Protocol):
    """One format of embeddings to canonical and back."""

    def decode_request(self, envelope: Envelope) -> EmbeddingRequest:
        """Read the whole request, strictly.

        Raises:
            InvalidRequest: what canonical holds has another type or value than the format allows.
        """
        ...

    def takes_many(self, operation: Operation) -> bool:
        """Whether a request of this operation may hold more than one input."""
        ...

    def encode_request(self, request: EmbeddingRequest, target: Target, operation: Operation) -> Encoded:
        """Write a request for one of the operations of this format; nothing is left out without a loss."""
        ...

    def decode_answer(self, body: bytes) -> EmbeddingResponse:
        """Read a whole answer that `Dialect.read_answer` took for one, leniently.

        Raises:
            UpstreamBroken: it cannot be read.
        """
        ...

    def encode_answer(self, response: EmbeddingResponse, request: EmbeddingRequest, operation: Operation) -> bytes:
        """Write an answer for the caller who asked this.

        Raises:
            UpstreamBroken: its numbers cannot be written as they were asked for.
        """
        ...
