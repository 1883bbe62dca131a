from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from clinx.canonical.content import Citation, Unknown
from clinx.dialects.anthropic.codec.citations import read_citations, write_citations

PAGE = {"type": "web_search_result_location", "url": "u", "title": "T", "cited_text": "it says", "encrypted_index": "x"}
PASSAGE = {"type": "char_location", "document_title": "D", "cited_text": "it says", "start_char_index": 0}


def own(citation: Any) -> Unknown:
    return Unknown("anthropic", Raw(msgspec.json.encode(citation)))


def test_citations_keep_the_vendors_words() -> None:
    assert read_citations([PAGE, PASSAGE, 1]) == (
        Citation("u", "T", "it says", native=own(PAGE)),
        Citation(None, "D", "it says", native=own(PASSAGE)),
    )
    assert read_citations(None) == ()


def test_a_page_is_cited_whoever_found_it() -> None:
    given = [Citation("u", "T", start=1, end=2), Citation(native=Unknown("openai_chat", Raw(b"{}")))]

    assert list(write_citations([*read_citations([PASSAGE]), *given])) == [
        own(PASSAGE).payload,
        {**PAGE, "cited_text": "", "encrypted_index": ""},
    ]
