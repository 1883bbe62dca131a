from __future__ import annotations

import json

from clinx.dialects.base import Codec
from clinx.dialects.openai_responses.codec.responses_codec import ResponsesCodec
from dialects.openai_responses.codec.asking import TARGET, answering, event, opened

CODEC: Codec = ResponsesCodec()


def test_a_request_goes_to_canonical_and_back() -> None:
    request = CODEC.decode_request(opened(instructions="Be kind"))

    assert json.loads(CODEC.encode_request(request, TARGET).body)["instructions"] == "Be kind"


def test_an_answer_goes_to_canonical_and_back() -> None:
    response = CODEC.decode_answer(b'{"id":"resp_x","output":[]}')

    assert json.loads(CODEC.encode_answer(response, answering()).body)["id"] == "resp_x"


def test_a_stream_goes_to_canonical_and_back() -> None:
    decoder, encoder = CODEC.event_decoder(), CODEC.event_encoder(answering())

    begun = b"".join(map(encoder.feed, decoder.feed(event("response.created", response={"id": "resp_x"}))))

    assert b'"resp_x"' in begun
    assert [*map(encoder.feed, decoder.close())] == [b""]
    assert encoder.close().startswith(b"event: response.completed\n")
