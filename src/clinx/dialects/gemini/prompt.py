"""How many tokens a prompt is, about, for when nobody else says. `size` is the quick bound."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, cast

from clinx.dialects import lenient
from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.gemini import names
from clinx.errors import InvalidRequest

MOST_COMMAS: Final = 1_000_000
MOST_BRACKETS: Final = 250_000
"""A text with more than these is counted as the text it is: to take it apart would take gigabytes."""

PER_CONTENT: Final = 2
PER_TOOL: Final = 8
IMAGE: Final = 258
RECORDING: Final = 1920
"""A minute."""
FILM: Final = 2630
"""Ten seconds."""
DOCUMENT: Final = 5000

_MEDIA: Final[Mapping[str, int]] = {"image": IMAGE, "audio": RECORDING, "video": FILM}


def count_prompt(body: JsonBody, count: CountTokens) -> int:
    """Count the prompt: instructions, each content's parts, and the tools' definitions; or what is to be embedded."""
    try:
        body = names.members_of(body, "generateContentRequest") or body
    except InvalidRequest:
        return _count_bytes(body.data, count)
    tokens = _count_schemas(body, count)
    for name in ("systemInstruction", "contents", "content", "requests"):
        text = body.raw(names.spelled(body, name))
        if text is not None:
            tokens += _count_member(text, count)
    return tokens


def _count_member(text: bytes, count: CountTokens) -> int:
    value = _decoded(text)
    if value is None:
        return _count_bytes(text, count)
    each = cast("list[object]", value) if isinstance(value, list) else [value]
    return sum(_count_content(_mapping(one), count) for one in each)


def _count_content(content: Mapping[str, object], count: CountTokens) -> int:
    parts = _mapping(content.get("content") or content).get("parts")
    each = _sequence(parts) or [parts]
    return PER_CONTENT + sum(_count_part(_mapping(part), count) for part in each)


def _count_part(part: Mapping[str, object], count: CountTokens) -> int:
    tokens = 0
    for name, value in part.items():
        if name == "text" and isinstance(value, str):
            tokens += count(value)
        elif name in {"inlineData", "inline_data", "fileData", "file_data"}:
            tokens += _count_media(_mapping(value))
        elif isinstance(value, dict):
            tokens += count(json.dumps(value, ensure_ascii=False))
    return tokens


def _count_media(media: Mapping[str, object]) -> int:
    kind = media.get("mimeType") or media.get("mime_type")
    return _MEDIA.get(str(kind).partition("/")[0], DOCUMENT)


def _count_schemas(body: JsonBody, count: CountTokens) -> int:
    """Count definitions of tools as the text they are written in, a little more for each tool."""
    text = body.raw("tools") or b""
    return PER_TOOL * text.count(b'"name"') + _count_bytes(text, count)


def _count_bytes(text: bytes, count: CountTokens) -> int:
    return count(text.decode("utf-8", "replace"))


def _decoded(text: bytes) -> object:
    """Decode; None for what cannot be read from here, or is absurdly dense."""
    if text.count(b",") > MOST_COMMAS or text.count(b"{") + text.count(b"[") > MOST_BRACKETS:
        return None
    try:
        return lenient.decode(text)
    except ValueError:
        return None


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _sequence(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()
