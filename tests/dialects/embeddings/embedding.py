"""Requests for embeddings as they arrive, for the tests of both formats."""

from __future__ import annotations

import json
from typing import Any

from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation


def openai(body: Any) -> Envelope:
    """What a caller of OpenAI's format asks; the model is `m`."""
    return _opened("openai_embeddings", Operation.EMBED, {"model": "m", **body})


def google(body: Any, operation: Operation = Operation.EMBED) -> Envelope:
    """What a caller of Google's format asks of the model `m`."""
    return _opened("gemini", operation, body)


def _opened(dialect: str, operation: Operation, body: Any) -> Envelope:
    data = json.dumps(body).encode()
    return DIALECTS[dialect].open_request(operation, Inbound("POST", "/", {"model": "m"}, {}, {}, data))
