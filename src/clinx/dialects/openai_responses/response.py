"""Whole answers, and the items they share with streamed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from clinx.dialects import lenient
from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.lenient import mapping
from clinx.dialects.openai_responses.errors import read_problem
from clinx.dialects.openai_responses.stored import items_of, stored_id
from clinx.dialects.openai_responses.usage import read_usage
from clinx.errors import UpstreamBroken

FAILED: Final = frozenset({"failed", "cancelled"})
"""States of a response that was not made."""

_SPOKEN: Final = ("name", "arguments", "input", "code", "text", "refusal", "transcript")
_LISTS: Final = ("summary", "content")


def read_answer(body: bytes, *, is_kept: bool = False) -> WholeAnswer:
    """Read a response that was not streamed.

    Raises:
        UpstreamBroken: not JSON, not a response, or one without output; output may be empty.
    """
    with lenient.reading_answer():
        answer = mapping(lenient.decode(body))
    problem = problem_in(answer, body)
    output = answer.get("output")
    if not isinstance(output, list):
        if problem is None:
            raise UpstreamBroken("The upstream sent an answer without output.")
        output = []
    texts = tuple(text_of(mapping(item)) for item in cast("list[object]", output))
    if not is_kept:
        return WholeAnswer(read_usage(answer), texts, problem)
    return WholeAnswer(read_usage(answer), texts, problem, stored_id(answer.get("id")), items_of(answer))


def problem_in(answer: Mapping[str, object], body: bytes) -> UpstreamProblem | None:
    """Return what a response or event says if it is an error in spite of its status; None when it is none."""
    status = answer.get("status")
    has_failed = answer.get("error") or answer.get("type") == "error" or (isinstance(status, str) and status in FAILED)
    return read_problem(body) if has_failed else None


def text_of(item: Mapping[str, object]) -> str:
    """Return what was generated of an item, as it is counted: texts, thoughts, and what tools were called with.

    What a tool of the vendor's returned was not generated.
    """
    return "".join(_texts(item))


def _texts(item: Mapping[str, object]) -> Iterator[str]:
    yield from _strings(item)
    for name in _LISTS:
        parts = item.get(name)
        for part in cast("list[object]", parts) if isinstance(parts, list) else ():
            yield from _strings(mapping(part))


def _strings(item: Mapping[str, object]) -> Iterator[str]:
    yield from (text for name in _SPOKEN if isinstance(text := item.get(name), str))
