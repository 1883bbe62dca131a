"""Canonical to a whole request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, cast

import msgspec
from msgspec import Raw, structs

from clinx.canonical.content import Unknown
from clinx.canonical.request import ChatRequest, FormatKind, ResponseFormat, Sampling, system_first
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects.base import Encoded, Loss, Target
from clinx.dialects.gemini.codec.media import Wire
from clinx.dialects.gemini.codec.request_decoder import JSON, PLAIN
from clinx.dialects.gemini.codec.schemas import to_subset
from clinx.dialects.gemini.codec.thinking import write_thinking
from clinx.dialects.gemini.codec.wording import Wording
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.gemini.request import CONFIG
from clinx.dialects.losses import foreign_losses, harmless

_SAMPLING: Final = (
    ("maxOutputTokens", "max_tokens"),
    ("temperature", "temperature"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("seed", "seed"),
    ("presencePenalty", "presence_penalty"),
    ("frequencyPenalty", "frequency_penalty"),
    ("candidateCount", "choices"),
)
_HOTTEST: Final = 2
_MOST_STOPS: Final = 5
_MODES: Final[Mapping[ChoiceMode, str]] = MappingProxyType(
    {ChoiceMode.AUTO: "AUTO", ChoiceMode.ANY: "ANY", ChoiceMode.NONE: "NONE"}
)
_UNKNOWN: Final = "This parameter is not known to the model's upstream."


def encode_request(request: ChatRequest, target: Target) -> Encoded:
    """Write a request; the model and whether to stream are said by the address."""
    losses = list(foreign_losses(request, NAME))
    ordered = system_first(request)
    if ordered is not request:
        losses.append(harmless("messages", "Instructions in the middle are moved to the beginning."))
    body = {
        **_said(ordered, Wording(target.model, losses)),
        **_tools(ordered, losses),
        **_config(ordered, target, losses),
    }
    losses.extend(harmless(name, _UNKNOWN) for name in ("user", "metadata") if getattr(request, name))
    return Encoded(msgspec.json.encode(_with_extras(body, request)), tuple(losses))


def _said(request: ChatRequest, wording: Wording) -> Wire:
    """Write instructions and contents, of which there must be some."""
    contents = wording.contents(request)
    instructions = wording.instructions(request.system)
    if not contents:
        return {"contents": [{"role": "user", "parts": instructions or [{"text": " "}]}]}
    return {**({"systemInstruction": {"parts": instructions}} if instructions else {}), "contents": contents}


def _tools(request: ChatRequest, losses: list[Loss]) -> Wire:
    functions = [_function(tool) for tool in request.tools if isinstance(tool, Tool)]
    others = [tool.payload for tool in request.tools if isinstance(tool, Unknown) and tool.dialect == NAME]
    tools = [*([{"functionDeclarations": functions}] if functions else []), *others]
    if not tools:
        return {}
    choice = request.tool_choice
    if choice is not None and choice.parallel is False:
        losses.append(harmless("parallel_tool_calls", _UNKNOWN))
    if choice is None or choice.mode is None or not functions:
        return {"tools": tools}
    return {"tools": tools, "toolConfig": {"functionCallingConfig": _choice(choice, choice.mode)}}


def _function(tool: Tool) -> Wire:
    written: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.schema is not None:
        subset = to_subset(tool.schema)
        if subset is None:
            written["parametersJsonSchema"] = tool.schema
        elif not _is_empty(subset):
            written["parameters"] = subset
    return written


def _is_empty(schema: object) -> bool:
    """Whether a schema names no parameter: the vendor refuses an object of the subset without any."""
    given = cast("Mapping[str, object]", msgspec.json.decode(schema) if isinstance(schema, Raw) else schema)
    return not given.get("properties") and "anyOf" not in given


def _choice(choice: ToolChoice, mode: ChoiceMode) -> Wire:
    """Write whether functions are called; some of them can only be offered where the model is held to their schema."""
    if not choice.names or mode is ChoiceMode.NONE:
        return {"mode": _MODES[mode]}
    return {"mode": "ANY" if mode is ChoiceMode.ANY else "VALIDATED", "allowedFunctionNames": choice.names}


def _config(request: ChatRequest, target: Target, losses: list[Loss]) -> Wire:
    config = dict(_sampling(request.sampling, losses))
    if request.response_format is not None:
        config.update(_response_format(request.response_format))
    if request.thinking is not None and (thinking := write_thinking(request.thinking, target.model, losses)):
        config["thinkingConfig"] = thinking
    return {CONFIG: config} if config else {}


def _sampling(sampling: Sampling, losses: list[Loss]) -> Iterator[tuple[str, object]]:
    if sampling.temperature is not None:
        sampling = structs.replace(sampling, temperature=min(max(sampling.temperature, 0), _HOTTEST))
    for name, own in _SAMPLING:
        if (value := getattr(sampling, own)) is not None:
            yield name, value
    if sampling.logprobs is not None:
        yield "responseLogprobs", True
        if sampling.logprobs:
            yield "logprobs", sampling.logprobs
    if sampling.stop:
        yield "stopSequences", sampling.stop[:_MOST_STOPS]
    if len(sampling.stop) > _MOST_STOPS:
        losses.append(harmless("stop", f"Only {_MOST_STOPS} stop sequences are sent to this model's upstream."))


def _response_format(wanted: ResponseFormat) -> Wire:
    if wanted.kind is FormatKind.TEXT:
        return {"responseMimeType": PLAIN}
    if wanted.schema is None:
        return {"responseMimeType": JSON}
    subset = to_subset(wanted.schema)
    schema = {"responseJsonSchema": wanted.schema} if subset is None else {"responseSchema": subset}
    return {"responseMimeType": JSON, **schema}


def _with_extras(body: Mapping[str, object], request: ChatRequest) -> Wire:
    """Put back what only this format has; a dot leads into a member."""
    written = dict(body)
    for path, extra in request.extras.get(NAME, {}).items():
        outer, dot, inner = path.partition(".")
        if not dot:
            written.setdefault(path, extra.value)
            continue
        within = written.get(outer)
        written[outer] = {inner: extra.value, **(within if isinstance(within, dict) else {})}
    return written
