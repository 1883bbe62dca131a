"""A whole request to canonical, strictly: each member in either spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import Part, Unknown
from clinx.canonical.request import (
    ChatRequest,
    Effort,
    Extra,
    FormatKind,
    ResponseFormat,
    Sampling,
    ThinkingWish,
)
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects import members
from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.gemini.codec.contents import KNOWN, Content, Contents, Members, parts_of, read_part
from clinx.dialects.gemini.codec.schemas import from_subset
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.gemini.request import CONFIG
from clinx.dialects.google import names
from clinx.dialects.google.names import get, is_one_of
from clinx.dialects.unread import unread

JSON: Final = "application/json"
PLAIN: Final = "text/plain"

_SAMPLING: Final[Mapping[str, tuple[str, type]]] = MappingProxyType(
    {
        "maxOutputTokens": ("max_tokens", int),
        "temperature": ("temperature", float),
        "topP": ("top_p", float),
        "topK": ("top_k", float),
        "seed": ("seed", int),
        "presencePenalty": ("presence_penalty", float),
        "frequencyPenalty": ("frequency_penalty", float),
        "candidateCount": ("choices", int),
        "logprobs": ("logprobs", int),
    }
)
"""Member of the config to the name and the type of canonical's."""

_FORMAT: Final = ("responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema")
_READ_IN_CONFIG: Final = frozenset({*_SAMPLING, *_FORMAT, "stopSequences", "thinkingConfig", "responseLogprobs"})
_READ: Final = frozenset({"contents", "systemInstruction", "tools", "toolConfig", CONFIG, "model"})
_ESSENTIAL: Final = frozenset(
    {"cachedContent", "responseModalities", "speechConfig", "imageConfig", "responseFormat", "responseMimeType"}
)
"""Members that no answer can do without, once they are there."""

_MODES: Final[Mapping[str, ChoiceMode]] = MappingProxyType(
    {"AUTO": ChoiceMode.AUTO, "VALIDATED": ChoiceMode.AUTO, "ANY": ChoiceMode.ANY, "NONE": ChoiceMode.NONE}
)
_LEVELS: Final[Mapping[str, Effort]] = MappingProxyType(
    {
        "MINIMAL": Effort.MINIMAL,
        "LOW": Effort.LOW,
        "MEDIUM": Effort.MEDIUM,
        "HIGH": Effort.HIGH,
        "XHIGH": Effort.MAX,
    }
)


class _Declaration(Struct, frozen=True, rename="camel"):
    name: str
    description: str | None = None


_CONTENT: Final = msgspec.json.Decoder(Content)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_OBJECTS: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_TEXT: Final = msgspec.json.Decoder(str)
_TEXTS: Final = msgspec.json.Decoder(list[str])
_FLAG: Final = msgspec.json.Decoder(bool)
_INTEGER: Final = msgspec.json.Decoder(int)
_NUMBERS: Final = {int: _INTEGER, float: msgspec.json.Decoder(int | float)}
_NOTHING: Final[Members] = MappingProxyType({})


def decode_request(envelope: Envelope) -> ChatRequest:
    """Read a request.

    Raises:
        InvalidRequest: what canonical holds has another type than the format allows, or is no UTF-8.
    """
    body = envelope.body
    members.check_encoding(body)
    config = _object(body, CONFIG)
    return ChatRequest(
        model=envelope.model,
        turns=Contents().turns(body.view("contents")),
        system=_system(body),
        tools=tuple(_tools(body)),
        tool_choice=_tool_choice(body),
        sampling=_sampling(config),
        response_format=_response_format(config),
        thinking=_thinking(config),
        stream=envelope.stream,
        extras=_extras(body, config),
    )


def _object(body: JsonBody, name: str) -> Members:
    name = names.spelled(body, name)
    return members.typed(body, name, _OBJECT) or _NOTHING


def _system(body: JsonBody) -> tuple[Part, ...]:
    name = names.spelled(body, "systemInstruction")
    content = members.typed(body, name, _CONTENT)
    given = enumerate(parts_of(content)) if content is not None else ()
    return tuple(part for place, each in given for part in read_part(each, f"{name}.parts[{place}]"))


def _tools(body: JsonBody) -> Iterator[Tool | Unknown]:
    for place, tool in enumerate(members.typed(body, "tools", _OBJECTS) or ()):
        where = f"tools[{place}].functionDeclarations"
        declared = get(tool, "functionDeclarations")
        for each in members.decoded(declared, where, _OBJECTS) if declared is not None else ():
            yield _tool(each, where)
        for name, value in tool.items():
            if name not in {"functionDeclarations", "function_declarations"}:
                yield Unknown(NAME, Raw(msgspec.json.encode({name: value})))


