"""`OpenAIResponses`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.base import CountTokens, Envelope, StreamTap, WholeAnswer
from clinx.dialects.openai_responses import endpoints, errors, prompt, request, response, stored
from clinx.dialects.openai_responses.codec.responses_codec import ResponsesCodec
from clinx.dialects.openai_responses.stream import ResponseTap
from clinx.dialects.rooms import Rooms
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage


class OpenAIResponses(Rooms):
    """OpenAI's responses; a `Dialect` without state."""

    __slots__ = ()

    name = endpoints.NAME
    endpoints = endpoints.ENDPOINTS
    codec = ResponsesCodec()
    open_request = staticmethod(request.open_request)
    bounded = staticmethod(request.bounded)
    read_problem = staticmethod(errors.read_problem)
    render_error = staticmethod(errors.render_error)
    render_stream_error = staticmethod(errors.render_stream_error)

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap; the end of this format is always marked."""
        del stream_end
        return ResponseTap(is_kept=stored.is_kept(envelope.body))

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        if envelope.operation is Operation.STORED:
            return WholeAnswer(Usage(), ())
        return response.read_answer(body, is_kept=stored.is_kept(envelope.body))

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens."""
        return prompt.count_prompt(envelope.body, count)
