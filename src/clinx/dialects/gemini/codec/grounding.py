"""Where an answer comes from, as Gemini says it: pages, and pieces of the answer that rest on them, in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Final, TypeAlias

from clinx.canonical.content import Citation, Text
from clinx.dialects.lenient import mapping, sequence

Wire: TypeAlias = Mapping[str, object]

_NO_PAGE: Final[Wire] = {}
_MOST: Final = 1000
"""Citations beyond are nothing that anybody reads."""


def read_grounding(given: object, text: str) -> tuple[Citation, ...]:
    """Read the grounding of a text: of its pieces where it says which, else of all of it."""
    chunks = [_page(chunk) for chunk in sequence(mapping(given).get("groundingChunks"))]
    supports = [mapping(each) for each in sequence(mapping(given).get("groundingSupports"))]
    cited = list(_supported(supports, chunks, text.encode("utf-8", "replace"))) if supports else []
    return tuple(cited or [page for page in chunks if page is not None])[:_MOST]


def _page(chunk: object) -> Citation | None:
    page = next((mapping(found) for found in mapping(chunk).values() if mapping(found).get("uri")), _NO_PAGE)
    url, title = page.get("uri"), page.get("title")
    return Citation(url, title if isinstance(title, str) and title else None) if isinstance(url, str) else None


def _supported(supports: Sequence[Wire], chunks: Sequence[Citation | None], text: bytes) -> Iterator[Citation]:
    for support in supports:
        segment = mapping(support.get("segment"))
        start, end = _place(segment.get("startIndex", 0), text), _place(segment.get("endIndex"), text)
        for number in sequence(support.get("groundingChunkIndices")):
            page = chunks[number] if isinstance(number, int) and 0 <= number < len(chunks) else None
            if page is not None and start is not None and end is not None and start <= end:
                yield Citation(page.url, page.title, start=start, end=end)
            elif page is not None:
                yield page


def _place(index: object, text: bytes) -> int | None:
    """Return a place in characters; None for one that is not in the text."""
    if not isinstance(index, int) or not 0 <= index <= len(text):
        return None
    return len(text[:index].decode("utf-8", "ignore"))


def write_grounding(texts: Sequence[Text]) -> Wire:
    """Return the member that says where texts come from; none where nothing is cited."""
    pages: dict[tuple[str, str], int] = {}
    numbers, supports, said = count(), list[Wire](), ""
    for text in texts:
        for citation in text.citations:
            if citation.url is not None:
                page = citation.url, citation.title or ""
                number = pages[page] if page in pages else pages.setdefault(page, next(numbers))
                supports.append({"segment": _segment(citation, text.text, said), "groundingChunkIndices": [number]})
        said += text.text
    if not pages:
        return {}
    chunks = [{"web": {"uri": url, "title": title}} for url, title in pages]
    return {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": supports}}


def _segment(citation: Citation, text: str, before: str) -> Wire:
    start = 0 if citation.start is None else citation.start
    end = len(text) if citation.end is None else citation.end
    first, last = (len((before + text[:place]).encode("utf-8", "replace")) for place in (start, end))
    return {"startIndex": first, "endIndex": last, "text": text[start:end]}
