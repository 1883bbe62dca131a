"""Canonical to a request: always a chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Raw

from clinx.canonical.content import Unknown
from clinx.canonical.request import ChatRequest, Effort, FormatKind, ResponseFormat, Sampling, ThinkingWish
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects.base import Encoded, Loss, Target
from clinx.dialects.losses import foreign_losses, harmless
from clinx.dialects.openai_chat.codec.media import Wire
from clinx.dialects.openai_chat.codec.wording import Wording
from clinx.dialects.openai_chat.endpoints import NAME

_MODES: Final[Mapping[ChoiceMode, str]] = MappingProxyType(
    {ChoiceMode.AUTO: "auto", ChoiceMode.NONE: "none", ChoiceMode.ANY: "required"}
)
_NO_ARGUMENTS: Final = Raw(b'{"type":"object","properties":{}}')
_SAMPLING: Final = ("max_tokens", "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
_MOST_STOPS: Final = 4


def encode_request(request: ChatRequest, target: Target) -> Encoded:
    """Write a chat for an upstream.

    Left out without a loss: cache markers, signatures, and thoughts of earlier turns where the upstream does not want
    them back, for most servers of this format refuse them.
    """
    losses = [*foreign_losses(request, NAME)]
    wording = Wording(losses, target.reasoning_history)
    body: dict[str, object] = {"model": target.model, "messages": wording.messages(request)}
    body.update(_sampled(request.sampling, losses))
    if request.sampling.logprobs is not None:
        body.update(logprobs=True, top_logprobs=request.sampling.logprobs)
    body.update(_tools(request))
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    if request.thinking is not None:
        body.update(_thinking(request.thinking, losses))
    if request.user is not None:
        body["user"] = request.user
    if request.metadata:
        # OpenAI refuses it where nothing is stored, and others refuse it always.
        losses.append(harmless("metadata", "Metadata are not sent to this model's upstream."))
    if request.stream:
        body["stream"] = True
    body.update({name: extra.value for name, extra in request.extras.get(NAME, {}).items()})
    return Encoded(msgspec.json.encode(body), tuple(losses))


def _sampled(sampling: Sampling, losses: list[Loss]) -> Iterator[tuple[str, object]]:
    for name in _SAMPLING:
        if (value := getattr(sampling, name)) is not None:
            yield name, value
    if sampling.stop:
        yield "stop", sampling.stop[:_MOST_STOPS]
    if len(sampling.stop) > _MOST_STOPS:
        losses.append(harmless("stop", f"Only {_MOST_STOPS} stop sequences are sent to this model's upstream."))
    if sampling.choices is not None:
        yield "n", sampling.choices
    if sampling.top_k is not None:
        losses.append(harmless("top_k", "This parameter is not known to the model's upstream."))


def _tools(request: ChatRequest) -> Iterator[tuple[str, object]]:
    tools = [found for tool in request.tools if (found := _tool(tool)) is not None]
    if not tools:
        return
    yield "tools", tools
    choice = request.tool_choice
    if choice is None:
        return
    if choice.mode is not None:
        yield "tool_choice", _tool_choice(choice, choice.mode)
    if choice.parallel is not None:
        yield "parallel_tool_calls", choice.parallel


def _tool(tool: Tool | Unknown) -> object:
    if isinstance(tool, Unknown):
        return tool.payload if tool.dialect == NAME else None
    function: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.schema or _NO_ARGUMENTS
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice, mode: ChoiceMode) -> object:
    if not choice.names or mode is ChoiceMode.NONE:
        return _MODES[mode]
    named = [{"type": "function", "function": {"name": name}} for name in choice.names]
    if choice.forced is not None:
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": _MODES[mode], "tools": named}}


def _response_format(wanted: ResponseFormat) -> Wire:
    if wanted.kind is FormatKind.TEXT:
        return {"type": "text"}
    if wanted.kind is FormatKind.JSON:
        return {"type": "json_object"}
    schema: dict[str, object] = {"name": wanted.name or "answer", "schema": wanted.schema}
    if wanted.description is not None:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def _thinking(wish: ThinkingWish, losses: list[Loss]) -> Iterator[tuple[str, object]]:
    effort = wish.as_effort()
    if effort is Effort.NONE and wish.effort is None:
        # Off is how models without thoughts are anyway, and these refuse to be told.
        losses.append(harmless("thinking", "Whether this model thinks is left to it."))
    elif effort is not None:
        yield "reasoning_effort", "xhigh" if effort is Effort.MAX else effort.value
