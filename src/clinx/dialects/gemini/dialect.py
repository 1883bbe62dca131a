"""`Gemini`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clinx.dialects.base import (
    Codec,
    CountTokens,
    Envelope,
    Inbound,
    Rendered,
    StreamTap,
    UpstreamProblem,
    WholeAnswer,
)
from clinx.dialects.gemini import endpoints, errors, prompt, request, response
from clinx.dialects.gemini import models as cards
from clinx.dialects.gemini.codec.content_codec import ContentCodec
from clinx.dialects.gemini.embedding import read_embeddings
from clinx.dialects.gemini.stream import ContentTap
from clinx.domain.catalog import Endpoint, Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import GatewayError


class Gemini:
    """Gemini's generateContent, and what belongs to it; a `Dialect` without state."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The glossary name."""
        return endpoints.NAME

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The paths spoken."""
        return endpoints.ENDPOINTS

    @property
    def codec(self) -> Codec:
        """The way to canonical and back."""
        return ContentCodec()

    def open_request(self, operation: Operation, inbound: Inbound) -> Envelope:
        """Read the envelope."""
        return request.open_request(operation, inbound)

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return the request with its answers bounded; None for embeddings, whose size is not counted in tokens."""
        return request.bounded(envelope, tokens) if envelope.operation is Operation.CHAT else None

    def stream_patches(self, envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
        """Return nothing: usage is part of every stream."""
        del envelope, usage_in_stream
        return {}

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap."""
        del envelope, stream_end  # there is only one end
        return ContentTap()

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        match envelope.operation:
            case Operation.COUNT_TOKENS:
                return response.read_count(body)
            case Operation.EMBED | Operation.EMBED_BATCH:
                return read_embeddings(body)
            case _:
                return response.read_answer(body)

    def read_problem(self, body: bytes) -> UpstreamProblem:
        """Read an error body."""
        return errors.read_problem(body)

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens."""
        return prompt.count_prompt(envelope.body, count)

    def render_count(self, tokens: int) -> bytes:
        """Write a count of a prompt's tokens."""
        return response.render_count(tokens)

    def render_error(self, error: GatewayError, request_id: str) -> Rendered:
        """Write a whole error answer."""
        return errors.render_error(error, request_id)

    def render_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """Write an error event."""
        return errors.render_stream_error(error, request_id)

    def render_models(self, models: Sequence[Model]) -> bytes:
        """Write the model list."""
        return cards.render_models(models)

    def render_model(self, model: Model) -> bytes:
        """Write one model card."""
        return cards.render_model(model)
