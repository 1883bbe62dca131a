"""Whole answers: what was generated, or how many tokens a prompt is."""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects import lenient
from clinx.dialects.base import WholeAnswer
from clinx.dialects.gemini.chunk import Candidate, read_chunk, text_of
from clinx.dialects.gemini.errors import problem_in
from clinx.dialects.gemini.usage import read_usage_in, searches_in, with_searches
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken


class _Count(msgspec.Struct, rename="camel"):
    total_tokens: int | None = None
    error: object = None


_COUNT: Final = msgspec.json.Decoder(_Count)


def read_answer(body: bytes) -> WholeAnswer:
    """Read an answer that was not streamed. One to a prompt that was blocked says so, and has no candidates.

    Raises:
        UpstreamBroken: not JSON, not an answer, or one without candidates.
    """
    with lenient.reading_answer():
        answer = read_chunk(body)
    problem = problem_in(answer.error, body)
    if problem is None and not answer.candidates and answer.blocked is None:
        raise UpstreamBroken("The upstream sent an answer without candidates.")
    texts = tuple(_text_of(candidate) for candidate in answer.candidates or ())
    searches = sum(searches_in(candidate.grounding_metadata) for candidate in answer.candidates or ())
    return WholeAnswer(with_searches(read_usage_in(body), searches), texts, problem)


def read_count(body: bytes) -> WholeAnswer:
    """Read the answer to a question how many tokens a prompt is; it used none.

    Raises:
        UpstreamBroken: not JSON, or no count.
    """
    with lenient.reading_answer():
        answer = lenient.decode_as(_COUNT, body)
    problem = problem_in(answer.error, body)
    if problem is None and answer.total_tokens is None:
        raise UpstreamBroken("The upstream sent an answer without a count.")
    return WholeAnswer(Usage(), (), problem)


def render_count(tokens: int) -> bytes:
    """Write the answer to a question how many tokens a prompt is."""
    return msgspec.json.encode({"totalTokens": tokens})


def _text_of(candidate: Candidate) -> str:
    return "".join(text_of(part) for part in candidate.parts)
