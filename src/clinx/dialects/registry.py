"""All dialects, by name: adding one is a line here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from clinx.dialects.base import Dialect
from clinx.dialects.embeddings.dialect import Embeddings
from clinx.dialects.openai_chat.dialect import OpenAIChat

FALLBACK: Final[Dialect] = OpenAIChat()
"""Answers where nothing else would: most callers understand it."""

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (FALLBACK, Embeddings())}
)


def dialect_for_path(path: str) -> Dialect:
    """Return the dialect in which to say that nothing answers at this path.

    That is the one with the endpoint whose path shares the most leading segments; OpenAI's if none shares any, or if
    it shares as many.
    """
    segments = path.split("/")[1:]
    return max(DIALECTS.values(), key=lambda dialect: _shared(dialect, segments))


def _shared(dialect: Dialect, segments: list[str]) -> int:
    paths = (endpoint.path.split("/")[1:] for endpoint in dialect.endpoints)
    return max(sum(1 for _ in takewhile(_equal, zip(segments, path, strict=False))) for path in paths)


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]
