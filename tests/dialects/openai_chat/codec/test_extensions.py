from __future__ import annotations

import pytest

from clinx.canonical.content import Signature, Thinking, ToolCall
from clinx.dialects.openai_chat.codec.extensions import (
    read_call_signature,
    read_thinking_block,
    write_call_signature,
    write_thinking_block,
)

ANTHROPIC, OTHER = Signature("anthropic", "sig"), Signature("openai_responses", "sealed")

BLOCKS = [
    (Thinking("hm", ANTHROPIC), {"type": "thinking", "thinking": "hm", "signature": "sig"}),
    (Thinking("", redacted=ANTHROPIC), {"type": "redacted_thinking", "data": "sig"}),
    (
        Thinking("hm", redacted=OTHER, id="rs_1"),
        {"type": "thinking", "thinking": "hm", "data": "sealed", "id": "rs_1", "dialect": "openai_responses"},
    ),
]


@pytest.mark.parametrize(("thought", "block"), BLOCKS)
def test_a_signed_thought_travels_both_ways(thought: Thinking, block: dict[str, object]) -> None:
    assert write_thinking_block(thought) == block
    assert read_thinking_block(block) == thought


def test_a_thought_that_nobody_signed_needs_no_block() -> None:
    assert write_thinking_block(Thinking("hm")) is None


@pytest.mark.parametrize("block", [None, "thinking", {}, {"type": "text", "thinking": "x"}, {"type": "thinking"}])
def test_what_is_no_block_is_none(block: object) -> None:
    assert read_thinking_block(block) is None


@pytest.mark.parametrize(
    ("signature", "members"),
    [
        (Signature("gemini", "s"), {"extra_content": {"google": {"thought_signature": "s"}}}),
        (Signature("anthropic", "s"), {"extra_content": {"anthropic": {"thought_signature": "s"}}}),
        (None, {}),
    ],
)
def test_a_call_carries_its_signature_both_ways(signature: Signature | None, members: dict[str, object]) -> None:
    assert write_call_signature(ToolCall("i", "f", "", signature)) == members
    assert read_call_signature(members.get("extra_content")) == signature


@pytest.mark.parametrize("extra", ["x", {"google": 1}, {"google": {"thought_signature": 1}}, {"google": {}}])
def test_what_is_no_signature_is_none(extra: object) -> None:
    assert read_call_signature(extra) is None
