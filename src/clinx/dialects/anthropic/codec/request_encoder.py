"""A canonical request in this format, for an upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

import msgspec
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.request import ChatRequest, FormatKind, Role, alternating, system_first
from clinx.canonical.tools import ChoiceMode, Tool
from clinx.dialects.anthropic.codec.closed import is_closed
from clinx.dialects.anthropic.codec.generation import is_claude, takes_sampling, takes_schemas
from clinx.dialects.anthropic.codec.part_encoder import Block, PartEncoder, marked, text_block
from clinx.dialects.anthropic.codec.wish import encode_wish
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.base import Encoded, Loss, Target
from clinx.dialects.losses import foreign_losses, harmless, severe

DEFAULT_MAX_OUTPUT: Final = 4096
"""Tokens of an answer that neither the caller nor the model bounds: the format demands a number."""

FIRST_WORDS: Final = "."
"""What the user says where a conversation begins with the assistant, which the format does not allow."""

_NO_SCHEMA: Final = Raw(b'{"type":"object","properties":{}}')
_UNKNOWN: Final = "This parameter means nothing to the model's upstream."
_HAS_NOT: Final = "The model does not take this parameter."
_IN_WORDS: Final = "The form of the answer was asked for in words."
_JSON: Final = "Answer with a single JSON object and nothing else: no prose, no code fence."
_SCHEMA: Final = "The object must match this JSON Schema: "


def encode_request(request: ChatRequest, target: Target) -> Encoded:
    """Write a request for an upstream; nothing is left out without a loss."""
    encoder = _Encoder(request, target)
    body = msgspec.json.encode(encoder.body())
    return Encoded(body, (*foreign_losses(request, NAME), *encoder.losses))


class _Encoder:
    """Writes one request, and gathers what is lost of it."""

    def __init__(self, request: ChatRequest, target: Target) -> None:
        self._parts = PartEncoder()
        self.losses: list[Loss] = self._parts.losses
        if any(turn.role is Role.SYSTEM for turn in request.turns):
            self._lose("messages", "Instructions inside the conversation were put before it.")
        self._request = system_first(request)
        self._target = target

    def _lose(self, path: str, detail: str) -> None:
        self.losses.append(harmless(path, detail))

    def body(self) -> Mapping[str, object]:
        """Return the members of the body."""
        request, target = self._request, self._target
        bound = request.sampling.max_tokens
        most = (target.max_output or DEFAULT_MAX_OUTPUT) if bound is None else bound
        tools = list(self._tools())
        choice = self._tool_choice() if tools else None
        wish, loss = encode_wish(request, target.model, most, is_forced=_is_forced(choice))
        self.losses.extend([loss] if loss else [])
        form, instruction = self._form()
        members: dict[str, object] = {
            "model": target.model,
            "max_tokens": most,
            "messages": self._messages(),
            "system": self._system(instruction),
            "tools": tools,
            "tool_choice": choice,
            "metadata": {"user_id": request.user} if request.user else None,
            "stop_sequences": self._stop(),
            "stream": request.stream or None,
            **self._sampling(is_thinking=_is_thinking(wish)),
            **wish,
            "output_config": {**cast("Mapping[str, object]", wish.get("output_config", {})), **form},
        }
        self._unsaid()
        said = {name: value for name, value in members.items() if value is not None and value not in ([], {})}
        return {**said, **self._extras()}

    def _messages(self) -> list[Mapping[str, object]]:
        messages: list[Mapping[str, object]] = []
        for place, turn in enumerate(alternating(self._request.turns)):
            if blocks := self._parts.encode(turn.parts, turn.role, f"messages[{place}]"):
                messages.append({"role": turn.role.value, "content": blocks})
        if not messages or messages[0]["role"] != Role.USER.value:
            messages.insert(0, {"role": Role.USER.value, "content": FIRST_WORDS})
        _trim_last(messages)
        return messages

    def _system(self, instruction: str | None) -> list[Block]:
        parts = [part for part in self._request.system if isinstance(part, Text | Unknown)]
        blocks = [block for part in parts if (block := _instruction(part)) is not None]
        return [*blocks, {"type": "text", "text": instruction}] if instruction else blocks

    def _tools(self) -> Iterator[Block]:
        choice = self._request.tool_choice
        names = choice.names if choice is not None else ()
        for tool in self._request.tools:
            if isinstance(tool, Unknown):
                if tool.dialect == NAME:
                    yield tool.payload
            elif not names or tool.name in names or self._forced() is not None:
                yield _tool(tool)

    def _forced(self) -> str | None:
        choice = self._request.tool_choice
        return None if choice is None else choice.forced

    def _tool_choice(self) -> dict[str, object] | None:
        choice = self._request.tool_choice
        if choice is None:
            return None
        if choice.mode is ChoiceMode.NONE:
            return {"type": "none"}
        written: dict[str, object] = {"type": "any" if choice.mode is ChoiceMode.ANY else "auto"}
        if choice.forced is not None:
            written = {"type": "tool", "name": choice.forced}
        if choice.parallel is not None:
            written["disable_parallel_tool_use"] = not choice.parallel
        return written if choice.mode is not None or choice.parallel is False else None

    def _stop(self) -> list[str]:
        sequences = [sequence for sequence in self._request.sampling.stop if sequence.strip()]
        if len(sequences) < len(self._request.sampling.stop):
            self._lose("stop", "Sequences of white space alone were left out.")
        return sequences

    def _sampling(self, *, is_thinking: bool) -> Mapping[str, object]:
        """Return what the model takes of temperature, top_p and top_k."""
        sampling, model = self._request.sampling, self._target.model
        heat = sampling.temperature
        asked: dict[str, object] = {
            "temperature": None if heat is None else min(max(heat, 0), 1),
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
        }
        refused = {name for name in asked if is_thinking or not takes_sampling(model)}
        if is_claude(model) and heat is not None:
            refused.add("top_p")  # New models take one of the two.
        for name in refused:
            if asked.pop(name) is not None:
                self._lose(name, _HAS_NOT)
        return asked

    def _form(self) -> tuple[Mapping[str, object], str | None]:
        """Return the form of the answer as a member, or as an instruction."""
        form = self._request.response_format
        if form is None or form.kind is FormatKind.TEXT:
            return {}, None
        is_held_to = form.schema is not None and (form.strict or (form.strict is None and is_closed(form.schema)))
        if is_held_to and takes_schemas(self._target.model):
            return {"format": {"type": "json_schema", "schema": form.schema}}, None
        self._lose("response_format", _IN_WORDS)
        schema = "" if form.schema is None else f" {_SCHEMA}{bytes(form.schema).decode('utf-8', 'replace')}"
        return {}, _JSON + schema

    def _unsaid(self) -> None:
        """Tell what this format has no words for."""
        request, sampling = self._request, self._request.sampling
        for name in ("seed", "presence_penalty", "frequency_penalty"):
            if getattr(sampling, name):
                self._lose(name, _UNKNOWN)
        if request.metadata:
            self._lose("metadata", _UNKNOWN)
        if sampling.logprobs is not None:
            self.losses.append(severe("logprobs", "The model's upstream does not tell how likely tokens are."))
        if sampling.choices is not None and sampling.choices > 1:
            self.losses.append(severe("n", "The model's upstream gives one answer at a time."))

    def _extras(self) -> Mapping[str, Raw]:
        """Return the members only this format has; what was not at the top of a request is not put back."""
        extras = self._request.extras.get(NAME, {})
        return {name: extra.value for name, extra in extras.items() if "." not in name}


def _tool(tool: Tool) -> Block:
    written: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    schema = tool.schema
    written["input_schema"] = _NO_SCHEMA if schema is None or bytes(schema) in {b"{}", b"null"} else schema
    return marked(written, tool.cache)


def _instruction(part: Text | Unknown) -> Block | None:
    if isinstance(part, Text):
        return text_block(part)
    return part.payload if part.dialect == NAME else None


def _is_forced(choice: Mapping[str, object] | None) -> bool:
    return choice is not None and choice["type"] in {"any", "tool"}


def _is_thinking(wish: Mapping[str, object]) -> bool:
    thinking = cast("Mapping[str, object]", wish.get("thinking", {}))
    return thinking.get("type", "disabled") != "disabled"


def _trim_last(messages: list[Mapping[str, object]]) -> None:
    """Take white space from the end of what the assistant is to go on from: the format refuses it."""
    last = messages[-1]
    content = last["content"]
    if last["role"] != Role.ASSISTANT.value or not isinstance(content, list) or not content:
        return
    block = cast("list[Block]", content)[-1]
    if isinstance(block, dict) and block.get("type") == "text":
        block["text"] = str(block["text"]).rstrip()
