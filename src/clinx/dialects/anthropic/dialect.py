"""`Anthropic`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.anthropic import endpoints, errors, prompt, request, response
from clinx.dialects.anthropic.codec.messages_codec import MessagesCodec
from clinx.dialects.anthropic.stream import MessageTap
from clinx.dialects.base import CountTokens, Envelope, StreamTap, WholeAnswer
from clinx.dialects.model_lists import ANTHROPIC
from clinx.dialects.rooms import Rooms
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation


class Anthropic(Rooms):
    """Anthropic's messages; a `Dialect` without state."""

    __slots__ = ()

    name = endpoints.NAME
    endpoints = endpoints.ENDPOINTS
    codec = MessagesCodec()
    open_request = staticmethod(request.open_request)
    bounded = staticmethod(request.bounded)
    read_problem = staticmethod(errors.read_problem)
    render_count = staticmethod(response.render_count)
    render_error = staticmethod(errors.render_error)
    render_stream_error = staticmethod(errors.render_stream_error)
    render_models = ANTHROPIC.render_models
    render_model = ANTHROPIC.render_model

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap."""
        del envelope
        return MessageTap(end=stream_end)

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        return (response.read_count if envelope.operation is Operation.COUNT_TOKENS else response.read_answer)(body)

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens."""
        return prompt.count_prompt(envelope.body, count)
