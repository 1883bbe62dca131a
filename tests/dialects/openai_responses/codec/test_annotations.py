from __future__ import annotations

import json

from msgspec import Raw

from clinx.canonical.content import Citation, Unknown
from clinx.dialects.openai_responses.codec.annotations import read_annotations, write_annotations

PAGE = {"type": "url_citation", "url": "u", "title": "T", "start_index": 1, "end_index": 3}
FILE = {"type": "file_citation", "file_id": "f", "index": 1}
OWN = Citation(native=Unknown("openai_responses", Raw(json.dumps(FILE, separators=(",", ":")).encode())))


def test_pages_are_read_and_the_rest_stays_as_it_is() -> None:
    assert read_annotations([PAGE, FILE, 1]) == (Citation("u", "T", start=1, end=3), OWN)
    assert read_annotations([{**PAGE, "start_index": 4}]) == (Citation("u", "T"),)
    assert read_annotations(PAGE) == ()


def test_what_can_be_said_is_written() -> None:
    foreign = Citation(native=Unknown("anthropic", Raw(b"{}")))
    assert OWN.native is not None

    assert list(write_annotations([Citation("u", "T", start=1, end=3), Citation("v"), OWN, foreign], 9)) == [
        PAGE,
        {"type": "url_citation", "url": "v", "title": "", "start_index": 0, "end_index": 9},
        OWN.native.payload,
    ]