def _tool(given: Members, where: str) -> Tool:
    plain = {key: value for key in ("name", "description") if (value := get(given, key)) is not None}
    declared = members.decoded(Raw(msgspec.json.encode(plain)), where, _DECLARATION)
    schema = get(given, "parametersJsonSchema") or get(given, "parameters")
    return Tool(declared.name, declared.description, None if schema is None else from_subset(_own(schema)))


_DECLARATION: Final = msgspec.json.Decoder(_Declaration)


def _tool_choice(body: JsonBody) -> ToolChoice | None:
    found = get(_object(body, "toolConfig"), "functionCallingConfig")
    if found is None:
        return None
    where = "toolConfig.functionCallingConfig"
    config = members.decoded(found, where, _OBJECT)
    mode, allowed = get(config, "mode"), get(config, "allowedFunctionNames")
    chosen = None if mode is None else _MODES.get(members.decoded(mode, f"{where}.mode", _TEXT).upper())
    wanted = members.decoded(allowed, f"{where}.allowedFunctionNames", _TEXTS) if allowed is not None else ()
    return None if chosen is None else ToolChoice(chosen, tuple(wanted))


def _sampling(config: Members) -> Sampling:
    found: dict[str, object] = {}
    for name, (own, kind) in _SAMPLING.items():
        if (text := get(config, name)) is not None:
            found[own] = members.decoded(text, f"{CONFIG}.{name}", _NUMBERS[kind])
    if (top_k := found.get("top_k")) is not None:
        found["top_k"] = int(top_k) if isinstance(top_k, int | float) else None
    likely = get(config, "responseLogprobs")
    if likely is not None and members.decoded(likely, f"{CONFIG}.responseLogprobs", _FLAG):
        found.setdefault("logprobs", 0)
    else:
        found.pop("logprobs", None)
    stop = get(config, "stopSequences")
    wanted = members.decoded(stop, f"{CONFIG}.stopSequences", _TEXTS) if stop is not None else ()
    return msgspec.convert({**found, "stop": tuple(wanted)}, Sampling)


def _response_format(config: Members) -> ResponseFormat | None:
    given = get(config, "responseMimeType")
    media_type = None if given is None else members.decoded(given, f"{CONFIG}.responseMimeType", _TEXT)
    schema = next((found for name in _FORMAT[1:] if (found := get(config, name)) is not None), None)
    if media_type == JSON and schema is not None:
        return ResponseFormat(FormatKind.SCHEMA, from_subset(_own(schema)))
    if media_type == JSON:
        return ResponseFormat(FormatKind.JSON)
    return ResponseFormat(FormatKind.TEXT) if media_type == PLAIN else None


def _thinking(config: Members) -> ThinkingWish | None:
    found = get(config, "thinkingConfig")
    if found is None:
        return None
    where = f"{CONFIG}.thinkingConfig"
    wish = members.decoded(found, where, _OBJECT)
    level, budget, shown = (get(wish, name) for name in ("thinkingLevel", "thinkingBudget", "includeThoughts"))
    word = None if level is None else members.decoded(level, f"{where}.thinkingLevel", _TEXT).upper()
    return ThinkingWish(
        effort=_LEVELS.get(word or ""),
        budget=None if budget is None else members.decoded(budget, f"{where}.thinkingBudget", _INTEGER),
        shown=None if shown is None else members.decoded(shown, f"{where}.includeThoughts", _FLAG),
    )


def _extras(body: JsonBody, config: Members) -> Mapping[str, Mapping[str, Extra]]:
    found = {name: Raw(body.raw(name) or b"null") for name in body.names if not is_one_of(name, _READ)}
    inside = {f"{CONFIG}.{name}": value for name, value in config.items() if not _is_read(name, config)}
    tools = _object(body, "toolConfig")
    chosen = {f"toolConfig.{name}": tools[name] for name in tools if not is_one_of(name, {"functionCallingConfig"})}
    extras = {name: Extra(_own(value), _is_essential(name)) for name, value in {**found, **inside, **chosen}.items()}
    return {**({NAME: extras} if extras else {}), **unread(body.view("contents"), "contents", KNOWN)}


def _is_read(name: str, config: Members) -> bool:
    """Whether a member of the config is in canonical. A media type that is neither text nor JSON is not."""
    if is_one_of(name, {"responseMimeType"}):
        return bytes(config[name]) in {b"null", msgspec.json.encode(JSON), msgspec.json.encode(PLAIN)}
    if is_one_of(name, _FORMAT[1:]):
        return bytes(get(config, "responseMimeType") or b"") == msgspec.json.encode(JSON)
    return is_one_of(name, _READ_IN_CONFIG)


def _is_essential(name: str) -> bool:
    return is_one_of(name.rpartition(".")[2], _ESSENTIAL)


def _own(text: Raw) -> Raw:
    """Return a copy that does not keep the whole request alive."""
    return Raw(bytes(text))
