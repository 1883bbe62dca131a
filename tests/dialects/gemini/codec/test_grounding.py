from __future__ import annotations

from typing import Any

import pytest

from clinx.canonical.content import Citation, Text
from clinx.dialects.gemini.codec.grounding import read_grounding, write_grounding

CHUNKS = [{"web": {"uri": "a", "title": "A"}}, {"retrievedContext": {"uri": "b"}}, {"maps": {}}]


def test_places_are_bytes_there_and_characters_here() -> None:
    given = {
        "groundingChunks": CHUNKS,
        "groundingSupports": [
            {"segment": {"startIndex": 5, "endIndex": 8, "text": "was"}, "groundingChunkIndices": [0, 1, 2, 9]},
            {"segment": {"endIndex": 4}, "groundingChunkIndices": [0]},
        ],
    }

    assert read_grounding(given, "Été was") == (
        Citation("a", "A", start=3, end=6),
        Citation("b", start=3, end=6),
        Citation("a", "A", start=0, end=2),
    )


@pytest.mark.parametrize(
    "given",
    [
        {"groundingChunks": CHUNKS},
        {"groundingChunks": CHUNKS, "groundingSupports": "x"},
        {"groundingChunks": CHUNKS, "groundingSupports": [1, {"groundingChunkIndices": [7, "x"]}]},
        {
            "groundingChunks": CHUNKS,
            "groundingSupports": [{"segment": {"endIndex": 99}, "groundingChunkIndices": [0, 1]}],
        },
    ],
)
def test_pages_that_no_piece_rests_on_are_those_of_the_whole(given: Any) -> None:
    assert read_grounding(given, "text") == (Citation("a", "A"), Citation("b"))


@pytest.mark.parametrize("given", [None, {}, [], {"groundingChunks": [1, {"web": 1}, {"web": {"uri": 1}}]}])
def test_what_is_no_grounding_is_none(given: Any) -> None:
    assert read_grounding(given, "text") == ()


def test_each_page_is_named_once() -> None:
    texts = [Text("É"), Text("t so", citations=(Citation("a", "A", start=0, end=1), Citation("a", "A"), Citation()))]

    assert write_grounding(texts) == {
        "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "a", "title": "A"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 2, "endIndex": 3, "text": "t"}, "groundingChunkIndices": [0]},
                {"segment": {"startIndex": 2, "endIndex": 6, "text": "t so"}, "groundingChunkIndices": [0]},
            ],
        }
    }
    assert write_grounding([Text("a")]) == {}
