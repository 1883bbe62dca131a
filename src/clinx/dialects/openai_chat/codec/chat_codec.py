"""`ChatCodec`: the decoders and encoders of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.canonical.request import ChatRequest
from clinx.canonical.response import ChatResponse
from clinx.dialects.base import Answering, Encoded, Envelope, EventDecoder, EventEncoder, Target
from clinx.dialects.openai_chat.codec import answer_decoder, answer_encoder, request_decoder, request_encoder
from clinx.dialects.openai_chat.codec.event_decoder import ChatEventDecoder
from clinx.dialects.openai_chat.codec.event_encoder import ChatEventEncoder


class ChatCodec:
    """OpenAI's chat, and text completions of callers, to canonical and back; a `Codec`."""

    __slots__ = ()

    def decode_request(self, envelope: Envelope) -> ChatRequest:
        """Read the whole request."""
        return request_decoder.decode_request(envelope)

    def encode_request(self, request: ChatRequest, target: Target) -> Encoded:
        """Write a chat for an upstream."""
        return request_encoder.encode_request(request, target)

    def decode_answer(self, body: bytes) -> ChatResponse:
        """Read a whole answer."""
        return answer_decoder.decode_answer(body)

    def encode_answer(self, response: ChatResponse, answering: Answering) -> Encoded:
        """Write a whole answer."""
        return answer_encoder.encode_answer(response, answering)

    def event_decoder(self) -> EventDecoder:
        """Return a fresh decoder."""
        return ChatEventDecoder()

    def event_encoder(self, answering: Answering) -> EventEncoder:
        """Return a fresh encoder."""
        return ChatEventEncoder(answering)
