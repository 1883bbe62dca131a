"""Requests and answers of this format for the tests of its codec."""

from __future__ import annotations

import itertools
import json
from typing import Any

from clinx.canonical.request import ChatRequest
from clinx.canonical.response import ChatResponse
from clinx.dialects.base import Answering, Encoded, Envelope, Inbound, Target
from clinx.dialects.openai_responses.codec.answer_encoder import encode_answer
from clinx.dialects.openai_responses.codec.request_decoder import decode_request
from clinx.dialects.openai_responses.codec.request_encoder import encode_request
from clinx.dialects.openai_responses.request import open_request
from clinx.domain.operation import Operation

TARGET = Target("upstream-model", 1000)


def opened(**members: Any) -> Envelope:
    body = json.dumps({"model": "gpt", "input": "Hello", **members}).encode()
    return open_request(Operation.CHAT, Inbound("POST", "/v1/responses", {}, {}, {}, body))


def decoded(**members: Any) -> ChatRequest:
    return decode_request(opened(**members))


def encoded(request: ChatRequest, model: str = TARGET.model) -> tuple[Any, Encoded]:
    """The body as JSON, and the whole."""
    found = encode_request(request, Target(model, 1000))
    return json.loads(found.body), found


def answering(**members: Any) -> Answering:
    numbers = itertools.count()
    return Answering(opened(**members), 7, lambda prefix: f"{prefix}{next(numbers)}")


def answered(response: ChatResponse, **members: Any) -> tuple[Any, Encoded]:
    found = encode_answer(response, answering(**members))
    return json.loads(found.body), found


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()
