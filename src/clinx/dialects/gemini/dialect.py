"""`Gemini`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.base import CountTokens, Envelope, StreamTap, WholeAnswer
from clinx.dialects.embeddings.contents import count_contents, read_embeddings
from clinx.dialects.gemini import endpoints, errors, prompt, request, response
from clinx.dialects.gemini.codec.content_codec import ContentCodec
from clinx.dialects.gemini.stream import ContentTap
from clinx.dialects.model_lists import GOOGLE
from clinx.dialects.rooms import Rooms
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation


class Gemini(Rooms):
    """Gemini's generateContent, and what belongs to it; a `Dialect` without state."""

    __slots__ = ()

    name = endpoints.NAME
    endpoints = endpoints.ENDPOINTS
    codec = ContentCodec()
    open_request = staticmethod(request.open_request)
    read_problem = staticmethod(errors.read_problem)
    render_count = staticmethod(response.render_count)
    render_error = staticmethod(errors.render_error)
    render_stream_error = staticmethod(errors.render_stream_error)
    render_models = GOOGLE.render_models
    render_model = GOOGLE.render_model

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return the request with its answers bounded; None for embeddings, whose size is not counted in tokens."""
        return request.bounded(envelope, tokens) if envelope.operation is Operation.CHAT else None

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

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens, or those of what is to be embedded."""
        is_embedded = envelope.operation in {Operation.EMBED, Operation.EMBED_BATCH}
        return (count_contents if is_embedded else prompt.count_prompt)(envelope.body, count)
