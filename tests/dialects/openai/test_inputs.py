from __future__ import annotations

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai.inputs import MAX_PROMPTS, MAX_TOKEN_BYTES, count_input, count_prompts
from clinx.errors import InvalidRequest

LONG = '"' + "long " * 20_000 + '"'


def given(value: str) -> JsonBody:
    return JsonBody.parse(f'{{"input":{value}}}'.encode())


def listed(element: str, count: int) -> str:
    return "[" + ",".join([element] * count) + "]"


@pytest.mark.parametrize(
    ("value", "prompts"),
    [
        ('"text"', 1),
        ('""', 1),
        ("[1, 2 ,\n3]", 1),
        (listed("1", 100_000), 1),
        ('["a"]', 1),
        ('["a", "", "b"]', 3),
        (f'["a",{LONG}]', 2),
        ("[[1],[2 , 3]]", 2),
        (f"[[1],{listed('100', 50_000)}]", 2),
        (listed('"a"', MAX_PROMPTS), MAX_PROMPTS),
        (listed('"' + "a" * 99 + '"', MAX_PROMPTS), MAX_PROMPTS),
        (listed("[1]", MAX_PROMPTS), MAX_PROMPTS),
    ],
)
def test_prompts_are_counted(value: str, prompts: int) -> None:
    assert count_prompts(given(value), "input") == prompts


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("null", "Missing required parameter: 'input'."),
        ("7", "Invalid type for 'input': expected a string or an array, but got a number instead."),
        ("[ ]", "Invalid value for 'input': expected an array with at least 1 element."),
        ("[[1],[ ]]", "Invalid value for 'input': expected no empty array."),
        ("[[]]", "Invalid value for 'input': expected no empty array."),
        (listed('"a"', MAX_PROMPTS + 1), f"Invalid value for 'input': expected at most {MAX_PROMPTS} elements."),
        (listed('""', 1_000_000), f"Invalid value for 'input': expected at most {MAX_PROMPTS} elements."),
        (listed("[0]", 1_000_000), f"Invalid value for 'input': expected at most {MAX_PROMPTS} elements."),
        (
            listed("0", MAX_TOKEN_BYTES // 2 + 1),
            f"Invalid value for 'input': expected at most {MAX_TOKEN_BYTES} bytes of tokens.",
        ),
        (
            listed("[0]", MAX_TOKEN_BYTES // 4 + 1),
            f"Invalid value for 'input': expected at most {MAX_TOKEN_BYTES} bytes of tokens.",
        ),
    ],
    ids=["null", "number", "empty", "an empty one", "only an empty one", "many", "tiny", "tokens", "long", "longer"],
)
def test_what_is_no_prompt_or_too_many_is_refused(value: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        count_prompts(given(value), "input")

    assert (refused.value.message, refused.value.param) == (message, "input")


@pytest.mark.parametrize(
    "value",
    [
        '["a",1]',
        '[1,"a"]',
        "[1.5]",
        "[-1]",
        "[1e2]",
        "[[1],[true]]",
        "[[1],2]",
        "[[[1]]]",
        "[{}]",
        "[null]",
        f'["a",{LONG},1]',
        f"[[1],{LONG}]",
    ],
)
def test_mixed_and_other_things_are_refused(value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        count_prompts(given(value), "input")

    expected = "an array of strings, of tokens, or of arrays of tokens"
    assert refused.value.message == f"Invalid type for 'input': expected {expected}."


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ('"one two"', 2),
        ('["one two","three"]', 3),
        ("[5,6,7]", 3),
        ("[[5,6],[7]]", 3),
        ('""', 0),
        ('["a",7]', 1),
    ],
)
def test_texts_are_counted_and_tokens_are_counted_already(given: str, tokens: int) -> None:
    body = JsonBody.parse(f'{{"input":{given}}}'.encode())

    assert count_input(body, "input", lambda text: len(text.split())) == tokens
