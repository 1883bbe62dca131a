"""Bodies that are small on the wire, and would be enormous if anything were made of what is in them."""

from __future__ import annotations

import tracemalloc

import pytest

from clinx.dialects.gemini.request import open_request
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest
from dialects.gemini.asking import post

SIZE = 4 * 1024 * 1024
MOST_COPIES = 1.5
"""A copy of the body is allowed; as many objects as it holds would take more than ten times its size."""

CHAT = '{"contents":[{}]'
BODIES = {
    "top-level members": (Operation.CHAT, CHAT, ',"#":0', "}"),
    "contents": (Operation.CHAT, '{"contents":[{}', ",{}", "]}"),
    "parts": (Operation.CHAT, '{"contents":[{"parts":[{}', ",{}", "]}]}"),
    "inline parts": (Operation.CHAT, '{"contents":[{"parts":[{}', ',{"inlineData":{}}', "]}]}"),
    "files": (Operation.CHAT, '{"contents":[{"parts":[{}', ',{"fileData":{}}', "]}]}"),
    "escapes": (Operation.CHAT, '{"contents":[{"parts":[{"text":"', "\\u0044", '"}]}]}'),
    "a config": (Operation.CHAT, CHAT + ',"generationConfig":{"a":0', ',"#":0', "}}"),
    "a schema": (Operation.CHAT, CHAT + ',"generationConfig":{"responseSchema":[0', ",[]", "]}}"),
    "thoughts": (Operation.CHAT, CHAT + ',"generationConfig":{"thinkingConfig":{"a":0', ',"#":0', "}}}"),
    "a number": (Operation.CHAT, CHAT + ',"generationConfig":{"maxOutputTokens":1', "0", "}}"),
    "a model": (Operation.CHAT, CHAT + ',"model":"', "\\u00fc", '"}'),
    "a request": (Operation.COUNT_TOKENS, '{"generateContentRequest":{"contents":[{}', ",{}", "]}}"),
    "requests": (Operation.EMBED_BATCH, '{"requests":[{"content":{}}', ',{"content":{}}', "]}"),
    "no requests": (Operation.EMBED_BATCH, '{"requests":[0', ",0", "]}"),
    "a content": (Operation.EMBED, '{"content":{"parts":[{}', ",{}", "]}}"),
}
REFUSED = {"top-level members", "a config", "a number", "a model", "requests", "no requests"}


@pytest.mark.parametrize("name", BODIES)
def test_next_to_nothing_is_made_of(name: str) -> None:
    operation, head, unit, tail = BODIES[name]
    body = (head + "".join(unit.replace("#", f"{place:x}") for place in range(SIZE // len(unit))) + tail).encode()

    tracemalloc.start()
    try:
        open_request(operation, post(body))
        refused = False
    except InvalidRequest:
        refused = True
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused == (name in REFUSED)
    assert peak < len(body) * MOST_COPIES
