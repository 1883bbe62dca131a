"""`OpenAIChat`: the rooms of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.base import CountTokens, Envelope, StreamTap, WholeAnswer
from clinx.dialects.model_lists import OPENAI
from clinx.dialects.openai import errors
from clinx.dialects.openai_chat import endpoints, prompt, request, response
from clinx.dialects.openai_chat.codec.chat_codec import ChatCodec
from clinx.dialects.openai_chat.stream import ChatTap
from clinx.dialects.rooms import Rooms
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation


class OpenAIChat(Rooms):
    """OpenAI's chat and text completions, and the model list; a `Dialect` without state."""

    __slots__ = ()

    name = endpoints.NAME
    endpoints = endpoints.ENDPOINTS
    codec = ChatCodec()
    open_request = staticmethod(request.open_request)
    bounded = staticmethod(request.bounded)
    stream_patches = staticmethod(request.stream_patches)
    read_problem = staticmethod(errors.read_problem)
    render_error = staticmethod(errors.render_error)
    render_stream_error = staticmethod(errors.render_stream_error)
    render_models = OPENAI.render_models
    render_model = OPENAI.render_model

    def tap(self, envelope: Envelope, stream_end: StreamEnd) -> StreamTap:
        """Return a fresh tap."""
        return ChatTap(wants_usage=envelope.wants_usage, end=stream_end)

    def read_answer(self, envelope: Envelope, body: bytes) -> WholeAnswer:
        """Read a whole answer."""
        del envelope  # chat and text completions answer alike
        return response.read_answer(body)

    def count_prompt(self, envelope: Envelope, count: CountTokens) -> int:
        """Count the prompt's tokens."""
        counted = prompt.count_chat if envelope.operation is Operation.CHAT else prompt.count_complete
        return counted(envelope.body, count)
