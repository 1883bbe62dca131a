"""A request to canonical."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Part, Text, Unknown
from clinx.canonical.request import (
    ChatRequest,
    Effort,
    Extra,
    FormatKind,
    Number,
    ResponseFormat,
    Role,
    Sampling,
    ThinkingWish,
    Turn,
)
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects import members
from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.openai_chat.codec.media import CacheControl
from clinx.dialects.openai_chat.codec.messages import KNOWN, Conversation
from clinx.dialects.openai_chat.endpoints import NAME
from clinx.dialects.unread import unread
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

COMPLETIONS: Final = "openai_completions"
"""Under which name text completions keep what a chat does not have."""

_MODES: Final[Mapping[str, ChoiceMode]] = MappingProxyType(
    {"auto": ChoiceMode.AUTO, "none": ChoiceMode.NONE, "required": ChoiceMode.ANY, "any": ChoiceMode.ANY}
)
_KINDS: Final[Mapping[str, FormatKind]] = MappingProxyType(
    {"text": FormatKind.TEXT, "json_object": FormatKind.JSON, "json_schema": FormatKind.SCHEMA}
)
_EFFORTS: Final[Mapping[str, Effort]] = MappingProxyType({**{each.value: each for each in Effort}, "xhigh": Effort.MAX})

_UNDERSTOOD: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens"),
        *("temperature", "top_p", "top_k", "stop", "seed", "presence_penalty", "frequency_penalty"),
        *("tools", "functions", "tool_choice", "function_call", "parallel_tool_calls", "response_format"),
        *("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget", "user", "metadata"),
        "prompt",
    }
)
_LIKELY: Final = frozenset({"logprobs", "top_logprobs"})
_ESSENTIAL: Final = frozenset({"logprobs", "modalities", "audio", "web_search_options", "suffix", "echo"})
_MEANS_NOTHING: Final = frozenset({b"null", b"false", b"[]", b"{}", b'["text"]', b'"auto"', b'""'})
"""Values that ask for what there is anyway."""

_NULL: Final = Raw(b"null")


class _Definition(Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: Raw = _NULL
    strict: bool | None = None


class _Tool(Struct, frozen=True):
    type: str = "function"
    function: _Definition | None = None
    cache_control: CacheControl | None = None


class _Named(Struct, frozen=True):
    name: str


class _Allowed(Struct, frozen=True):
    mode: str = "auto"
    tools: list[_Choice] = []


class _Choice(Struct, frozen=True):
    type: str = "function"
    function: _Named | None = None
    name: str | None = None
    """Where the old format of calls names the function."""
    allowed_tools: _Allowed | None = None


class _Schema(Struct, frozen=True):
    schema: Raw = _NULL
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class _Format(Struct, frozen=True):
    type: str = "text"
    json_schema: _Schema | None = None


class _Wish(Struct, frozen=True):
    """Both spellings of an object that wishes for thinking: OpenRouter's and Anthropic's."""

    type: str | None = None
    budget_tokens: int | None = None
    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


_NUMBER: Final = msgspec.json.Decoder(Number)
_INTEGER: Final = msgspec.json.Decoder(int)
_FLAG: Final = msgspec.json.Decoder(bool)
_TEXT: Final = msgspec.json.Decoder(str)
_TEXTS: Final = msgspec.json.Decoder(str | list[str])
_TABLE: Final = msgspec.json.Decoder(dict[str, str])
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_DEFINITIONS: Final = msgspec.json.Decoder(list[_Definition])
_TOOL: Final = msgspec.json.Decoder(_Tool)
_CHOICE: Final = msgspec.json.Decoder(str | _Choice)
_FORMAT: Final = msgspec.json.Decoder(_Format)
_WISH: Final = msgspec.json.Decoder(_Wish)


def decode_request(envelope: Envelope) -> ChatRequest:
    """Read a chat, or a text completion of one prompt.

    Raises:
        InvalidRequest: something has another type or value than the format allows, or there are many prompts.
    """
    body = envelope.body
    members.check_encoding(body)
    system, turns = _conversation(envelope)
    return ChatRequest(
        model=envelope.model,
        turns=turns,
        system=system,
        tools=tuple(_tools(body)),
        tool_choice=_tool_choice(body),
        sampling=_sampling(envelope),
        response_format=_response_format(body),
        thinking=_thinking(body),
        stream=envelope.stream,
        user=members.typed(body, "user", _TEXT),
        metadata=members.typed(body, "metadata", _TABLE) or {},
        extras={**_extras(envelope), **unread(body.view("messages"), "messages", KNOWN)},
    )


def _conversation(envelope: Envelope) -> tuple[tuple[Part, ...], tuple[Turn, ...]]:
    if envelope.operation is Operation.COMPLETE:
        return (), (Turn(Role.USER, (Text(_prompt(envelope.body)),)),)
    conversation = Conversation()
    conversation.read(envelope.body.view("messages"))
    return tuple(conversation.system), tuple(conversation.turns)


def _prompt(body: JsonBody) -> str:
    """Return the prompt of a text completion.

    Raises:
        InvalidRequest: there are several, or it is written in tokens.
    """
    try:
        prompt = members.typed(body, "prompt", _TEXTS)
    except InvalidRequest:
        prompt = None
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if prompts is None or len(prompts) != 1:
        raise InvalidRequest("This model takes one prompt, as a string.", param="prompt")
    return prompts[0]


def _sampling(envelope: Envelope) -> Sampling:
    body = envelope.body
    stop = members.typed(body, "stop", _TEXTS)
    return Sampling(
        max_tokens=envelope.max_output_tokens,
        temperature=members.typed(body, "temperature", _NUMBER),
        top_p=members.typed(body, "top_p", _NUMBER),
        top_k=members.typed(body, "top_k", _INTEGER),
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        seed=members.typed(body, "seed", _INTEGER),
        presence_penalty=members.typed(body, "presence_penalty", _NUMBER),
        frequency_penalty=members.typed(body, "frequency_penalty", _NUMBER),
        choices=members.typed(body, "n", _INTEGER),
        logprobs=_logprobs(envelope),
    )


def _logprobs(envelope: Envelope) -> int | None:
    """Return how many alternatives of each token are wanted; text completions have another form of them."""
    body = envelope.body
    if envelope.operation is Operation.COMPLETE or not members.typed(body, "logprobs", _FLAG):
        return None
    return members.typed(body, "top_logprobs", _INTEGER) or 0


def _tools(body: JsonBody) -> Iterator[Tool | Unknown]:
    for place, raw in enumerate(members.typed(body, "tools", _RAWS) or ()):
        tool = members.decoded(raw, f"tools[{place}]", _TOOL)
        if tool.type == "function" and tool.function is not None:
            yield _tool(tool.function, tool.cache_control)
        else:
            yield Unknown(NAME, raw.copy())
    for definition in members.typed(body, "functions", _DEFINITIONS) or ():
        yield _tool(definition, None)


def _tool(definition: _Definition, marker: CacheControl | None) -> Tool:
    schema = _copied(definition.parameters)
    return Tool(definition.name, definition.description, schema, definition.strict, marker.kept if marker else None)


def _tool_choice(body: JsonBody) -> ToolChoice | None:
    parallel = members.typed(body, "parallel_tool_calls", _FLAG)
    name = "tool_choice" if members.is_given(body, "tool_choice") else "function_call"
    choice = members.typed(body, name, _CHOICE)
    if choice is None:
        return None if parallel is None else ToolChoice(parallel=parallel)
    if isinstance(choice, str):
        return ToolChoice(_mode(choice, name), parallel=parallel)
    if choice.allowed_tools is not None:
        names = tuple(filter(None, map(_name, choice.allowed_tools.tools)))
        return ToolChoice(_mode(choice.allowed_tools.mode, name), names, parallel)
    forced = _name(choice)
    if forced is None:
        raise InvalidRequest(f"Invalid value for '{name}': expected the name of a function.", param=name)
    return ToolChoice(ChoiceMode.ANY, (forced,), parallel)


def _mode(word: str, name: str) -> ChoiceMode:
    if word not in _MODES:
        raise InvalidRequest(f"Invalid value for '{name}': expected auto, none or required.", param=name)
    return _MODES[word]


def _name(choice: _Choice) -> str | None:
    return choice.function.name if choice.function else choice.name


def _response_format(body: JsonBody) -> ResponseFormat | None:
    wanted = members.typed(body, "response_format", _FORMAT)
    if wanted is None:
        return None
    kind, schema = _KINDS.get(wanted.type), wanted.json_schema
    if kind is None:
        expected = "text, json_object or json_schema"
        raise InvalidRequest(
            f"Invalid value for 'response_format.type': expected {expected}.", param="response_format.type"
        )
    if kind is not FormatKind.SCHEMA:
        return ResponseFormat(kind)
    found = _copied(schema.schema) if schema else None
    if schema is None or found is None:
        raise members.missing("response_format.json_schema.schema")
    return ResponseFormat(kind, found, schema.name, schema.description, schema.strict)


def _thinking(body: JsonBody) -> ThinkingWish | None:
    """Read how much thinking is wanted, in any of the words that servers of this format have for it."""
    if (word := members.typed(body, "reasoning_effort", _TEXT)) is not None:
        return ThinkingWish(_effort(word, "reasoning_effort"))
    for name in ("reasoning", "thinking"):
        if (wish := members.typed(body, name, _WISH)) is not None:
            return _wish(wish, name)
    flag = members.typed(body, "enable_thinking", _FLAG)
    budget = members.typed(body, "thinking_budget", _INTEGER)
    if flag is None and budget is None:
        return None
    return ThinkingWish(Effort.NONE) if flag is False else ThinkingWish(budget=budget)


def _wish(wish: _Wish, name: str) -> ThinkingWish:
    if wish.type == "disabled" or wish.enabled is False:
        return ThinkingWish(Effort.NONE)
    effort = None if wish.effort is None else _effort(wish.effort, f"{name}.effort")
    budget = wish.budget_tokens if wish.max_tokens is None else wish.max_tokens
    return ThinkingWish(effort, budget, False if wish.exclude else None)


def _effort(word: str, name: str) -> Effort:
    if word not in _EFFORTS:
        raise InvalidRequest(f"Invalid value for '{name}': expected one of {', '.join(_EFFORTS)}.", param=name)
    return _EFFORTS[word]


def _extras(envelope: Envelope) -> Mapping[str, Mapping[str, Extra]]:
    """Keep the members that canonical has no place for, unless they ask for nothing."""
    body = envelope.body
    origin = COMPLETIONS if envelope.operation is Operation.COMPLETE else NAME
    found = {
        name: Extra(Raw(text), name in _ESSENTIAL)
        for name in _others(body.names, envelope.operation)
        if (text := bytes(body.view(name))) not in _MEANS_NOTHING
    }
    return {origin: found} if found else {}


def _others(names: Sequence[str], operation: Operation) -> Iterator[str]:
    understood = _UNDERSTOOD if operation is Operation.COMPLETE else _UNDERSTOOD | _LIKELY
    return (name for name in names if name not in understood)


def _copied(raw: Raw) -> Raw | None:
    return None if bytes(raw) == b"null" else raw.copy()
