"""Errors, as far as all formats treat them alike: what upstreams' bodies say is found, and ours say it in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from clinx.dialects import lenient
from clinx.dialects.lenient import mapping, sequence
from clinx.errors import GatewayError, MethodNotAllowed, UpstreamRefused

MAX_TEXT: Final = 2000
"""The most characters of an upstream's message that are kept."""

JSON: Final = "application/json"

Path: TypeAlias = tuple[str, ...]
"""Names of members, each inside the one before."""


class Shape(NamedTuple):
    """How an error code looks in a format that has a word for its kind. Official SDKs raise by the status."""

    status: int
    word: str


def status_of(error: GatewayError, shapes: Mapping[str, Shape]) -> int:
    """Return the status to answer with: a refusal has the upstream's own."""
    return error.http_status if isinstance(error, UpstreamRefused) else shapes[error.code].status


def document_of(body: bytes) -> Mapping[str, object]:
    """Return an error body as an object, or the first of an array of them; empty for what is no JSON.

    A body that is no JSON says nothing: it may be a page of HTML.
    """
    try:
        document = lenient.decode(body)
    except ValueError:
        return {}
    return mapping(document) or mapping(next(iter(sequence(document)), None))


def message_in(document: Mapping[str, object], paths: Sequence[Path]) -> str | None:
    """Return the first text that stands at one of the paths."""
    return next((found for path in paths if (found := text(at(document, path)))), None)


def at(document: Mapping[str, object], path: Path) -> object:
    """Return what stands at a path; None if nothing does."""
    found: object = document
    for name in path:
        found = mapping(found).get(name)
    return found


def text(value: object) -> str | None:
    """Return text, or a number as text (codes are numbers at some vendors); None for anything else and for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return encodable(str(value)[:MAX_TEXT]) or None


def encodable(said: str) -> str:
    """Return a text without lone surrogates."""
    return said.encode("utf-8", "replace").decode()


def sentences(parts: Iterable[str | None]) -> str:
    """Join what there is to say, each part ended like a sentence."""
    return encodable(" ".join(part if part.endswith((".", "!", "?")) else part + "." for part in parts if part))


def headers_of(error: GatewayError) -> dict[str, str]:
    """Return the headers that HTTP has for an error, whatever the format of its body."""
    headers = {"Content-Type": JSON}
    if error.retry_after is not None:
        headers["Retry-After"] = str(whole_seconds(error.retry_after))
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed))
    return headers


def whole_seconds(seconds: float) -> int:
    """Return how long to wait: no less than was said, and at least a second."""
    return max(1, math.ceil(seconds))
