from __future__ import annotations

import json

from msgspec import Raw

from clinx.canonical.content import Citation, Text, Unknown
from clinx.dialects.openai_chat.codec.annotations import read_annotations, write_annotation, write_annotations

PAGE = {"type": "url_citation", "url_citation": {"url": "u", "title": "T", "start_index": 1, "end_index": 3}}
FILE = {"type": "file", "file": {"hash": "h"}}
OWN = Citation(native=Unknown("openai_chat", Raw(json.dumps(FILE, separators=(",", ":")).encode())))


def test_pages_are_read_and_the_rest_stays_as_it_is() -> None:
    assert read_annotations([PAGE, FILE, 1]) == (Citation("u", "T", start=1, end=3), OWN)
    assert read_annotations(PAGE) == ()


def test_a_place_that_is_none_is_not_believed() -> None:
    odd = {"url": "u", "title": "", "content": "it says", "start_index": 3, "end_index": 1}

    assert read_annotations([{"type": "url_citation", "url_citation": odd}]) == (Citation("u", quote="it says"),)


def test_places_count_from_the_beginning_of_the_message() -> None:
    texts = [
        Text("ab"),
        Text("cde", citations=(Citation("u", "T", start=1, end=2), Citation("v"), Citation(quote="q"))),
    ]

    assert list(write_annotations(texts)) == [
        {"type": "url_citation", "url_citation": {"url": "u", "title": "T", "start_index": 3, "end_index": 4}},
        {"type": "url_citation", "url_citation": {"url": "v", "title": "", "start_index": 2, "end_index": 5}},
    ]


def test_own_words_come_back_and_those_of_others_are_not_understood() -> None:
    assert OWN.native is not None
    assert write_annotation(OWN, 0, 0) == OWN.native.payload
    assert write_annotation(Citation(native=Unknown("anthropic", Raw(b"{}"))), 0, 0) is None
