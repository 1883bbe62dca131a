"""`OpenAIResponses`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from clinx.dialects.base import Codec, CountTokens, Envelope, Inbound, Rendered, StreamTap, UpstreamProblem, WholeAnswer
from clinx.dialects.openai_responses import endpoints, errors, prompt, request, response, stored
from clinx.dialects.openai_responses.codec.responses_codec import ResponsesCodec
from clinx.dialects.openai_responses.stream import ResponseTap
from clinx.domain.catalog import Endpoint, Model, StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import GatewayError, InternalError

_CODEC: Final[Codec] = ResponsesCodec()


class OpenAIResponses:
    """OpenAI's responses; a `Dialect` without state."""

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
        return _CODEC

    def open_request(self, operation: Operation, inbound: Inbound) -> Envelope:
        """Read the envelope."""
        return request.open_request(operation, inbound)

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return the request with its answer bounded."""
        return request.bounded(envelope, tokens)

    def stream_patches(self, envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
        """Return nothing: upstreams of this format report usage unasked."""
        del envelope, usage_in_stream
        return {}

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap; the end of this format is always marked."""
        del stream_end
        return ResponseTap(is_kept=stored.is_kept(envelope.body))

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        if envelope.operation is Operation.STORED:
            return WholeAnswer(Usage(), ())
        return response.read_answer(body, is_kept=stored.is_kept(envelope.body))

    def read_problem(self, body: bytes) -> UpstreamProblem:
        """Read an error body."""
        return errors.read_problem(body)

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens."""
        return prompt.count_prompt(envelope.body, count)

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
        """Refuse: no endpoint of this dialect lists models.

        Raises:
            InternalError: always; the relay asked for what cannot be.
        """
        del models
        raise InternalError("Models are not listed in this dialect.")

    def render_model(self, model: Model) -> bytes:
        """Refuse, as `render_models` does.

        Raises:
            InternalError: always.
        """
        del model
        raise InternalError("Models are not shown in this dialect.")
