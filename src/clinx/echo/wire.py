"""OpenAI's objects around what the echo server says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clinx.echo.ask import ChatAsk, TextAsk
from clinx.echo.compose import Reply
from clinx.echo.script import Refusal

Json = dict[str, object]

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one exchange."""

    prompt: int
    answer: int

    @property
    def wire(self) -> Json:
        """As OpenAI writes it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.answer,
            "total_tokens": self.prompt + self.answer,
        }


@dataclass(frozen=True, slots=True)
class Shape:
    """The members every object of one answer shares."""

    ask: TextAsk
    id: str
    created: int
    usage: Usage | None
    """None when the script reports none."""

    @classmethod
    def of(cls, ask: TextAsk, body: bytes, created: int, usage: Usage | None) -> Shape:
        """Name an answer after the body that asked for it."""
        prefix = "chatcmpl" if isinstance(ask, ChatAsk) else "cmpl"
        return cls(ask, f"{prefix}-{hashlib.sha256(body).hexdigest()[:24]}", created, usage)

    def whole(self, answers: list[Reply]) -> Json:
        """Return the answer in one piece."""
        is_chat = isinstance(self.ask, ChatAsk)
        make = _chat_choice if is_chat else _text_choice
        choices = [make(index, answer) for index, answer in enumerate(answers)]
        usage = {"usage": self.usage.wire} if self.usage else {}
        return {**self._head("chat.completion" if is_chat else "text_completion"), "choices": choices, **usage}

    def events(self, answers: list[Reply]) -> Iterator[bytes]:
        """Yield the answer as a stream, its end marker left out."""
        make = _chat_deltas if isinstance(self.ask, ChatAsk) else _text_deltas
        shows_usage = self.ask.wants_usage and self.usage is not None
        for index, answer in enumerate(answers):
            for delta in make(answer):
                yield self._event([{"index": index, **delta}], {"usage": None} if shows_usage else {})
        if shows_usage and self.usage is not None:
            yield self._event([], {"usage": self.usage.wire})

    def _event(self, choices: list[Json], more: Mapping[str, object]) -> bytes:
        kind = "chat.completion.chunk" if isinstance(self.ask, ChatAsk) else "text_completion"
        return event({**self._head(kind), "choices": choices, **more})

    def _head(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.ask.model}


def event(value: Json) -> bytes:
    """Write one server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n\n"


def error(refusal: Refusal) -> Json:
    """Write an error object."""
    return {
        "error": {
            "message": refusal.message,
            "type": refusal.type,
            "param": refusal.param,
            "code": refusal.code,
        }
    }


def _call(answer: Reply) -> Json:
    return {"id": "call_echo", "type": "function", "function": {"name": answer.tool, "arguments": "{}"}}


def _chat_choice(index: int, answer: Reply) -> Json:
    said: Json = {"content": answer.text} if answer.tool is None else {"content": None, "tool_calls": [_call(answer)]}
    message: Json = {"role": "assistant", **said, "refusal": None}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish}


def _text_choice(index: int, answer: Reply) -> Json:
    return {"index": index, "text": answer.text, "logprobs": None, "finish_reason": answer.finish}


def _chat_deltas(answer: Reply) -> Iterator[Json]:
    if answer.tool is not None:
        first: Json = {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(answer)}]}
        yield {"delta": first, "logprobs": None, "finish_reason": None}
    else:
        yield {"delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    for piece in answer.pieces:
        yield {"delta": {"content": piece}, "logprobs": None, "finish_reason": None}
    yield {"delta": {}, "logprobs": None, "finish_reason": answer.finish}


def _text_deltas(answer: Reply) -> Iterator[Json]:
    for piece in answer.pieces:
        yield {"text": piece, "logprobs": None, "finish_reason": None}
    yield {"text": "", "logprobs": None, "finish_reason": answer.finish}
