"""`ResponsesCodec`: the decoders and encoders of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.openai_responses.codec import answer_decoder, answer_encoder, request_decoder, request_encoder
from clinx.dialects.openai_responses.codec.event_decoder import ResponseEventDecoder
from clinx.dialects.openai_responses.codec.event_encoder import ResponseEventEncoder


class ResponsesCodec:
    """OpenAI's responses to canonical and back; a `Codec`."""

    __slots__ = ()

    decode_request = staticmethod(request_decoder.decode_request)
    encode_request = staticmethod(request_encoder.encode_request)
    decode_answer = staticmethod(answer_decoder.decode_answer)
    encode_answer = staticmethod(answer_encoder.encode_answer)
    event_decoder = staticmethod(ResponseEventDecoder)
    event_encoder = staticmethod(ResponseEventEncoder)
