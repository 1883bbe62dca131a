"""`Anthropic`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from clinx.dialects.anthropic import endpoints, errors, prompt, request, response
from clinx.dialects.anthropic import models as cards
from clinx.dialects.anthropic.codec.messages_codec import MessagesCodec
from clinx.dialects.anthropic.stream import MessageTap
from clinx.dialects.base import Codec, CountTokens, Envelope, Inbound, Rendered, StreamTap, UpstreamProblem, WholeAnswer
from clinx.domain.catalog import Endpoint, Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import GatewayError

_CODEC: Final = MessagesCodec()


class Anthropic:
    """Anthropic's messages; a `Dialect` without state."""

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
        """Its way to canonical and back."""
        return _CODEC

    def open_request(self, operation: Operation, inbound: Inbound) -> Envelope:
        """Read the envelope."""
        return request.open_request(operation, inbound)

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return the request with its answer bounded."""
        return request.bounded(envelope, tokens)

    def stream_patches(self, envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
        """Return nothing: usage is part of every stream."""
        del envelope, usage_in_stream
        return {}

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap."""
        del envelope
        return MessageTap(end=stream_end)

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        return (response.read_count if envelope.operation is Operation.COUNT_TOKENS else response.read_answer)(body)

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
