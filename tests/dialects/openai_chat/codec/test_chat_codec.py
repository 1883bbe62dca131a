from __future__ import annotations

from clinx.canonical.content import Text
from clinx.canonical.fold import fold, unfold
from clinx.canonical.request import ChatRequest, Role, Turn
from clinx.canonical.response import ChatResponse, Choice
from clinx.dialects.base import Target
from clinx.dialects.openai_chat.codec.chat_codec import ChatCodec
from clinx.dialects.openai_chat.dialect import OpenAIChat
from support.codecs import answering, envelope_of, read_stream, streamed

REQUEST = ChatRequest("m", (Turn(Role.USER, (Text("hi"),)),))
ANSWER = ChatResponse("id_1", "m", (Choice((Text("Hi"),), native="stop"),))


def test_requests_go_both_ways() -> None:
    codec = ChatCodec()

    body = codec.encode_request(REQUEST, Target("m")).body

    assert codec.decode_request(envelope_of(OpenAIChat(), body)) == REQUEST


def test_answers_go_both_ways_whole_and_streamed() -> None:
    codec, dialect = ChatCodec(), OpenAIChat()

    body = codec.encode_answer(ANSWER, answering(dialect)).body

    assert codec.decode_answer(body) == ANSWER
    assert fold(read_stream(dialect, [streamed(dialect, unfold(ANSWER))])) == ANSWER
