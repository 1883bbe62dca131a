"""All dialects, by name: adding one is a line here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from clinx.dialects.anthropic.dialect import Anthropic
from clinx.dialects.base import Dialect
from clinx.dialects.embeddings.codec import EmbeddingCodec
from clinx.dialects.embeddings.content_codec import ContentCodec
from clinx.dialects.embeddings.dialect import Embeddings
from clinx.dialects.embeddings.input_codec import InputCodec
from clinx.dialects.gemini.dialect import Gemini
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.dialects.openai_responses.dialect import OpenAIResponses
from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

FALLBACK: Final[Dialect] = OpenAIChat()
"""Answers where nothing else would: most callers understand it."""

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (FALLBACK, Embeddings(), Anthropic(), Gemini(), OpenAIResponses())}
)

EMBEDDINGS: Final[Mapping[str, EmbeddingCodec]] = MappingProxyType(
    {"openai_embeddings": InputCodec(), "gemini": ContentCodec()}
)
"""The way of each dialect's embeddings to canonical and back, by the dialect's name."""

_SHARED: Final = frozenset({Operation.LIST_MODELS, Operation.SHOW_MODEL})
_MARKS: Final[Mapping[str, str]] = MappingProxyType({"anthropic-version": "anthropic", "x-goog-api-key": "gemini"})
"""Headers that all clients of one dialect send, and nobody else."""


def speaker(endpoint: Endpoint, headers: Mapping[str, str]) -> Dialect:
    """Return the dialect of a caller at an endpoint: where several ask at one path, their headers tell them apart.

    That is so for questions about models, which have no body.

    Args:
        endpoint: the endpoint that was found.
        headers: case-insensitive.
    """
    if endpoint.operation in _SHARED:
        for mark, name in _MARKS.items():
            if mark in headers:
                return DIALECTS[name]
    return DIALECTS[endpoint.dialect]


def dialect_for_path(path: str) -> Dialect:
    """Return the dialect in which to say that nothing answers at this path.

    That is the one with the endpoint whose path shares the most leading segments, and of those the shortest; OpenAI's
    if none shares any, or if it is as near.
    """
    segments = path.split("/")[1:]
    return max(DIALECTS.values(), key=lambda dialect: _nearness(dialect, segments))


def _nearness(dialect: Dialect, segments: list[str]) -> tuple[int, int]:
    paths = [endpoint.path.split("/")[1:] for endpoint in dialect.endpoints]
    return max((sum(1 for _ in takewhile(_equal, zip(segments, path, strict=False))), -len(path)) for path in paths)


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]
