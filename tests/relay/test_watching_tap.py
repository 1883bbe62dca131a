from __future__ import annotations

from collections.abc import Sequence

import pytest

from clinx.canonical.content import Text
from clinx.canonical.events import Event, PartDelta, PartStarted
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.dialects.openai_chat.stream import ChatTap
from clinx.domain.catalog import StreamEnd
from clinx.errors import UpstreamBroken
from clinx.relay.watching_tap import WatchingTap
from support.codecs import codec_of
from support.fake_upstream import sse
from support.gateway import chunks


class Watcher:
    """Remembers what it saw, and would change all of it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.seen, self.is_closed, self.fails = "", False, fails

    def feed(self, event: Event) -> Sequence[Event]:
        if self.fails:
            raise UpstreamBroken("No.")
        if isinstance(event, PartStarted) and isinstance(event.part, Text):
            self.seen += event.part.text
        if isinstance(event, PartDelta):
            self.seen += event.text
        return ()

    def close(self) -> Sequence[Event]:
        self.is_closed = True
        return ()


STREAM = sse(*chunks("so ", "odd"))


def tap(watcher: Watcher) -> WatchingTap:
    plain = ChatTap(wants_usage=True, end=StreamEnd.DONE)
    return WatchingTap(plain, codec_of(OpenAIChat()).event_decoder(), watcher)


@pytest.mark.parametrize("size", [1, 7, len(STREAM)])
def test_a_stream_is_seen_to_its_end_and_passed_on_as_it_is(size: int) -> None:
    watcher = Watcher()
    watched = tap(watcher)

    told = b"".join(watched.feed(STREAM[at : at + size]) for at in range(0, len(STREAM), size)) + watched.close()

    assert (told + watched.tail, watched.finished, watched.problem) == (STREAM, True, None)
    assert (watcher.seen, watcher.is_closed) == ("so odd", True)


def test_what_cannot_be_looked_at_is_passed_on_all_the_same() -> None:
    watched = tap(Watcher(fails=True))

    assert watched.feed(STREAM) + watched.close() + watched.tail == STREAM
