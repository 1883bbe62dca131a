from __future__ import annotations

from msgspec import structs

from clinx.dialects.openai_chat.codec.chunk_frame import ChunkFrame, encode
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.domain.operation import Operation
from support.codecs import answering

ASKED = answering(OpenAIChat(), stream=True)
HEAD = b'data: {"id":"id_1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":['
END = b',"finish_reason":null}]}\n\n'


def test_chunks_of_a_chat() -> None:
    frame = ChunkFrame("id_1", ASKED)

    assert frame.delta(2, {"role": "assistant"}) == HEAD + b'{"index":2,"delta":{"role":"assistant"}' + END
    assert frame.finish(0, "stop") == HEAD + b'{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    assert frame.usage({"total_tokens": 1}) == HEAD + b'],"usage":{"total_tokens":1}}\n\n'


def test_what_stands_around_a_text() -> None:
    frame = ChunkFrame("id_1", ASKED)

    before, after = frame.around(0, "audio", "transcript")
    assert before + encode('a"\n') + after == HEAD + b'{"index":0,"delta":{"audio":{"transcript":"a\\"\\n"}}' + END
    before, after = frame.around_arguments(0, 3)
    assert before + encode("{") + after == (
        HEAD + b'{"index":0,"delta":{"tool_calls":[{"index":3,"function":{"arguments":"{"}}]}' + END
    )


def test_chunks_of_a_text_completion() -> None:
    completing = structs.replace(ASKED, envelope=structs.replace(ASKED.envelope, operation=Operation.COMPLETE))

    frame = ChunkFrame("", completing)

    head = b'data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","choices":['
    before, after = frame.around_text(1)
    assert before + encode("a") + after == head + b'{"text":"a","index":1,"logprobs":null' + END
    assert frame.finish(1, "length") == (head + b'{"index":1,"text":"","logprobs":null,"finish_reason":"length"}]}\n\n')
