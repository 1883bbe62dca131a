from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest, PolicyRefused
from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_body import MOST_TOKENS, screen_answer, screen_body, without_logprobs
from clinx.policies.guard_patterns import Patterns
from clinx.policies.guard_spans import Span
from clinx.policies.guard_words import WordList

WORDS = WordList(["secret"], whole=True)
MASK = GuardRule("mask", GuardAction.MASK, words=WORDS, patterns=Patterns([r"\b\d{16}\b"]))
BLOCK = GuardRule("block", GuardAction.BLOCK, words=WORDS)
FLAG = GuardRule("flag", GuardAction.FLAG, words=WORDS)
IMAGE = "secret/" * 20


def masked(body: object, rule: GuardRule = MASK) -> object:
    parsed = JsonBody.parse(json.dumps(body).encode())
    return json.loads(parsed.patched(screen_body(parsed, [rule]).changes))


CHAT = {
    "model": "secret",
    "user": "secret",
    "stop": ["secret"],
    "messages": [
        {"role": "secret", "content": "a secret", "name": "secret"},
        {"role": "user", "content": [
            {"type": "text", "text": "a secret", "x_unknown": {"note": "secret"}},
            {"type": "image_url", "image_url": {"url": "https://secret.org"}},
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{IMAGE}", "filename": "secret.pdf"}},
        ]},
        {"role": "assistant", "content": None, "refusal": "secret", "tool_calls": [
            {"id": "secret", "type": "function", "function": {"name": "secret", "arguments": '{"a":"\\nsecret"}'}}
        ]},
        {"role": "tool", "tool_call_id": "secret", "content": '{"card": 4111111111111111}'},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "secret", "parameters": {
        "type": "object", "properties": {"secret": {"type": "string", "enum": ["secret"], "description": "a secret"}},
    }}}],
}  # fmt: skip
ANTHROPIC = {
    "system": [{"type": "text", "text": "secret", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a secret"}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "secret", "signature": "secret"},
            {"type": "tool_use", "id": "secret", "name": "f", "input": {
                "secret": {"type": "secret", "data": "secret"}, "n": [4111111111111111, 12],
            }},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "secret", "content": "secret"}]},
    ],
}  # fmt: skip
GEMINI = {
    "systemInstruction": {"parts": [{"text": "secret"}]},
    "generationConfig": {"stopSequences": ["secret"]},
    "contents": [
        {"role": "user", "parts": [{"text": "secret"}, {"inlineData": {"mimeType": "secret", "data": IMAGE}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "secret", "args": {"role": "secret"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "secret", "response": {"id": ["secret"]}}}]},
    ],
}
RESPONSES = {
    "instructions": "secret",
    "metadata": {"a": "secret"},
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "secret"}]},
        {"type": "function_call", "call_id": "secret", "name": "secret", "arguments": '{"secret":"secret"}'},
        {"type": "function_call_output", "call_id": "secret", "output": "secret"},
        {"type": "reasoning", "encrypted_content": "secret", "summary": [{"type": "summary_text", "text": "secret"}]},
    ],
}


def expect(body: object, *masks: tuple[str, str]) -> object:
    text = json.dumps(body)
    for old, new in masks:
        assert old in text
        text = text.replace(old, new)
    return json.loads(text)


