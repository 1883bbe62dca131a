"""Whatever a chat says, its prompt has no more tokens than the hold assumes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.body import JsonBody
from clinx.dialects.openai.inputs import count_input
from clinx.dialects.openai_chat.prompt import count_chat
from clinx.dialects.openai_chat.size import prompt_bytes

TEXT = st.text(alphabet='a "\\ü🙂{}[],:\n', max_size=12)
DATA = st.integers(0, 3).map(lambda size: "data:image/png;base64," + "QUJD" * size)
PARTS = st.one_of(
    TEXT.map(lambda text: {"type": "text", "text": text}),
    (TEXT | DATA).map(lambda url: {"type": "image_url", "image_url": {"url": url}}),
    st.just({"type": "input_audio", "input_audio": {"format": "wav", "data": "QUJD"}}),
    st.just({"type": "file", "file": {"file_id": "file-1"}}),
    DATA.map(lambda data: {"type": "file", "file": {"file_data": data}}),
)
CALLS = st.builds(lambda name, text: {"function": {"name": name, "arguments": text}}, TEXT, TEXT)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant"]), "content": TEXT | st.lists(PARTS, max_size=4)},
    optional={"name": TEXT, "tool_calls": st.lists(CALLS, max_size=2)},
)


def every_byte(text: str) -> int:
    """The worst tokenizer there can be: a token for each byte."""
    return len(text.encode())


@given(st.lists(MESSAGES, min_size=1, max_size=4), st.booleans())
def test_a_chat_has_no_more_tokens_than_its_size(messages: list[Any], escaped: bool) -> None:
    body = JsonBody.parse(json.dumps({"model": "m", "messages": messages}, ensure_ascii=escaped).encode())

    assert count_chat(body, every_byte) <= prompt_bytes(body)


@given(st.lists(TEXT, min_size=1) | st.lists(st.integers(0, 9), min_size=1) | TEXT)
def test_an_input_has_no_more_tokens_than_its_size(value: Any) -> None:
    body = JsonBody.parse(json.dumps({"input": value}, separators=(",", ":")).encode())

    assert count_input(body, "input", every_byte) <= len(body.data)
