"""How many tokens the parts of a content are, about: texts as they are counted, media by flat figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from clinx.dialects.base import CountTokens
from clinx.dialects.lenient import mapping, sequence

IMAGE: Final = 258
RECORDING: Final = 1920
"""A minute."""
FILM: Final = 2630
"""Ten seconds."""
DOCUMENT: Final = 5000

_MEDIA: Final[Mapping[str, int]] = {"image": IMAGE, "audio": RECORDING, "video": FILM}


def count_parts(content: Mapping[str, object], count: CountTokens) -> int:
    """Count the parts of a content; a single one need not be in an array."""
    parts = content.get("parts")
    each = sequence(parts) or [parts]
    return sum(_count_part(mapping(part), count) for part in each)


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
