"""Parts of a request to content blocks; what this format cannot say is a loss."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Raw

from clinx.canonical.content import (
    Audio,
    CacheTtl,
    File,
    Image,
    Inline,
    Part,
    Refusal,
    Remote,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Uploaded,
    as_object,
)
from clinx.canonical.request import Role
from clinx.dialects.anthropic.codec.block_decoder import PDF, PLAIN
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.base import Loss
from clinx.dialects.losses import harmless, severe

Block: TypeAlias = dict[str, object] | Raw

_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")
_NO_PICTURE: Final = "The model's upstream does not take this picture."
_NO_FILE: Final = "The model's upstream does not take files of this kind."


class PartEncoder:
    """Writes the parts of one request, and gathers what is lost of them."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.losses: list[Loss] = []
        self._ids: dict[str, str] = {}
        """Ids of calls, to those this format allows."""

    def encode(self, parts: Sequence[Part], role: Role, path: str) -> list[Block]:
        """Return the blocks of a turn; empty if it says nothing that can be said."""
        return list(self._blocks(parts, role, path))

    def _blocks(self, parts: Sequence[Part], role: Role, path: str) -> Iterator[Block]:
        for place, part in enumerate(parts):
            block = self._block(part, role, f"{path}.content[{place}]")
            if block is not None:
                yield block

    def _block(self, part: Part, role: Role, path: str) -> Block | None:
        match part:
            case Text() | Refusal():
                return text_block(part)
            case Thinking():
                return _thinking(part)
            case ToolCall():
                return self._call(part, path)
            case ToolResult():
                return self._result(part, path)
            case Unknown():
                return part.payload if part.dialect == NAME else None  # What is foreign has been told of.
            case Image() | File() | Audio():
                return self._media(part, role, path)

    def _call(self, part: ToolCall, path: str) -> Block:
        called_with: object = as_object(part.arguments)
        if called_with is None:
            called_with = {"raw": part.arguments}
            self.losses.append(harmless(path, "The arguments of this call are no JSON object and were wrapped in one."))
        block: dict[str, object] = {"type": "tool_use", "id": self._id(part.id), "name": part.name}
        return marked({**block, "input": called_with}, part.cache)

    def _result(self, part: ToolResult, path: str) -> Block:
        block: dict[str, object] = {"type": "tool_result", "tool_use_id": self._id(part.call_id)}
        if content := self.encode(part.parts, Role.USER, path):
            block["content"] = content
        if part.is_error:
            block["is_error"] = True
        return marked(block, part.cache)

    def _media(self, part: Image | File | Audio, role: Role, path: str) -> Block | None:
        if isinstance(part, Audio):
            if part.transcript.strip():
                self.losses.append(harmless(path, "Of this recording only the transcript was sent."))
                return {"type": "text", "text": part.transcript}
            return self._lost(path, "The model's upstream does not take recordings.")
        kind = "image" if _is_picture(part) else "document"
        refusal = _NO_PICTURE if kind == "image" else _NO_FILE
        source = None if role is Role.ASSISTANT else _source(part.source, kind)
        if source is None:
            return self._lost(path, refusal)
        block: dict[str, object] = {"type": kind, "source": source}
        if isinstance(part, File) and part.name and kind == "document":
            block["title"] = part.name
        return marked(block, part.cache)

    def _lost(self, path: str, detail: str) -> None:
        self.losses.append(severe(path, detail))

    def _id(self, given: str) -> str:
        """Return an id this format allows: the same for a call and its result, another for every other call."""
        if given not in self._ids:
            plain = _ODD.sub("_", given) or "_"
            taken = set(self._ids.values())
            while plain in taken:
                plain += "_"
            self._ids[given] = plain
        return self._ids[given]


def text_block(part: Text | Refusal) -> Block | None:
    """Return a block of text; None for blank text, which is refused."""
    if not part.text.strip():
        return None
    return marked({"type": "text", "text": part.text}, part.cache if isinstance(part, Text) else None)


def marked(block: dict[str, object], cache: CacheTtl | None) -> dict[str, object]:
    """Return the block with its cache marker, if it has one."""
    if cache is None:
        return block
    return {**block, "cache_control": {"type": "ephemeral", "ttl": cache} if cache == "1h" else {"type": "ephemeral"}}


def _thinking(part: Thinking) -> Block | None:
    """Return a thought that this vendor signed; others are not taken."""
    if part.redacted is not None and part.redacted.dialect == NAME:
        return {"type": "redacted_thinking", "data": part.redacted.value}
    if part.signature is not None and part.signature.dialect == NAME:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature.value}
    return None


def _is_picture(part: Image | File) -> bool:
    media_type = None if isinstance(part.source, Uploaded) else part.source.media_type
    return isinstance(part, Image) or (media_type or "").startswith("image/")


def _source(source: Source, kind: str) -> Mapping[str, object] | None:
    match source:
        case Uploaded():
            return {"type": "file", "file_id": source.id} if source.dialect == NAME else None
        case Remote():
            takes = kind == "image" or source.media_type in {None, PDF}
            return {"type": "url", "url": source.url} if takes else None
        case Inline():
            if kind == "image" or source.media_type == PDF:
                return {"type": "base64", "media_type": source.media_type, "data": source.data}
            return _plain(source) if source.media_type.startswith("text/") else None


def _plain(source: Inline) -> Mapping[str, object] | None:
    try:
        text = base64.b64decode(source.data, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return None
    return {"type": "text", "media_type": PLAIN, "data": text}
