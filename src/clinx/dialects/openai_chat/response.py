"""Whole answers, and the pieces they share with streamed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

import msgspec

from clinx.dialects import lenient
from clinx.dialects.base import UpstreamProblem, WholeAnswer
from clinx.dialects.openai_chat.errors import read_problem
from clinx.dialects.openai_chat.usage import read_usage
from clinx.errors import UpstreamBroken


class Message(msgspec.Struct):
    """What an answer says: a ``message`` or a ``delta``. Types are the upstream's own: nothing may be relied upon."""

    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    refusal: object = None
    tool_calls: object = None
    function_call: object = None
    audio: object = None

    def is_empty(self) -> bool:
        """Whether it says nothing, like the first piece of a stream, which only names the role."""
        return not self.content and not self._says_more()

    def text(self) -> str:
        """Return what was generated, as it is counted: content, reasoning, refusal, speech, calls."""
        if isinstance(self.content, str) and not self._says_more():
            return self.content
        return "".join(self._texts())

    def _says_more(self) -> object:
        """Whether there is anything besides content."""
        return (
            self.reasoning_content
            or self.reasoning
            or self.refusal
            or self.tool_calls
            or self.function_call
            or self.audio
        )

    def _texts(self) -> Iterator[str]:
        for said in (self.content, self.reasoning_content or self.reasoning, self.refusal):
            yield from _said(said)
        yield from _strings(self.audio, "transcript")
        yield from _strings(self.function_call, "name", "arguments")
        for call in cast("list[object]", self.tool_calls) if isinstance(self.tool_calls, list) else ():
            if isinstance(call, dict):
                yield from _strings(cast("dict[str, object]", call).get("function"), "name", "arguments")


class Choice(msgspec.Struct):
    """One of the answers, whole (``message``), in pieces (``delta``), or plain (``text``)."""

    index: int | None = 0
    message: Message | None = None
    delta: Message | None = None
    text: object = None
    finish_reason: object = None
    usage: object = None
    """Where Moonshot reports usage in a stream."""


class _Answer(msgspec.Struct):
    choices: list[Choice] | None = None
    usage: object = None
    error: object = None
    kind: object = msgspec.field(name="object", default=None)


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def read_answer(body: bytes) -> WholeAnswer:
    """Read a non-streamed answer of chat or text completions.

    Raises:
        UpstreamBroken: not JSON, not an answer, or an answer without choices.
    """
    try:
        answer = lenient.decode_as(_ANSWER, body)
    except ValueError as error:
        raise UpstreamBroken("The upstream sent an answer that cannot be read.") from error
    usage = read_usage(answer.usage)
    problem = problem_in(answer.error, answer.kind, body)
    if problem is None and not answer.choices:
        raise UpstreamBroken("The upstream sent an answer without choices.")
    return WholeAnswer(usage, tuple("".join(_generated(choice)) for choice in answer.choices or ()), problem)


def problem_in(error: object, kind: object, body: bytes) -> UpstreamProblem | None:
    """Return what an answer or event says if it is an error in spite of its status; None when it is none."""
    if not error and kind != "error":
        return None
    return read_problem(body)


def _generated(choice: Choice) -> Iterator[str]:
    yield from _said(choice.text)
    if choice.message is not None:
        yield choice.message.text()


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
