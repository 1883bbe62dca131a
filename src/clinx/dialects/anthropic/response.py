"""Whole answers, and the blocks they share with streamed ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from clinx.dialects import lenient
from clinx.dialects.anthropic.errors import read_problem
from clinx.dialects.anthropic.usage import read_usage
from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.domain.usage import Usage
from clinx.errors import UpstreamBroken

_UNSPOKEN: Final = frozenset({"type", "id", "signature", "data", "tool_use_id", "encrypted_content"})
"""Members of a block that are text and were not generated, or cannot be read."""
_RESULT: Final = "tool_result"


def text_of(block: Mapping[str, object]) -> str:
    """Return what was generated of a block, as it is counted: texts under any name, and the input of a call.

    What a tool of the vendor's returned was not generated, however it got into the answer.
    """
    return "".join(_texts(block))


def _texts(block: Mapping[str, object]) -> Iterator[str]:
    if str(block.get("type")).endswith(_RESULT):
        return
    for name, value in block.items():
        if isinstance(value, str) and name not in _UNSPOKEN:
            yield value
    if called_with := block.get("input"):
        yield json.dumps(called_with, ensure_ascii=False)


class _Answer(msgspec.Struct):
    type: object = None
    content: list[dict[str, object]] | None = None
    usage: object = None
    error: object = None


class _Count(msgspec.Struct):
    type: object = None
    input_tokens: int | None = None
    error: object = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_COUNT: Final = msgspec.json.Decoder(_Count)


def read_answer(body: bytes) -> WholeAnswer:
    """Read a message that was not streamed.

    Raises:
        UpstreamBroken: not JSON, not a message, or one without content; content may be empty.
    """
    with lenient.reading_answer():
        answer = lenient.decode_as(_ANSWER, body)
    problem = problem_in(answer.type, answer.error, body)
    if problem is None and answer.content is None:
        raise UpstreamBroken("The upstream sent an answer without content.")
    return WholeAnswer(read_usage(answer.usage), tuple(text_of(block) for block in answer.content or ()), problem)


def read_count(body: bytes) -> WholeAnswer:
    """Read the answer to a question how many tokens a prompt is; it used none.

    Raises:
        UpstreamBroken: not JSON, or no count.
    """
    with lenient.reading_answer():
        answer = lenient.decode_as(_COUNT, body)
    problem = problem_in(answer.type, answer.error, body)
    if problem is None and answer.input_tokens is None:
        raise UpstreamBroken("The upstream sent an answer without a count.")
    return WholeAnswer(Usage(), (), problem)


def render_count(tokens: int) -> bytes:
    """Write the answer to a question how many tokens a prompt is."""
    return msgspec.json.encode({"input_tokens": tokens})


def problem_in(kind: object, error: object, body: bytes) -> UpstreamProblem | None:
    """Return what an answer or event says if it is an error in spite of its status; None when it is none."""
    return read_problem(body) if error or kind == "error" else None
