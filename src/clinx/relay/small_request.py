"""The smallest request of an operation in a dialect: what a channel is tried out with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from clinx.domain.catalog import UpstreamEndpoint
from clinx.domain.operation import Operation

_SAID: Final = "hi"
_TURN: Final = {"role": "user", "content": _SAID}
_CONTENT: Final = {"parts": [{"text": _SAID}]}

_BODIES: Final[Mapping[tuple[str, Operation], Mapping[str, object]]] = MappingProxyType(
    {
        # Without a bound where the format allows: reasoning models refuse a small one, and the answer to this is short.
        ("openai_chat", Operation.CHAT): {"messages": [_TURN]},
        ("openai_chat", Operation.COMPLETE): {"prompt": _SAID, "max_tokens": 16},
        ("openai_responses", Operation.CHAT): {"input": _SAID},
        ("anthropic", Operation.CHAT): {"messages": [_TURN], "max_tokens": 16},
        ("gemini", Operation.CHAT): {"contents": [{"role": "user", **_CONTENT}]},
        ("gemini", Operation.EMBED): {"content": _CONTENT},
        ("openai_embeddings", Operation.EMBED): {"input": _SAID},
    }
)
_NAMED_BY_PATH: Final = frozenset({"gemini"})
"""Formats whose bodies do not name the model."""


def is_testable(endpoint: UpstreamEndpoint | None) -> bool:
    """Whether there is a small request for an endpoint."""
    return endpoint is not None and (endpoint.dialect, endpoint.operation) in _BODIES


def small_request(endpoint: UpstreamEndpoint, model: str) -> bytes:
    """Return the body of a small request for an endpoint that `is_testable`."""
    named = {} if endpoint.dialect in _NAMED_BY_PATH else {"model": model}
    return msgspec.json.encode({**named, **_BODIES[endpoint.dialect, endpoint.operation]})
