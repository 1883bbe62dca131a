"""What the vendors of four formats answer, and how they are asked: written by hand, from their API references.

A `Scene` is what a model says; ``whole`` and ``stream`` write it as a vendor of a format does. ``conversation`` reads
what a vendor was asked as a list of (kind, text), the same for all formats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.fake_upstream import sse

Json = Any


@dataclass(frozen=True)
class Scene:
    thoughts: str = ""
    pieces: tuple[str, ...] = ()
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Names and arguments; ids are made of the place."""
    finish: str = "stop"
    """``stop``, ``length``, ``tool_calls``, ``content_filter``."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


# What is used: 100 tokens of a prompt, 30 of which were cached; an answer of 20, 5 of which are thoughts. Anthropic
# also says that 6 of the prompt were written to the cache for 5 minutes and 4 for an hour.

_FINISH: dict[str, dict[str, str]] = {
    "openai_chat": {},
    "openai_responses": {"length": "max_output_tokens"},
    "anthropic": {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"},
    "gemini": {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"},
}


def finish_of(dialect: str, scene: Scene) -> str:
    return _FINISH[dialect].get(scene.finish, scene.finish)


def whole(dialect: str, scene: Scene) -> Json:
    return {
        "openai_chat": _chat,
        "openai_responses": _response,
        "anthropic": _message,
        "gemini": _content,
    }[dialect](scene)


def stream(dialect: str, scene: Scene) -> bytes:
    writers: dict[str, Callable[[Scene], bytes]] = {
        "openai_chat": _chat_stream,
        "openai_responses": _response_stream,
        "anthropic": _message_stream,
        "gemini": _content_stream,
    }
    return writers[dialect](scene)


def broken(dialect: str, scene: Scene) -> tuple[bytes, bytes]:
    """The beginning of a stream, and an error instead of its end."""
    said, last = stream(dialect, scene), json.dumps(scene.pieces[-1])[1:-1].encode()
    beginning = said[: said.index(b"\n\n", said.index(last)) + 2]
    errors: dict[str, bytes] = {
        "openai_chat": sse({"error": {"message": "The server had an error", "type": "server_error"}}, done=False),
        "openai_responses": named({"type": "error", "code": "server_error", "message": "failed", "sequence_number": 9}),
        "anthropic": named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        "gemini": sse({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, done=False),
    }
    return beginning, errors[dialect]


def error(dialect: str, status: int, message: str) -> Json:
    """The body of a refusal."""
    if dialect == "anthropic":
        kind = "overloaded_error" if status >= 500 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": message}}
    if dialect == "gemini":
        word = "UNAVAILABLE" if status >= 500 else "INVALID_ARGUMENT"
        return {"error": {"code": status, "message": message, "status": word}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def named(*events: Json) -> bytes:
    """Events that have names, as their data say."""
    return b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events)


# openai_chat

_CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def _chat_calls(scene: Scene) -> list[Json]:
    return [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for place, (name, given) in enumerate(scene.calls)
    ]


def _chat(scene: Scene) -> Json:
    message: Json = {"role": "assistant", "content": scene.text or None}
    if scene.thoughts:
        message["reasoning_content"] = scene.thoughts
    if scene.calls:
        message["tool_calls"] = _chat_calls(scene)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_of("openai_chat", scene)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "up"}
    return {**head, "choices": [choice], "usage": _CHAT_USAGE}


def _chat_stream(scene: Scene) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "up"}
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": thought} for thought in scene.thoughts]
    deltas += [{"content": piece} for piece in scene.pieces]
    for place, call in enumerate(_chat_calls(scene)):
        arguments = call["function"]["arguments"]
        start = {**call, "function": {**call["function"], "arguments": ""}}
        deltas += [{"tool_calls": [{"index": place, **start}]}]
        deltas += [{"tool_calls": [{"index": place, "function": {"arguments": half}}]} for half in _halves(arguments)]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    finish = {"index": 0, "delta": {}, "finish_reason": finish_of("openai_chat", scene)}
    return sse(*chunks, {**head, "choices": [finish]}, {**head, "choices": [], "usage": _CHAT_USAGE})


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


# openai_responses


def _items(scene: Scene) -> list[Json]:
    items: list[Json] = []
    if scene.thoughts:
        summary = [{"type": "summary_text", "text": scene.thoughts}]
        items.append({"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": "proof"})
    if scene.pieces:
        said = {"type": "output_text", "text": scene.text, "annotations": [], "logprobs": []}
        items.append({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [said]})
    for place, (name, given) in enumerate(scene.calls):
        call = {"call_id": f"call_{place}", "name": name, "arguments": json.dumps(given)}
        items.append({"id": f"fc_{place}", "type": "function_call", "status": "completed", **call})
    return items


def _response(scene: Scene) -> Json:
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(scene.finish)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "model": "up",
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": _items(scene),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 30},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 5},
            "total_tokens": 120,
        },
    }


def _response_stream(scene: Scene) -> bytes:
    answer = _response(scene)
    begun = {**answer, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    events: list[Json] = [{"type": f"response.{word}", "response": begun} for word in ("created", "in_progress")]
    for place, item in enumerate(answer["output"]):
        events += _item_events(place, item, scene)
    events.append({"type": f"response.{answer['status']}", "response": answer})
    return named(*({**event, "sequence_number": number} for number, event in enumerate(events)))


def _item_events(place: int, item: Json, scene: Scene) -> Iterator[Json]:
    where = {"item_id": item["id"], "output_index": place}
    empty = {"message": {"content": []}, "reasoning": {"summary": []}, "function_call": {"arguments": ""}}[item["type"]]
    yield {"type": "response.output_item.added", "output_index": place, "item": {**item, **empty}}
    if item["type"] == "message":
        said, at = item["content"][0], {**where, "content_index": 0}
        yield {"type": "response.content_part.added", **at, "part": {**said, "text": ""}}
        for piece in scene.pieces:
            yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **at, "text": scene.text, "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": said}
    elif item["type"] == "reasoning":
        at = {**where, "summary_index": 0}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}}
        for thought in scene.thoughts:
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": thought}
        yield {"type": "response.reasoning_summary_text.done", **at, "text": scene.thoughts}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": item["summary"][0]}
    else:
        for half in _halves(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **where, "delta": half}
        done = {"name": item["name"], "arguments": item["arguments"]}
        yield {"type": "response.function_call_arguments.done", **where, **done}
    yield {"type": "response.output_item.done", "output_index": place, "item": item}


# anthropic

_MESSAGE_USAGE = {
    "input_tokens": 60,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": 10,
    "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 4},
    "output_tokens": 20,
}


def _blocks(scene: Scene) -> list[Json]:
    blocks: list[Json] = []
    if scene.thoughts:
        blocks.append({"type": "thinking", "thinking": scene.thoughts, "signature": "c2ln"})
    if scene.pieces:
        blocks.append({"type": "text", "text": scene.text})
    for place, (name, given) in enumerate(scene.calls):
        blocks.append({"type": "tool_use", "id": f"toolu_{place}", "name": name, "input": dict(given)})
    return blocks


def _message(scene: Scene) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "up",
        "content": _blocks(scene),
        "stop_reason": finish_of("anthropic", scene),
        "stop_sequence": None,
        "usage": _MESSAGE_USAGE,
    }


def _message_stream(scene: Scene) -> bytes:
    first = {**_MESSAGE_USAGE, "output_tokens": 1}
    start = {**_message(scene), "content": [], "stop_reason": None, "usage": first}
    events: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for place, block in enumerate(_blocks(scene)):
        empty, deltas = _block_deltas(block, scene)
        events.append({"type": "content_block_start", "index": place, "content_block": {**block, **empty}})
        events += [{"type": "content_block_delta", "index": place, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": place})
    end = {"stop_reason": finish_of("anthropic", scene), "stop_sequence": None}
    events += [{"type": "message_delta", "delta": end, "usage": {"output_tokens": 20}}, {"type": "message_stop"}]
    return named(*events)


def _block_deltas(block: Json, scene: Scene) -> tuple[Json, list[Json]]:
    if block["type"] == "text":
        return {"text": ""}, [{"type": "text_delta", "text": piece} for piece in scene.pieces]
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": thought} for thought in scene.thoughts]
        return {"thinking": "", "signature": ""}, [*thoughts, {"type": "signature_delta", "signature": "c2ln"}]
    halves = _halves(json.dumps(block["input"]))
    return {"input": {}}, [{"type": "input_json_delta", "partial_json": half} for half in halves]


# gemini

_CONTENT_USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 30,
    "candidatesTokenCount": 15,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 120,
}


def _parts(scene: Scene) -> list[Json]:
    thoughts = [{"text": scene.thoughts, "thought": True}] if scene.thoughts else []
    calls = [{"functionCall": {"name": name, "args": dict(given)}} for name, given in scene.calls]
    return [*thoughts, *({"text": piece} for piece in scene.pieces), *calls]


def _answer(parts: list[Json], **more: Any) -> Json:
    candidate = {"content": {"parts": parts, "role": "model"}, **more, "index": 0}
    return {"candidates": [candidate], "modelVersion": "up", "responseId": "r1"}


def _content(scene: Scene) -> Json:
    return {**_answer(_parts(scene), finishReason=finish_of("gemini", scene)), "usageMetadata": _CONTENT_USAGE}


def _content_stream(scene: Scene) -> bytes:
    pieces = [{**_answer([part]), "usageMetadata": {"promptTokenCount": 100}} for part in _parts(scene)]
    last = _answer([{"text": ""}], finishReason=finish_of("gemini", scene))
    return sse(*pieces, {**last, "usageMetadata": _CONTENT_USAGE}, done=False)


# How they are asked.


def conversation(dialect: str, body: Json) -> list[tuple[str, str]]:
    """What a vendor was told, in order: who speaks and what, pictures as ``type;base64``, calls and results."""
    readers: dict[str, Callable[[Json], Iterator[tuple[str, str]]]] = {
        "openai_chat": _told_chat,
        "openai_responses": _told_response,
        "anthropic": _told_message,
        "gemini": _told_content,
    }
    return list(readers[dialect](body))


def _call(name: str, given: Any) -> tuple[str, str]:
    return "call", f"{name} {json.dumps(json.loads(given) if isinstance(given, str) else given, sort_keys=True)}"


def _parts_of(content: Json, kind: str) -> list[Json]:
    """A content as parts; an empty text is none."""
    if isinstance(content, str):
        return [{"type": kind, "text": content}] if content else []
    return content or []


def _told_chat(body: Json) -> Iterator[tuple[str, str]]:
    for message in body["messages"]:
        role, content = message["role"], message.get("content")
        if role == "tool":
            yield "result", content
            continue
        for part in _parts_of(content, "text"):
            if part["type"] == "text":
                yield role, part["text"]
            else:
                yield "image", part["image_url"]["url"].removeprefix("data:").replace(";base64,", ";")
        for call in message.get("tool_calls") or ():
            yield _call(call["function"]["name"], call["function"]["arguments"])


def _told_response(body: Json) -> Iterator[tuple[str, str]]:
    if "instructions" in body:
        yield "system", body["instructions"]
    given = body["input"]
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        match item.get("type", "message"):
            case "function_call":
                yield _call(item["name"], item["arguments"])
            case "function_call_output":
                yield "result", item["output"]
            case "reasoning":
                pass
            case _:
                yield from _told_item(item)


def _told_item(item: Json) -> Iterator[tuple[str, str]]:
    content = item["content"]
    for part in _parts_of(content, "input_text"):
        if part["type"] == "input_image":
            yield "image", part["image_url"].removeprefix("data:").replace(";base64,", ";")
        else:
            yield item["role"], part["text"]


def _told_message(body: Json) -> Iterator[tuple[str, str]]:
    system = body.get("system", [])
    for block in [{"text": system}] if isinstance(system, str) else system:
        yield "system", block["text"]
    for message in body["messages"]:
        content = message["content"]
        for block in _parts_of(content, "text"):
            match block["type"]:
                case "text":
                    yield message["role"], block["text"]
                case "image":
                    yield "image", f"{block['source']['media_type']};{block['source']['data']}"
                case "tool_use":
                    yield _call(block["name"], block["input"])
                case "tool_result":
                    said = block["content"]
                    yield "result", said if isinstance(said, str) else said[0]["text"]
                case _:
                    pass


def _told_content(body: Json) -> Iterator[tuple[str, str]]:
    for part in body.get("systemInstruction", {}).get("parts", []):
        yield "system", part["text"]
    for content in body["contents"]:
        for part in content["parts"]:
            if "functionCall" in part:
                yield _call(part["functionCall"]["name"], part["functionCall"].get("args", {}))
            elif "functionResponse" in part:
                response = part["functionResponse"]["response"]
                yield "result", response.get("output") or response.get("result")
            elif "inlineData" in part:
                blob = part["inlineData"]
                yield "image", f"{blob.get('mimeType') or blob['mime_type']};{blob['data']}"
            elif not part.get("thought"):
                yield "assistant" if content["role"] == "model" else "user", part["text"]


def schema_of(dialect: str, body: Json) -> Json:
    """The JSON Schema that the answer must follow."""
    match dialect:
        case "openai_chat":
            return body["response_format"]["json_schema"]["schema"]
        case "openai_responses":
            return body["text"]["format"]["schema"]
        case "anthropic":
            return body["output_config"]["format"]["schema"]
        case _:
            config = body["generationConfig"]
            return config.get("responseJsonSchema") or config["responseSchema"]


def tools_of(dialect: str, body: Json) -> list[str]:
    """The names of the functions that may be called."""
    match dialect:
        case "openai_chat":
            return [tool["function"]["name"] for tool in body["tools"]]
        case "gemini":
            return [each["name"] for tool in body["tools"] for each in tool["functionDeclarations"]]
        case _:
            return [tool["name"] for tool in body["tools"]]
