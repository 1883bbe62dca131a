"""Probabilities of tokens as OpenAI writes them, in chats and in responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from clinx.canonical.content import TokenLogprob

LIKELIEST = 20
"""The most alternatives that are read for one token."""


def read_logprobs(given: object) -> tuple[TokenLogprob, ...]:
    """Read a list of tokens; what is none is left out."""
    return tuple(_tokens(given))


def write_logprobs(tokens: Sequence[TokenLogprob]) -> list[Mapping[str, object]]:
    """Write a list of tokens, each with its alternatives."""
    return [{**_token(each), "top_logprobs": [_token(one) for one in each.top]} for each in tokens]


def _token(token: TokenLogprob) -> Mapping[str, object]:
    spelled = token.bytes if token.bytes is not None else tuple(token.token.encode("utf-8", "replace"))
    return {"token": token.token, "logprob": token.logprob, "bytes": spelled}


def _tokens(given: object) -> Iterator[TokenLogprob]:
    for each in cast("list[object]", given) if isinstance(given, list) else ():
        if isinstance(each, dict):
            found = cast("Mapping[str, object]", each)
            token, logprob = found.get("token"), found.get("logprob")
            if isinstance(token, str) and isinstance(logprob, int | float):
                top = tuple(_tokens(found.get("top_logprobs")))[:LIKELIEST]
                yield TokenLogprob(token, float(logprob), _bytes(found.get("bytes")), top)


def _bytes(given: object) -> tuple[int, ...] | None:
    numbers = cast("list[object]", given) if isinstance(given, list) else []
    found = tuple(number for number in numbers if isinstance(number, int))
    return found if found and len(found) == len(numbers) else None
