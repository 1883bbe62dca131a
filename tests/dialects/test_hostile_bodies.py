"""Bodies that are small on the wire, and would be enormous if anything were made of what is in them."""

from __future__ import annotations

import tracemalloc

import pytest

from clinx.dialects.base import Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

SIZE = 4 * 1024 * 1024
MOST_MEMORY = SIZE // 2
"""As many objects as these bodies hold would take more than ten times their size."""


def filled(head: str, unit: str, tail: str) -> bytes:
    """As many units as there is room for; each ``#`` becomes a number of its own."""
    if "#" not in unit:
        return (head + unit * ((SIZE - len(head) - len(tail)) // len(unit)) + tail).encode()
    return (head + "".join(unit.replace("#", f"{place:x}") for place in range(SIZE // 10)) + tail).encode()


CHAT = '{"model":"m","messages":[{}]'
BODIES = {
    "top-level members": (Operation.CHAT, CHAT, ',"#":0', "}"),
    "one member again and again": (Operation.CHAT, CHAT, ',"a":0', "}"),
    "stream options": (Operation.CHAT, CHAT + ',"stream_options":{"a":0', ',"#":0', "}}"),
    "metadata": (Operation.CHAT, CHAT + ',"metadata":{"a":0', ',"#":0', "}}"),
    "documents": (Operation.CHAT, CHAT + ',"documents":[0', ",{}", "]}"),
    "messages": (Operation.CHAT, '{"model":"m","messages":[{}', ",{}", "]}"),
    "messages with roles": (Operation.CHAT, '{"model":"m","messages":[{}', ',{"role":"user"}', "]}"),
    "parts": (Operation.CHAT, '{"model":"m","messages":[{"content":[0', ",[]", "]}]}"),
    "media": (Operation.CHAT, '{"model":"m","messages":[{"content":[0', ',{"image_url":"u"}', "]}]}"),
    "escapes": (Operation.CHAT, '{"model":"m","messages":[{"content":"', "\\u006c", '"}]}'),
    "a number": (Operation.CHAT, CHAT + ',"n":1', "0", "}"),
    "no number": (Operation.CHAT, CHAT + ',"max_tokens":[0', ",0", "]}"),
    "no model": (Operation.CHAT, '{"messages":[{}],"model":[0', ",0", "]}"),
    "a long model": (Operation.CHAT, '{"messages":[{}],"model":"', "\\u00fc", '"}'),
    "empty prompts": (Operation.COMPLETE, '{"model":"m","prompt":[[]', ",[]", "]}"),
    "tiny prompts": (Operation.COMPLETE, '{"model":"m","prompt":[""', ',""', "]}"),
    "prompts of a token": (Operation.COMPLETE, '{"model":"m","prompt":[[0]', ",[0]", "]}"),
    "inputs": (Operation.EMBED, '{"model":"m","input":[[0]', ",[0]", "]}"),
    "input members": (Operation.EMBED, '{"model":"m","input":"a"', ',"#":0', "}"),
}
REFUSED = {
    *("top-level members", "one member again and again", "stream options", "messages with roles"),
    *("a number", "no number", "no model", "a long model"),
    *("empty prompts", "tiny prompts", "prompts of a token", "inputs", "input members"),
}


@pytest.mark.parametrize("name", BODIES)
def test_next_to_nothing_is_made_of(name: str) -> None:
    operation, *pieces = BODIES[name]
    body = filled(*pieces)
    dialect = DIALECTS["openai_embeddings" if operation is Operation.EMBED else "openai_chat"]
    inbound = Inbound(method="POST", path="/", match={}, query={}, headers={}, body=body)

    tracemalloc.start()
    try:
        dialect.open_request(operation, inbound)
        refused = False
    except InvalidRequest:
        refused = True
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused == (name in REFUSED)
    assert peak < MOST_MEMORY
