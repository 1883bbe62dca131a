"""Content blocks of a request to parts: what messages and the results of tools are made of."""

from __future__ import annotations

import base64
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from clinx.canonical.content import (
    CacheTtl,
    File,
    Image,
    Inline,
    Part,
    Remote,
    Signature,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Uploaded,
)
from clinx.canonical.request import Extra
from clinx.dialects import members
from clinx.dialects.anthropic.endpoints import NAME

PDF: Final = "application/pdf"
PLAIN: Final = "text/plain"

ABSENT: Final = Raw()
"""A member that is not there; of raw text there is no None."""

T = TypeVar("T")


class CacheControl(Struct):
    """A marker: what comes before is to be cached."""

    ttl: Literal["5m", "1h"] | None = None


class _Source(Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class _Block(Struct):
    """Any block, as far as it is read."""

    type: str
    cache_control: CacheControl | None = None
    text: str | None = None
    source: Raw = ABSENT
    title: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = ABSENT
    tool_use_id: str | None = None
    content: str | list[Raw] | None = None
    context: Raw = ABSENT
    citations: Raw = ABSENT
    is_error: bool | None = None


class _Kind(Struct):
    type: str


READ: Final = frozenset(_Block.__struct_fields__) - {"citations", "context"}
"""Members of blocks that are read; two are extras of the blocks that they change."""
_KNOWN: Final = frozenset({"text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result"})
_KIND: Final = msgspec.json.Decoder(_Kind)
_BLOCK: Final = msgspec.json.Decoder(_Block)
_SOURCE: Final = msgspec.json.Decoder(_Source)


class BlockDecoder:
    """Reads the blocks of one request, and gathers what canonical has no place for."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.extras: dict[str, Extra] = {}

    def decode(self, content: str | list[Raw], path: str) -> tuple[Part, ...]:
        """Read a content: a text, or blocks; one of an unknown kind stays as it is.

        Raises:
            InvalidRequest: a block of a known kind is not as its kind is.
        """
        if isinstance(content, str):
            return (Text(content),)
        return tuple(self._block(block, f"{path}[{place}]") for place, block in enumerate(content))

    def _block(self, raw: Raw, path: str) -> Part:
        kind = members.decoded(raw, path, _KIND).type
        if kind not in _KNOWN:
            return Unknown(NAME, raw.copy())
        block = members.decoded(raw, path, _BLOCK)
        cache = cache_of(block.cache_control)
        match kind:
            case "text":
                return Text(_given(block.text, f"{path}.text"), cache)
            case "tool_use":
                return _call(block, path)
            case "tool_result":
                call_id = _given(block.tool_use_id, f"{path}.tool_use_id")
                parts = () if block.content is None else self.decode(block.content, f"{path}.content")
                return ToolResult(call_id, parts, block.is_error or False, cache=cache)
            case "thinking" | "redacted_thinking":
                return _thinking(block, path)
            case _:
                return self._media(block, path) or Unknown(NAME, raw.copy())

    def _media(self, block: _Block, path: str) -> Part | None:
        """Read a picture or a document; None when it comes from a place that is not known."""
        is_picture = block.type == "image"
        source = _source(block, f"{path}.source", None if is_picture else PDF)
        if source is None:
            return None
        for name, value in (("context", block.context), ("citations", block.citations)):
            if (text := text_of(value)) is not None:
                self.extras[f"{path}.{name}"] = Extra(text)
        cache = cache_of(block.cache_control)
        return Image(source, cache=cache) if is_picture else File(source, block.title, cache)


def _source(block: _Block, path: str, usual: str | None) -> Source | None:
    source = members.decoded(_given(text_of(block.source), path), path, _SOURCE)
    match source.type:
        case "base64":
            media_type = _given(source.media_type or usual, f"{path}.media_type")
            return Inline(media_type.lower(), _given(source.data, f"{path}.data"))
        case "text":
            return Inline(PLAIN, base64.b64encode(_given(source.data, f"{path}.data").encode()).decode())
        case "url":
            return Remote(_given(source.url, f"{path}.url"), usual)
        case "file":
            return Uploaded(NAME, _given(source.file_id, f"{path}.file_id"))
        case _:
            return None


def _thinking(block: _Block, path: str) -> Part:
    if block.type == "redacted_thinking":
        return Thinking("", redacted=Signature(NAME, _given(block.data, f"{path}.data")))
    signature = Signature(NAME, block.signature) if block.signature else None
    return Thinking(_given(block.thinking, f"{path}.thinking"), signature)


def _call(block: _Block, path: str) -> Part:
    """Read a call; its input stays the text it was written in.

    Raises:
        InvalidRequest: something is missing, or the input is no object.
    """
    text = _given(text_of(block.input), f"{path}.input")
    if not bytes(text).startswith(b"{"):
        raise members.wrong_type(f"{path}.input", "an object", text)
    call_id, name = _given(block.id, f"{path}.id"), _given(block.name, f"{path}.name")
    return ToolCall(call_id, name, bytes(text).decode("utf-8", "replace"), cache=cache_of(block.cache_control))


def text_of(raw: Raw) -> Raw | None:
    """Return a copy of the JSON text of a member; None where it is absent or null."""
    return raw.copy() if bytes(raw) not in {b"", b"null"} else None


def cache_of(control: CacheControl | None) -> CacheTtl | None:
    """Return how long a marker says; five minutes if it does not."""
    return None if control is None else control.ttl or "5m"


def _given(value: T | None, path: str) -> T:
    """Return what must be there.

    Raises:
        InvalidRequest: it is not.
    """
    if value is None:
        raise members.missing(path)
    return value
