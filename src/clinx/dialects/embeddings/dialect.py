"""`Embeddings`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.base import CountTokens, Envelope, StreamTap, WholeAnswer
from clinx.dialects.embeddings import endpoints, request, response
from clinx.dialects.model_lists import OPENAI
from clinx.dialects.openai import errors
from clinx.dialects.openai.inputs import count_input
from clinx.dialects.rooms import Rooms
from clinx.domain.catalog import StreamEnd
from clinx.errors import InternalError


class Embeddings(Rooms):
    """OpenAI's embeddings; a `Dialect` without state."""

    __slots__ = ()

    name = endpoints.NAME
    endpoints = endpoints.ENDPOINTS
    codec = None
    open_request = staticmethod(request.open_request)
    read_problem = staticmethod(errors.read_problem)
    render_error = staticmethod(errors.render_error)
    render_stream_error = staticmethod(errors.render_stream_error)
    render_models = OPENAI.render_models
    render_model = OPENAI.render_model

    def bounded(self, envelope: Envelope, tokens: int) -> Envelope | None:
        """Return nothing: an embedding's size is not counted in tokens."""
        del envelope, tokens

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

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the input's tokens."""
        return count_input(envelope.body, "input", count)
