"""A request to canonical, strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Part, Text, Unknown
from clinx.canonical.request import (
    ChatRequest,
    Effort,
    Extra,
    FormatKind,
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
from clinx.dialects.openai_responses.codec.item_decoder import KNOWN, Conversation
from clinx.dialects.openai_responses.endpoints import NAME
from clinx.dialects.unread import unread
from clinx.errors import InvalidRequest

_UNDERSTOOD: Final = frozenset(
    {
        *("model", "input", "instructions", "stream", "stream_options", "max_output_tokens", "temperature", "top_p"),
        *("tools", "tool_choice", "parallel_tool_calls", "reasoning", "text", "user", "metadata", "background"),
        *("top_logprobs", "include"),
    }
)
_ESSENTIAL: Final = frozenset({"previous_response_id", "conversation", "prompt"})
"""Members without which the answer is another one."""
_MEANS_NOTHING: Final = frozenset({b"null", b"false", b"[]", b"{}", b"0", b'"auto"', b'"disabled"', b'"default"'})
"""Values that ask for what there is anyway."""

LOGPROBS: Final = "message.output_text.logprobs"
"""What is included where the tokens of an answer are wanted."""

_MODES: Final[Mapping[str, ChoiceMode]] = {
    "auto": ChoiceMode.AUTO,
    "none": ChoiceMode.NONE,
    "required": ChoiceMode.ANY,
}
_KINDS: Final[Mapping[str, FormatKind]] = {
    "text": FormatKind.TEXT,
    "json_object": FormatKind.JSON,
    "json_schema": FormatKind.SCHEMA,
}
_EFFORTS: Final[Mapping[str, Effort]] = {**{each.value: each for each in Effort}, "xhigh": Effort.MAX}
_NULL: Final = Raw(b"null")


class _Tool(Struct, frozen=True):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: Raw = _NULL
    strict: Raw = _NULL


class _Named(Struct, frozen=True):
    type: str = "function"
    name: str | None = None


class _Choice(Struct, frozen=True):
    type: str
    name: str | None = None
    mode: str = "auto"
    tools: list[_Named] = []


class _Reasoning(Struct, frozen=True):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class _Format(Struct, frozen=True):
    type: str
    schema: Raw = _NULL
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class _TextForm(Struct, frozen=True):
    format: _Format | None = None
    verbosity: Raw = _NULL


_STRING: Final = msgspec.json.Decoder(str)
_NUMBER: Final = msgspec.json.Decoder(int | float)
_COUNT: Final = msgspec.json.Decoder(int)
_TEXTS: Final = msgspec.json.Decoder(list[str])
_FLAG: Final = msgspec.json.Decoder(bool)
_TABLE: Final = msgspec.json.Decoder(dict[str, str])
_INPUT: Final = msgspec.json.Decoder(str)
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_TOOL: Final = msgspec.json.Decoder(_Tool)
_STRICT: Final = msgspec.json.Decoder(bool | None)
_CHOICE: Final = msgspec.json.Decoder(str | _Choice)
_REASONING: Final = msgspec.json.Decoder(_Reasoning)
_TEXT_FORM: Final = msgspec.json.Decoder(_TextForm)


def decode_request(envelope: Envelope) -> ChatRequest:
    """Read the whole request.

    Raises:
        InvalidRequest: what canonical holds has another type or value than the format allows.
    """
    body = envelope.body
    members.check_encoding(body)
    form = members.typed(body, "text", _TEXT_FORM) or _TextForm()
    choice, hosted = _tool_choice(body)
    system, turns = _conversation(body)
    return ChatRequest(
        model=envelope.model,
        turns=turns,
        system=system,
        tools=tuple(_tools(body)),
        tool_choice=choice,
        sampling=Sampling(
            max_tokens=envelope.max_output_tokens,
            temperature=members.typed(body, "temperature", _NUMBER),
            top_p=members.typed(body, "top_p", _NUMBER),
            logprobs=_logprobs(body),
        ),
        response_format=_response_format(form.format),
        thinking=_thinking(body),
        stream=envelope.stream,
        user=members.typed(body, "user", _STRING),
        metadata=members.typed(body, "metadata", _TABLE) or {},
        extras=_extras(body, {**_verbosity(form), **hosted, **_included(body)}),
    )


def _logprobs(body: JsonBody) -> int | None:
    """Return how many alternatives of each token are wanted: asked for by their number, or by what is included."""
    top = members.typed(body, "top_logprobs", _COUNT)
    included = members.typed(body, "include", _TEXTS) or ()
    return (top or 0) if top or LOGPROBS in included else None


def _conversation(body: JsonBody) -> tuple[tuple[Part, ...], tuple[Turn, ...]]:
    conversation = Conversation()
    if members.is_given(body, "instructions"):
        if members.kind(body.view("instructions")) == "an array":
            conversation.read(body.view("instructions"))
        else:
            conversation.system.append(Text(members.typed(body, "instructions", _STRING) or ""))
    if members.is_given(body, "input"):
        if members.kind(body.view("input")) == "a string":
            text = members.typed(body, "input", _INPUT) or ""
            conversation.turns.append(Turn(Role.USER, (Text(text),)))
        else:
            conversation.read(body.view("input"))
    return tuple(conversation.system), tuple(conversation.turns)


def _tools(body: JsonBody) -> Iterator[Tool | Unknown]:
    for place, raw in enumerate(members.typed(body, "tools", _RAWS) or ()):
        path = f"tools[{place}]"
        tool = members.decoded(raw, path, _TOOL)
        if tool.type != "function":
            yield Unknown(NAME, raw.copy())
        elif not tool.name:
            raise members.missing(f"{path}.name")
        else:
            strict = members.decoded(tool.strict, f"{path}.strict", _STRICT)
            yield Tool(tool.name, tool.description, _copied(tool.parameters), strict)


def _tool_choice(body: JsonBody) -> tuple[ToolChoice | None, Mapping[str, Extra]]:
    """Read what is to be called; a tool of the vendor's is an extra."""
    parallel = members.typed(body, "parallel_tool_calls", _FLAG)
    choice = members.typed(body, "tool_choice", _CHOICE)
    unsaid = None if parallel is None else ToolChoice(parallel=parallel)
    if choice is None:
        return unsaid, {}
    if isinstance(choice, str):
        return ToolChoice(_mode(choice, "tool_choice"), parallel=parallel), {}
    names = tuple(tool.name for tool in choice.tools if tool.name)
    if choice.type == "allowed_tools" and len(names) == len(choice.tools):
        return ToolChoice(_mode(choice.mode, "tool_choice.mode"), names, parallel), {}
    if choice.type != "function":
        return unsaid, {"tool_choice": Extra(Raw(bytes(body.view("tool_choice"))), is_essential=True)}
    if not choice.name:
        raise members.missing("tool_choice.name")
    return ToolChoice(ChoiceMode.ANY, (choice.name,), parallel), {}


