from __future__ import annotations

import json

from clinx.canonical.events import Event
from clinx.canonical.fold import fold
from clinx.dialects.base import Codec, Target
from clinx.dialects.gemini.codec.content_codec import ContentCodec
from dialects.gemini.asking import HELLO, answering, opened

CODEC: Codec = ContentCodec()
ANSWER = b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP","index":0}]}'


def test_a_request_there_and_back() -> None:
    encoded = CODEC.encode_request(CODEC.decode_request(opened()), Target("gemini-2.5-flash"))

    assert (json.loads(encoded.body), encoded.losses) == (HELLO, ())


def test_a_whole_and_a_streamed_answer_say_the_same() -> None:
    decoder, encoder = CODEC.event_decoder(), CODEC.event_encoder(answering())
    events: list[Event] = [*decoder.feed(b"data: " + ANSWER + b"\n\n"), *decoder.close()]

    written = b"".join(encoder.feed(event) for event in events) + encoder.close()

    again = CODEC.event_decoder()
    assert fold([*again.feed(written), *again.close()]).choices == CODEC.decode_answer(ANSWER).choices
    whole = CODEC.encode_answer(CODEC.decode_answer(ANSWER), answering())
    assert CODEC.decode_answer(whole.body).choices == CODEC.decode_answer(ANSWER).choices
