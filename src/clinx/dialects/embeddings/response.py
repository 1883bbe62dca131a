"""Answers of embeddings: only usage and whether it is an answer at all."""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects import lenient
from clinx.dialects.base import WholeAnswer
from clinx.dialects.openai.errors import problem_in
from clinx.dialects.openai.usage import read_usage
from clinx.errors import UpstreamBroken


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: object = None
    error: object = None
    kind: object = msgspec.field(name="object", default=None)


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def read_answer(body: bytes) -> WholeAnswer:
    """Read an answer without decoding its vectors.

    Raises:
        UpstreamBroken: not JSON, not an answer, or an answer without vectors.
    """
    with lenient.reading_answer():
        answer = _ANSWER.decode(body)
    problem = problem_in(answer.error, answer.kind, body)
    if problem is None and not answer.data:
        raise UpstreamBroken("The upstream sent an answer without embeddings.")
    return WholeAnswer(read_usage(answer.usage), (), problem)
