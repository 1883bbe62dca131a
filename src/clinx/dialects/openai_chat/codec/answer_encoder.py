"""Canonical to a whole answer, of a chat or of a text completion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from clinx.canonical.content import Audio, Image, Inline, Part, Refusal, Text, Thinking, ToolCall, Unknown
from clinx.canonical.response import ChatResponse, Choice
from clinx.dialects.base import Answering, Encoded, Loss
from clinx.dialects.logprobs import write_logprobs
from clinx.dialects.losses import UNCITED, harmless
from clinx.dialects.openai_chat.codec.annotations import write_annotation, write_annotations
from clinx.dialects.openai_chat.codec.extensions import write_call_signature, write_thinking_block
from clinx.dialects.openai_chat.codec.media import Wire, write_image
from clinx.dialects.openai_chat.codec.reports import write_finish, write_usage
from clinx.dialects.openai_chat.endpoints import NAME
from clinx.domain.operation import Operation


def encode_answer(response: ChatResponse, answering: Answering) -> Encoded:
    """Write an answer in the shape that was asked for: chat or text completion."""
    is_chat = answering.envelope.operation is Operation.CHAT
    write = _choice if is_chat else _completion
    body: dict[str, object] = {
        "id": response.id or answering.new_id("chatcmpl-" if is_chat else "cmpl-"),
        "object": "chat.completion" if is_chat else "text_completion",
        "created": answering.now,
        "model": answering.envelope.model,
        "choices": [write(place, choice, answering) for place, choice in enumerate(response.choices)],
    }
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    return Encoded(msgspec.json.encode(body), tuple(_losses(response)))


def _completion(place: int, choice: Choice, answering: Answering) -> Wire:
    del answering
    finish = write_finish(choice.finish)
    return {"text": _texts(choice.parts, Text), "index": place, "logprobs": None, "finish_reason": finish}


def _choice(place: int, choice: Choice, answering: Answering) -> Wire:
    message: dict[str, object] = {
        "role": "assistant",
        "content": _texts(choice.parts, Text) or None,
        "refusal": _texts(choice.parts, Refusal) or None,
    }
    if thoughts := _texts(choice.parts, Thinking):
        message["reasoning_content"] = thoughts
    message.update(_lists(choice.parts, answering))
    tokens = [token for part in choice.parts if isinstance(part, Text) for token in part.logprobs]
    logprobs = {"content": write_logprobs(tokens), "refusal": None} if tokens else None
    return {"index": place, "message": message, "logprobs": logprobs, "finish_reason": write_finish(choice.finish)}


def _lists(parts: Sequence[Part], answering: Answering) -> Iterator[tuple[str, object]]:
    """Write what a message has only where there is any."""
    blocks = [block for part in parts if isinstance(part, Thinking) and (block := write_thinking_block(part))]
    images = [image for part in parts if isinstance(part, Image) and (image := write_image(part))]
    calls = [write_call(part, answering) for part in parts if isinstance(part, ToolCall)]
    annotations = list(write_annotations([part for part in parts if isinstance(part, Text)]))
    speech = [write_speech(part, answering) for part in parts if isinstance(part, Audio)]
    lists = {"thinking_blocks": blocks, "images": images, "tool_calls": calls, "annotations": annotations}
    yield from ((name, found) for name, found in lists.items() if found)
    if speech:
        yield "audio", speech[-1]


def write_call(call: ToolCall, answering: Answering) -> Wire:
    """Write a call of an answer."""
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    identity = call.id or answering.new_id("call_")
    return {"id": identity, "type": "function", "function": function, **write_call_signature(call)}


def write_speech(audio: Audio, answering: Answering) -> Wire:
    """Write generated speech."""
    data = audio.source.data if isinstance(audio.source, Inline) else ""
    identity = audio.id or answering.new_id("audio_")
    return {"id": identity, "data": data, "transcript": audio.transcript, "expires_at": answering.now}


def _texts(parts: Sequence[Part], kind: type[Text | Refusal | Thinking]) -> str:
    return "".join(part.text for part in parts if isinstance(part, kind))


def _losses(response: ChatResponse) -> Iterator[Loss]:
    for number, choice in enumerate(response.choices):
        for place, part in enumerate(choice.parts):
            path = f"choices[{number}].content[{place}]"
            if isinstance(part, Unknown) and part.dialect != NAME:
                yield harmless(path, "This content has no place in this format.")
            elif isinstance(part, Text) and any(write_annotation(each, 0, 0) is None for each in part.citations):
                yield harmless(f"{path}.citations", UNCITED)
