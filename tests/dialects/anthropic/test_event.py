from __future__ import annotations

import pytest

from clinx.dialects.anthropic.event import Delta, Event, read_event, usage_in


def test_an_event_is_read() -> None:
    event = read_event(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}')

    assert event == Event("content_block_delta", Delta("Hi"))


def test_what_has_an_odd_type_is_left_out_and_the_rest_is_read() -> None:
    event = read_event(b'{"type":"message_delta","delta":"odd","content_block":1,"message":[],"usage":{"a":1}}')

    assert event == Event("message_delta", None, None, None, {"a": 1}, None)
    assert read_event(b'{"type":"x","delta":{"text":"Hi"},"message":1}').delta == Delta(text="Hi")


@pytest.mark.parametrize("data", [b"", b"1", b"[]", b"null", b"{", b"[" * 100_000])
def test_what_is_no_object_is_no_event(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_event(data)


def test_usage_is_the_messages_or_the_events_own() -> None:
    assert usage_in(read_event(b'{"message":{"usage":{"input_tokens":1}}}')) == {"input_tokens": 1}
    assert usage_in(read_event(b'{"usage":{"output_tokens":1}}')) == {"output_tokens": 1}
    assert usage_in(read_event(b'{"usage":7}')) is None
