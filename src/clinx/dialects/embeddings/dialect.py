"""`Embeddings`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clinx.dialects.base import CountTokens, Envelope, Inbound, Rendered, StreamTap, UpstreamProblem, WholeAnswer
from clinx.dialects.embeddings import endpoints, request, response
from clinx.dialects.openai_chat import errors, prompt
from clinx.dialects.openai_chat import models as cards
from clinx.domain.catalog import Endpoint, Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import GatewayError, InternalError


class Embeddings:
    """OpenAI's embeddings; a `Dialect` without state."""

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
    def codec(self) -> None:
        """Nothing: embeddings are only passed through."""

    def open_request(self, operation: Operation, inbound: Inbound) -> Envelope:
        """Read the envelope."""
        return request.open_request(operation, inbound)

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return nothing: an embedding's size is not counted in tokens."""
        del envelope, tokens

    def stream_patches(self, envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
        """Return nothing: there are no streams."""
        del envelope, usage_in_stream
        return {}

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Refuse: an envelope of this dialect never says ``stream``.

        Raises:
            InternalError: always; the relay asked for what cannot be.
        """
        del envelope, stream_end
        raise InternalError("Embeddings are not streamed.")

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        del envelope
        return response.read_answer(body)

    def read_problem(self, body: bytes) -> UpstreamProblem:
        """Read an error body."""
        return errors.read_problem(body)

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the input's tokens."""
        return prompt.count_input(envelope.body, "input", count)

    def render_count(self, tokens: int) -> bytes:
        """Refuse: no endpoint of this dialect counts.

        Raises:
            InternalError: always; the relay asked for what cannot be.
        """
        del tokens
        raise InternalError("Prompts are not counted in this dialect.")

    def render_error(self, error: GatewayError, request_id: str) -> Rendered:
        """Write a whole error answer."""
        return errors.render_error(error, request_id)

    def render_stream_error(self, error: GatewayError, request_id: str) -> bytes:
        """Write an error event."""
        return errors.render_stream_error(error, request_id)

    def render_models(self, models: Sequence[Model]) -> bytes:
        """Write the model list, as OpenAI does."""
        return cards.render_models(models)

    def render_model(self, model: Model) -> bytes:
        """Write one model card, as OpenAI does."""
        return cards.render_model(model)
