"""Citations of a block of text: where all of it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Raw

from clinx.canonical.content import Citation, Unknown
from clinx.dialects.anthropic.endpoints import NAME

_TITLES: Final = ("title", "document_title")


def read_citations(given: object) -> tuple[Citation, ...]:
    """Read the citations of a block; each keeps the vendor's own words, for other kinds than pages have no address."""
    found = cast("list[object]", given) if isinstance(given, list) else []
    return tuple(read_citation(cast("Mapping[str, object]", each)) for each in found if isinstance(each, dict))


def read_citation(citation: Mapping[str, object]) -> Citation:
    """Read one citation."""
    title = next((text for name in _TITLES if (text := _text(citation.get(name)))), None)
    own = Unknown(NAME, Raw(msgspec.json.encode(citation)))
    return Citation(_text(citation.get("url")), title, _text(citation.get("cited_text")), native=own)


def write_citations(citations: Sequence[Citation]) -> Iterator[Mapping[str, object] | Raw]:
    """Write citations; nothing for those that this format cannot say."""
    for citation in citations:
        if citation.native is not None and citation.native.dialect == NAME:
            yield citation.native.payload
        elif citation.url is not None:
            yield {
                "type": "web_search_result_location",
                "url": citation.url,
                "title": citation.title,
                "cited_text": citation.quote or "",
                "encrypted_index": "",
            }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
