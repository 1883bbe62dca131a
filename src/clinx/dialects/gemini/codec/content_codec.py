"""`ContentCodec`: the decoders and encoders of this dialect behind the relay's protocol."""

from __future__ import annotations

from clinx.dialects.gemini.codec import answer_encoder, event_decoder, request_decoder, request_encoder
from clinx.dialects.gemini.codec.event_decoder import ContentDecoder
from clinx.dialects.gemini.codec.event_encoder import ContentEncoder


class ContentCodec:
    """Gemini's generateContent to canonical and back; a `Codec`."""

    __slots__ = ()

    decode_request = staticmethod(request_decoder.decode_request)
    encode_request = staticmethod(request_encoder.encode_request)
    decode_answer = staticmethod(event_decoder.decode_answer)
    encode_answer = staticmethod(answer_encoder.encode_answer)
    event_decoder = staticmethod(ContentDecoder)
    event_encoder = staticmethod(ContentEncoder)
