"""Annotations of a text: where what it says comes from. Places count from the beginning of the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Raw

from clinx.canonical.content import Citation, Unknown
from clinx.dialects.openai_responses.endpoints import NAME

_KIND: Final = "url_citation"


def read_annotations(given: object) -> tuple[Citation, ...]:
    """Read what a text is annotated with; what is no page keeps the vendor's own words."""
    found = cast("list[object]", given) if isinstance(given, list) else []
    return tuple(read_annotation(cast("Mapping[str, object]", each)) for each in found if isinstance(each, dict))


def read_annotation(annotation: Mapping[str, object]) -> Citation:
    """Read one annotation."""
    url, title = annotation.get("url"), annotation.get("title")
    if annotation.get("type") != _KIND or not isinstance(url, str):
        return Citation(native=Unknown(NAME, Raw(msgspec.json.encode(annotation))))
    start, end = annotation.get("start_index"), annotation.get("end_index")
    named = title if isinstance(title, str) and title else None
    if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end:
        return Citation(url, named, start=start, end=end)
    return Citation(url, named)


def write_annotations(citations: Sequence[Citation], length: int) -> Iterator[Mapping[str, object] | Raw]:
    """Write citations of a text of some length; nothing for those that this format cannot say."""
    for citation in citations:
        if citation.native is not None and citation.native.dialect == NAME:
            yield citation.native.payload
        elif citation.url is not None:
            yield {
                "type": _KIND,
                "url": citation.url,
                "title": citation.title or "",
                "start_index": 0 if citation.start is None else citation.start,
                "end_index": length if citation.end is None else citation.end,
            }
