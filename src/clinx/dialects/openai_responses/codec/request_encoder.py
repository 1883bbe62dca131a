"""Canonical to a request, for an upstream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.request import (
    ChatRequest,
    Effort,
    FormatKind,
    ResponseFormat,
    Role,
    Sampling,
    ThinkingWish,
    Turn,
)
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects.base import Encoded, Loss, Target
from clinx.dialects.losses import foreign_losses, harmless, severe
from clinx.dialects.openai_responses.codec.item_encoder import Item, Wording
from clinx.dialects.openai_responses.codec.request_decoder import LOGPROBS
from clinx.dialects.openai_responses.endpoints import NAME
from clinx.dialects.openai_responses.request import LEAST_OUTPUT

_MODES: Final[Mapping[ChoiceMode, str]] = {
    ChoiceMode.AUTO: "auto",
    ChoiceMode.NONE: "none",
    ChoiceMode.ANY: "required",
}
_NO_ARGUMENTS: Final[Mapping[str, object]] = {"type": "object", "properties": {}}
_THINKERS: Final = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9]|gpt-oss|codex)")
"""Names of models that think: only these take what asks for their thoughts."""
PROOFS: Final = "reasoning.encrypted_content"
_UNKNOWN: Final = "This parameter is not known to the model's upstream."
_TEXT_PREFIX: Final = "text."


def encode_request(request: ChatRequest, target: Target) -> Encoded:
    """Write a request for an upstream, which is to store nothing of it.

    Left out without a loss: cache markers, and thoughts of other vendors.
    """
    losses = [*foreign_losses(request, NAME)]
    body: dict[str, object] = {"model": target.model, **_prompt(request, losses), "store": False}
    body.update(_sampled(request.sampling, losses))
    body.update(_tools(request))
    body.update(_thinking(request.thinking, target.model, losses))
    body.update(_included(request, target.model))
    if text := {**_form(request.response_format), **_text_extras(request)}:
        body["text"] = text
    if request.user is not None:
        body["user"] = request.user
    if request.metadata:
        body["metadata"] = request.metadata
    if request.stream:
        body["stream"] = True
    body.update(_extras(request))
    return Encoded(msgspec.json.encode(body), tuple(losses))


def _prompt(request: ChatRequest, losses: list[Loss]) -> Mapping[str, str | list[Item]]:
    """Write instructions and turns; of a conversation of instructions alone, these are what is asked."""
    own = tuple(part for part in request.system if isinstance(part, Unknown) and part.dialect == NAME)
    turns = (Turn(Role.SYSTEM, own), *request.turns) if own else request.turns
    instructions = "\n\n".join(part.text for part in request.system if isinstance(part, Text))
    items = Wording(losses).items(turns)
    if not items:
        return {"input": instructions}
    return {"input": items, "instructions": instructions} if instructions else {"input": items}


def _sampled(sampling: Sampling, losses: list[Loss]) -> Iterator[tuple[str, object]]:
    if sampling.max_tokens is not None:
        yield "max_output_tokens", max(sampling.max_tokens, LEAST_OUTPUT)
    if sampling.temperature is not None:
        yield "temperature", min(max(sampling.temperature, 0), 2)
    if sampling.top_p is not None:
        yield "top_p", sampling.top_p
    unknown = ("seed", "presence_penalty", "frequency_penalty", "top_k")
    losses.extend(harmless(name, _UNKNOWN) for name in unknown if getattr(sampling, name))
    if sampling.stop:
        losses.append(severe("stop", "The model's upstream has no stop sequences."))
    if sampling.choices is not None and sampling.choices > 1:
        losses.append(severe("n", "The model's upstream gives one answer at a time."))


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
    """Write a tool; it is strict only where that was asked for, which is not what this format takes for granted."""
    if isinstance(tool, Unknown):
        return tool.payload if tool.dialect == NAME else None
    written: dict[str, object] = {"type": "function", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    return {**written, "parameters": tool.schema or _NO_ARGUMENTS, "strict": bool(tool.strict)}


def _tool_choice(choice: ToolChoice, mode: ChoiceMode) -> object:
    if not choice.names or mode is ChoiceMode.NONE:
        return _MODES[mode]
    named = [{"type": "function", "name": name} for name in choice.names]
    return named[0] if choice.forced is not None else {"type": "allowed_tools", "mode": _MODES[mode], "tools": named}


def _included(request: ChatRequest, model: str) -> Iterator[tuple[str, object]]:
    """Ask for what proves thoughts, for nothing is stored that could be referred to, and for the answer's tokens."""
    logprobs = request.sampling.logprobs
    included = [*([PROOFS] if _thinks(model) else []), *([LOGPROBS] if logprobs is not None else [])]
    if included:
        yield "include", included
    if logprobs:
        yield "top_logprobs", logprobs


def _thinks(model: str) -> bool:
    return _THINKERS.search(model.lower()) is not None


def _thinking(wish: ThinkingWish | None, model: str, losses: list[Loss]) -> Iterator[tuple[str, object]]:
    """Ask for thoughts."""
    if wish is None:
        return
    effort = wish.as_effort()
    if effort is Effort.NONE and wish.effort is None:
        losses.append(harmless("thinking", "Whether this model thinks is left to it."))
        return
    asked: dict[str, object] = {}
    if effort is not None:
        asked["effort"] = "xhigh" if effort is Effort.MAX else effort.value
    if wish.shown and _thinks(model):
        asked["summary"] = "auto"
    if asked:
        yield "reasoning", asked


def _form(wanted: ResponseFormat | None) -> Mapping[str, object]:
    if wanted is None:
        return {}
    if wanted.kind is not FormatKind.SCHEMA:
        return {"format": {"type": "text" if wanted.kind is FormatKind.TEXT else "json_object"}}
    form: dict[str, object] = {"type": "json_schema", "name": wanted.name or "answer", "schema": wanted.schema}
    if wanted.description is not None:
        form["description"] = wanted.description
    if wanted.strict is not None:
        form["strict"] = wanted.strict
    return {"format": form}


def _text_extras(request: ChatRequest) -> Mapping[str, Raw]:
    own = request.extras.get(NAME, {})
    return {name.removeprefix(_TEXT_PREFIX): own[name].value for name in own if name.startswith(_TEXT_PREFIX)}


def _extras(request: ChatRequest) -> Mapping[str, Raw]:
    own = request.extras.get(NAME, {})
    return {name: own[name].value for name in own if not name.startswith(_TEXT_PREFIX)}
