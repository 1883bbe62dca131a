"""Annotations of a message: where what it says comes from. Places count from the beginning of its whole content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Raw

from clinx.canonical.content import Citation, Text, Unknown
from clinx.dialects.lenient import member
from clinx.dialects.openai_chat.codec.media import Wire, raw_of
from clinx.dialects.openai_chat.endpoints import NAME

_KIND = "url_citation"


def read_annotations(given: object) -> tuple[Citation, ...]:
    """Read what a message or a delta is annotated with; one of another kind stays as it is."""
    found = cast("Sequence[object]", given) if isinstance(given, list) else ()
    return tuple(_read(cast("Mapping[str, object]", each)) for each in found if isinstance(each, dict))


def _read(annotation: Mapping[str, object]) -> Citation:
    cited = annotation.get(_KIND)
    url, title, quote = (_text(member(cited, name)) for name in ("url", "title", "content"))
    if url is None:
        return Citation(native=Unknown(NAME, raw_of(annotation)))
    start, end = _place(member(cited, "start_index")), _place(member(cited, "end_index"))
    is_placed = start is not None and end is not None and start <= end
    return Citation(url, title, quote, start if is_placed else None, end if is_placed else None)


def write_annotation(citation: Citation, offset: int, length: int) -> Wire | Raw | None:
    """Write a citation; None for one that this format cannot say.

    Args:
        citation: what is cited.
        offset: how much of the content stands before the text it is about.
        length: how long that text is, for a citation of all of it.
    """
    if citation.native is not None and citation.native.dialect == NAME:
        return citation.native.payload
    if citation.url is None:
        return None
    start = 0 if citation.start is None else citation.start
    end = length if citation.end is None else citation.end
    cited = {
        "url": citation.url,
        "title": citation.title or "",
        "start_index": offset + start,
        "end_index": offset + end,
    }
    return {"type": _KIND, _KIND: cited}


def write_annotations(texts: Sequence[Text]) -> Iterator[Wire | Raw]:
    """Write the citations of the texts a message is made of."""
    offset = 0
    for text in texts:
        for citation in text.citations:
            if (written := write_annotation(citation, offset, len(text.text))) is not None:
                yield written
        offset += len(text.text)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _place(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
