"""Whole answers, and the pieces they share with streamed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

import msgspec

from clinx.dialects import lenient
from clinx.dialects.base import WholeAnswer
from clinx.dialects.openai.errors import problem_in
from clinx.dialects.openai.usage import read_usage
from clinx.errors import UpstreamBroken

_UNSPOKEN: Final = frozenset({"role", "name", "id", "type", "status", "signature", "tool_call_id"})
"""Members of a message that are strings and not generated text."""
_SPOKEN: Final = frozenset(
    {"content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio"}
)


def said_in(message: dict[str, object]) -> str | None:
    """Return the text of a message that says anything, which may be none it is counted by; None if it says nothing."""
    content = message.get("content")
    if isinstance(content, str) and len(message) == 1 + ("role" in message):
        return content or None
    return text_of(message) if says_something(message) else None


def says_something(message: Mapping[str, object]) -> bool:
    """Whether a ``message`` or ``delta`` says anything; the first of a stream only names the role.

    Members that are not known say something if they are text: vendors call their thoughts what they like.
    """
    return any(
        value and (name in _SPOKEN or (isinstance(value, str) and name not in _UNSPOKEN))
        for name, value in message.items()
    )


def text_of(message: Mapping[str, object]) -> str:
    """Return what was generated, as it is counted: content, reasoning, refusal, speech, calls, and unknown texts."""
    return "".join(_texts(message))


def _texts(message: Mapping[str, object]) -> Iterator[str]:
    get = message.get
    for said in (get("content"), get("reasoning_content") or get("reasoning"), get("refusal")):
        yield from _said(said)
    yield from _strings(get("audio"), "transcript")
    yield from _strings(get("function_call"), "name", "arguments")
    calls = get("tool_calls")
    for call in cast("list[object]", calls) if isinstance(calls, list) else ():
        if isinstance(call, dict):
            yield from _strings(cast("dict[str, object]", call).get("function"), "name", "arguments")
    yield from (text for name, text in message.items() if isinstance(text, str) and _is_unknown(name))


def _is_unknown(name: str) -> bool:
    return name not in _SPOKEN and name not in _UNSPOKEN


class Choice(msgspec.Struct, gc=False):
    """One of the answers, whole (``message``), in pieces (``delta``), or plain (``text``).

    Types are the upstream's own: nothing may be relied upon.
    """

    index: object = 0
    message: dict[str, object] | None = None
    delta: dict[str, object] | None = None
    text: object = None
    finish_reason: object = None
    usage: object = None
    """Where Moonshot reports usage in a stream."""
    logprobs: object = None


class _Answer(msgspec.Struct):
    choices: list[Choice] | None = None
    usage: object = None
    error: object = None
    kind: object = msgspec.field(name="object", default=None)


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_WHOLES: Final = 3
"""The prompt, the answer, and the total."""


def read_answer(body: bytes) -> WholeAnswer:
    """Read a non-streamed answer of chat or text completions.

    Raises:
        UpstreamBroken: not JSON, not an answer, or an answer without choices.
    """
    try:
        answer = _ANSWER.decode(body)
    except lenient.FAULTS:
        with lenient.reading_answer():
            answer = lenient.decode_as(_ANSWER, body)
    problem = problem_in(answer.error, answer.kind, body)
    if problem is None and not answer.choices:
        raise UpstreamBroken("The upstream sent an answer without choices.")
    texts = tuple("".join(_generated(choice)) for choice in answer.choices or ())
    return WholeAnswer(read_usage(answer.usage), texts, problem)


def _generated(choice: Choice) -> Iterator[str]:
    yield from _said(choice.text)
    if choice.message is not None:
        yield text_of(choice.message)


def _said(value: object) -> Iterator[str]:
    """Return text that is a string, or a list of parts with text in them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in cast("list[object]", value):
            yield from _strings(part, "text")


def _strings(value: object, *names: str) -> Iterator[str]:
    if isinstance(value, dict):
        members = cast("Mapping[str, object]", value)
        yield from (text for name in names if isinstance(text := members.get(name), str))
