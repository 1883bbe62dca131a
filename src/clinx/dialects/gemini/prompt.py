"""How many tokens a prompt is, about, for when nobody else says. `size` is the quick bound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from clinx.dialects.base import CountTokens
from clinx.dialects.body import JsonBody
from clinx.dialects.gemini import names
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.prompts import count_bytes, decoded
from clinx.errors import InvalidRequest

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
        return count_bytes(body.data, count)
    tokens = _count_schemas(body, count)
    for name in ("systemInstruction", "contents", "content", "requests"):
        text = body.raw(names.spelled(body, name))
        if text is not None:
            tokens += _count_member(text, count)
    return tokens


def _count_member(text: bytes, count: CountTokens) -> int:
    value = decoded(text)
    if value is None:
        return count_bytes(text, count)
    items = sequence(value)
    each = items if isinstance(value, list) else [value]
    return sum(_count_content(mapping(one), count) for one in each)


def _count_content(content: Mapping[str, object], count: CountTokens) -> int:
    parts = mapping(content.get("content") or content).get("parts")
    each = sequence(parts) or [parts]
    return PER_CONTENT + sum(_count_part(mapping(part), count) for part in each)


def _count_part(part: Mapping[str, object], count: CountTokens) -> int:
    tokens = 0
    for name, value in part.items():
        if name == "text" and isinstance(value, str):
            tokens += count(value)
        elif name in {"inlineData", "inline_data", "fileData", "file_data"}:
            tokens += _count_media(mapping(value))
        elif isinstance(value, dict):
            tokens += count(json.dumps(value, ensure_ascii=False))
    return tokens


def _count_media(media: Mapping[str, object]) -> int:
    kind = media.get("mimeType") or media.get("mime_type")
    return _MEDIA.get(str(kind).partition("/")[0], DOCUMENT)


def _count_schemas(body: JsonBody, count: CountTokens) -> int:
    """Count definitions of tools as the text they are written in, a little more for each tool."""
    text = body.raw("tools") or b""
    return PER_TOOL * text.count(b'"name"') + count_bytes(text, count)
