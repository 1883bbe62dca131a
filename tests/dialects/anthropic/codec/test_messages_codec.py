from __future__ import annotations

import json

from clinx.canonical.events import Started
from clinx.dialects.anthropic.codec.messages_codec import MessagesCodec
from clinx.dialects.anthropic.request import open_request
from clinx.dialects.base import Codec, Inbound, Target
from clinx.domain.operation import Operation
from dialects.anthropic.codec.asking import answering

CODEC: Codec = MessagesCodec()
BODY = {
    "model": "claude",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
}


def test_a_request_there_and_back() -> None:
    data = json.dumps(BODY).encode()
    inbound = Inbound(method="POST", path="/v1/messages", match={}, query={}, headers={}, body=data)

    request = CODEC.decode_request(open_request(Operation.CHAT, inbound))
    encoded = CODEC.encode_request(request, Target("claude-sonnet-4-5"))

    assert json.loads(encoded.body) == {**BODY, "model": "claude-sonnet-4-5"}
    assert encoded.losses == ()


def test_an_answer_there_and_back() -> None:
    body = b'{"id":"msg_1","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}'

    encoded = CODEC.encode_answer(CODEC.decode_answer(body), answering())

    assert json.loads(encoded.body)["content"] == [{"type": "text", "text": "Hi"}]


def test_a_stream_there_and_back() -> None:
    decoder, encoder = CODEC.event_decoder(), CODEC.event_encoder(answering())

    events = decoder.feed(b'data: {"type":"message_start","message":{"id":"msg_1"}}\n\n')

    assert events == [Started("msg_1", "")]
    assert b"".join(map(encoder.feed, events)).startswith(b"event: message_start\n")
    assert encoder.close().endswith(b'data: {"type":"message_stop"}\n\n')
