from __future__ import annotations

import pytest

from clinx.dialects.openai_responses.event import Event, read_event


def test_members_are_read_whatever_their_type() -> None:
    assert read_event(b'{"type":1,"delta":[],"item":"x","response":2,"more":3}') == Event(1, [], "x", 2)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"1", b"[DONE]", b"[" * 100_000])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_event(data)
