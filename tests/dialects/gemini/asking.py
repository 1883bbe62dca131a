"""Requests of this dialect as they arrive, for its tests."""

from __future__ import annotations

import json
from typing import Any

from clinx.dialects.base import Answering, Envelope, Inbound
from clinx.dialects.gemini.request import open_request
from clinx.domain.operation import Operation

HELLO: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


def post(body: Any, method: str = "generateContent", model: str = "gemini-pro", **query: str) -> Inbound:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    match = {"model": model, "method": method}
    return Inbound("POST", f"/v1beta/models/{model}:{method}", match, query, {}, data)


def opened(body: Any = None, operation: Operation = Operation.CHAT, **more: str) -> Envelope:
    return open_request(operation, post(HELLO if body is None else body, **more))


def answering(envelope: Envelope | None = None, **config: Any) -> Answering:
    """How to answer a request; ids are numbered by what they begin with."""
    asked = envelope or opened({**HELLO, "generationConfig": config})
    return Answering(asked, 1_700_000_000, lambda prefix: f"{prefix}1")
