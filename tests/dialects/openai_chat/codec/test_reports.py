from __future__ import annotations

import pytest
from msgspec import structs

from clinx.canonical.response import FinishReason
from clinx.dialects.openai.usage import read_usage
from clinx.dialects.openai_chat.codec.reports import read_finish, write_finish, write_usage
from clinx.domain.usage import Usage


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        (None, FinishReason.STOP),
        ("stop", FinishReason.STOP),
        ("eos_token", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("length", FinishReason.LENGTH),
        ("function_call", FinishReason.TOOL_CALLS),
        ("sensitive", FinishReason.CONTENT_FILTER),
        ("insufficient_system_resource", FinishReason.ERROR),
    ],
)
def test_vendors_words_are_understood(native: str | None, finish: FinishReason) -> None:
    assert read_finish(native) is finish


def test_every_reason_has_a_word_that_clients_know() -> None:
    words = {finish: write_finish(finish) for finish in FinishReason}

    assert set(words.values()) == {"stop", "length", "tool_calls", "content_filter"}
    assert [finish for finish, word in words.items() if read_finish(word) is not finish] == [
        FinishReason.REFUSAL,
        FinishReason.PAUSE,
        FinishReason.ERROR,
    ]


FULL = Usage(
    input=1,
    output=2,
    cache_read=4,
    cache_write=8,
    reasoning=16,
    audio_input=32,
    audio_output=64,
    image_input=128,
    image_output=256,
    call=1,
)


@pytest.mark.parametrize("usage", [FULL, Usage(input=3, output=4, call=1)])
def test_usage_is_written_as_it_is_read(usage: Usage) -> None:
    assert read_usage(write_usage(usage)) == usage


def test_caches_of_an_hour_are_written_with_the_others() -> None:
    assert read_usage(write_usage(structs.replace(FULL, cache_write_1h=1))) == structs.replace(FULL, cache_write=9)


def test_small_usage_has_few_members() -> None:
    assert write_usage(Usage(input=3, cache_read=2, output=4)) == {
        "prompt_tokens": 5,
        "completion_tokens": 4,
        "total_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
