"""A whole answer to canonical, leniently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw

from clinx.canonical.content import Image, Inline, Part, Refusal, Text, ToolCall, Unknown
from clinx.canonical.response import ChatResponse, Choice, settled
from clinx.dialects import lenient
from clinx.dialects.lenient import mapping, sequence, text_in
from clinx.dialects.logprobs import read_logprobs
from clinx.dialects.openai_responses.codec.annotations import read_annotations
from clinx.dialects.openai_responses.codec.item_decoder import BETWEEN_THOUGHTS
from clinx.dialects.openai_responses.codec.proof import read_thought
from clinx.dialects.openai_responses.codec.reports import read_finish
from clinx.dialects.openai_responses.endpoints import NAME
from clinx.dialects.openai_responses.usage import read_usage


def decode_answer(body: bytes) -> ChatResponse:
    """Read a response.

    Raises:
        UpstreamBroken: it is no JSON object.
    """
    with lenient.reading_answer():
        response = lenient.object_in(lenient.decode_clean(body))
    parts = tuple(part for item in sequence(response.get("output")) for part in decode_item(mapping(item)))
    finish, native = read_finish(response)
    choice = Choice(parts, settled(finish, parts), native)
    identity, model = text_in(response.get("id")), text_in(response.get("model"))
    return ChatResponse(identity, model, (choice,), read_usage(response))


def decode_item(item: Mapping[str, object]) -> Iterator[Part]:
    """Read an item of an answer; of an unknown kind it stays as it is."""
    match item.get("type"):
        case "message":
            yield from _said(item)
        case "reasoning":
            encrypted, identity = text_in(item.get("encrypted_content")), text_in(item.get("id"))
            yield read_thought(thought_of(item), encrypted, identity or None)
        case "function_call":
            yield ToolCall(text_in(item.get("call_id")), text_in(item.get("name")), arguments_of(item))
        case "image_generation_call" if drawn := text_in(item.get("result")):
            yield Image(Inline(f"image/{text_in(item.get('output_format')) or 'png'}", drawn))
        case _:
            if item:
                yield Unknown(NAME, Raw(msgspec.json.encode(item)))


def _said(item: Mapping[str, object]) -> Iterator[Part]:
    for given in sequence(item.get("content")):
        part = mapping(given)
        if part.get("type") == "refusal":
            yield Refusal(text_in(part.get("refusal")))
        elif isinstance(part.get("text"), str):
            citations, logprobs = read_annotations(part.get("annotations")), read_logprobs(part.get("logprobs"))
            yield Text(text_in(part.get("text")), citations=citations, logprobs=logprobs)


def thought_of(item: Mapping[str, object]) -> str:
    """Return the text of a thought: its summaries, and what it says itself where that is shown."""
    pieces = [*sequence(item.get("summary")), *sequence(item.get("content"))]
    return BETWEEN_THOUGHTS.join(text for piece in pieces if (text := text_in(mapping(piece).get("text"))))


def arguments_of(item: Mapping[str, object]) -> str:
    """Return the arguments of a call as text; some servers send them as an object."""
    given = item.get("arguments")
    return msgspec.json.encode(given).decode() if isinstance(given, dict) else text_in(given)
