"""`ContentCodec`: the decoders and encoders of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.canonical.request import ChatRequest
from clinx.canonical.response import ChatResponse
from clinx.dialects.base import Answering, Encoded, Envelope, EventDecoder, EventEncoder, Target
from clinx.dialects.gemini.codec import answer_encoder, event_decoder, request_decoder, request_encoder
from clinx.dialects.gemini.codec.event_decoder import ContentDecoder
from clinx.dialects.gemini.codec.event_encoder import ContentEncoder


class ContentCodec:
    """Gemini's generateContent to canonical and back; a `Codec`."""

    __slots__ = ()

    def decode_request(self, envelope: Envelope) -> ChatRequest:
        """Read a whole request."""
        return request_decoder.decode_request(envelope)

    def encode_request(self, request: ChatRequest, target: Target) -> Encoded:
        """Write a request for an upstream."""
        return request_encoder.encode_request(request, target)

    def decode_answer(self, body: bytes) -> ChatResponse:
        """Read a whole answer."""
        return event_decoder.decode_answer(body)

    def encode_answer(self, response: ChatResponse, answering: Answering) -> Encoded:
        """Write a whole answer for a caller."""
        return answer_encoder.encode_answer(response, answering)

    def event_decoder(self) -> EventDecoder:
        """Return a fresh decoder."""
        return ContentDecoder()

    def event_encoder(self, answering: Answering) -> EventEncoder:
        """Return a fresh encoder."""
        return ContentEncoder(answering)