def _mode(word: str, name: str) -> ChoiceMode:
    if word not in _MODES:
        raise InvalidRequest(f"Invalid value for '{name}': expected auto, none or required.", param=name)
    return _MODES[word]


def _thinking(body: JsonBody) -> ThinkingWish | None:
    wish = members.typed(body, "reasoning", _REASONING)
    if wish is None or wish == _Reasoning():
        return None
    if wish.effort is not None and wish.effort not in _EFFORTS:
        expected = f"one of {', '.join(_EFFORTS)}"
        raise InvalidRequest(f"Invalid value for 'reasoning.effort': expected {expected}.", param="reasoning.effort")
    effort = None if wish.effort is None else _EFFORTS[wish.effort]
    return ThinkingWish(effort, shown=True if wish.summary or wish.generate_summary else None)


def _response_format(wanted: _Format | None) -> ResponseFormat | None:
    if wanted is None:
        return None
    kind = _KINDS.get(wanted.type)
    if kind is None:
        expected = "text, json_object or json_schema"
        raise InvalidRequest(f"Invalid value for 'text.format.type': expected {expected}.", param="text.format.type")
    if kind is not FormatKind.SCHEMA:
        return ResponseFormat(kind)
    schema = _copied(wanted.schema)
    if schema is None:
        raise members.missing("text.format.schema")
    return ResponseFormat(kind, schema, wanted.name, wanted.description, wanted.strict)


def _verbosity(form: _TextForm) -> Mapping[str, Extra]:
    asked = _copied(form.verbosity)
    return {} if asked is None else {"text.verbosity": Extra(asked)}


def _included(body: JsonBody) -> Mapping[str, Extra]:
    """Keep what else is to be included."""
    others = [name for name in members.typed(body, "include", _TEXTS) or () if name != LOGPROBS]
    return {"include": Extra(Raw(msgspec.json.encode(others)))} if others else {}


def _extras(body: JsonBody, found: Mapping[str, Extra]) -> Mapping[str, Mapping[str, Extra]]:
    """Keep the members that canonical has no place for, unless they ask for nothing."""
    others = {
        name: Extra(Raw(text), name in _ESSENTIAL)
        for name in body.names
        if name not in _UNDERSTOOD and (text := bytes(body.view(name))) not in _MEANS_NOTHING
    }
    extras = {**others, **found}
    return {**({NAME: extras} if extras else {}), **unread(body.view("input"), "input", KNOWN)}


def _copied(raw: Raw) -> Raw | None:
    return None if bytes(raw) == b"null" else raw.copy()