TEXT = ('"text": "secret"', '"text": "***"')
CASES = {
    "chat": (
        CHAT,
        [("a secret", "a ***"), ('"note": "secret"', '"note": "***"'), ("secret.pdf", "***.pdf"), ("nsecret", "n***")],
        [('"refusal": "secret"', '"refusal": "***"'), ("4111111111111111", "***")],
        [('"description": "secret"', '"description": "***"')],
    ),
    "anthropic": (
        ANTHROPIC,
        [TEXT, ("a secret", "a ***"), ('"content": "secret"', '"content": "***"')],
        [('"thinking": "secret"', '"thinking": "***"')],
        [('"secret": {"type": "secret", "data": "secret"}', '"***": {"type": "***", "data": "***"}')],
        [("4111111111111111", '"***"')],
    ),
    "gemini": (GEMINI, [TEXT], [('"role": "secret"', '"role": "***"')], [('["secret"]}}}', '["***"]}}}')]),
    "responses": (
        RESPONSES,
        [TEXT, ('"instructions": "secret"', '"instructions": "***"')],
        [('"output": "secret"', '"output": "***"')],
        [(r"{\"secret\":\"secret\"}", r"{\"***\":\"***\"}")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_text_of_a_request_is_masked_and_nothing_else(name: str) -> None:
    body, *masks = CASES[name]

    assert masked(body) == expect(body, *(mask for group in masks for mask in group))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": ["secret", "x"]}, {"prompt": ["***", "x"]}),
        ({"input": "secret", "dimensions": 1}, {"input": "***", "dimensions": 1}),
        ({"content": {"parts": [{"text": "secret"}]}}, {"content": {"parts": [{"text": "***"}]}}),
        ({"messages": [{"content": "s\u0065cret \\ud83d"}]}, {"messages": [{"content": "*** \\ud83d"}]}),
    ],
)
def test_simple_requests_are_masked_too(body: object, expected: object) -> None:
    assert masked(body) == expected


def test_bytes_beside_a_mask_stay_as_they_came() -> None:
    raw = b'{ "n":1.0,"messages" : [ {"content":"\\u0073ecret","x":1e5} ,\n{"content":"\\u0041\xff"}] , "z":0 }'
    body = JsonBody.parse(raw)

    changed = body.patched(screen_body(body, [MASK]).changes)

    assert changed == raw.replace(b"\\u0073ecret", b"***")


def test_a_request_that_is_only_flagged_or_clean_does_not_change() -> None:
    body = JsonBody.parse(b'{"messages":[{"content":"a secret and a Secret"}]}')

    assert (screen_body(body, [FLAG]).changes, screen_body(body, [FLAG]).hits) == ({}, {FLAG: 2})
    assert screen_body(JsonBody.parse(b'{"messages":[{"content":""}]}'), [FLAG, MASK]).hits == {}


def test_a_blocked_request_says_so_with_what_was_found_before() -> None:
    body = JsonBody.parse(b'{"messages":[{"content":"a secret"}]}')

    found = screen_body(body, [FLAG, MASK, BLOCK])

    assert isinstance(found.refusal, PolicyRefused)
    assert (found.changes, found.hits) == ({}, {FLAG: 1, MASK: 1, BLOCK: 1})
    assert not re.search("secret", f"{found.refusal.message} {found.refusal.hint}")


def test_a_request_of_more_parts_than_any_prompt_is_refused() -> None:
    body = JsonBody.parse(b'{"messages":[' + b"[]," * (MOST_TOKENS // 2) + b'""]}')

    with pytest.raises(InvalidRequest):
        screen_body(body, [BLOCK])


PLAIN = "a secret that is written in words which are no Base64 at all but quite long"
TOOL = {"name": "f", "input_schema": {"title": "secret", "description": "secret"}}


@pytest.mark.parametrize(
    "body",
    [
        {"text": {"format": {"type": "json_schema", "description": "secret", "schema": {"description": "secret"}}}},
        {"generationConfig": {"responseSchema": {"properties": {"a": {"description": "secret"}}}}},
        {"generate_content_request": {"contents": [{"parts": [{"text": "secret"}]}], "tools": [{"f": "secret"}]}},
        {"title": "secret", "content": {"parts": []}},
        {"requests": [{"generationConfig": {"responseJsonSchema": {"description": "secret"}}}]},
        {"prompt": {"id": "p", "variables": {"name": "secret", "url": "secret", "x": {"type": "secret"}}}},
        {"messages": [{"parameters": {"content": "secret"}, "text": {"schema": {"a": "secret"}}}]},
        {"messages": [{"tool_calls": [{"function": {"arguments": "[draft] a secret is here"}}]}]},
        {"messages": [{"tool_calls": [{"function": {"arguments": "{" + "x" * 4090 + " secret"}}]}]},
        {"messages": [{"content": [{"source": {"data": PLAIN, "media_type": "text/plain", "type": "text"}}]}]},
        {"messages": [{"content": [{"file": {"file_data": PLAIN}}]}]},
        {"contents": [{"parts": [{"inline_data": {"data": "YSBzZWNyZXQ=", "mime_type": "text/plain"}}]}]},
        {"messages": [{"content": [{"type": "tool_use", "input": {"data": "secret" + "/a" * 40}}]}]},
        {"tools": [TOOL]},
    ],
)
def test_no_text_of_a_prompt_is_forgotten(body: object) -> None:
    assert screen_body(JsonBody.parse(json.dumps(body).encode()), [BLOCK]).refusal is not None


@pytest.mark.parametrize(
    "body",
    [
        {"generationConfig": {"stopSequences": ["secret"], "responseSchema": {"title": "secret", "enum": ["secret"]}}},
        {"requests": [{"generationConfig": {"stopSequences": ["secret"]}, "model": "secret"}]},
        {"tools": [{"name": "f", "input_schema": {"title": "secret"}}]},
        {"prompt": [12345, 67890]},
    ],
)
def test_what_is_not_for_the_model_is_not_looked_at(body: object) -> None:
    assert screen_body(JsonBody.parse(json.dumps(body).encode()), [BLOCK]).hits == {}


class Counting(WordList):
    """Words that know how often they were looked for."""

    looks = 0

    def find(self, text: str) -> list[Span]:
        self.looks += 1
        return super().find(text)


def test_a_rule_looks_once_at_all_texts_and_then_at_those_that_have_something() -> None:
    words = Counting(["secret"], whole=True)
    texts = ["a"] * 1000 + ["a secret"] + ["b"] * 1000

    found = screen_body(
        JsonBody.parse(json.dumps({"prompt": texts}).encode()), [GuardRule("r", GuardAction.MASK, words=words)]
    )

    assert json.loads(found.changes["prompt"])[1000] == "a ***"
    assert words.looks == 2


def test_the_parts_of_arguments_count_and_numbers_that_nobody_looks_at_do_not() -> None:
    inner = json.dumps([""] * MOST_TOKENS)
    body = {"messages": [{"tool_calls": [{"function": {"arguments": inner}}]}]}

    with pytest.raises(InvalidRequest):
        screen_body(JsonBody.parse(json.dumps(body).encode()), [BLOCK])
    ids = JsonBody.parse(json.dumps({"prompt": [12345] * (MOST_TOKENS + 1)}).encode())
    assert screen_body(ids, [BLOCK]).refusal is None


ANSWER = {
    "id": "secret", "object": "response", "model": "secret", "previous_response_id": "secret", "instructions": "secret",
    "metadata": {"a": "secret"}, "tools": [{"description": "secret"}], "error": {"message": "a secret"},
    "output": [
        {"type": "reasoning", "encrypted_content": "secret", "summary": [{"type": "summary_text", "text": "secret"}]},
        {"type": "message", "content": [
            {"type": "output_text", "text": "secret", "logprobs": [{"token": "sec", "top_logprobs": [{"bytes": [1]}]}]},
            {"type": "refusal", "refusal": "secret", "logprobs": []},
        ]},
        {"type": "function_call", "call_id": "secret", "name": "secret", "arguments": '{"secret":"secret"}'},
        {"type": "image_generation_call", "result": IMAGE},
        {"type": "mcp_call", "output": "secret"},
    ],
    "unknown": "secret",
}  # fmt: skip


def test_every_text_of_an_answer_is_masked_and_no_token_of_it_left() -> None:
    body = JsonBody.parse(json.dumps(ANSWER).encode())

    found = screen_answer(body, [MASK, FLAG])

    expected = [TEXT, ("a secret", "a ***"), ('"refusal": "secret"', '"refusal": "***"')]
    expected += [(r"{\"secret\":\"secret\"}", r"{\"***\":\"***\"}"), ('"output": "secret"', '"output": "***"')]
    expected += [('"unknown": "secret"', '"unknown": "***"')]
    expected += [('[{"token": "sec", "top_logprobs": [{"bytes": [1]}]}]', "[]")]
    assert json.loads(body.patched(found.changes)) == expect(ANSWER, *expected)
    assert found.hits == {MASK: 8, FLAG: 8}


def test_an_answer_that_is_only_flagged_keeps_its_tokens() -> None:
    body = JsonBody.parse(json.dumps(ANSWER).encode())

    assert screen_answer(body, [FLAG]).changes == {}


def test_a_blocked_answer_says_so() -> None:
    found = screen_answer(JsonBody.parse(b'{"data":[{"content":[{"text":"a secret"}]}]}'), [BLOCK])

    assert (type(found.refusal), found.changes) == (PolicyRefused, {})


VALUES = st.recursive(
    st.none() | st.integers(-9, 10**6) | st.sampled_from(["logprobs", "[", "]", '"', "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["logprobs", "a"]), inner, max_size=2),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 1]))
@settings(max_examples=200)
def test_lists_of_log_probabilities_are_emptied_and_nothing_else(value: object, indent: int | None) -> None:
    def emptied(value: Any) -> Any:
        if isinstance(value, dict):
            told = cast("dict[str, Any]", value).items()
            return {k: [] if k == "logprobs" and isinstance(v, list) else emptied(v) for k, v in told}
        return [emptied(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value

    left = without_logprobs(json.dumps(value, indent=indent).encode())

    assert json.loads(left) == emptied(value)
