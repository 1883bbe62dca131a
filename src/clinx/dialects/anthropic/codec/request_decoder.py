"""A request of this format to canonical, strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Part, Unknown
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
from clinx.dialects.anthropic.codec.block_decoder import ABSENT, READ, BlockDecoder, CacheControl, cache_of, text_of
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.unread import Known, unread

_READ: Final = frozenset(
    {
        *("model", "messages", "system", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "stream"),
        *("tools", "tool_choice", "thinking", "output_config", "output_format", "metadata"),
    }
)
_KNOWN: Final = Known(frozenset({"role", "content"}), "content", READ | {"context"})
_READ_OF_TOOL: Final = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_ESSENTIAL: Final = frozenset({"container", "mcp_servers"})
"""Members without which the answer is another one."""


class _Message(Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[Raw]


class _Tool(Struct):
    name: str
    description: str | None = None
    input_schema: Raw = ABSENT
    strict: bool | None = None
    cache_control: CacheControl | None = None


class _ToolKind(Struct):
    type: str | None = None


class _ToolChoice(Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class _Format(Struct):
    type: str
    schema: Raw = ABSENT


class _OutputConfig(Struct):
    effort: str | None = None
    format: _Format | None = None


class _Metadata(Struct):
    user_id: str | None = None


_MESSAGES: Final = msgspec.json.Decoder(list[_Message])
_CONTENT: Final = msgspec.json.Decoder(str | list[Raw])
_TOOLS: Final = msgspec.json.Decoder(list[Raw])
_TOOL_KIND: Final = msgspec.json.Decoder(_ToolKind)
_TOOL: Final = msgspec.json.Decoder(_Tool)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_TOOL_CHOICE: Final = msgspec.json.Decoder(_ToolChoice)
_THINKING: Final = msgspec.json.Decoder(_Thinking)
_FORMAT: Final = msgspec.json.Decoder(_Format)
_OUTPUT_CONFIG: Final = msgspec.json.Decoder(_OutputConfig)
_METADATA: Final = msgspec.json.Decoder(_Metadata)
_NUMBER: Final = msgspec.json.Decoder(int | float)
_INTEGER: Final = msgspec.json.Decoder(int)
_TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])

_EFFORTS: Final[Mapping[str | None, Effort]] = {
    "low": Effort.LOW,
    "medium": Effort.MEDIUM,
    "high": Effort.HIGH,
    "xhigh": Effort.MAX,
    "max": Effort.MAX,
}
_MODES: Final[Mapping[str, ChoiceMode]] = {
    "auto": ChoiceMode.AUTO,
    "any": ChoiceMode.ANY,
    "tool": ChoiceMode.ANY,
    "none": ChoiceMode.NONE,
}
_SHOWN: Final[Mapping[str | None, bool]] = {"summarized": True, "omitted": False}


def decode_request(envelope: Envelope) -> ChatRequest:
    """Read the whole request.

    Raises:
        InvalidRequest: what canonical holds has another type or value than the format allows.
    """
    body, blocks = envelope.body, BlockDecoder()
    members.check_encoding(body)
    output = members.typed(body, "output_config", _OUTPUT_CONFIG) or _OutputConfig()
    metadata = members.typed(body, "metadata", _METADATA) or _Metadata()
    turns, system, tools = tuple(_turns(body, blocks)), _system(body, blocks), tuple(_tools(body, blocks))
    extras = {**_extras(body), **blocks.extras}
    return ChatRequest(
        model=envelope.model,
        turns=turns,
        system=system,
        tools=tools,
        tool_choice=_tool_choice(body),
        sampling=_sampling(body, envelope),
        response_format=_response_format(output.format or members.typed(body, "output_format", _FORMAT)),
        thinking=_thinking(body, output.effort),
        stream=envelope.stream,
        user=metadata.user_id,
        extras={**({NAME: extras} if extras else {}), **unread(body.view("messages"), "messages", _KNOWN)},
    )


def _turns(body: JsonBody, blocks: BlockDecoder) -> Iterator[Turn]:
    for place, message in enumerate(members.typed(body, "messages", _MESSAGES) or ()):
        yield Turn(Role(message.role), blocks.decode(message.content, f"messages[{place}].content"))


def _system(body: JsonBody, blocks: BlockDecoder) -> tuple[Part, ...]:
    content = members.typed(body, "system", _CONTENT)
    return blocks.decode(content, "system") if content else ()


def _tools(body: JsonBody, blocks: BlockDecoder) -> Iterator[Tool | Unknown]:
    for place, raw in enumerate(members.typed(body, "tools", _TOOLS) or ()):
        path = f"tools[{place}]"
        if members.decoded(raw, path, _TOOL_KIND).type in {None, "custom"}:
            tool = members.decoded(raw, path, _TOOL)
            for name, value in members.decoded(raw, path, _MEMBERS).items():
                if name not in _READ_OF_TOOL:
                    blocks.extras[f"{path}.{name}"] = Extra(value.copy())
            yield Tool(
                tool.name, tool.description, text_of(tool.input_schema), tool.strict, cache_of(tool.cache_control)
            )
        else:
            yield Unknown(NAME, raw.copy())


def _tool_choice(body: JsonBody) -> ToolChoice | None:
    choice = members.typed(body, "tool_choice", _TOOL_CHOICE)
    if choice is None:
        return None
    if choice.type == "tool" and choice.name is None:
        raise members.missing("tool_choice.name")
    names = (choice.name,) if choice.type == "tool" and choice.name is not None else ()
    serial = choice.disable_parallel_tool_use
    return ToolChoice(_MODES[choice.type], names, None if serial is None else not serial)


def _sampling(body: JsonBody, envelope: Envelope) -> Sampling:
    return Sampling(
        max_tokens=envelope.max_output_tokens,
        temperature=members.typed(body, "temperature", _NUMBER),
        top_p=members.typed(body, "top_p", _NUMBER),
        top_k=members.typed(body, "top_k", _INTEGER),
        stop=members.typed(body, "stop_sequences", _TEXTS) or (),
    )


def _response_format(given: _Format | None) -> ResponseFormat | None:
    schema = None if given is None or given.type != "json_schema" else text_of(given.schema)
    return None if schema is None else ResponseFormat(FormatKind.SCHEMA, schema, strict=True)


def _thinking(body: JsonBody, effort: str | None) -> ThinkingWish | None:
    wish = members.typed(body, "thinking", _THINKING)
    if wish is None:
        return None if effort is None else ThinkingWish(_EFFORTS.get(effort))
    if wish.type == "disabled":
        return ThinkingWish(Effort.NONE)
    return ThinkingWish(_EFFORTS.get(effort), wish.budget_tokens, _SHOWN.get(wish.display))


def _extras(body: JsonBody) -> dict[str, Extra]:
    found = ((name, body.raw(name)) for name in body.names if name not in _READ)
    extras = {name: Extra(Raw(raw), name in _ESSENTIAL) for name, raw in found if raw is not None and raw != b"null"}
    for name, value in (members.typed(body, "output_config", _MEMBERS) or {}).items():
        if name not in _OutputConfig.__struct_fields__:
            extras[f"output_config.{name}"] = Extra(value.copy())
    return extras
