from __future__ import annotations

import pytest

from clinx.dialects.openai_chat.stream import ChatTap
from clinx.domain.catalog import StreamEnd
from clinx.relay.tap_before import TapBefore
from support.fake_upstream import sse
from support.gateway import chunks

SAYS = ("started", "finished", "usage", "stored_id", "answered", "made", "text_size")


@pytest.mark.parametrize("stream", [b"", sse(*chunks("so ", "odd"))])
def test_it_says_what_the_tap_before_it_says(stream: bytes) -> None:
    tap = ChatTap(wants_usage=True, end=StreamEnd.DONE)
    behind = TapBefore(tap)
    tap.feed(stream)

    assert [getattr(behind, name) for name in SAYS] == [getattr(tap, name) for name in SAYS]
    assert behind.take_text() == ("so odd" if stream else "")
